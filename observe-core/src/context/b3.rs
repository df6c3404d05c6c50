//! B3, Zipkin's headers (<https://github.com/openzipkin/b3-propagation>): `b3`, and the older `X-B3-*`.

use crate::context::hex;
use crate::context::id::{SpanId, TraceId};
use crate::context::rejected::Rejected;
use crate::context::text::trim;
use crate::context::traceparent::{SpanContext, TraceFlags};

/// Reads a `b3`: `{trace}-{span}`, then maybe `-{sampling}` and `-{parent}`. One that says only how to sample names
/// no span, and is none that is malformed.
pub(crate) fn parse(header: &[u8]) -> Result<Option<SpanContext>, Rejected> {
    let header = trim(header);
    if let [b'0' | b'1' | b'd'] = header {
        return Ok(None);
    }
    let mut parts = header.split(|&byte| byte == b'-');
    let trace_id = trace(parts.next().unwrap_or_default())?;
    let span_id = SpanId::from_hex(parts.next().ok_or(Rejected::Format)?).ok_or(Rejected::ParentId)?;
    let flags = match parts.next() {
        None | Some(b"0") => TraceFlags::NONE,
        Some(b"1" | b"d") => TraceFlags::SAMPLED,
        Some(_) => return Err(Rejected::Flags),
    };
    // The span above the caller's: of no use here.
    if let Some(parent) = parts.next() {
        SpanId::from_hex(parent).ok_or(Rejected::ParentId)?;
    }
    match parts.next() {
        Some(_) => Err(Rejected::Format),
        None => Ok(Some(SpanContext { trace_id, span_id, flags })),
    }
}

/// Reads `X-B3-TraceId`, `X-B3-SpanId`, `X-B3-Sampled` and `X-B3-Flags`. Without both ids there is no span.
pub(crate) fn parse_multi([trace_id, span_id, sampled, flags]: [Option<&[u8]>; 4]) -> Found {
    let (trace_id, span_id) = match (trace_id, span_id) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(Rejected::TraceId),
        (Some(_), None) => return Err(Rejected::ParentId),
        (Some(trace_id), Some(span_id)) => (trim(trace_id), trim(span_id)),
    };
    let sampled = match sampled.map(trim) {
        None | Some(b"0" | b"false") => TraceFlags::NONE,
        Some(b"1" | b"true") => TraceFlags::SAMPLED,
        Some(_) => return Err(Rejected::Flags),
    };
    // `1` is debug, which says that the trace is to be kept.
    let debug = flags.map(trim) == Some(b"1".as_slice());
    let span_id = SpanId::from_hex(span_id).ok_or(Rejected::ParentId)?;
    Ok(Some(SpanContext {
        trace_id: trace(trace_id)?,
        span_id,
        flags: if debug { TraceFlags::SAMPLED } else { sampled },
    }))
}

type Found = Result<Option<SpanContext>, Rejected>;

/// 32 digits, or 16, which are the lower ones.
fn trace(digits: &[u8]) -> Result<TraceId, Rejected> {
    let id = match digits.len() {
        16 => SpanId::from_hex(digits).and_then(|low| {
            let mut bytes = [0; 16];
            bytes[8..].copy_from_slice(&low.to_bytes());
            TraceId::from_bytes(bytes)
        }),
        _ => TraceId::from_hex(digits),
    };
    id.ok_or(Rejected::TraceId)
}

/// The `b3` that says this. It is ASCII.
pub(crate) fn write(span: SpanContext) -> [u8; 51] {
    let mut header = [b'-'; 51];
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&span.trace_id.to_bytes());
    bytes[16..24].copy_from_slice(&span.span_id.to_bytes());
    let digits = hex::write(bytes);
    header[..32].copy_from_slice(&digits[..32]);
    header[33..49].copy_from_slice(&digits[32..48]);
    header[50] = sampled(span);
    header
}

