//! A round of everything, and how the service looks after it.

use crate::books::Books;
use crate::malformed::{self, Fate};
use crate::marks::{MARK, SECRET, escaped, text};
use crate::target::Target;
use crate::wire::Connection;
use crate::{http2, sweep, vanish};
use processes::{Metrics, ask, get, installed};
use serde_json::json;
use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;

/// How many attack at once.
const ATTACKERS: u64 = 4;
/// Orders go to further services: fewer of them.
const ORDERS: u64 = 40;

/// How a service looks when nobody attacks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sight {
    /// Resident memory of its processes, in bytes, without what the flight recorder has, which is bounded and fills up.
    pub resident: u64,
    /// The flight recorder's memory.
    pub recorder: u64,
    /// Open descriptors of its processes.
    pub descriptors: usize,
    /// Series of its page.
    pub series: usize,
    /// Bytes of its page.
    pub page: usize,
}

/// One round: `requests` that are taken, and everything else so often that it is seen. No text of a round is that of another.
///
/// # Errors
///
/// A connection that broke where none should.
///
/// # Panics
///
/// If an answer is not what it should be.
pub fn attack(target: &Target, round: u64, requests: u64) -> io::Result<Books> {
    let first = round * 1_000_000;
    let mut books = Books::default();
    let each = requests / ATTACKERS;
    let (address, texts) = (target.address, target.paths.texts);
    let swept: Vec<io::Result<Books>> = thread::scope(|scope| {
        let attackers: Vec<_> = (0..ATTACKERS)
            .map(|attacker| scope.spawn(move || sweep(address, texts, first + attacker * each, each)))
            .collect();
        attackers.into_iter().map(|attacker| attacker.join().unwrap()).collect()
    });
    for swept in swept {
        books += swept?;
    }
    for (at, (bytes, fate)) in malformed::cases(first, target.paths.plain).into_iter().enumerate() {
        let status = malformed::send(target.address, &bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        assert_eq!(status.is_some(), fate == Fate::Answered, "case {at}: {shown}");
        match status {
            Some(status) => books.answer(status),
            None => books.refused += 1,
        }
        // Methods that nobody knows are among them.
        books.unknown_methods += u64::from(bytes.starts_with(MARK.repeat(400).as_bytes()));
    }
    books += vanish::all(target, 3)?;
    books += panics(target, first)?;
    books += orders(target, first)?;
    if target.paths.http2 {
        for connection in 0..4 {
            books += http2::sweep(target, first + 500_000 + connection * 1_000, requests / 16)?;
        }
        books += http2::malformed(target)?;
        http2::nonsense(target, first)?;
        books += http2::resets(target, 60)?;
        books += http2::rapid_resets(target, 400)?;
    }
    scrapes(target);
    Ok(books)
}

fn sweep(to: SocketAddr, texts: &[&str], first: u64, requests: u64) -> io::Result<Books> {
    let mut books = Books::default();
    let mut connection = Connection::open(to)?;
    for number in first..first + requests {
        let request = sweep::request(number, texts);
        connection.write(&request.bytes)?;
        let shown = || String::from_utf8_lossy(&request.bytes).into_owned();
        let answer = connection
            .answer(request.head_only)
            .map_err(|error| io::Error::new(error.kind(), format!("{error}: {}", shown())))?;
        assert!(answer.is_observed, "{answer:?}: {}", shown());
        if request.is_call {
            books.calls += 1;
        } else {
            books.answer(answer.status);
            books.unknown_methods += u64::from(!request.is_known);
        }
        if answer.closes {
            connection = Connection::open(to)?;
        }
    }
    Ok(books)
}

/// In the client's words, where the service says them.
fn panics(target: &Target, first: u64) -> io::Result<Books> {
    let mut books = Books::default();
    let Some(path) = target.paths.panics else { return Ok(books) };
    for number in first..first + vanish::BATCH {
        let path = path.replace("{}", &escaped(&text(number), path.contains('?')));
        let mut connection = Connection::open(target.address)?;
        connection.write(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes())?;
        assert_eq!(connection.answer(false)?.status, 500);
        books.panicked += 1;
    }
    Ok(books)
}

/// Orders in the client's words, some of which fail in further services.
fn orders(target: &Target, first: u64) -> io::Result<Books> {
    let mut books = Books::default();
    if !target.paths.orders {
        return Ok(books);
    }
    for number in first..first + ORDERS {
        let customer: String = text(number).chars().take(25).collect();
        let simulate = [None, Some("decline"), Some("fail"), Some("panic")][(number % 4) as usize];
        let order = json!({
            "item": "tea", "quantity": 1, "method": "card", "customer": customer, "shop": text(number + 1),
            "simulate": simulate, "password": SECRET,
        })
        .to_string();
        let head = format!(
            "POST /charge HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             x-correlation-id: {MARK}\"{{{number}\r\nbaggage: {MARK}={SECRET}\r\ncookie: {SECRET}\r\n\
             tracestate: {MARK}={number}\r\n\r\n",
            order.len()
        );
        let mut connection = Connection::open(target.address)?;
        connection.write([head.as_bytes(), order.as_bytes()].concat().as_slice())?;
        let answer = connection.answer(false)?;
        let expected = [201, 402, 502, 502][(number % 4) as usize];
        assert_eq!(answer.status, expected, "{order}");
        books.answer(answer.status);
    }
    Ok(books)
}

/// Who scrapes may be an attacker, too: whatever he accepts, there is a page.
fn scrapes(target: &Target) {
    for accept in [
        "zqx",
        "application/openmetrics-text;version=zqx;q=1e999",
        "*/*;q=-1",
        "text/plain;q=0.0000000001, text/plain;q=zqx",
        ";;;,,,q=",
        "\"zqx",
        &"text/plain,".repeat(5_000),
    ] {
        let headers = format!("accept: {accept}\r\naccept-encoding: zqx, {accept}\r\nx-zqx: zqx\r\n");
        let answer = ask(target.scrape, "GET", "/metrics", &headers, "").map(|answer| answer.status);
        assert_eq!(answer, Some(200), "{accept:.100}");
    }
}

/// How it looks, as soon as there are no more descriptors than `most`.
///
/// # Panics
///
/// If that never comes, or a page has something of the attacker's.
pub fn look(target: &Target, most: usize) -> Sight {
    let family = target.family();
    let descriptors = || {
        let of = |id: &u32| fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count);
        family.iter().map(of).sum::<usize>()
    };
    vanish::quiet(target, descriptors, most);
    let page = get(target.scrape, "/metrics").body;
    pages(target, &page);
    let metrics = Metrics::read(&page);
    let resident: u64 = family.iter().map(|id| resident(*id)).sum();
    // Of further services it is not asked: they have as much at most.
    let recorder = metrics.sum("observe_recorder_memory_bytes", &[]) as u64;
    Sight {
        resident: resident.saturating_sub(recorder),
        recorder,
        descriptors: descriptors(),
        series: metrics.len(),
        page: page.len(),
    }
}

fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let row = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = row.and_then(|row| row.split_whitespace().next()).and_then(|number| number.parse().ok());
    kilobytes.unwrap_or(0_u64) * 1024
}

/// In each of the formats: nothing of the attacker's, and somebody else's parser has nothing to say.
fn pages(target: &Target, page: &str) {
    let openmetrics = "application/openmetrics-text; version=1.0.0";
    let protobuf =
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    for accept in ["text/plain", openmetrics, protobuf] {
        let mut connection = Connection::open(target.scrape).unwrap();
        let request = format!("GET /metrics HTTP/1.1\r\naccept: {accept}\r\nconnection: close\r\n\r\n");
        connection.write(request.as_bytes()).unwrap();
        let page = String::from_utf8_lossy(&connection.read_to_end()).into_owned();
        assert!(!page.contains(SECRET), "a secret in {page}");
        let mut marked: Vec<_> = page.lines().filter(|line| line.contains(MARK)).collect();
        if let Some((label, most)) = target.paths.open_label {
            let before = marked.len();
            // In the third format a line is no sample.
            marked.retain(|line| accept != protobuf && !line.contains(label));
            assert!(accept == protobuf || before - marked.len() <= most, "{before} lines in {page}");
        }
        assert!(marked.is_empty(), "{marked:#?}");
    }
    if installed("promtool") {
        let mut check = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
        let said = check.wait_with_output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}
