//! Views: a family is shown otherwise than it was declared.

mod merge;

pub(crate) use merge::{Pairs, Reshape, show};

use super::buckets::Buckets;
use super::kind::{Kind, Unit};
use super::snapshot::Head;
use crate::error::{self, Error};
use crate::label::name::{label_fault, labels_fault};

/// How one family is shown, where that is not as it was declared: for
/// [`Builder::view`](crate::Builder::view), by the name that it was declared with.
///
/// ```
/// use observe_core::Telemetry;
/// use observe_core::metric::{Buckets, View};
///
/// let duration = View::of("http_server_request_duration_seconds")
///     .rename("shop_request_duration_seconds")
///     .drop_label("network_protocol_version")
///     .rename_label("http_route", "route")
///     .buckets(Buckets::new(&[0.01, 0.1, 1.0]));
/// let telemetry = Telemetry::builder("shop")
///     .view(duration)
///     .view(View::of("http_server_active_requests").drop_family())
///     .build()?;
/// # let _ = telemetry;
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a view does nothing until it is given to `Builder::view`"]
pub struct View {
    metric: String,
    name: Option<String>,
    /// Labels and what they are called; `None` for those that are left out.
    labels: Vec<(String, Option<String>)>,
    buckets: Option<Buckets>,
    is_dropped: bool,
}

impl View {
    /// A view of the family of this name: a counter's ends in `_total`. Without more it changes nothing.
    pub fn of(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), name: None, labels: Vec::new(), buckets: None, is_dropped: false }
    }

    /// Another name, by the rules of the family's kind. The unit stays: a time in seconds cannot be called
    /// `…_milliseconds` or `…_bytes`.
    pub fn rename(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Without this label: series that differ in it alone are added up, the buckets of histograms with them, and of
    /// their exemplars the latest is shown. Where adding up makes no sense (a summary's quantiles, a gauge of a time,
    /// a share or a temperature) it is an error. May be said again.
    pub fn drop_label(mut self, label: impl Into<String>) -> Self {
        self.labels.push((label.into(), None));
        self
    }

    /// Another name for a label. May be said again, for others.
    pub fn rename_label(mut self, label: impl Into<String>, name: impl Into<String>) -> Self {
        self.labels.push((label.into(), Some(name.into())));
        self
    }

    /// Other buckets for a histogram, with [`Buckets::and_native`] exponential ones beside them; they win over those of `#[observed(buckets = …)]`, of `Red::with_buckets` and of a
    /// declaration. They have to be said before the family counts anything; those of a `static` are the process's.
    pub fn buckets(mut self, buckets: Buckets) -> Self {
        self.buckets = Some(buckets);
        self
    }

    /// Does not show the family at all. It is recorded all the same.
    pub fn drop_family(mut self) -> Self {
        self.is_dropped = true;
        self
    }

    pub(crate) fn metric(&self) -> &str {
        &self.metric
    }

    pub(crate) fn new_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether the family is shown at all.
    pub(crate) fn is_shown(&self) -> bool {
        !self.is_dropped
    }

    /// What a label is called; `None` if it is left out.
    pub(crate) fn label<'a>(&'a self, label: &'a str) -> Option<&'a str> {
        renamed(&self.labels, label)
    }

    pub(crate) fn chosen_buckets(&self) -> Option<&Buckets> {
        self.buckets.as_ref()
    }

    /// The rule that it breaks whatever the family is like.
    pub(crate) fn fault(&self) -> Result<(), Error> {
        if self.is_dropped && (self.name.is_some() || !self.labels.is_empty() || self.buckets.is_some()) {
            return Err(self.refuse("what is dropped has no other changes"));
        }
        for (at, (label, name)) in self.labels.iter().enumerate() {
            if self.labels.iter().take(at).any(|(earlier, _)| earlier == label) {
                return Err(self.refuse(&format!("the label `{label}` is changed twice")));
            }
            if let Some(name) = name
                && let Some(fault) = label_fault(name)
            {
                return Err(self.refuse(&format!("the label `{label}` as `{name}`: {fault}")));
            }
        }
        match self.buckets.as_ref().and_then(Buckets::fault) {
            Some(fault) => Err(self.refuse(fault)),
            None => Ok(()),
        }
    }

    /// How a family is shown whose labels are these, or are known only as its series come; `None` if not at all.
    ///
    /// # Errors
    ///
    /// If a change breaks a rule of the family ([`Error::is_invalid`]).
    pub(crate) fn apply(&self, head: &Head<'_>, labels: Option<&[&str]>) -> Result<Option<Shown>, Error> {
        if self.is_dropped {
            return Ok(None);
        }
        let name = self.name.as_deref().unwrap_or(head.name);
        if let Some(fault) = head.kind.name_fault(name) {
            return Err(self.refuse(&format!("the name `{name}`: {fault}")));
        }
        if let (Some(unit), Some(said)) = (head.unit, Unit::of(name))
            && unit != said
        {
            let text = format!("the name `{name}`: it is counted in {}", unit.as_str());
            return Err(self.refuse(&text));
        }
        if self.buckets.is_some() && !matches!(head.kind, Kind::Histogram | Kind::NativeHistogram) {
            return Err(self.refuse(&format!("a {} has no buckets", head.kind.as_str())));
        }
        let shown = Shown {
            name: name.to_owned(),
            unit: head.unit.filter(|unit| unit.ends(name)),
            labels: self.labels.clone(),
        };
        if let Some(labels) = labels {
            if let Some((label, _)) = self.labels.iter().find(|(label, _)| !labels.contains(&label.as_str()))
            {
                return Err(self.refuse(&format!("it has no label `{label}`, but {}", listed(labels))));
            }
            let names: Vec<&str> = labels.iter().filter_map(|label| shown.label(label)).collect();
            if let Some(fault) = labels_fault(&names) {
                return Err(self.refuse(fault));
            }
        }
        if let Some((label, _)) = self.labels.iter().find(|(_, name)| name.is_none())
            && let Some(why) = sum_fault(head)
        {
            return Err(self.refuse(&format!("the label `{label}` cannot be dropped: {why}")));
        }
        Ok(Some(shown))
    }

    pub(crate) fn refuse(&self, fault: &str) -> Error {
        Error::new(error::Kind::Invalid, format!("view of metric `{}`: {fault}", self.metric))
    }
}