/// `1` or `0`.
pub(crate) fn sampled(span: SpanContext) -> u8 {
    if span.flags.is_sampled() { b'1' } else { b'0' }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    // Each line is a rule; the mutation is to leave its check out of `parse`.
    #[test]
    fn each_rule_of_b3_has_its_reason() {
        let cases: &[(&str, Result<Option<u8>, Rejected>)] = &[
            ("TRACE-SPAN", Ok(Some(0))),
            ("TRACE-SPAN-0", Ok(Some(0))),
            (" TRACE-SPAN-1 ", Ok(Some(1))),
            ("TRACE-SPAN-d", Ok(Some(1))),
            ("TRACE-SPAN-1-05e3ac9a4f6e3b90", Ok(Some(1))),
            ("0", Ok(None)),
            ("1", Ok(None)),
            ("d", Ok(None)),
            ("", Err(Rejected::TraceId)),
            ("2", Err(Rejected::TraceId)),
            ("TRACE", Err(Rejected::Format)),
            ("TRACE-", Err(Rejected::ParentId)),
            ("TRACE-SPAN-", Err(Rejected::Flags)),
            ("TRACE-SPAN-2", Err(Rejected::Flags)),
            ("TRACE-SPAN-1-", Err(Rejected::ParentId)),
            ("TRACE-SPAN-1-05e3ac9a4f6e3b90-", Err(Rejected::Format)),
            ("80F198EE56343BA864FE8B2A57D3EFF7-SPAN", Err(Rejected::TraceId)),
            ("00000000000000000000000000000000-SPAN", Err(Rejected::TraceId)),
            ("0000000000000000-SPAN", Err(Rejected::TraceId)),
            ("TRACE-0000000000000000", Err(Rejected::ParentId)),
        ];
        for (header, expected) in cases {
            let header = header.replace("TRACE", TRACE).replace("SPAN", SPAN);
            let parsed = parse(header.as_bytes());
            assert_eq!(parsed.map(|span| span.map(|span| span.flags.bits())), *expected, "{header}");
            if let Ok(Some(span)) = parsed {
                assert_eq!(write(span)[..49], format!("{TRACE}-{SPAN}").as_bytes()[..]);
            }
        }
        let short = parse(format!("64fe8b2a57d3eff7-{SPAN}").as_bytes()).unwrap().unwrap();
        assert_eq!(short.trace_id.to_string(), "000000000000000064fe8b2a57d3eff7");
    }

    // Mutation: leaving out a check of `parse_multi`.
    #[test]
    fn each_rule_of_x_b3_has_its_reason() {
        let read = |headers: [&str; 4]| {
            parse_multi(headers.map(|text| (text != "-").then_some(text.as_bytes())))
                .map(|span| span.map(|span| span.flags.bits()))
        };
        assert_eq!(read([TRACE, SPAN, "-", "-"]), Ok(Some(0)));
        assert_eq!(read([TRACE, SPAN, "0", "0"]), Ok(Some(0)));
        assert_eq!(read([TRACE, SPAN, "false", "-"]), Ok(Some(0)));
        assert_eq!(read([TRACE, SPAN, "true", "-"]), Ok(Some(1)));
        assert_eq!(read([TRACE, SPAN, " 1 ", "-"]), Ok(Some(1)));
        assert_eq!(read([TRACE, SPAN, "-", "1"]), Ok(Some(1)));
        assert_eq!(read(["-", "-", "1", "-"]), Ok(None));
        assert_eq!(read([TRACE, SPAN, "yes", "-"]), Err(Rejected::Flags));
        assert_eq!(read([TRACE, "-", "1", "-"]), Err(Rejected::ParentId));
        assert_eq!(read(["-", SPAN, "1", "-"]), Err(Rejected::TraceId));
        assert_eq!(read([TRACE, TRACE, "1", "-"]), Err(Rejected::ParentId));
        assert_eq!(read(["", SPAN, "1", "-"]), Err(Rejected::TraceId));
    }
}
