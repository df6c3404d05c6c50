//! Which of the requests and jobs in the flight recorder are asked for.

use super::query::{Query, wrong};
use super::refusal::Refusal;
use observe_core::context::TraceId;
use observe_core::inspect::Root;
use observe_core::semconv::http;
use observe_core::{Kind, Outcome};

/// The most attributes that are asked for at once.
const ATTRIBUTES: usize = 8;

const OUTCOMES: [Outcome; 4] = [Outcome::Ok, Outcome::Error, Outcome::Cancelled, Outcome::Panicked];

const KINDS: [Kind; 5] = [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];

/// What has to be true of one; what is `None` says nothing.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    trace_id: Option<TraceId>,
    name: Option<String>,
    kind: Option<Kind>,
    method: Option<String>,
    route: Option<String>,
    outcome: Option<Outcome>,
    failed: Option<bool>,
    min_nanos: Option<u64>,
    max_nanos: Option<u64>,
    kept: Option<bool>,
    pinned: Option<bool>,
    /// Names, with the values that they have to have, if it is not enough that they are there.
    attributes: Vec<(String, Option<String>)>,
}

impl Wanted {
    /// The parameters that say so.
    pub(super) const PARAMETERS: &[&str] = &[
        "trace_id",
        "name",
        "kind",
        "method",
        "route",
        "outcome",
        "failed",
        "min_ms",
        "max_ms",
        "kept",
        "pinned",
        "attribute",
    ];

    pub(super) fn take(query: &mut Query) -> Result<Self, Refusal> {
        let trace_id = match query.take("trace_id")? {
            None => None,
            Some(digits) => {
                let id = TraceId::from_hex(digits.as_bytes());
                Some(id.ok_or_else(|| wrong("trace_id", "has 32 hexadecimal digits, in lower case"))?)
            }
        };
        let outcome = one_of(query, "outcome", &OUTCOMES.map(|outcome| (outcome.as_str(), outcome)))?;
        let kind = one_of(query, "kind", &KINDS.map(|kind| (kind.as_str(), kind)))?;
        let attributes =
            query.take_all("attribute", ATTRIBUTES)?.into_iter().map(|pair| match pair.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (pair, None),
            });
        Ok(Self {
            trace_id,
            outcome,
            kind,
            attributes: attributes.collect(),
            name: query.take("name")?,
            method: query.take("method")?,
            route: query.take("route")?,
            failed: query.take_as("failed", "`true` or `false`")?,
            min_nanos: query.millis("min_ms")?,
            max_nanos: query.millis("max_ms")?,
            kept: query.take_as("kept", "`true` or `false`")?,
            pinned: query.take_as("pinned", "`true` or `false`")?,
        })
    }

    /// Whether it is asked for. What is cheap to know is looked at first.
    pub(super) fn admits(&self, root: &Root<'_>) -> bool {
        let nanos = nanos(root);
        self.trace_id.is_none_or(|trace_id| trace_id == root.trace_id())
            && self.outcome.is_none_or(|outcome| outcome == root.outcome())
            && self.kind.is_none_or(|kind| kind == root.kind())
            && self.failed.is_none_or(|failed| failed == is_failed(root))
            && self.min_nanos.is_none_or(|min| nanos >= min)
            && self.max_nanos.is_none_or(|max| nanos <= max)
            && self.kept.is_none_or(|kept| kept == root.kept().is_some())
            && self.pinned.is_none_or(|pinned| pinned == root.is_pinned())
            && self.name.as_ref().is_none_or(|name| name == root.name())
            && is(root, http::REQUEST_METHOD, self.method.as_deref())
            && is(root, http::ROUTE, self.route.as_deref())
            && self.attributes.iter().all(|(name, value)| has(root, name, value.as_deref()))
    }
}

/// The one of these that is named.
fn one_of<T: Copy>(query: &mut Query, parameter: &str, all: &[(&str, T)]) -> Result<Option<T>, Refusal> {
    let Some(given) = query.take(parameter)? else { return Ok(None) };
    let found = all.iter().find(|(name, _)| *name == given).map(|(_, one)| *one);
    found.map(Some).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        wrong(parameter, &format!("is one of {}", names.join(", ")))
    })
}

/// How long it took.
pub(super) fn nanos(root: &Root<'_>) -> u64 {
    root.end_unix_nanos().saturating_sub(root.start_unix_nanos())
}

pub(super) fn is_failed(root: &Root<'_>) -> bool {
    matches!(root.outcome(), Outcome::Error | Outcome::Panicked)
}

/// Whether an attribute of the root has this value, if one is asked for.
fn is(root: &Root<'_>, name: &str, wanted: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    root.attributes().any(|(known, value)| known == name && value.to_string() == wanted)
}

/// Whether an attribute is anywhere in it.
fn has(root: &Root<'_>, name: &str, wanted: Option<&str>) -> bool {
    root.any(|known, value| known == name && wanted.is_none_or(|wanted| value.to_string() == wanted))
}
