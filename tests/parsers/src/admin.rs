//! The admin service's inputs, by its own door: whatever is asked, the answer is one JSON object, and nothing fails within.

use crate::json::Json;
use crate::pieces::Texts;
use observe_core::{Operation, Sampling, Telemetry, annotate};
use observe_tower::Admin;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{LazyLock, Mutex, PoisonError};

/// One that has something to tell, and a connection to it.
struct Asked {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
    _admin: (Telemetry, Admin),
}

static ASKED: LazyLock<Mutex<Asked>> = LazyLock::new(|| {
    let telemetry = Telemetry::builder("fuzzed").sampling(Sampling::always()).without_log().build().unwrap();
    telemetry.run(|| {
        for tenant in ["acme", "\u{1}\"\\"] {
            let failed = Operation::builder("place order").start().run_result(|| {
                tracing::info!(order.id = 17, "order placed");
                annotate("tenant", tenant);
                Err::<(), _>("out of \"stock\"")
            });
            assert!(failed.is_err());
        }
    });
    let admin =
        Admin::builder(&telemetry).address(([127, 0, 0, 1], 0)).allow_level_changes().start().unwrap();
    Mutex::new(Asked { address: admin.address(), connection: None, _admin: (telemetry, admin) })
});

/// Those of `/api/v1/` that end.
const VIEWS: [&str; 14] = [
    "about",
    "overview",
    "in-flight",
    "traces",
    "slice",
    "dependencies",
    "functions",
    "resources",
    "labels",
    "drops",
    "exemplars",
    "levels",
    "snapshots",
    "traces/",
];

/// What cannot stand in a target as it is.
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'#').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// The method and the view, each by a number; what stands behind the view; a query; a header; and a body.
pub fn check(data: &[u8]) {
    let mut texts = Texts::of(data);
    let (method, view) = (texts.number(), usize::from(texts.number()));
    let (behind, query, name, value) = (texts.text(), texts.text(), texts.text(), texts.text());
    let body = texts.text();

    let method = ["GET", "POST", "HEAD", "PUT", "OPTIONS"][usize::from(method) % 5];
    let escaped = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let path = match VIEWS.get(view % (VIEWS.len() + 1)) {
        Some(view) => format!("/api/v1/{view}{}", escaped(&behind)),
        None => format!("/{}", escaped(&behind)),
    };
    if path.starts_with("/api/v1/events") {
        return;
    }
    let mut head = format!("{method} {path}?{} HTTP/1.1\r\n", escaped(&query));
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // What frames a message is hyper's to read.
    let frames = ["content-length", "transfer-encoding", "connection", "expect", "upgrade", "te", "trailer"];
    if is_token(&name) && !frames.contains(&name.to_ascii_lowercase().as_str()) {
        let value: String = value.chars().filter(|char| !char.is_control()).collect();
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !head.to_ascii_lowercase().contains("\nhost:") {
        head.push_str("host: localhost\r\n");
    }
    if method == "POST" && !head.to_ascii_lowercase().contains("\ncontent-type:") {
        head.push_str("content-type: application/json\r\n");
    }
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());

    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    // It may have been closed meanwhile: once more, on a new one.
    let answer = asked.ask(&request, method).or_else(|_| asked.ask(&request, method));
    let Answer { status, kind, body } =
        answer.unwrap_or_else(|error| panic!("no answer to {request}: {error}"));
    drop(asked);
    assert!((200..500).contains(&status) || [503, 504].contains(&status), "{status} to {request}: {body}");
    // hyper's own refusals have no body, and the console is what a browser reads.
    let is_page = kind.starts_with("text/") && status == 200 && !path.starts_with("/api/");
    if !body.is_empty() && !is_page {
        assert_eq!(kind, "application/json", "{request}");
        assert!(matches!(Json::read(&body), Json::Object(_)), "{body}");
    }
    if status == 200 && method == "GET" {
        assert!(!body.is_empty(), "{request}");
    }
}

/// An answer, as far as it is looked at.
struct Answer {
    status: u16,
    kind: String,
    body: String,
}

impl Asked {
    fn ask(&mut self, request: &str, method: &str) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(self.address)?),
        };
        connection.get_mut().write_all(request.as_bytes())?;
        let (mut status, mut kind, mut length, mut closes) = (None, String::new(), 0, false);
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if status.is_none() {
                let number = line.split(' ').nth(1).and_then(|number| number.parse().ok());
                status = Some(number.ok_or(io::ErrorKind::InvalidData)?);
            } else if let Some(said) = line.strip_prefix("content-length: ") {
                length = said.parse().map_err(|_| io::ErrorKind::InvalidData)?;
            } else if let Some(said) = line.strip_prefix("content-type: ") {
                kind = said.to_owned();
            } else if line == "connection: close" {
                closes = true;
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; if method == "HEAD" { 0 } else { length }];
        connection.read_exact(&mut body)?;
        self.connection = (!closes).then_some(connection);
        let body = String::from_utf8(body).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Answer { status: status.unwrap_or_default(), kind, body })
    }
}
