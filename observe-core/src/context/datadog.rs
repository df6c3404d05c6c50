//! Datadog's headers: `x-datadog-trace-id` (the lower 64 bits, decimal), `x-datadog-parent-id`,
//! `x-datadog-sampling-priority`, and `_dd.p.tid` in `x-datadog-tags` (the upper 64 bits, hexadecimal).

use crate::context::id::{SpanId, TraceId};
use crate::context::rejected::Rejected;
use crate::context::text::{members, trim};
use crate::context::traceparent::{SpanContext, TraceFlags};

const UPPER: &[u8] = b"_dd.p.tid=";

/// Reads the headers in the order above. Without both ids there is no span. Of the tags only `_dd.p.tid` is read;
/// where that is malformed, the trace id is its lower half, as Datadog's libraries have it, and the reason is said.
pub(crate) fn parse(
    [trace_id, parent_id, priority, tags]: [Option<&[u8]>; 4],
) -> Result<Option<(SpanContext, Option<Rejected>)>, Rejected> {
    let (trace_id, parent_id) = match (trace_id, parent_id) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(Rejected::TraceId),
        (Some(_), None) => return Err(Rejected::ParentId),
        (Some(trace_id), Some(parent_id)) => (trace_id, parent_id),
    };
    let lower = decimal(trace_id).filter(|id| *id != 0).ok_or(Rejected::TraceId)?;
    let span_id = decimal(parent_id).and_then(|id| SpanId::from_bytes(id.to_be_bytes()));
    let flags = match priority.map(trim) {
        // The user and the sampler that drop, and the sampler and the user that keep.
        None | Some(b"-1" | b"0") => TraceFlags::NONE,
        Some(b"1" | b"2") => TraceFlags::SAMPLED,
        Some(_) => return Err(Rejected::Flags),
    };
    let (upper, rejected) = match upper(tags.unwrap_or_default()) {
        Ok(upper) => (upper, None),
        Err(rejected) => (0, Some(rejected)),
    };
    let trace_id = u128::from(upper) << 64 | u128::from(lower);
    let trace_id = TraceId::from_bytes(trace_id.to_be_bytes()).ok_or(Rejected::TraceId)?;
    let span = SpanContext { trace_id, span_id: span_id.ok_or(Rejected::ParentId)?, flags };
    Ok(Some((span, rejected)))
}

fn upper(tags: &[u8]) -> Result<u64, Rejected> {
    let mut found = members([tags].into_iter()).filter_map(|tag| tag.strip_prefix(UPPER));
    match (found.next(), found.next()) {
        (None, _) => Ok(0),
        (Some(_), Some(_)) => Err(Rejected::Duplicate),
        (Some(b"0000000000000000"), None) => Ok(0),
        (Some(digits), None) => {
            let id = SpanId::from_hex(digits).ok_or(Rejected::TraceId)?;
            Ok(u64::from_be_bytes(id.to_bytes()))
        }
    }
}

/// Digits and nothing else.
fn decimal(text: &[u8]) -> Option<u64> {
    let text = trim(text);
    let digits = (1..=20).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    if digits { str::from_utf8(text).ok()?.parse().ok() } else { None }
}

/// The values of the headers in the order above, ready to be sent. `None` for a trace that Datadog cannot name: the
/// lower half of its id is zero.
pub(crate) struct Written {
    ids: [itoa::Buffer; 2],
    lower: u64,
    span: u64,
    priority: u8,
    /// With no upper half there is no tag.
    tags: Option<[u8; 26]>,
}

impl Written {
    pub(crate) fn new(span: SpanContext) -> Option<Self> {
        let trace_id = u128::from_be_bytes(span.trace_id.to_bytes());
        let (upper, lower) = ((trace_id >> 64) as u64, trace_id as u64);
        let tags = SpanId::from_bytes(upper.to_be_bytes()).map(|upper| {
            let mut tags = [0; 26];
            tags[..10].copy_from_slice(UPPER);
            tags[10..].copy_from_slice(&upper.write_hex());
            tags
        });
        (lower != 0).then(|| Self {
            ids: [itoa::Buffer::new(); 2],
            lower,
            span: u64::from_be_bytes(span.span_id.to_bytes()),
            priority: super::b3::sampled(span),
            tags,
        })
    }

    pub(crate) fn headers(&mut self) -> [Option<&[u8]>; 4] {
        let [lower, span] = &mut self.ids;
        [
            Some(lower.format(self.lower).as_bytes()),
            Some(span.format(self.span).as_bytes()),
            Some(std::slice::from_ref(&self.priority)),
            self.tags.as_ref().map(<[u8; 26]>::as_slice),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: [&str; 4]) -> Result<Option<(String, String, u8, bool)>, Rejected> {
        let parsed = parse(headers.map(|text| (text != "-").then_some(text.as_bytes())))?;
        Ok(parsed.map(|(span, rejected)| {
            let (trace_id, span_id) = (span.trace_id.to_string(), span.span_id.to_string());
            (trace_id, span_id, span.flags.bits(), rejected.is_some())
        }))
    }

    // Mutation: leaving out a check, or the upper half.
    #[test]
    fn each_rule_has_its_reason() {
        let ok = |upper: &str, sampled, rejected| {
            Ok(Some((format!("{upper}112210f47de98115"), "00f067aa0ba902b7".to_owned(), sampled, rejected)))
        };
        let (trace, parent) = ("1234567890123456789", "67667974448284343");
        let zero = "0000000000000000";
        let upper = "640cfd8d00000000";
        assert_eq!(read([trace, parent, "-", "-"]), ok(zero, 0, false));
        assert_eq!(read([trace, parent, "-1", ""]), ok(zero, 0, false));
        assert_eq!(read([trace, parent, "2", "_dd.p.dm=-4,_dd.p.tid=640cfd8d00000000"]), ok(upper, 1, false));
        for malformed in ["_dd.p.tid=640CFD8D00000000", "_dd.p.tid=64", "_dd.p.tid=1,_dd.p.tid=2"] {
            assert_eq!(read([trace, parent, "1", malformed]), ok(zero, 1, true), "{malformed}");
        }
        assert_eq!(read(["-", "-", "1", "a=b"]), Ok(None));
        assert_eq!(read(["-", parent, "1", "-"]), Err(Rejected::TraceId));
        assert_eq!(read([trace, "-", "1", "-"]), Err(Rejected::ParentId));
        for bad in ["", "0", "-1", "+1", "1a", "18446744073709551616", "000000000000000000001"] {
            assert_eq!(read([bad, parent, "1", "-"]), Err(Rejected::TraceId), "{bad}");
            assert_eq!(read([trace, bad, "1", "-"]), Err(Rejected::ParentId), "{bad}");
        }
        assert_eq!(read([trace, parent, "3", "-"]), Err(Rejected::Flags));
        assert_eq!(read([trace, parent, "", "-"]), Err(Rejected::Flags));
    }

    #[test]
    fn a_trace_with_no_lower_half_is_not_sent() {
        let mut span = SpanContext::root();
        span.trace_id = TraceId::from_hex(b"640cfd8d000000000000000000000000").unwrap();
        assert!(Written::new(span).is_none());
        span.trace_id = TraceId::from_hex(b"000000000000000000000000000000ff").unwrap();
        let mut written = Written::new(span).unwrap();
        let [trace_id, _, _, tags] = written.headers();
        assert_eq!((trace_id, tags), (Some(b"255".as_slice()), None));
    }
}
