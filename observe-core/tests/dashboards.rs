//! The dashboards of a service that declares everything, held against Grafana's own types, promtool and a real Prometheus.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use observe_core::context::Context;
use observe_core::http_client::OutgoingRequest;
use observe_core::http_server::{HttpNames, HttpRequest, HttpServer, StreamKind};
use observe_core::label::LabelSet;
use observe_core::metric::{
    Buckets, Counter, Family, Gauge, Histogram, NativeBuckets, NativeHistogram, Summary, View, Window,
};
use observe_core::slo::Slo;
use observe_core::{
    Builder, Format, Operation, Outcome, Queue, Registry, Telemetry, Usage, collect, generate, observed,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// So that the windows of its alerts are a minute and less.
const PERIOD: Duration = Duration::from_secs(12 * 3600);

/// How many columns a dashboard has.
const COLUMNS: usize = 24;

#[derive(Clone, Copy, LabelSet)]
struct PaymentLabels {
    by_card: bool,
}

/// What is counted elsewhere; here it is not.
const TOTAL: &str = "sum(rate(http_server_request_duration_seconds_count[$window]))";
const BAD: &str = r#"sum(rate(http_server_request_duration_seconds_count{error_type="503"}[$window]))"#;

fn slos(builder: Builder) -> Builder {
    builder
        .slo(Slo::availability("charge", 99.9).route("/charge").window(PERIOD))
        .slo(Slo::latency("fast", 99.0, Duration::from_millis(300)).route("/charge").window(PERIOD))
        .slo(Slo::external("edge", 99.5, TOTAL, BAD).window(PERIOD))
}

#[observed]
fn authorize(status: u16) -> Result<(), &'static str> {
    if status == 503 { Err("declined") } else { Ok(()) }
}

/// A service, and what it counts by.
struct Service {
    telemetry: Telemetry,
    server: HttpServer,
    usage: Usage,
    queue: Queue,
    payments: Arc<Family<PaymentLabels, Counter>>,
    basket: Arc<Family<(), Histogram>>,
    uploads: Arc<Family<(), Gauge>>,
    sizes: Arc<Family<(), Summary>>,
    pauses: Arc<Family<(), NativeHistogram>>,
}

impl Service {
    fn new(change: impl FnOnce(Builder) -> Builder) -> Self {
        let builder =
            slos(Telemetry::builder("checkout").version("1.2.3").registry(Registry::with_statics()));
        let telemetry = change(builder).without_log().build().unwrap();
        let registry = telemetry.registry();
        collect::process(registry);
        let service = Self {
            server: telemetry.http_server(),
            usage: Usage::new(registry, "orders_db", 10).unwrap(),
            queue: Queue::new(registry, "receipts", 100).unwrap(),
            payments: registry.counter("payments_total", "Payments taken").unwrap(),
            basket: registry.histogram("basket_items", "Items of an order.", Buckets::SECONDS).unwrap(),
            uploads: registry.gauge("upload_entries", "Uploads under way.").unwrap(),
            sizes: registry.summary("receipt_bytes", "Sizes of receipts.", Window::MINUTE).unwrap(),
            pauses: registry.native_histogram("pause_seconds", "Pauses.", NativeBuckets::new()).unwrap(),
            telemetry,
        };
        service.works();
        service
    }

    /// Something of everything.
    fn works(&self) {
        for status in [200, 200, 404, 429, 503] {
            let request = HttpRequest::new("POST", "/charge").route("/charge");
            let mut operation = self.server.start(&request, &Context::new());
            operation.within(|| {
                let client = self.telemetry.http_client();
                let mut call = client.start(&OutgoingRequest::new("GET", "http", "stock:81", "/items/1"));
                call.status(200);
                call.finish();
                let charge = Operation::builder("charge").dependency("payment").start();
                charge.finish(if status == 503 { Outcome::Error } else { Outcome::Ok });
                let database = self.telemetry.database("sqlite").unwrap();
                database.query("select total from orders").start().finish();
                let _ = authorize(status);
                Operation::builder("rebuild").start().finish(Outcome::Ok);
            });
            operation.status(status);
            operation.finish();
        }
        let events = self.server.start(&HttpRequest::new("GET", "/events").route("/events"), &Context::new());
        drop(events.stream(StreamKind::Sse));
        drop(self.usage.wait().acquired());
        let waiting = self.queue.enqueued();
        waiting.dequeued();
        for by_card in [true, false] {
            self.payments.with(PaymentLabels { by_card }).inc();
        }
        self.basket.observe(3.0);
        self.pauses.observe(3.0);
        self.uploads.set(2);
        self.sizes.observe(500.0);
    }

