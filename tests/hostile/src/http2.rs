//! Frames of HTTP/2, as they should be and as they should not.

use crate::books::{Books, RESET};
use crate::marks::{Dice, MARK, SECRET, escaped, text};
use crate::target::Target;
use crate::wire::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const CANCEL: [u8; 4] = [0, 0, 0, 8];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header as it is, without a table and without Huffman's code.
fn literal(block: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    block.push(0);
    for text in [name, value] {
        // An integer of 7 bits and more (RFC 7541, 5.1).
        let mut rest = match text.len().checked_sub(127) {
            None => {
                block.push(text.len() as u8);
                block.extend_from_slice(text);
                continue;
            }
            Some(rest) => rest,
        };
        block.push(127);
        while rest >= 128 {
            block.push((rest % 128) as u8 | 128);
            rest /= 128;
        }
        block.push(rest as u8);
        block.extend_from_slice(text);
    }
}

fn block(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in headers {
        literal(&mut bytes, name, value);
    }
    bytes
}

/// The head of a request, with these headers beside it.
fn head(method: &str, path: &str, more: &[(&[u8], &[u8])]) -> Vec<u8> {
    let pseudo: [(&[u8], &[u8]); 4] = [
        (b":method", method.as_bytes()),
        (b":scheme", b"http"),
        (b":path", path.as_bytes()),
        (b":authority", b"zqx.example"),
    ];
    [block(&pseudo), block(more)].concat()
}

/// A connection, and what was said on it.
struct Http2 {
    connection: Connection,
    /// The status of each stream that was answered; 0 for one that is not in HPACK's own table.
    answered: BTreeMap<u32, u16>,
    ended: BTreeSet<u32>,
    reset: BTreeSet<u32>,
    is_over: bool,
}

impl Http2 {
    fn open(to: SocketAddr) -> io::Result<Self> {
        let mut connection = Connection::open(to)?;
        connection.write(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat())?;
        let (answered, ended, reset) = Default::default();
        Ok(Self { connection, answered, ended, reset, is_over: false })
    }

    fn send(&mut self, frames: &[u8]) {
        // The other side may have closed: that is seen when it is read.
        let _ = self.connection.write(frames);
    }

    /// Reads until all of these streams have ended, or nothing more comes.
    fn until_ended(&mut self, streams: impl IntoIterator<Item = u32>) {
        for stream in streams {
            while !self.is_over && !self.ended.contains(&stream) && !self.reset.contains(&stream) {
                self.is_over |= self.step().is_err();
            }
        }
    }

    fn step(&mut self) -> io::Result<()> {
        let head = self.connection.exactly(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let payload = self.connection.exactly(length as usize)?;
        match kind {
            HEADERS => {
                // Behind a new size of the table, if there is one.
                let first = payload.iter().find(|byte| **byte & 0xe0 != 0x20).copied().unwrap_or(0);
                let status = match first & 0x7f {
                    index @ 8..=14 if first & 0x80 != 0 => {
                        [200, 204, 206, 304, 400, 404, 500][usize::from(index) - 8]
                    }
                    _ => 0,
                };
                self.answered.entry(stream).or_insert(status);
            }
            RST_STREAM => drop(self.reset.insert(stream)),
            SETTINGS if flags & ACK == 0 => self.send(&frame(SETTINGS, ACK, 0, &[])),
            PING if flags & ACK == 0 => self.send(&frame(PING, ACK, 0, &payload)),
            GOAWAY => self.is_over = true,
            _ => {}
        }
        if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            self.ended.insert(stream);
        }
        Ok(())
    }
}