/// Why series of a family cannot be added up.
fn sum_fault(head: &Head<'_>) -> Option<&'static str> {
    match (head.kind, head.unit) {
        (Kind::Summary, _) => Some("quantiles cannot be added up"),
        (Kind::Gauge, Some(Unit::Seconds | Unit::Ratio | Unit::Celsius)) => {
            Some("times, shares and temperatures of gauges cannot be added up")
        }
        _ => None,
    }
}

fn listed(labels: &[&str]) -> String {
    if labels.is_empty() { "none at all".to_owned() } else { format!("`{}`", labels.join("`, `")) }
}

/// What a view makes of one family.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    name: String,
    unit: Option<Unit>,
    labels: Vec<(String, Option<String>)>,
}

impl Shown {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What a label is called; `None` if it is left out.
    pub(crate) fn label<'a>(&'a self, label: &'a str) -> Option<&'a str> {
        renamed(&self.labels, label)
    }
}

fn renamed<'a>(labels: &'a [(String, Option<String>)], label: &'a str) -> Option<&'a str> {
    match labels.iter().find(|(of, _)| of == label) {
        Some((_, name)) => name.as_deref(),
        None => Some(label),
    }
}

impl Reshape for Shown {
    fn head<'a>(&'a self, head: &Head<'a>) -> Head<'a> {
        Head::new(&self.name, head.help, head.kind, self.unit)
    }

    fn labels(&self, from: &Pairs, to: &mut Pairs) {
        for (label, value) in from.iter() {
            let Some(name) = self.label(label) else { continue };
            // Of labels that only the series know, one may have the name already.
            let is_taken = name != label
                && from.iter().any(|(other, _)| other == name && self.label(other) == Some(name));
            to.push(if is_taken { label } else { name }, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Head<'static> = Head::new("wait_seconds", "W.", Kind::Histogram, Some(Unit::Seconds));
    const COUNT: Head<'static> = Head::new("jobs_total", "J.", Kind::Counter, None);

    #[test]
    fn what_breaks_a_rule_is_refused_by_name_and_rule() {
        let gauge = |unit| Head::new("g", "G.", Kind::Gauge, unit);
        let summary = Head::new("s", "S.", Kind::Summary, None);
        let known: Option<&[&str]> = Some(&["a", "b"]);
        for (view, head, word) in [
            (View::of("m").rename("x-y"), TIMES, "a-zA-Z"),
            (View::of("m").rename("jobs"), COUNT, "_total"),
            (View::of("m").rename("wait_total"), TIMES, "_total"),
            (View::of("m").rename("wait_bytes"), TIMES, "seconds"),
            (View::of("m").drop_label("c"), TIMES, "no label `c`, but `a`, `b`"),
            (View::of("m").drop_label("le"), TIMES, "no label `le`"),
            (View::of("m").rename_label("a", "b"), TIMES, "once"),
            (View::of("m").rename_label("a", "le"), TIMES, "`le`"),
            (View::of("m").rename_label("a", "x").drop_label("a"), TIMES, "twice"),
            (View::of("m").drop_label("a"), summary, "quantiles"),
            (View::of("m").drop_label("a"), gauge(Some(Unit::Ratio)), "shares"),
            (View::of("m").buckets(Buckets::BYTES), COUNT, "no buckets"),
            (View::of("m").buckets(Buckets::new(&[2.0, 1.0])), TIMES, "increase"),
            (View::of("m").rename("x").drop_family(), TIMES, "other changes"),
        ] {
            let refused = view.fault().and_then(|()| view.apply(&head, known)).unwrap_err();
            let text = refused.to_string();
            assert!(refused.is_invalid() && text.contains("`m`") && text.contains(word), "{text}");
        }
    }

    // Catches: two labels that change names taken for a clash; a unit that the name does not end in.
    #[test]
    fn what_keeps_the_rules_is_shown() {
        let known: Option<&[&str]> = Some(&["a", "b"]);
        let swap = View::of("wait_seconds").rename("wait").rename_label("a", "b").rename_label("b", "a");
        let shown = swap.apply(&TIMES, known).unwrap().unwrap();
        assert_eq!((shown.name(), shown.unit), ("wait", None));
        assert_eq!((shown.label("a"), shown.label("b"), shown.label("c")), (Some("b"), Some("a"), Some("c")));
        let gauge = Head::new("held_bytes", "H.", Kind::Gauge, Some(Unit::Bytes));
        let dropped = View::of("held_bytes").drop_label("a").apply(&gauge, known).unwrap().unwrap();
        assert_eq!((dropped.label("a"), dropped.unit), (None, Some(Unit::Bytes)));
        assert!(View::of("x").drop_family().apply(&COUNT, known).unwrap().is_none());
    }
}
