//! What is attacked.

use crate::log::Log;
use crate::vanish::BATCH;
use otlp_tests::Collector;
use processes::{Metrics, Process, Signal, wait_for};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// A service, or three, and which of its paths do what.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    pub(crate) address: SocketAddr,
    /// Where `/metrics` is.
    pub(crate) scrape: SocketAddr,
    pub(crate) paths: Paths,
    process: Process<Log>,
    end: Signal,
    /// How many descriptors more than at its start it may keep.
    pub(crate) keeps: usize,
    /// Where its spans go.
    pub(crate) collector: Option<Collector>,
    /// Where its snapshots go.
    pub(crate) folder: Option<tempfile::TempDir>,
}

/// The paths of a service; `{}` is the attacker's text.
#[derive(Clone, Copy)]
pub(crate) struct Paths {
    /// Answered at once, whatever the text.
    pub(crate) texts: &'static [&'static str],
    /// Answered at once, to `GET`.
    pub(crate) plain: &'static str,
    /// Reads its body, to `POST`.
    pub(crate) body: Option<&'static str>,
    /// Not answered before the client has left: the line and the body of such a request.
    pub(crate) stuck: Option<(&'static str, &'static str)>,
    /// A stream of events.
    pub(crate) events: Option<&'static str>,
    /// An answer that is no stream and has no end, and one that is larger than what sockets hold.
    pub(crate) endless: Option<[&'static str; 2]>,
    pub(crate) panics: Option<&'static str>,
    /// WebSockets.
    pub(crate) upgrade: Option<&'static str>,
    /// Takes orders, which go to further services.
    pub(crate) orders: bool,
    pub(crate) http2: bool,
    /// A label of which the program itself says that clients write it, and how many texts of it are kept apart.
    pub(crate) open_label: Option<(&'static str, usize)>,
}

const NOTHING: Paths = Paths {
    texts: &["/{}"],
    plain: "/",
    body: None,
    stuck: None,
    events: None,
    endless: None,
    panics: None,
    upgrade: None,
    orders: false,
    http2: false,
    open_label: None,
};

impl Target {
    /// The three services of `examples/checkout`.
    #[must_use]
    pub fn checkout(program: &Path) -> Self {
        let mut command = processes::command(program);
        command.args(["--listen", "127.0.0.1:0", "--load", "0"]);
        let services = &["checkout", "payment", "inventory"];
        let mut process = Process::start(&mut command, |lines| Log::read(services, lines));
        let [address, _, _] = ["checkout", "payment", "inventory"].map(|name| process.address(name));
        let paths = Paths {
            texts: &["/{}", "/wp-admin/{}", "/orders/{}", "/fail?how={}", "/panic?now={}", "/events/{}"],
            plain: "/orders/99999999",
            body: Some("/charge"),
            stuck: Some((
                "POST /charge HTTP/1.1",
                "{\"item\":\"tea\",\"quantity\":1,\"method\":\"card\",\"customer\":\"zqx\",\"simulate\":\"hang\"}",
            )),
            events: Some("/events"),
            panics: Some("/panic?now=true&zqx={}"),
            upgrade: Some("/ws"),
            orders: true,
            open_label: Some((",branch=\"zqx", 20)),
            ..NOTHING
        };
        let (process, scrape) = (process.running(), address);
        // Connections to further services are kept for the next request, at most as many as were needed at once: two of
        // each order, with both their ends. And the database's files.
        let keeps = 4 * BATCH as usize + 16;
        let (end, collector, folder) = (Signal::TERM, None, None);
        Self { name: "checkout", address, scrape, paths, process, end, keeps, collector, folder }
    }

    /// `examples/smallest-axum`.
    #[must_use]
    pub fn smallest_axum(program: &Path) -> Self {
        Self::smallest_axum_by(&[], program)
    }

    /// The same, run by a program of somebody else, which is told its arguments first.
    #[must_use]
    pub fn smallest_axum_by(runner: &[&str], program: &Path) -> Self {
        let paths = Paths { texts: &["/{}", "/hello/{}", "/hello/{}/x"], plain: "/hello/zqx", ..NOTHING };
        Self::smallest("smallest-axum", runner, program, 1, paths)
    }

    /// `examples/smallest-hyper`.
    #[must_use]
    pub fn smallest_hyper(program: &Path) -> Self {
        let paths = Paths { texts: &["/{}", "/hello/{}"], plain: "/hello/zqx", ..NOTHING };
        Self::smallest("smallest-hyper", &[], program, 2, paths)
    }

    fn smallest(name: &'static str, runner: &[&str], program: &Path, listeners: usize, paths: Paths) -> Self {
        loop {
            // Free a moment ago; it cannot say which port it took.
            let free: Vec<_> = (0..listeners).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
            let addresses: Vec<SocketAddr> = free.iter().map(|free| free.local_addr().unwrap()).collect();
            drop(free);
            let mut command = match runner {
                [] => processes::command(program),
                [runner, arguments @ ..] => {
                    let mut command = processes::command(runner);
                    command.args(arguments).arg(program);
                    command
                }
            };
            command.args(addresses.iter().map(ToString::to_string));
            let mut process = Process::start(&mut command, move |lines| Log::read(&[name], lines)).running();
            let (address, scrape) = (addresses[0], addresses[listeners - 1]);
            loop {
                if processes::ask(scrape, "GET", "/metrics", "", "").is_some() {
                    let (end, keeps, collector, folder) = (Signal::INT, 0, None, None);
                    return Self { name, address, scrape, paths, process, end, keeps, collector, folder };
                }
                if process.has_ended() {
                    break;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// The service of this package that tells all that it can.
    #[must_use]
    pub fn exposed(program: &Path) -> Self {
        let (collector, folder) = (Collector::http(), tempfile::tempdir().unwrap());
        let mut command = processes::command(program);
        command.arg(&collector.endpoint).arg(folder.path());
        let mut process = Process::start(&mut command, |lines| Log::read(&["exposed"], lines));
        let (address, scrape) = (process.address("exposed"), process.address("metrics"));
        let paths = Paths {
            texts: &["/{}", "/hello/{}", "/mirror/{}", "/fails/{}", "/shop.Orders/{}", "/zqx.Svc/{}"],
            plain: "/hello/zqx",
            body: Some("/echo"),
            stuck: Some(("GET /stuck HTTP/1.1", "")),
            events: Some("/events"),
            endless: Some(["/drip", "/big"]),
            panics: Some("/panics/{}"),
            http2: true,
            ..NOTHING
        };
        // Those of the exporter: its connection, and a snapshot that is being written.
        let (process, end, keeps) = (process.running(), Signal::TERM, 4);
        let (collector, folder) = (Some(collector), Some(folder));
        Self { name: "exposed", address, scrape, paths, process, end, keeps, collector, folder }
    }

    /// What it says of itself.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics::of(self.scrape)
    }

    /// Waits until so many requests are in flight.
    pub(crate) fn until_in_flight(&self, requests: u64) {
        self.until("http_server_active_requests", requests);
    }

    /// Waits until so many streams are open.
    pub(crate) fn until_open(&self, streams: u64) {
        self.until("http_server_open_streams", streams);
    }

    fn until(&self, gauge: &str, wanted: u64) {
        let found = || self.metrics().sum(gauge, &[]) as u64;
        wait_for(&format!("{wanted} in {gauge}"), || (found() == wanted).then_some(()));
    }

    /// Its processes.
    pub(crate) fn family(&self) -> Vec<u32> {
        self.process.family()
    }

    /// Asks it to end: its log, and what it wrote into files.
    ///
    /// # Panics
    ///
    /// If it does not end well.
    pub fn end(self) -> (Log, Vec<(PathBuf, Vec<u8>)>) {
        self.process.signal(self.end);
        let (status, log, errors) = self.process.ended();
        assert!(status.success(), "{status}: {errors}");
        let mut files = Vec::new();
        if let Some(folder) = &self.folder {
            read(folder.path(), &mut files);
        }
        if let Some(collector) = &self.collector {
            let taken = collector.desk.taken();
            files.extend(taken.iter().map(|taken| ("spans".into(), prost::Message::encode_to_vec(taken))));
        }
        files.push(("standard error".into(), errors.into_bytes()));
        (log, files)
    }
}

fn read(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read(&path, files);
        } else {
            files.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
}
