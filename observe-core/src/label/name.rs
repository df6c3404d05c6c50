//! The one rule for metric and label names.
//!
//! Each rule is a `const fn` that answers the rule that is broken, if any: the derives and `#[metric]` ask it
//! while compiling, registration asks it again for names made at run time.

/// The longest metric name, in bytes.
pub const MAX_METRIC_NAME: usize = 200;

/// The longest label name, in bytes.
pub const MAX_LABEL_NAME: usize = 100;

/// The most labels a metric has.
pub const MAX_LABELS: usize = 32;

/// The rule that `name` breaks as the name of a metric, or `None` if it is a good one.
///
/// A metric name is `[a-zA-Z_][a-zA-Z0-9_]*` of at most 200 bytes, without a leading `__`. The colon that the
/// Prometheus data model also allows is refused: it is reserved for recording rules.
///
/// ```
/// use observe_core::label::name::metric_fault;
/// assert_eq!(metric_fault("orders_total"), None);
/// assert!(metric_fault("orders-total").is_some());
/// ```
#[must_use]
pub const fn metric_fault(name: &str) -> Option<&'static str> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Some("a metric name is not empty");
    }
    if bytes.len() > MAX_METRIC_NAME {
        return Some("a metric name has at most 200 bytes");
    }
    if is_internal(bytes) {
        return Some("a metric name does not begin with `__`: that is reserved for Prometheus");
    }
    if !is_word(bytes) {
        return Some("a metric name matches [a-zA-Z_][a-zA-Z0-9_]* (`:` is reserved for recording rules)");
    }
    None
}

/// The rule that `name` breaks as the name of a label, or `None` if it is a good one.
///
/// A label name is `[a-zA-Z_][a-zA-Z0-9_]*` of at most 100 bytes, without a leading `__`; `le` and `quantile`
/// belong to histograms and summaries.
#[must_use]
pub const fn label_fault(name: &str) -> Option<&'static str> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Some("a label name is not empty");
    }
    if bytes.len() > MAX_LABEL_NAME {
        return Some("a label name has at most 100 bytes");
    }
    if is_internal(bytes) {
        return Some("a label name does not begin with `__`: that is reserved for Prometheus");
    }
    if equal(bytes, b"le") {
        return Some("the label `le` is reserved for the buckets of histograms");
    }
    if equal(bytes, b"quantile") {
        return Some("the label `quantile` is reserved for summaries");
    }
    if !is_word(bytes) {
        return Some("a label name matches [a-zA-Z_][a-zA-Z0-9_]*");
    }
    None
}

/// The rule that a list of label names breaks, if any: each is a good name, none occurs twice, and there are
/// at most 32.
#[must_use]
pub const fn labels_fault(names: &[&str]) -> Option<&'static str> {
    if names.len() > MAX_LABELS {
        return Some("a metric has at most 32 labels");
    }
    let mut i = 0;
    while i < names.len() {
        if let Some(fault) = label_fault(names[i]) {
            return Some(fault);
        }
        let mut j = 0;
        while j < i {
            if equal(names[i].as_bytes(), names[j].as_bytes()) {
                return Some("a label occurs once in a metric");
            }
            j += 1;
        }
        i += 1;
    }
    None
}

/// Whether `name` ends in `suffix`, and has something before it.
pub(crate) const fn has_suffix(name: &str, suffix: &str) -> bool {
    let (name, suffix) = (name.as_bytes(), suffix.as_bytes());
    if name.len() <= suffix.len() {
        return false;
    }
    let (_, tail) = name.split_at(name.len() - suffix.len());
    equal(tail, suffix)
}

const fn is_internal(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && bytes[0] == b'_' && bytes[1] == b'_'
}

const fn is_word(bytes: &[u8]) -> bool {
    let mut i = 0;
    while i < bytes.len() {
        let byte = bytes[i];
        let digit_inside = i > 0 && byte.is_ascii_digit();
        if !(byte.is_ascii_alphabetic() || byte == b'_' || digit_inside) {
            return false;
        }
        i += 1;
    }
    true
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: `:` or `-` allowed, the digit rule dropped, a length limit off by one.
    #[test]
    fn metric_names() {
        for good in ["a", "_a", "orders_total", "A9_", &"x".repeat(200)] {
            assert_eq!(metric_fault(good), None, "{good}");
        }
        for bad in ["", "9a", "a-b", "a:b", "a b", "é", "__a", "a\n", &"x".repeat(201)] {
            assert!(metric_fault(bad).is_some(), "{bad}");
        }
    }

    // Catches: a reserved label let through.
    #[test]
    fn label_names() {
        for good in ["a", "_a", "le_", "quantiles", &"x".repeat(100)] {
            assert_eq!(label_fault(good), None, "{good}");
        }
        for bad in ["", "le", "quantile", "__name__", "9", "a.b", "a:b", &"x".repeat(101)] {
            assert!(label_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn label_lists() {
        assert_eq!(labels_fault(&[]), None);
        assert_eq!(labels_fault(&["a", "b"]), None);
        assert_eq!(labels_fault(&["a", "b", "a"]), Some("a label occurs once in a metric"));
        assert!(labels_fault(&["a"; 33]).is_some());
    }

    #[test]
    fn suffixes() {
        assert!(has_suffix("orders_total", "_total"));
        assert!(!has_suffix("_total", "_total"));
        assert!(!has_suffix("total", "_total"));
    }
}
