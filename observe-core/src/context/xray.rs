//! AWS X-Ray's `X-Amzn-Trace-Id`: `Root=1-{8 digits}-{24 digits};Parent={16 digits};Sampled=1`.

use crate::context::id::{SpanId, TraceId};
use crate::context::rejected::Rejected;
use crate::context::text::trim;
use crate::context::traceparent::{SpanContext, TraceFlags};

/// Reads it, whatever the order of its parts; those that are not known (`Self`, `Lineage`) are passed over. One
/// without `Parent`, as load balancers make it, names no span, and is none that is malformed.
pub(crate) fn parse(header: &[u8]) -> Result<Option<SpanContext>, Rejected> {
    let (mut root, mut parent, mut sampled) = (None, None, None);
    for part in header.split(|&byte| byte == b';').map(trim).filter(|part| !part.is_empty()) {
        let mut halves = part.splitn(2, |&byte| byte == b'=').map(trim);
        let (Some(key), Some(value)) = (halves.next(), halves.next()) else { return Err(Rejected::Format) };
        let place = match key {
            b"Root" => &mut root,
            b"Parent" => &mut parent,
            b"Sampled" => &mut sampled,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(Rejected::Duplicate);
        }
    }
    let trace_id = read_root(root.ok_or(Rejected::TraceId)?)?;
    let flags = match sampled {
        // `?`: the caller asks for a decision.
        None | Some(b"0" | b"?") => TraceFlags::NONE,
        Some(b"1") => TraceFlags::SAMPLED,
        Some(_) => return Err(Rejected::Flags),
    };
    let Some(parent) = parent else { return Ok(None) };
    let span_id = SpanId::from_hex(parent).ok_or(Rejected::ParentId)?;
    Ok(Some(SpanContext { trace_id, span_id, flags }))
}

fn read_root(root: &[u8]) -> Result<TraceId, Rejected> {
    let [version, b'-', rest @ ..] = root else { return Err(Rejected::Format) };
    if *version != b'1' {
        return Err(Rejected::Version);
    }
    let Some((time, rest)) = rest.split_first_chunk::<8>() else { return Err(Rejected::TraceId) };
    let Some((b'-', random)) = rest.split_first() else { return Err(Rejected::TraceId) };
    let Some(random) = random.as_array::<24>() else { return Err(Rejected::TraceId) };
    let mut digits = [0; 32];
    digits[..8].copy_from_slice(time);
    digits[8..].copy_from_slice(random);
    TraceId::from_hex(&digits).ok_or(Rejected::TraceId)
}

/// The header that says this. It is ASCII.
pub(crate) fn write(span: SpanContext) -> [u8; 74] {
    let mut header = *b"Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0";
    let trace_id = span.trace_id.write_hex();
    header[7..15].copy_from_slice(&trace_id[..8]);
    header[16..40].copy_from_slice(&trace_id[8..]);
    header[48..64].copy_from_slice(&span.span_id.write_hex());
    header[73] = super::b3::sampled(span);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each line is a rule; the mutation is to leave its check out of `parse`.
    #[test]
    fn each_rule_has_its_reason() {
        let cases: &[(&str, Result<Option<u8>, Rejected>)] = &[
            ("ROOT;PARENT;Sampled=1", Ok(Some(1))),
            ("ROOT;PARENT;Sampled=0", Ok(Some(0))),
            ("ROOT;PARENT;Sampled=?", Ok(Some(0))),
            ("ROOT;PARENT", Ok(Some(0))),
            ("Sampled=1; PARENT ;Self=1-2-3; ROOT;Lineage=a:0;", Ok(Some(1))),
            ("ROOT", Ok(None)),
            ("ROOT;Sampled=1", Ok(None)),
            ("", Err(Rejected::TraceId)),
            ("PARENT", Err(Rejected::TraceId)),
            ("ROOT;ROOT;PARENT", Err(Rejected::Duplicate)),
            ("ROOT;PARENT;PARENT", Err(Rejected::Duplicate)),
            ("ROOT;PARENT;x", Err(Rejected::Format)),
            ("ROOT;PARENT;Sampled=2", Err(Rejected::Flags)),
            ("ROOT;Parent=53995c3f42cd8aD8", Err(Rejected::ParentId)),
            ("ROOT;Parent=0000000000000000", Err(Rejected::ParentId)),
            ("Root=2-5759e988-bd862e3fe1be46a994272793;PARENT", Err(Rejected::Version)),
            ("Root=5759e988-bd862e3fe1be46a994272793;PARENT", Err(Rejected::Format)),
            ("Root=1-5759e988_bd862e3fe1be46a994272793;PARENT", Err(Rejected::TraceId)),
            ("Root=1-5759e988-bd862e3fe1be46a99427279;PARENT", Err(Rejected::TraceId)),
            ("Root=1-5759e988-bd862e3fe1be46a9942727934;PARENT", Err(Rejected::TraceId)),
            ("Root=1-5759E988-bd862e3fe1be46a994272793;PARENT", Err(Rejected::TraceId)),
            ("Root=1-00000000-000000000000000000000000;PARENT", Err(Rejected::TraceId)),
            ("Root=1;PARENT", Err(Rejected::Format)),
        ];
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        for (header, expected) in cases {
            let header = header.replace("ROOT", root).replace("PARENT", "Parent=53995c3f42cd8ad8");
            let parsed = parse(header.as_bytes());
            assert_eq!(parsed.map(|span| span.map(|span| span.flags.bits())), *expected, "{header}");
            if let Ok(Some(span)) = parsed {
                let written = String::from_utf8(write(span).to_vec()).unwrap();
                let sampled = span.flags.bits();
                assert_eq!(written, format!("{root};Parent=53995c3f42cd8ad8;Sampled={sampled}"));
            }
        }
    }
}