/// So many requests on one connection, no two alike.
pub(crate) fn sweep(target: &Target, first: u64, streams: u64) -> io::Result<Books> {
    let mut books = Books::default();
    let mut http2 = Http2::open(target.address)?;
    let mut calls = BTreeSet::new();
    let id = |number: u64| (number * 2 + 1) as u32;
    for number in 0..streams {
        let mut dice = Dice::of(first + number);
        let text = text(first + number);
        let is_call = dice.one_in(6);
        let path = if is_call { "/shop.Orders/{}" } else { ["/hello/{}", "/{}"][dice.below(2)] };
        let path = path.replace("{}", &escaped(&text, dice.one_in(2)));
        let method = match is_call {
            true => "POST".to_owned(),
            false if dice.one_in(4) => format!("{MARK}{number}"),
            false => "GET".to_owned(),
        };
        books.unknown_methods += u64::from(method.starts_with(MARK));
        books.calls += u64::from(is_call);
        let agent = format!("{MARK}/{number}");
        let long = vec![b'z'; 10_000];
        let mut headers: Vec<(&[u8], &[u8])> = vec![
            (b"user-agent", agent.as_bytes()),
            (b"authorization", SECRET.as_bytes()),
            (b"cookie", SECRET.as_bytes()),
            (b"traceparent", b"00-zqx\"}\xff"),
            (b"tracestate", b"zqx=1,zqx=1"),
            (b"x-correlation-id", b"zqx\"\\"),
        ];
        if is_call {
            headers.extend([(&b"content-type"[..], &b"application/grpc"[..]), (b"te", b"trailers")]);
            calls.insert(id(number));
        }
        if dice.one_in(5) {
            headers.push((b"baggage", &long));
        }
        let path = format!("{path}?token={SECRET}");
        http2.send(&frame(HEADERS, END_HEADERS | END_STREAM, id(number), &head(&method, &path, &headers)));
        // Within what the other side lets be open at once.
        if number % 50 == 49 {
            http2.until_ended((0..number).map(id));
        }
    }
    http2.until_ended((0..streams).map(id));
    assert_eq!(http2.answered.len() as u64, streams, "over: {}", http2.is_over);
    for (_, status) in http2.answered.iter().filter(|(stream, _)| !calls.contains(stream)) {
        books.answer(*status);
    }
    Ok(books)
}

/// Heads that no service is to see, and some that it may; each on a connection of its own, as it may end by it.
pub(crate) fn malformed(target: &Target) -> io::Result<Books> {
    let mut books = Books::default();
    let plain = target.paths.plain;
    let rest: [(&[u8], &[u8]); 3] = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/zqx")];
    let large = vec![b'z'; 16_000];
    let blocks: Vec<(Vec<u8>, Option<u16>)> = vec![
        (head("GET", plain, &[(b"X-Zqx", b"1")]), None),
        (head("GET", plain, &[(b"x-zqx", b"a\r\nb: c")]), None),
        (head("GET", plain, &[(b"x-zqx", b"a\0b")]), None),
        (head("GET", plain, &[(b"x zqx", b"1")]), None),
        (head("GET", plain, &[(b"", b"1")]), None),
        (head("GET", plain, &[(b"connection", b"close")]), None),
        (head("GET", plain, &[(b"transfer-encoding", b"chunked")]), None),
        (head("GET", plain, &[(b"te", b"gzip")]), None),
        (head("GET", plain, &[(b":zqx", b"1")]), None),
        (head("GET", plain, &[(b":method", b"GET")]), None),
        (head("GET", plain, &[(b"content-length", b"zqx")]), None),
        (head("GET", "", &[]), None),
        (head("G\r\nT", plain, &[]), None),
        (head("GET", "/zqx\r\nforged: 1", &[]), None),
        (block(&rest[1..]), None),
        // Without a path it is passed on.
        (block(&rest[..2]), Some(404)),
        ([block(&[(b"x-zqx", b"1")]), block(&rest)].concat(), None),
        (vec![0x80], None),
        (vec![0xff; 64], None),
        (vec![0x3f, 0xff, 0xff, 0xff, 0xff, 0x0f], None),
        (head("GET", plain, &[(b"x-zqx", b"\x80\xff")]), Some(200)),
        (head("GET", plain, &[(b"x-zqx", &large)]), Some(200)),
    ];
    for (at, (block, status)) in blocks.into_iter().enumerate() {
        let mut http2 = Http2::open(target.address)?;
        let (first, rest) = block.split_at(block.len().min(16_000));
        if rest.is_empty() {
            http2.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, first));
        } else {
            http2.send(&frame(HEADERS, END_STREAM, 1, first));
            http2.send(&frame(CONTINUATION, END_HEADERS, 1, rest));
        }
        http2.until_ended([1]);
        assert_eq!(http2.answered.get(&1).copied(), status, "case {at}");
        match status {
            Some(status) => books.answer(status),
            None => books.refused += 1,
        }
    }
    Ok(books)
}

