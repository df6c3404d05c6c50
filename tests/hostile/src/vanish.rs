//! Clients that are slow, say everything at once, or leave: at every point of a request.

use crate::books::Books;
use crate::marks::MARK;
use crate::target::Target;
use crate::wire::Connection;
use processes::wait_for;
use std::io;
use std::thread;
use std::time::Duration;

/// How many are left behind at once, where it is waited for.
pub(crate) const BATCH: u64 = 20;

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {MARK}\r\nuser-agent: {MARK}\r\n\r\n").into_bytes()
}

fn with_body(line: &str, length: usize, body: &str) -> Vec<u8> {
    format!(
        "{line}\r\nhost: {MARK}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn send(target: &Target, bytes: &[u8]) -> io::Result<Connection> {
    let mut connection = Connection::open(target.address)?;
    connection.write(bytes)?;
    Ok(connection)
}

/// All of them, one after the other.
pub(crate) fn all(target: &Target, times: u64) -> io::Result<Books> {
    let paths = &target.paths;
    let mut books = within_the_head(target, times)?;
    let plain = get(paths.plain);
    let post = format!("POST {} HTTP/1.1", paths.body.unwrap_or(paths.plain));
    for time in 0..times {
        // The head arrives, and the client is gone.
        send(target, &with_body(&post, 100, "{\"item\":\"t"))?.vanish(false);
        send(target, &chunked(&post, "zqx"))?.vanish(false);
        books.open_ended += 2;
        // Without a body hyper may see the end first, and drops what it has not handed to the service yet.
        send(target, &plain)?.vanish(false);
        books.unsure += 1;
        // It only stops talking.
        let mut listening = send(target, &plain)?;
        listening.half_close()?;
        match listening.answer(false) {
            Ok(answer) => books.answer(answer.status),
            Err(_) => books.unsure += 1,
        }
        pipelined(target, 10 + time, &mut books)?;
    }
    slow_body(target, &mut books)?;
    if let Some((line, body)) = paths.stuck {
        before_the_answer(target, &with_body(line, body.len(), body), &mut books)?;
        books.cancelled += BATCH;
    }
    if let Some(path) = paths.body {
        let line = format!("POST {path} HTTP/1.1");
        before_the_answer(target, &with_body(&line, 100, "{\"item\":\"t"), &mut books)?;
        before_the_answer(target, &chunked(&line, "5\r\nhello\r\n"), &mut books)?;
        books.open_ended += 2 * BATCH;
    }
    if let Some([endless, large]) = paths.endless {
        behind_a_stuck_one(target, &mut books)?;
        within_the_answer(target, endless, 1, &mut books)?;
        within_the_answer(target, large, 100_000, &mut books)?;
    }
    if let Some(path) = paths.events {
        within_a_stream(target, &get(path), &mut books)?;
    }
    if let Some(path) = paths.upgrade {
        let upgrade = format!(
            "GET {path} HTTP/1.1\r\nhost: {MARK}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        within_a_stream(target, upgrade.as_bytes(), &mut books)?;
    }
    Ok(books)
}

/// After each byte of it that is not the last. No service sees any of them.
fn within_the_head(target: &Target, times: u64) -> io::Result<Books> {
    let mut books = Books::default();
    for time in 0..times {
        Connection::open(target.address)?.vanish(time % 2 == 0);
        let head = get(&format!("/{MARK}{time}"));
        for bytes in 1..head.len() {
            send(target, &head[..bytes])?.vanish(bytes % 2 == 0);
            books.refused += 1;
        }
    }
    Ok(books)
}

fn chunked(line: &str, chunks: &str) -> Vec<u8> {
    let json = "content-type: application/json";
    format!("{line}\r\nhost: {MARK}\r\n{json}\r\ntransfer-encoding: chunked\r\n\r\n{chunks}").into_bytes()
}

/// Many at once, before the first is answered.
fn pipelined(target: &Target, requests: u64, books: &mut Books) -> io::Result<()> {
    let mut connection = send(target, &get(target.paths.plain).repeat(requests as usize))?;
    for _ in 0..requests {
        let answer = connection.answer(false)?;
        assert!(answer.is_observed);
        books.answer(answer.status);
    }
    Ok(())
}

/// The first is answered, the second never. (Were there a third, hyper would not learn that the client left: it does not
/// read on.)
fn behind_a_stuck_one(target: &Target, books: &mut Books) -> io::Result<()> {
    let (plain, stuck) = (get(target.paths.plain), get("/stuck"));
    let all = [plain, stuck].concat();
    let mut connections = Vec::new();
    for _ in 0..BATCH {
        let mut connection = send(target, &all)?;
        books.answer(connection.answer(false)?.status);
        connections.push(connection);
    }
    leave(target, connections);
    books.cancelled += BATCH;
    Ok(())
}

/// A byte now and then.
fn slow_body(target: &Target, books: &mut Books) -> io::Result<()> {
    let Some(path) = target.paths.body else { return Ok(()) };
    let mut connection = send(target, &with_body(&format!("POST {path} HTTP/1.1"), 30, ""))?;
    for _ in 0..30 {
        connection.write(b"x")?;
        thread::sleep(Duration::from_millis(5));
    }
    books.answer(connection.answer(false)?.status);
    Ok(())
}

/// They are seen in flight, then they are gone.
fn before_the_answer(target: &Target, request: &[u8], _: &mut Books) -> io::Result<()> {
    let connections = (0..BATCH).map(|_| send(target, request)).collect::<io::Result<Vec<_>>>()?;
    leave(target, connections);
    Ok(())
}

fn leave(target: &Target, connections: Vec<Connection>) {
    target.until_in_flight(connections.len() as u64);
    for (at, connection) in connections.into_iter().enumerate() {
        connection.vanish(at % 2 == 0);
    }
    target.until_in_flight(0);
}

fn within_the_answer(target: &Target, path: &str, bytes: usize, books: &mut Books) -> io::Result<()> {
    let all: io::Result<Vec<_>> = (0..BATCH).map(|_| send(target, &get(path))).collect();
    let mut connections = all?;
    for connection in &mut connections {
        // Its head, and so much of its body.
        connection.some(600 + bytes)?;
    }
    leave(target, connections);
    books.cut += BATCH;
    Ok(())
}

/// Their requests have ended with the head.
fn within_a_stream(target: &Target, request: &[u8], books: &mut Books) -> io::Result<()> {
    let mut connections = Vec::new();
    for _ in 0..BATCH {
        let mut connection = send(target, request)?;
        connection.some(12)?;
        let head = connection.exactly(12)?;
        let status = std::str::from_utf8(&head[9..]).ok().and_then(|status| status.parse().ok());
        books.answer(status.ok_or(io::ErrorKind::InvalidData)?);
        connections.push(connection);
    }
    target.until_open(BATCH);
    for (at, mut connection) in connections.into_iter().enumerate() {
        // No frame of WebSockets; to a stream of events it is nothing.
        let _ = connection.write(b"\xff\xff\xff\xffzqx");
        connection.vanish(at % 2 == 0);
    }
    target.until_open(0);
    books.streams += BATCH;
    Ok(())
}

/// Waits until nothing is in flight and nobody holds a connection of the attacker's.
pub(crate) fn quiet(target: &Target, descriptors: impl Fn() -> usize, most: usize) {
    target.until_in_flight(0);
    target.until_open(0);
    wait_for(&format!("at most {most} descriptors"), || (descriptors() <= most).then_some(()));
}
