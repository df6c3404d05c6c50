//! Heads that a server refuses, and those that it takes though they look odd.

use crate::marks::{MARK, SECRET};
use crate::wire::Connection;
use std::net::SocketAddr;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The server itself refuses it: no service has seen it.
    Refused,
    /// The service answers it.
    Answered,
}

/// What is sent on a connection of its own, and what becomes of it.
pub(crate) fn cases(number: u64, path: &str) -> Vec<(Vec<u8>, Fate)> {
    use Fate::{Answered, Refused};
    let close = "connection: close";
    let line = |line: &str, headers: &str| format!("{line}\r\n{headers}{close}\r\n\r\n").into_bytes();
    let get = |headers: &str| line(&format!("GET {path} HTTP/1.1"), headers);
    let raw = |header: &[u8]| {
        let head = format!("GET {path} HTTP/1.1\r\n{close}\r\nx-{MARK}: ").into_bytes();
        [&head[..], header, b"\r\n\r\n"].concat()
    };
    let many = |count: usize| (0..count).map(|at| format!("x-{MARK}-{at}: {number}\r\n")).collect::<String>();
    vec![
        // The request line.
        (format!("{MARK} {number}\r\n\r\n").into_bytes(), Refused),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), Refused),
        (line(&format!("GET  {path} HTTP/1.1"), ""), Refused),
        (line(&format!("GET {path} HTTP/3.0"), ""), Refused),
        (line(&format!("GET {path}"), ""), Refused),
        (line(&format!("G\u{e9}T {path} HTTP/1.1"), ""), Refused),
        (line(&format!("GET {path} {MARK} HTTP/1.1"), ""), Refused),
        (line(&format!("GET /{MARK}\u{0} HTTP/1.1"), ""), Refused),
        (line(&format!("GET {MARK} HTTP/1.1"), ""), Answered),
        (line(&format!("GET /{} HTTP/1.1", "a".repeat(70_000)), ""), Refused),
        (line(&format!("GET /{MARK}{} HTTP/1.1", "a".repeat(60_000)), ""), Answered),
        (line(&format!("GET http://{MARK}:{SECRET}@h:1/{MARK} HTTP/1.1"), ""), Answered),
        (line("OPTIONS * HTTP/1.1", ""), Answered),
        (line(&format!("CONNECT {MARK}:80 HTTP/1.1"), ""), Answered),
        (line(&format!("{} {path} HTTP/1.1", MARK.repeat(400)), ""), Answered),
        (line(&format!("GET {path} HTTP/1.0"), ""), Answered),
        (line(&format!("\r\n\r\nGET {path} HTTP/1.1"), ""), Answered),
        (format!("GET {path} HTTP/1.1\n{close}\nx-{MARK}: {number}\n\n").into_bytes(), Answered),
        // Headers.
        (get(&format!("x-{MARK} : 1\r\n")), Refused),
        (get(&format!("traceparent: 00-{MARK}\r\n folded-{MARK}\r\n")), Refused),
        (get(&format!("\tx-{MARK}: 1\r\n")), Refused),
        (get(&format!("{MARK}\r\n")), Refused),
        (get(": 1\r\n"), Refused),
        (get(&format!("x-{MARK}\u{e9}: 1\r\n")), Refused),
        (raw(b"a\0b"), Refused),
        (raw(b"a\rb"), Refused),
        (raw(b"a\x1b[31mb"), Refused),
        (raw(b"\x80\xff\xfe"), Answered),
        (raw(b"\t\"}{\t"), Answered),
        (get(&many(101)), Refused),
        (get(&many(98)), Answered),
        (get(&format!("x-{MARK}: {}\r\n", "a".repeat(1_000_000))), Refused),
        (get(&format!("traceparent: {MARK}{}\r\n", "a".repeat(100_000))), Answered),
        (get(&format!("host: {MARK}\r\nhost: {number}\r\n")), Answered),
        (
            get(&format!(
                "content-length: 0\r\ncontent-length: 0\r\ntracestate: {MARK}=1\r\ntracestate: {MARK}=2\r\n"
            )),
            Answered,
        ),
        // Bodies that the head lies about.
        (get("content-length: 1\r\ncontent-length: 2\r\n"), Refused),
        (get("content-length: -1\r\n"), Refused),
        (get("content-length: 1e3\r\n"), Refused),
        (get("content-length: 99999999999999999999999\r\n"), Refused),
        (get("transfer-encoding: gzip\r\n"), Refused),
        (get(&format!("transfer-encoding: {MARK}, chunked, identity\r\n")), Refused),
        (get("upgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"), Answered),
    ]
}

/// Sends one: the status, if the service answered.
pub(crate) fn send(to: SocketAddr, bytes: &[u8]) -> Option<u16> {
    let mut connection = Connection::open(to).ok()?;
    // It may be refused, and the connection closed, before all of it is sent.
    let _ = connection.write(bytes);
    let answer = connection.answer(false).ok()?;
    answer.is_observed.then_some(answer.status)
}
