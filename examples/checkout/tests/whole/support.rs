//! The three processes under test, and what a test asks them.

use processes::Process;
use serde_json::Value;
use std::net::SocketAddr;

pub(crate) use processes::{Answer, Metrics, Other, PATIENCE, Signal, ask, get, installed, send, wait_for};

/// `checkout` with its children. Killed when dropped.
pub(crate) struct Running {
    pub(crate) checkout: SocketAddr,
    pub(crate) payment: SocketAddr,
    pub(crate) inventory: SocketAddr,
    /// With `--metrics`: the listener that closes last.
    pub(crate) metrics: Option<SocketAddr>,
    /// Checkout's admin service.
    pub(crate) admin: SocketAddr,
    process: Process<Vec<Vec<u8>>>,
}

/// What was left when it ended.
pub(crate) struct Ended {
    pub(crate) lines: Vec<Value>,
    /// Standard error, after the addresses.
    pub(crate) errors: String,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    pub(crate) fn start_with(args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = processes::command(env!("CARGO_BIN_EXE_checkout"));
        command.args(["--listen", "127.0.0.1:0"]).args(args).envs(environment.iter().copied());
        let mut process = Process::start(&mut command, |lines| lines.collect());
        let [checkout, payment, inventory] =
            ["checkout", "payment", "inventory"].map(|role| process.address(role));
        let metrics = args.contains(&"--metrics").then(|| process.address("metrics"));
        let admin = process.address("admin");
        Self { checkout, payment, inventory, metrics, admin, process: process.running() }
    }

    /// Asks it to end, and waits until it has. It must end well, with nothing but JSON in its log.
    pub(crate) fn end(self) -> Ended {
        self.signal(Signal::TERM);
        self.ended()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(self) -> Ended {
        let (status, lines, errors) = self.process.ended();
        assert!(status.success(), "{status}: {errors}");
        let parsed = |line: &Vec<u8>| match serde_json::from_slice(line) {
            Ok(value @ Value::Object(_)) => value,
            other => panic!("not a line of JSON: {:?}: {other:?}", String::from_utf8_lossy(line)),
        };
        Ended { lines: lines.iter().map(parsed).collect(), errors }
    }
}

impl Ended {
    pub(crate) fn with<'a>(&'a self, key: &'a str, value: &'a str) -> impl Iterator<Item = &'a Value> {
        self.lines.iter().filter(move |line| line[key] == *value)
    }
}

/// The body of an answer.
pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

pub(crate) fn charge(to: SocketAddr, simulate: &str, headers: &str) -> Option<Answer> {
    ask(to, "POST", "/charge", headers, &order(simulate))
}

pub(crate) fn order(simulate: &str) -> String {
    let simulate = if simulate.is_empty() { Value::Null } else { simulate.into() };
    serde_json::json!({"item": "tea", "quantity": 1, "method": "card", "customer": "ada", "simulate": simulate})
        .to_string()
}
