//! The three processes under test, and what a test asks them.

use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// `checkout` with its children. Killed when dropped.
pub(crate) struct Running {
    pub(crate) checkout: SocketAddr,
    pub(crate) payment: SocketAddr,
    pub(crate) inventory: SocketAddr,
    /// With `--metrics`: the listener that closes last.
    pub(crate) metrics: Option<SocketAddr>,
    process: Child,
    lines: Option<JoinHandle<Vec<String>>>,
    errors: Option<JoinHandle<String>>,
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
        let mut process = Command::new(env!("CARGO_BIN_EXE_checkout"))
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .env_remove("RUST_LOG")
            .env_remove("OBSERVE_LOG")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let lines = thread::spawn(move || stdout.lines().map_while(Result::ok).collect());
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut address = |role: &str| -> SocketAddr {
            let mut line = String::new();
            stderr.read_line(&mut line).unwrap();
            let address =
                line.trim_end().strip_prefix(role).and_then(|rest| rest.trim().strip_prefix("http://"));
            address.unwrap_or_else(|| panic!("no address of {role} in {line:?}")).parse().unwrap()
        };
        let [checkout, payment, inventory] = ["checkout", "payment", "inventory"].map(&mut address);
        let metrics = args.contains(&"--metrics").then(|| address("metrics"));
        let errors = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Self { checkout, payment, inventory, metrics, process, lines: Some(lines), errors: Some(errors) }
    }

    /// Asks it to end, and waits until it has. It must end well, with nothing but JSON in its log.
    pub(crate) fn end(self) -> Ended {
        self.signal(rustix::process::Signal::TERM);
        self.ended()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.process), signal).unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(mut self) -> Ended {
        let status = wait_for("the end", || self.process.try_wait().unwrap());
        let errors = self.errors.take().unwrap().join().unwrap();
        assert!(status.success(), "{status}: {errors}");
        let lines = self.lines.take().unwrap().join().unwrap();
        let parsed = |line: &String| match serde_json::from_str(line) {
            Ok(value @ Value::Object(_)) => value,
            other => panic!("not a line of JSON: {line:?}: {other:?}"),
        };
        Ended { lines: lines.iter().map(parsed).collect(), errors }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The children end with the pipe that they read.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Ended {
    pub(crate) fn with<'a>(&'a self, key: &'a str, value: &'a str) -> impl Iterator<Item = &'a Value> {
        self.lines.iter().filter(move |line| line[key] == *value)
    }
}

/// Asks again and again until there is an answer.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited too long for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// One request on a connection of its own (HTTP/1.0: the answer ends with it). `None`: no whole answer came back.
pub(crate) fn ask(to: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Option<Answer> {
    let mut stream = send(to, method, path, headers, body)?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// Sends a request and leaves the answer to the caller.
pub(crate) fn send(to: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(to).ok()?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: {to}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    Some(stream)
}

pub(crate) fn get(to: SocketAddr, path: &str) -> Answer {
    ask(to, "GET", path, "", "").unwrap_or_else(|| panic!("no answer to GET {path}"))
}

pub(crate) fn charge(to: SocketAddr, simulate: &str, headers: &str) -> Option<Answer> {
    ask(to, "POST", "/charge", headers, &order(simulate))
}

pub(crate) fn order(simulate: &str) -> String {
    let simulate = if simulate.is_empty() { Value::Null } else { simulate.into() };
    serde_json::json!({"item": "tea", "quantity": 1, "method": "card", "customer": "ada", "simulate": simulate})
        .to_string()
}

/// What stands on a `/metrics` page.
pub(crate) struct Metrics(Vec<(String, HashMap<String, String>, f64)>);

impl Metrics {
    pub(crate) fn of(service: SocketAddr) -> Self {
        let answer = get(service, "/metrics");
        assert_eq!(answer.status, 200);
        Self::read(&answer.body)
    }

    pub(crate) fn read(page: &str) -> Self {
        Self(page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(sample).collect())
    }

    /// The sum of the samples of this name that have all these labels. No label value of ours contains `"` or `,`.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |found: &HashMap<String, String>| {
            labels.iter().all(|(name, value)| found.get(*name).map_or("", String::as_str) == *value)
        };
        self.0.iter().filter(|(found, has, _)| found == name && fits(has)).map(|sample| sample.2).sum()
    }
}

fn sample(line: &str) -> (String, HashMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value in {line:?}"));
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let label = |text: &str| {
        let (name, value) = text.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('"').to_owned()))
    };
    let labels = labels.trim_end_matches('}').split(',').filter_map(label).collect();
    (name.to_owned(), labels, value.parse().unwrap_or_else(|_| panic!("not a number in {line:?}")))
}

/// Whether a program that a test needs is there. In CI it must be.
pub(crate) fn installed(program: &str) -> bool {
    let there =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "{program} is not installed, and in CI it must be");
        eprintln!("skipped: {program} is not installed");
    }
    there
}

/// A program of somebody else, killed when dropped.
pub(crate) struct Other(pub(crate) Child);

impl Other {
    pub(crate) fn start(command: &mut Command, output: &Path) -> Self {
        let output = std::fs::File::create(output).unwrap();
        Self(command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
