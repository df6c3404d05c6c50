//! `traceparent`: accepted exactly where Trace Context level 2 says so, and written as it came.

use observe_core::context::SpanContext;

/// A header.
pub fn check(header: &[u8]) {
    let read = SpanContext::parse(header);
    let written = read.map(|span| String::from_utf8(span.write().to_vec()).unwrap());
    assert_eq!(written.clone().ok(), by_the_specification(header), "{:?}", header.escape_ascii().to_string());
    if let Ok(written) = written {
        assert_eq!(SpanContext::parse(written.as_bytes()), read);
    }
}

/// What goes on, by the specification's words: `version "-" trace-id "-" parent-id "-" trace-flags`, and in versions to
/// come something behind another dash.
fn by_the_specification(header: &[u8]) -> Option<String> {
    let header: Vec<u8> = {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t');
        let begins = header.iter().skip_while(is_space).copied().collect::<Vec<u8>>();
        let ends = begins.iter().rev().take_while(is_space).count();
        begins[..begins.len() - ends].to_vec()
    };
    let mut parts = header.splitn(5, |byte| *byte == b'-');
    let mut hex = |digits: usize| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        let good = part.iter().all(|byte| b"0123456789abcdef".contains(byte));
        good.then(|| String::from_utf8(part.to_vec()).unwrap())
    };
    let (version, trace_id, parent_id, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let more = parts.next().is_some();
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    if version == "ff" || (version == "00" && more) || is_zero(&trace_id) || is_zero(&parent_id) {
        return None;
    }
    // Sampled and random are known; other flags are not handed on.
    let flags = u8::from_str_radix(&flags, 16).unwrap() & 0b11;
    Some(format!("00-{trace_id}-{parent_id}-{flags:02x}"))
}
