//! Requests that a server takes, and no two alike: paths, hosts, user agents, methods, headers.

use crate::marks::{Dice, MARK, SECRET, escaped, text};

/// A request, and what its answer looks like.
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    /// Its method is one that metrics know.
    pub(crate) is_known: bool,
    /// The answer has no body.
    pub(crate) head_only: bool,
    /// It is a call by gRPC, and who answers says the same.
    pub(crate) is_call: bool,
}

const METHODS: [&str; 9] = ["GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];

/// Number `number`, to one of the paths; `{}` in a path is the attacker's text.
pub(crate) fn request(number: u64, paths: &[&str]) -> Request {
    let mut dice = Dice::of(number);
    let (method, is_known) = if dice.one_in(4) {
        (unknown_method(number, &mut dice), false)
    } else {
        (METHODS[dice.below(METHODS.len())].to_owned(), true)
    };
    let text = text(number);
    let template = paths[dice.below(paths.len())];
    // A query cannot have as much as it is as a path can.
    let path = template.replace("{}", &escaped(&text, template.contains('?') || dice.one_in(2)));
    let path = if dice.one_in(50) { format!("{path}{}", "a".repeat(8_000)) } else { path };
    let target = match dice.below(6) {
        0 => format!("{path}?token={SECRET}&{MARK}={number}"),
        1 => format!("http://{MARK}:{SECRET}@{MARK}{number}.example{path}"),
        2 => format!("{path}?{}", escaped(&text, true)),
        _ => path,
    };
    let mut bytes =
        format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", host(number, &mut dice)).into_bytes();
    let mut header = |name: &str, value: &[u8]| {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    };
    let agent = format!("{MARK}/{number} {}", printable(&text));
    header("user-agent", if dice.one_in(10) { b"\xff\xfe\x80" } else { agent.as_bytes() });
    let mut content_type = None;
    for _ in 0..dice.below(4) {
        let (name, value) = odd_header(number, &mut dice);
        if name == "content-type" {
            content_type.get_or_insert_with(|| value.clone());
        }
        header(name, &value);
        if dice.one_in(8) {
            header(name, &value);
        }
    }
    if dice.one_in(3) {
        let (name, value) = secret(&mut dice);
        header(name, value.as_bytes());
    }
    if dice.one_in(40) {
        for more in 0..60 {
            header(&format!("x-{MARK}-{number}-{more}"), text.len().to_string().as_bytes());
        }
    }
    let body = if dice.one_in(5) { format!("{{\"password\":\"{SECRET}\"}}") } else { String::new() };
    if !body.is_empty() {
        header("content-length", body.len().to_string().as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.as_bytes());
    let is_answered = match template {
        "/mirror/{}" => true,
        "/shop.Orders/{}" => method == "POST",
        _ => false,
    };
    let is_call = is_answered && content_type.as_deref() == Some(b"application/grpc");
    Request { bytes, is_known, head_only: method == "HEAD", is_call }
}

/// A method that nobody has heard of.
fn unknown_method(number: u64, dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => format!("{}{number}", MARK.to_uppercase()),
        1 => format!("{MARK}'!#$%&*+-.^_`|~{number}"),
        2 => ["get", "Post", "GETS", "GE"][dice.below(4)].to_owned(),
        3 => format!("{MARK}{}", "M".repeat(300 + dice.below(300))),
        _ => format!("{MARK}{number}"),
    }
}

fn host(number: u64, dice: &mut Dice) -> String {
    match dice.below(6) {
        0 => format!("{MARK}:{SECRET}@{MARK}{number}.example"),
        1 => String::new(),
        2 => format!("[::1]:{}", number % 70_000),
        3 => format!("{}.{MARK}", "a".repeat(2_000)),
        4 => format!("{MARK}\",\"{MARK}forged\":\"{number}"),
        _ => format!("{MARK}{number}.example:80"),
    }
}

/// Without what a header's value cannot have.
fn printable(text: &str) -> String {
    text.chars().filter(|char| !char.is_control() || *char == '\t').collect()
}

/// One that the service reads, with what it should not be.
fn odd_header(number: u64, dice: &mut Dice) -> (&'static str, Vec<u8>) {
    let text = printable(&text(number));
    let name = [
        "traceparent",
        "tracestate",
        "baggage",
        "x-correlation-id",
        "x-request-start",
        "accept",
        "accept-encoding",
        "content-type",
        "x-forwarded-for",
        "forwarded",
        "b3",
        "x-b3-traceid",
        "uber-trace-id",
        "tracestate",
        "traceparent",
        "x-by-proxy",
        "x-keep",
        "x-trace-id",
        "traceresponse",
        "grpc-timeout",
        "te",
        "upgrade",
        "origin",
        "x-real-ip",
    ][dice.below(24)];
    let hex = |digits: usize, seed: u64| {
        let mut dice = Dice::of(seed);
        (0..digits).map(|_| char::from(b"0123456789abcdef"[dice.below(16)])).collect::<String>()
    };
    let (trace, span) = (hex(32, number), hex(16, number + 1));
    let value: Vec<u8> = match (name, dice.below(8)) {
        (_, 0) => text.into_bytes(),
        (_, 1) => vec![0xff, 0xc0, 0x80, b'"', b'}', 0xfe],
        (_, 2) => format!("{MARK}{}", "\"x".repeat(2_000)).into_bytes(),
        (_, 3) => Vec::new(),
        ("traceparent", way) => match way {
            4 => format!("00-{trace}-{span}-01"),
            5 => format!("ff-{trace}-{span}-01"),
            6 => format!("00-{}-{}-01", trace.to_uppercase(), "0".repeat(16)),
            _ => format!("cc-{trace}-{span}-01-{MARK}\"{number}"),
        }
        .into_bytes(),
        ("tracestate", way) => match way {
            4 => (0..40).map(|member| format!("{MARK}{member}={number}")).collect::<Vec<_>>().join(","),
            5 => format!("{MARK}={number}, ,,{MARK}={number}"),
            6 => format!("ot=th:{};rv:{}", hex(14, number), hex(14, number + 2)),
            _ => format!("{MARK}@{}={}", "k".repeat(300), "v".repeat(300)),
        }
        .into_bytes(),
        ("baggage", way) => match way {
            4 => (0..80).map(|member| format!("{MARK}{member}={number}")).collect::<Vec<_>>().join(","),
            5 => format!("{MARK}=%0d%0a%22%7b%ff%zz;{MARK}={number}"),
            6 => format!("{MARK}={}", "v".repeat(9_000)),
            _ => "=,;=;,==".to_owned(),
        }
        .into_bytes(),
        ("x-correlation-id", way) => match way {
            4 => format!("{MARK}-{number}"),
            5 => format!("{MARK}\"\\{{}}{number}"),
            6 => format!("{MARK}{}", "c".repeat(126)),
            _ => format!("{MARK} {number}\t"),
        }
        .into_bytes(),
        ("x-request-start", way) => match way {
            4 => "t=1".to_owned(),
            5 => "t=-99999999999999999999999999.5e308".to_owned(),
            6 => "NaN".to_owned(),
            _ => format!("t={}", u128::MAX),
        }
        .into_bytes(),
        ("x-forwarded-for", _) => format!("{MARK}{number}, 6.6.6.{}", number % 300).into_bytes(),
        ("content-type", way) => match way {
            4 | 5 => "application/grpc".to_owned(),
            6 => "text/event-stream".to_owned(),
            _ => format!("application/{MARK}{number}"),
        }
        .into_bytes(),
        ("b3", _) => format!("{trace}-{span}-d-{MARK}").into_bytes(),
        ("upgrade", _) => MARK.as_bytes().to_vec(),
        _ => format!("{MARK}{number};q=1e999,*/*;q=\"{MARK}\"").into_bytes(),
    };
    (name, value)
}

/// Where credentials are.
fn secret(dice: &mut Dice) -> (&'static str, String) {
    match dice.below(8) {
        0 => ("authorization", format!("Bearer {SECRET}")),
        1 => ("cookie", format!("session={SECRET}; {MARK}={SECRET}")),
        2 => ("proxy-authorization", format!("Basic {SECRET}")),
        3 => ("x-api-key", SECRET.to_owned()),
        4 => ("referer", format!("https://{MARK}:{SECRET}@h/?token={SECRET}")),
        5 => ("x-amz-security-token", SECRET.to_owned()),
        6 => ("set-cookie", format!("session={SECRET}")),
        _ => ("x-csrf-token", SECRET.to_owned()),
    }
}
