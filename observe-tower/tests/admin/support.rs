//! An admin service of a telemetry that saw something, and a client that sends what it is told.

use observe_core::clock::ManualClock;
use observe_core::context::Context;
use observe_core::http_server::HttpRequest;
use observe_core::testing::Captured;
use observe_core::{Builder, Telemetry};
use observe_tower::{Admin, AdminBuilder};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A service, what it shows, and the time that it is there.
pub(crate) struct Shown {
    pub(crate) captured: Captured,
    pub(crate) clock: ManualClock,
    pub(crate) admin: Admin,
}

/// With the usual settings.
pub(crate) fn shown() -> Shown {
    shown_with(|telemetry| telemetry, |admin| admin)
}

pub(crate) fn shown_with(
    telemetry: impl FnOnce(Builder) -> Builder,
    admin: impl FnOnce(AdminBuilder) -> AdminBuilder,
) -> Shown {
    let clock = ManualClock::new();
    clock.set_wall(std::time::UNIX_EPOCH + Duration::from_secs(1_795_000_000));
    let captured = Captured::with(|builder| telemetry(builder.clock(clock.clone())));
    let admin = admin(Admin::builder(captured.telemetry()).address(([127, 0, 0, 1], 0))).start().unwrap();
    Shown { captured, clock, admin }
}

impl Shown {
    pub(crate) fn telemetry(&self) -> &Telemetry {
        self.captured.telemetry()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// The JSON of a view that is there.
    #[track_caller]
    pub(crate) fn view(&self, path: &str) -> Value {
        let answer = self.get(&format!("/api/v1/{path}"));
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[("content-type", "application/json")], body)
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        ask(self.admin.address(), method, path, headers, body)
    }

    /// A request of so long, in a span of which the other things happen.
    pub(crate) fn request(&self, route: &'static str, status: u16, time: Duration, within: impl FnOnce()) {
        let telemetry = self.telemetry();
        telemetry.run(|| {
            let request = HttpRequest::new("POST", route).route(route);
            let mut operation = telemetry.http_server().start(&request, &Context::new());
            operation.within(within);
            self.clock.advance(time);
            operation.status(status);
            operation.finish();
        });
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The rule that a refused request broke.
    pub(crate) fn rule(&self) -> String {
        self.json()["error"]["rule"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends a request of one connection, whose `Host` is the address unless the headers have one.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head += &format!("host: {address}\r\n");
    }
    if !body.is_empty() {
        head += &format!("content-length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    send(address, &format!("{head}\r\n{body}"))
}

/// Sends these bytes, and reads until the end.
pub(crate) fn send(address: SocketAddr, bytes: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    read(&String::from_utf8(answer).unwrap())
}

fn read(answer: &str) -> Answer {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Answer { status, headers, body: body.to_owned() }
}