    fn calls_by_grpc(&self) {
        let request = HttpRequest::new("POST", "/shop.Orders/Place").grpc(true);
        let mut operation = self.server.start(&request, &Context::new());
        operation.grpc_status(b"0");
        operation.finish();
    }

    fn boards(&self) -> BTreeMap<String, Value> {
        boards(&self.telemetry)
    }
}

/// The texts of the dashboards, by their files.
fn texts(telemetry: &Telemetry) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let report = generate::write(telemetry, folder.path()).unwrap();
    let files = report.written().filter(|path| path.starts_with("dashboard"));
    files.map(|path| (path.to_owned(), std::fs::read_to_string(folder.path().join(path)).unwrap())).collect()
}

fn boards(telemetry: &Telemetry) -> BTreeMap<String, Value> {
    let texts = texts(telemetry).into_iter();
    texts.map(|(path, text)| (path, serde_json::from_str(&text).unwrap())).collect()
}

fn panels(board: &Value) -> impl Iterator<Item = &Value> {
    board["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}

/// Every query of a board, with the title of its panel: of variables and annotations, too.
fn queries(board: &Value) -> Vec<(String, String)> {
    let of = |panel: &Value| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(|target| (title.clone(), target["expr"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
    };
    let deploys = board["annotations"]["list"].as_array().unwrap().iter();
    let deploys =
        deploys.map(|deploy| ("Deployments".to_owned(), deploy["expr"].as_str().unwrap().to_owned()));
    panels(board).flat_map(of).chain(deploys).collect()
}

/// As Grafana fills it in.
fn filled_in(query: &str) -> String {
    query
        .replace("$__rate_interval", "10s")
        .replace("$job", "checkout")
        .replace("$instance", ".+")
        .replace("$route", ".+")
}

/// The titles of a board's panels.
fn titles(board: &Value) -> Vec<&str> {
    panels(board).map(|panel| panel["title"].as_str().unwrap()).collect()
}

#[test]
fn the_first_dashboard_has_what_everybody_looks_at() {
    let service = Service::new(|builder| builder);
    let boards = service.boards();
    let top = &boards["dashboard.json"];
    assert_eq!(
        titles(top),
        [
            "Error budget left",
            "Budget policy",
            "Burn rate",
            "Lag",
            "Requests",
            "Failures",
            "Turned away (429)",
            "Duration",
            "Duration, each bucket",
            "Dependencies: failures",
            "Dependencies: p95",
            "Utilisation",
            "Waiting",
            "Functions: failures",
            "Lost, and past a limit",
        ]
    );
    assert_eq!(boards.len(), 5, "{:?}", boards.keys());
    let links = top["links"].as_array().unwrap();
    for (board, link) in ["dependencies", "resources", "service", "library"].iter().zip(links) {
        let linked = &boards[&format!("dashboard-{board}.json")];
        assert_eq!(link["url"], format!("/d/{}", linked["uid"].as_str().unwrap()));
    }
    let service = titles(&boards["dashboard-service.json"]).join(",");
    for name in ["payments_total", "basket_items", "upload_entries", "receipt_bytes"] {
        assert!(service.contains(name), "{name}: {service}");
    }
    assert!(!service.contains("resource_") && !service.contains("observe_"), "{service}");
}

// Mutations caught: panels that overlap, that leave a gap, or that stand beyond the edge.
#[test]
fn panels_fill_their_lines() {
    let service = Service::new(|builder| builder);
    for (path, board) in service.boards() {
        let mut heights = [0; COLUMNS];
        let mut ids = Vec::new();
        for panel in board["panels"].as_array().unwrap() {
            let at = |name: &str| panel["gridPos"][name].as_u64().unwrap() as usize;
            let columns = at("x")..at("x") + at("w");
            assert!(heights[columns.clone()].iter().all(|height| *height == at("y")), "{path}: {panel}");
            heights[columns].fill(at("y") + at("h"));
            ids.push(panel["id"].as_u64().unwrap());
            // A line is full before the next one begins.
            if at("x") + at("w") == COLUMNS {
                assert!(heights.iter().all(|height| *height == at("y") + at("h")), "{path}: {panel}");
            }
        }
        assert!(heights.iter().all(|height| *height == heights[0]), "{path}");
        ids.dedup();
        assert_eq!(ids.len(), board["panels"].as_array().unwrap().len());
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_from_where() {
    let service = Service::new(|builder| builder);
    for (path, board) in service.boards() {
        let text = board.to_string();
        assert!(text.find("Generated by observe").is_some_and(|at| at < 1_000), "{path}");
        assert_eq!((&board["schemaVersion"], board.get("id")), (&json!(36), None), "{path}");
        for panel in panels(&board) {
            assert!(panel["description"].as_str().unwrap().len() > 10, "{path}: {panel}");
            assert!(
                !panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap().is_empty(),
                "{path}: {panel}"
            );
            assert_eq!(panel["datasource"]["uid"], "${datasource}");
        }
        for (title, query) in queries(&board) {
            assert_eq!(
                query.contains("rate("),
                query.contains("[$__rate_interval]"),
                "{path}: {title}: {query}"
            );
        }
        for variable in board["templating"]["list"].as_array().unwrap().iter().skip(1) {
            assert_eq!((&variable["refresh"], &variable["allValue"]), (&json!(2), &json!(".+")), "{path}");
        }
    }
}

// Mutation caught: a service that speaks HTTP and gRPC with more on its first dashboard than anybody looks at.
#[test]
fn the_first_dashboard_has_five_to_fifteen_panels() {
    let count = |service: &Service| panels(&service.boards()["dashboard.json"]).count();
    let both = Service::new(|builder| builder);
    both.calls_by_grpc();
    assert_eq!(count(&both), 15);
    let titles_of_both = both.boards()["dashboard.json"].to_string();
    for title in ["Calls by gRPC", "Duration of calls", "Requests"] {
        assert!(titles_of_both.contains(title), "{title}");
    }
    let bare = Telemetry::builder("job").registry(Registry::new()).without_log().build().unwrap();
    let boards = boards(&bare);
    let top = &boards["dashboard.json"];
    assert_eq!(panels(top).count(), 5, "{:?}", titles(top));
    assert!(!boards.contains_key("dashboard-resources.json"), "nothing is known of any");
}

#[test]
fn names_that_were_changed_are_those_that_are_asked_for() {
    let renamed = Service::new(|builder| {
        builder
            .view(
                View::of("http_server_request_duration_seconds")
                    .rename("shop_request_duration_seconds")
                    .rename_label("http_route", "route"),
            )
            .view(View::of("dependency_duration_seconds").drop_label("outcome"))
            .view(View::of("queue_lag_seconds").drop_family())
    });
    let boards = renamed.boards();
    let top = boards["dashboard.json"].to_string();
    assert!(
        top.contains("sum by (route) (rate(shop_request_duration_seconds_count{")
            && !top.contains("http_route")
    );
    assert!(titles(&boards["dashboard.json"]).contains(&"Dependencies: p95"));
    assert!(!titles(&boards["dashboard.json"]).contains(&"Lag"));
    // What failed cannot be told of them any more.
    let failures = panels(&boards["dashboard.json"]).find(|panel| panel["title"] == "Dependencies: failures");
    assert!(!failures.unwrap().to_string().contains("dependency_duration_seconds"));

    let classic = Service::new(|builder| builder.http_names(HttpNames::Classic));
    let top = classic.boards()["dashboard.json"].to_string();
    assert!(top.contains("sum by (endpoint) (rate(http_request_duration_seconds_count{"), "{top}");
    assert!(!top.contains("http_server_request_duration_seconds"));
}

// Mutation caught: requests that are shown only where there was one before.
#[test]
fn what_an_objective_is_about_is_shown_before_the_first_request() {
    let builder = Telemetry::builder("shop").registry(Registry::new()).without_log();
    let builder = builder.slo(Slo::availability("charge", 99.9).route("/charge"));
    let builder = builder.slo(Slo::availability("place", 99.9).rpc_method("shop.Orders/Place"));
    let top = &texts(&builder.build().unwrap())["dashboard.json"];
    assert!(top.contains("http_server_request_duration_seconds_bucket"));
    assert!(top.contains("rpc_server_call_duration_seconds_bucket"));
}

// Mutation caught: panels that depend on what the machine has on which they are made.
#[test]
fn what_is_read_of_a_machine_has_panels_on_every_other() {
    let telemetry = Telemetry::builder("shop").registry(Registry::new()).without_log().build().unwrap();
    assert!(!texts(&telemetry).contains_key("dashboard-resources.json"));
    collect::cgroup(telemetry.registry());
    collect::pressure(telemetry.registry());
    let resources = &texts(&telemetry)["dashboard-resources.json"];
    for name in [
        "cgroup_memory_max_bytes{",
        "sum by (event) (rate(cgroup_memory_events_total{",
        "sum by (resource, stall) (rate(cgroup_pressure_stall_seconds_total{",
    ] {
        assert!(resources.contains(name), "{name}: {resources}");
    }
    assert!(!resources.contains("process_open_fds") && !resources.contains("system_"));
}

#[test]
fn the_same_declarations_give_the_same_bytes() {
    let made = || texts(&Service::new(|builder| builder).telemetry);
    assert_eq!(made(), made());
}

/// Whether a program is there: in CI it must be.
fn installed(name: &str, command: &mut Command) -> bool {
    let is_there =
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "{name} is not installed, and in CI it must be");
        // `eprintln!` is not seen of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: {name} is not installed");
    }
    is_there
}

// Catches: a query that is no PromQL.
#[test]
fn promtool_takes_every_query() {
    if !installed("promtool", Command::new("promtool").arg("--version")) {
        return;
    }
    let (all, classic) =
        (Service::new(|builder| builder), Service::new(|b| b.http_names(HttpNames::Classic)));
    all.calls_by_grpc();
    let boards = all.boards().into_iter().chain(classic.boards());
    let queries: Vec<_> = boards.flat_map(|(_, board)| queries(&board)).collect();
    assert!(queries.len() > 100, "{}", queries.len());
    let mut rules = String::from("groups: [{name: all, rules: [");
    for (at, (_, query)) in queries.iter().enumerate() {
        rules.push_str(&format!("{{record: 'a:query:{at}', expr: {}}},\n", json!(filled_in(query))));
    }
    rules.push_str("]}]");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.yaml");
    std::fs::write(&path, rules).unwrap();
    let said = Command::new("promtool").args(["check", "rules"]).arg(&path).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

// Catches: a key that Grafana does not know, a value of another type.
#[test]
fn grafanas_own_types_take_every_dashboard() {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let needed = "import grafana_foundation_sdk.models.dashboard";
    if !installed("grafana-foundation-sdk", Command::new(&python).args(["-c", needed])) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let all = Service::new(|builder| builder);
    all.calls_by_grpc();
    let report = generate::write(&all.telemetry, folder.path()).unwrap();
    let files: Vec<_> = report.written().filter(|path| path.starts_with("dashboard")).collect();
    let paths = files.iter().map(|path| folder.path().join(path));
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dashboards/check.py");
    let said = Command::new(&python).arg(check).args(paths).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(String::from_utf8_lossy(&said.stdout).lines().count(), files.len());
}

/// Ends it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// Catches: a panel that asks for what no scrape says.
#[test]
fn a_real_prometheus_has_an_answer_for_every_panel() {
    if !installed("prometheus", Command::new("prometheus").arg("--version")) {
        return;
    }
    let service = Service::new(|builder| builder);
    service.calls_by_grpc();
    let over = AtomicBool::new(false);
    let page = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let scraped = page.local_addr().unwrap();
    let _ = generate::write(&service.telemetry, folder.path()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| serve(&page, &service, &over));
        let _over = Over { over: &over, page: scraped };
        let prometheus = Prometheus::start(folder.path(), scraped);
        let unanswered = |board: &Value| {
            let queries = queries(board).into_iter().filter(|(_, query)| !prometheus.answers(query));
            queries.collect::<Vec<_>>()
        };
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let mut missing: Vec<_> = service.boards().values().flat_map(unanswered).collect();
            // There is none where it is not limited.
            missing.retain(|(title, _)| title != "process_virtual_memory_max_bytes");
            if missing.is_empty() {
                break;
            }
            assert!(Instant::now() < until, "no answer: {missing:#?}");
            std::thread::sleep(Duration::from_millis(500));
        }
    });
}

/// Ends what answers scrapes, however the test ends.
struct Over<'a> {
    over: &'a AtomicBool,
    page: SocketAddr,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.page);
    }
}

