//! The service as a process, and somebody whom it calls.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// What a call was told of its context.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) trace_id: String,
    pub(crate) parent_id: String,
    pub(crate) flags: u8,
    pub(crate) tracestate: Option<String>,
}

/// The service, for as long as it is held.
pub(crate) struct Service {
    process: Child,
    address: SocketAddr,
    called: SocketAddr,
    calls: Receiver<Vec<(String, String)>>,
}

impl Service {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_fanout"))
            .args(["--listen", "127.0.0.1:0"])
            .env_remove("OTEL_TRACES_SAMPLER")
            .env_remove("OTEL_PROPAGATORS")
            .env_remove("RUST_LOG")
            .env_remove("OBSERVE_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let address = listening(process.stdout.take().unwrap());
        let (called, calls) = callee();
        Self { process, address, called, calls }
    }

    /// Has so many calls made by a request with these headers, written as they stand here.
    pub(crate) fn ask(&self, headers: &[(&str, &str)], calls: usize) -> Vec<Told> {
        let answer = self.post(headers, &format!("[{}]", vec![self.call(); calls].join(",")));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{headers:?}: {answer}");
        let told = self.told();
        assert_eq!(told.len(), calls, "{headers:?}");
        told
    }

    /// What has a call made, as JSON.
    pub(crate) fn call(&self) -> String {
        format!(r#"{{"url":"http://{}/","arguments":[]}}"#, self.called)
    }

    /// What the calls so far were told, that nobody asked for yet.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.calls.try_iter().map(|headers| told(&headers)).collect()
    }

    /// Posts a body, and returns the answer.
    pub(crate) fn post(&self, headers: &[(&str, &str)], body: &str) -> String {
        let mut request = format!(
            "POST /test HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}:{value}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(body);
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads all that the process writes, so that it is never held up, and finds where it listens.
fn listening(output: ChildStdout) -> SocketAddr {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "listening" {
                let _ = found.send(line["address"].as_str().unwrap().parse().unwrap());
            }
        }
    });
    address.recv_timeout(PATIENCE).unwrap()
}

/// Somebody who answers every request with 200, and tells what headers it had.
fn callee() -> (SocketAddr, Receiver<Vec<(String, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tell = tell.clone();
            thread::spawn(move || {
                let mut stream = BufReader::new(stream);
                while let Some(headers) = request(&mut stream) {
                    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                    // Told before the answer: who has the answer finds it.
                    if tell.send(headers).is_err() || stream.get_mut().write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, told)
}

/// The headers of the next request, names in lower case.
fn request(stream: &mut BufReader<TcpStream>) -> Option<Vec<(String, String)>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end_matches(['\r', '\n']) {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<_> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, value)| value);
    stream.read_exact(&mut vec![0; length.parse().ok()?]).ok()?;
    Some(headers)
}

fn told(headers: &[(String, String)]) -> Told {
    let mut once = HashMap::new();
    for (name, value) in headers {
        assert!(once.insert(name.as_str(), value.as_str()).is_none(), "{name} was sent twice");
    }
    let traceparent = once.get("traceparent").expect("a traceparent");
    let parts: Vec<_> = traceparent.split('-').collect();
    let [version, trace_id, parent_id, flags] = parts[..] else { panic!("{traceparent}") };
    let is_id = |id: &str, len| {
        let digits = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        id.len() == len && digits && id.bytes().any(|byte| byte != b'0')
    };
    assert!(
        version == "00" && is_id(trace_id, 32) && is_id(parent_id, 16) && flags.len() == 2,
        "{traceparent}"
    );
    Told {
        trace_id: trace_id.to_owned(),
        parent_id: parent_id.to_owned(),
        flags: u8::from_str_radix(flags, 16).unwrap(),
        tracestate: once.get("tracestate").map(|state| {
            assert!(!state.is_empty(), "an empty list was sent");
            (*state).to_owned()
        }),
    }
}
