//! From a failure to whoever is woken: the files that checkout generates, a real Prometheus and a real Alertmanager, with
//! windows of seconds instead of hours.

use crate::prometheus::{api, encode};
use crate::support::{Other, Running, charge, installed, wait_for};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

/// Of 12 hours, in seconds: what is an hour and 5 minutes else is 60 s and 5 s.
const PERIOD: &str = "43200";

/// The share of charges that may fail.
const BUDGET: f64 = 0.001;

// Mutations caught: a rule, a route or a label that does not reach Alertmanager; a page that comes twice or whose end is not
// told; a burn rate in process with another window or budget than that of the rules.
#[test]
fn a_failure_pages_once_with_its_runbook_until_it_is_over() {
    if !installed("prometheus") || !installed("prometheus-alertmanager") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_checkout"))
        .args(["--slo-period", PERIOD, "generate"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let running = Running::start(&["--load", "0", "--slo-period", PERIOD]);
    let pager = Pager::start();
    let servers = Servers::start(folder.path(), running.checkout, pager.address);

    // What was counted before the first scrape is no increase to Prometheus, and would be one to the process.
    servers.until("the first scrape", "slo_events_total{slo=\"charge\"} == 0");
    let customers = Customers::start(running.checkout);
    servers.until("healthy traffic", "slo_events_total{slo=\"charge\"} > 100");
    assert_eq!(pager.told("/page"), [Value::Null; 0], "all is well, and yet somebody is woken");

    customers.fail(true);
    let since = SystemTime::now();
    wait_for("the page", || (!pager.told("/page").is_empty()).then_some(()));
    let ticket = "/api/v2/alerts?filter=slo%3D%22charge%22&filter=severity%3D%22ticket%22";
    wait_for("the ticket, which the page makes superfluous", || {
        let alerts = servers.alertmanager(ticket)?;
        (alerts[0]["status"]["state"] == "suppressed").then_some(())
    });
    burn_rates_agree(&servers, since);
    every_query_of_the_runbook_is_one(&servers, folder.path());

    customers.fail(false);
    wait_for("its end", || pager.told("/page").iter().any(|told| told["status"] == "resolved").then_some(()));
    let told = pager.told("/page");
    let firing: Vec<_> = told.iter().filter(|told| told["status"] == "firing").collect();
    assert_eq!(firing.len(), 1, "{told:#?}");
    let alerts = firing[0]["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    for (name, value) in
        [("alertname", "SLOBurnRatePage"), ("severity", "page"), ("slo", "charge"), ("service", "checkout")]
    {
        assert_eq!(alerts[0]["labels"][name], value, "{alerts:#?}");
    }
    assert_eq!(alerts[0]["annotations"]["runbook_url"], "https://wiki.example.org/runbooks/charge");
    drop(customers);
    running.end();
}

/// What the process says of itself is what the rules make of its counters, at the same time.
///
/// It is not the same to the last digit. A rule's value is as old as its last evaluation (here half a second, or more where
/// the machine is busy): so it is held against the closest of the two seconds before. Neither looks back over exactly the
/// window: the process's begins at one of the marks that it keeps, PromQL's at the first scrape within. What a rate adds
/// by extrapolation is the same for bad events and for all, and goes out. 5 % cover this: they were 0 to 3 % apart, by the
/// middle one of twenty moments, which a machine that stands still for one of them does not move.
fn burn_rates_agree(servers: &Servers, since: SystemTime) {
    for window in ["1m", "5s"] {
        let labels = "slo=\"charge\",service=\"checkout\"";
        let own = format!("slo_burn_rate{{{labels},window=\"{window}\"}}");
        let recorded = format!("slo:sli_error:ratio_rate{window}{{{labels}}} / {BUDGET}");
        let mut apart = wait_for("burn rates of ten seconds", || {
            let (own, recorded) = (servers.range(&own, since)?, servers.range(&recorded, since)?);
            let burning = recorded.iter().filter(|(_, recorded)| *recorded > 0.0);
            let apart: Vec<f64> = burning
                .filter_map(|(time, recorded)| {
                    let before = own.iter().filter(|(at, _)| (0.0..=2.0).contains(&(time - at)));
                    before.map(|(_, own)| (own / recorded - 1.0).abs()).min_by(f64::total_cmp)
                })
                .collect();
            (apart.len() >= 20).then_some(apart)
        });
        apart.sort_by(f64::total_cmp);
        let middle = apart[apart.len() / 2];
        assert!(middle < 0.05, "over {window} they are so far apart: {apart:?}");
    }
}

/// None of them is a mistake.
fn every_query_of_the_runbook_is_one(servers: &Servers, folder: &Path) {
    let runbook = std::fs::read_to_string(folder.join("runbooks/charge.md")).unwrap();
    let queries: Vec<_> = runbook
        .split("```promql\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect();
    assert!(queries.len() >= 6, "{queries:?}");
    for query in queries {
        wait_for(&format!("an answer to {query}"), || servers.query(&query));
    }
}

/// Prometheus and Alertmanager, by the files that were generated.
struct Servers {
    prometheus: SocketAddr,
    alertmanager: SocketAddr,
    _others: [Other; 2],
}

impl Servers {
    fn start(folder: &Path, checkout: SocketAddr, pager: SocketAddr) -> Self {
        let [prometheus, alertmanager] = free();
        let write = |path: &str, text: String| std::fs::write(folder.join(path), text).unwrap();
        // Where things are is all that is not as it was generated.
        write("targets/service.yaml", format!("- targets: ['{checkout}']\n"));
        write("targets/alertmanagers.yaml", format!("- targets: ['{alertmanager}']\n"));
        let receivers = std::fs::read_to_string(folder.join("alertmanager.yaml")).unwrap();
        write("alertmanager.yaml", receivers.replace("127.0.0.1:9095", &pager.to_string()));
        let others = [
            Other::start(
                Command::new("prometheus")
                    .arg(format!("--config.file={}", folder.join("prometheus.yaml").display()))
                    .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
                    .arg(format!("--web.listen-address={prometheus}")),
                &folder.join("prometheus.log"),
            ),
            Other::start(
                Command::new("prometheus-alertmanager")
                    .arg(format!("--config.file={}", folder.join("alertmanager.yaml").display()))
                    .arg(format!("--storage.path={}", folder.join("alertmanager").display()))
                    .arg(format!("--web.listen-address={alertmanager}"))
                    .arg("--cluster.listen-address="),
                &folder.join("alertmanager.log"),
            ),
        ];
        Self { prometheus, alertmanager, _others: others }
    }

    /// What a query finds now, if that is something.
    fn query(&self, query: &str) -> Option<Value> {
        let mut data = api(self.prometheus, &format!("/api/v1/query?query={}", encode(query)))?;
        Some(data["result"].take()).filter(|found| found.as_array().is_some_and(|all| !all.is_empty()))
    }

    fn until(&self, what: &str, query: &str) {
        wait_for(what, || self.query(query));
    }

    /// The only series that a query finds, each half second: when, and what.
    fn range(&self, query: &str, since: SystemTime) -> Option<Vec<(f64, f64)>> {
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let (start, end) = (seconds(since), seconds(SystemTime::now()));
        let path = format!("/api/v1/query_range?query={}&start={start}&end={end}&step=0.5", encode(query));
        let data = api(self.prometheus, &path)?;
        let values = data["result"].as_array().filter(|all| all.len() == 1)?[0]["values"].as_array()?.clone();
        let value = |pair: &Value| Some((pair[0].as_f64()?, pair[1].as_str()?.parse().ok()?));
        values.iter().map(value).collect()
    }

    fn alertmanager(&self, path: &str) -> Option<Value> {
        let answer = crate::support::ask(self.alertmanager, "GET", path, "", "")?;
        serde_json::from_str(&answer.body).ok()
    }
}

/// Addresses that were free a moment ago.
fn free<const N: usize>() -> [SocketAddr; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}

/// Customers who charge one after the other; of those who fail every second one does.
struct Customers {
    fail: Arc<AtomicBool>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Customers {
    fn start(checkout: SocketAddr) -> Self {
        let (fail, end) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (fails, ends) = (Arc::clone(&fail), Arc::clone(&end));
        let thread = thread::spawn(move || {
            for number in 0_u64.. {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                let simulate = if fails.load(Ordering::Relaxed) && number % 2 == 0 { "fail" } else { "" };
                charge(checkout, simulate, "");
                thread::sleep(Duration::from_millis(20));
            }
        });
        Self { fail, end, thread: Some(thread) }
    }

    fn fail(&self, fail: bool) {
        self.fail.store(fail, Ordering::Relaxed);
    }
}

impl Drop for Customers {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Whoever is woken: takes what Alertmanager tells its webhooks.
struct Pager {
    address: SocketAddr,
    told: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Pager {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Some(one) = take(&stream) {
                    telling.lock().unwrap().push(one);
                }
            }
        });
        Self { address, told }
    }

    /// What was told by this path.
    fn told(&self, path: &str) -> Vec<Value> {
        let told = self.told.lock().unwrap();
        told.iter().filter(|(found, _)| found == path).map(|(_, told)| told.clone()).collect()
    }
}

/// One request: its path, and its body.
fn take(mut stream: &TcpStream) -> Option<(String, Value)> {
    stream.set_read_timeout(Some(crate::support::PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok()?;
    Some((path, serde_json::from_slice(&body).ok()?))
}
