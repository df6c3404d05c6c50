//! Names from elsewhere, made into ours.

use std::borrow::Cow;

use crate::label::MAX_LABELS;
use crate::label::name::{has_suffix, label_fault, labels_fault, metric_fault};
use crate::metric::{Kind, Pair};

/// The name of a metric: what is no letter, digit or `_` becomes `_`, and a counter's ends in `_total`.
///
/// It may still break a rule: by being empty, or too long.
pub(super) fn metric_name(kind: Kind, name: &str) -> String {
    let mut word = if metric_fault(name).is_none() { name.to_owned() } else { word(name) };
    match kind {
        Kind::Counter if !word.is_empty() && !word.ends_with("_total") => word.push_str("_total"),
        Kind::Counter => {}
        _ if has_suffix(&word, "_total") => word.truncate(word.len() - "_total".len()),
        _ => {}
    }
    word
}

fn label_name(name: &str) -> Cow<'_, str> {
    match label_fault(name) {
        None => Cow::Borrowed(name),
        // Of buckets and of quantiles.
        Some(_) if matches!(name, "le" | "quantile") => Cow::Owned(format!("{name}_")),
        Some(_) => Cow::Owned(word(name)),
    }
}

fn word(name: &str) -> String {
    let mut word = String::with_capacity(name.len() + 1);
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        word.push('_');
    }
    for char in name.chars() {
        let char = if char.is_ascii_alphanumeric() { char } else { '_' };
        // `__` at the beginning is Prometheus's own.
        if !(char == '_' && word == "_") {
            word.push(char);
        }
    }
    word
}

/// Labels as a family wants them: in order, no name twice (the last value counts), none without a value. `None` if a
/// rule is broken all the same: by an empty or a long name, or by more than 32 labels.
pub(super) fn labels<'a>(said: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> Option<Vec<Pair<'a>>> {
    if said.len() > MAX_LABELS {
        return None;
    }
    let mut labels: Vec<Pair<'a>> = Vec::with_capacity(said.len());
    for (name, value) in said {
        let (name, value) = (label_name(name), Cow::Borrowed(value));
        match labels.iter_mut().find(|(known, _)| *known == name) {
            Some(label) => label.1 = value,
            None => labels.push((name, value)),
        }
    }
    labels.retain(|(_, value)| !value.is_empty());
    labels.sort_unstable();
    let names: Vec<&str> = labels.iter().map(|(name, _)| &**name).collect();
    labels_fault(&names).is_none().then_some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: `:` let through, a `_total` twice, a leading digit or `__`.
    #[test]
    fn metric_names() {
        for (kind, said, made) in [
            (Kind::Counter, "http.requests", "http_requests_total"),
            (Kind::Counter, "orders_total", "orders_total"),
            (Kind::Counter, "", ""),
            (Kind::Gauge, "a:b-c d/é", "a_b_c_d__"),
            (Kind::Gauge, "jobs_total", "jobs"),
            (Kind::Gauge, "__x", "_x"),
            (Kind::Gauge, "::x", "_x"),
            (Kind::Histogram, "9lives", "_9lives"),
        ] {
            assert_eq!(metric_name(kind, said), made);
        }
    }

    // Catches: an order that makes two series of one set; a label twice; one that is a bucket's.
    #[test]
    fn label_sets() {
        let made = |said: &[(&'static str, &'static str)]| {
            let labels = labels(said.iter().copied())?;
            Some(labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(","))
        };
        assert_eq!(made(&[("b", "1"), ("a.x", "2")]).unwrap(), "a_x=2,b=1");
        assert_eq!(made(&[("a.x", "1"), ("a_x", "2"), ("c", "")]).unwrap(), "a_x=2");
        assert_eq!(made(&[("le", "1"), ("quantile", "2"), ("__a", "3")]).unwrap(), "_a=3,le_=1,quantile_=2");
        assert_eq!(made(&[("", "1")]), None);
        assert_eq!(made(&[("a", "1"); 33]), None);
        let long: &'static str = "x".repeat(101).leak();
        assert_eq!(made(&[(long, "1")]), None);
    }
}