/// Answers each scrape, and works a little before it.
fn serve(page: &TcpListener, service: &Service, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let Ok((mut stream, _)) = page.accept() else { continue };
        let head = BufReader::new(&stream).lines();
        if head.map_while(Result::ok).take_while(|line| !line.is_empty()).count() == 0 {
            continue;
        }
        service.works();
        service.calls_by_grpc();
        let mut body = Vec::new();
        service.telemetry.registry().encode(Format::OpenMetrics, &mut body);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    }
}

struct Prometheus {
    address: SocketAddr,
    _child: Ended,
}

impl Prometheus {
    fn start(folder: &std::path::Path, scraped: SocketAddr) -> Self {
        let config = folder.join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             rule_files: [rules.yaml]\n\
             scrape_configs: [{{job_name: checkout, static_configs: [{{targets: ['{scraped}']}}]}}]\n"
        );
        std::fs::write(&config, text).unwrap();
        // Free a moment ago; Prometheus cannot take port 0.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--enable-feature=exemplar-storage")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { address, _child: Ended(child) }
    }

    /// Whether there is a series.
    fn answers(&self, query: &str) -> bool {
        let query = filled_in(query);
        let query = query.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let Ok(mut stream) = TcpStream::connect(self.address) else { return false };
        let head = format!("GET /api/v1/query?query={query} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        let mut answer = String::new();
        let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        sent.is_ok() && answer["data"]["result"].as_array().is_some_and(|series| !series.is_empty())
    }
}