/// Frames that are no requests, too many of them, or none at all.
pub(crate) fn nonsense(target: &Target, number: u64) -> io::Result<()> {
    let mut dice = Dice::of(number);
    let noise: Vec<u8> = (0..32 * 1024).map(|_| dice.next() as u8).collect();
    let open = frame(HEADERS, 0, 1, &head("GET", target.paths.plain, &[]));
    let more = frame(CONTINUATION, 0, 1, &block(&[(b"x-zqx", b"1")]));
    for bytes in [
        noise.clone(),
        frame(SETTINGS, 0, 0, &noise[..7]),
        [0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1].to_vec(),
        frame(DATA, 0, 0, b"zqx"),
        frame(DATA, END_STREAM, 1, b"zqx"),
        frame(HEADERS, END_HEADERS, 2, &head("GET", "/zqx", &[])),
        frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
        frame(SETTINGS, 0, 0, &[]).repeat(1_000),
        frame(PING, 0, 0, &[1; 8]).repeat(1_000),
        frame(0x2a, 0xff, 0, &noise[..1_000]),
        [open.clone(), more.repeat(2_000)].concat(),
        [open.clone(), frame(PING, 0, 0, &[0; 8])].concat(),
        // Left within a head: between its frames, and within one.
        open.clone(),
        open[..open.len() - 3].to_vec(),
    ] {
        let mut http2 = Http2::open(target.address)?;
        http2.send(&bytes);
        let _ = http2.step();
        http2.connection.vanish(dice.one_in(2));
    }
    Ok(())
}

/// Streams that are answered never: reset one by one, and with their connection.
pub(crate) fn resets(target: &Target, streams: u64) -> io::Result<Books> {
    let mut books = Books::default();
    for one_by_one in [true, false] {
        let mut http2 = Http2::open(target.address)?;
        let ids: Vec<u32> = (0..streams).map(|number| number as u32 * 2 + 1).collect();
        for id in &ids {
            http2.send(&frame(HEADERS, END_HEADERS | END_STREAM, *id, &head("GET", "/stuck", &[])));
        }
        target.until_in_flight(streams);
        if one_by_one {
            for id in &ids {
                http2.send(&frame(RST_STREAM, 0, *id, &CANCEL));
            }
            target.until_in_flight(0);
        }
        drop(http2);
        target.until_in_flight(0);
        books.cancelled += streams;
    }
    Ok(books)
}

/// Streams that are reset in the moment in which they are opened (CVE-2023-44487).
pub(crate) fn rapid_resets(target: &Target, streams: u64) -> io::Result<Books> {
    let mut http2 = Http2::open(target.address)?;
    for number in 0..streams {
        let id = number as u32 * 2 + 1;
        let head = frame(HEADERS, END_HEADERS | END_STREAM, id, &head("GET", RESET, &[]));
        http2.send(&[head, frame(RST_STREAM, 0, id, &CANCEL)].concat());
    }
    http2.send(&frame(PING, 0, 0, &[0; 8]));
    let _ = http2.step();
    drop(http2);
    target.until_in_flight(0);
    Ok(Books { reset: streams, ..Books::default() })
}
