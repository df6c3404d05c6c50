//! What the views show that are made of metrics, and the events.

use crate::support::{Shown, shown};
use observe_core::http_client::OutgoingRequest;
use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::{Collect, Collector, Operation, Outcome, Queue, Usage, observed};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

#[track_caller]
fn row<'a>(view: &'a Value, list: &str, members: &[(&str, Value)]) -> &'a Value {
    let rows = view[list].as_array().unwrap();
    let is_it = |row: &&Value| members.iter().all(|(name, value)| row[*name] == *value);
    rows.iter().find(is_it).unwrap_or_else(|| panic!("no {members:?} in {view:#}"))
}

// Mutations caught: calls to two places one row; a cancelled call taken for a failure; the exemplar of another row.
#[test]
fn dependencies_are_told_apart_by_whom_and_for_what() {
    let shown = shown();
    let telemetry = shown.telemetry();
    let call = |host: &'static str, status: Option<u16>| {
        let request = OutgoingRequest::new("GET", "http", host, "/stock/7").template("/stock/{id}");
        let mut operation = telemetry.http_client().start(&request);
        shown.clock.advance(3 * MS);
        let Some(status) = status else { return };
        operation.status(status);
        operation.finish();
    };
    telemetry.run(|| {
        for status in [Some(200), Some(200), Some(503), None] {
            call("inventory:8080", status);
        }
        call("payment:8080", Some(200));
    });
    let view = shown.view("dependencies");
    assert_eq!(view["dependencies"][0]["name"], "inventory:8080", "{view:#}");
    let inventory = row(&view, "dependencies", &[("name", "inventory:8080".into())]);
    assert_eq!((&inventory["operation"], &inventory["calls"]), (&"GET /stock/{id}".into(), &4.into()));
    assert_eq!((&inventory["errors"], &inventory["error_share"]), (&1.into(), &0.25.into()));
    assert!((inventory["mean_ms"].as_f64().unwrap() - 3.0).abs() < 1e-6, "{inventory}");
    assert!(inventory["p95_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(inventory["labels"]["server_address"], "inventory");
    assert_eq!(row(&view, "dependencies", &[("name", "payment:8080".into())])["calls"], 1);
}

#[observed]
fn figures_place(works: bool) -> Result<(), &'static str> {
    if works { Ok(()) } else { Err("in vain") }
}

#[observed(dependency = "figures_payment")]
fn figures_authorize() {}

// Mutations caught: functions and operations mixed up; outcomes that are rows of their own.
#[test]
fn functions_operations_and_declared_dependencies() {
    let shown = shown();
    shown.telemetry().run(|| {
        let _ = (figures_place(true), figures_place(true), figures_place(false));
        figures_authorize();
        Operation::builder("figures rebuild").start().finish(Outcome::Ok);
    });
    let view = shown.view("functions");
    let place = row(
        &view,
        "functions",
        &[("kind", "function".into()), ("name", "admin::figures::figures_place".into())],
    );
    assert_eq!((&place["calls"], &place["errors"]), (&3.into(), &1.into()));
    let rebuild =
        row(&view, "functions", &[("kind", "operation".into()), ("name", "figures rebuild".into())]);
    assert_eq!((&rebuild["calls"], &rebuild["errors"]), (&1.into(), &0.into()));
    let calls = view["functions"].as_array().unwrap().iter().map(|row| row["calls"].as_u64().unwrap());
    assert!(calls.clone().is_sorted_by(|a, b| a >= b) && calls.min() >= Some(1));
    let view = shown.view("dependencies");
    let authorize = row(&view, "dependencies", &[("name", "figures_payment".into())]);
    assert_eq!(authorize["operation"], "admin::figures::figures_authorize");
}

// Mutations caught: a resource's figures given to another; what is not known shown as 0; the platform's left out.
#[test]
fn resources_queues_and_the_platform() {
    let shown = shown();
    let registry = shown.telemetry().registry();
    let (pool, other) =
        (Usage::new(registry, "orders_db", 4).unwrap(), Usage::new(registry, "other", 8).unwrap());
    let (first, second) = (pool.wait().acquired(), pool.wait().acquired());
    let waiting = pool.wait();
    pool.wait().failed();
    drop(second);
    let queue = Queue::new(registry, "receipts", 10).unwrap();
    let _ticket = queue.enqueued();
    registry.collector(Platform);
    let view = shown.view("resources");
    let orders = row(&view, "resources", &[("name", "orders_db".into())]);
    for (member, value) in
        [("capacity", 4.0), ("in_use", 1.0), ("utilisation", 0.25), ("waiting", 1.0), ("errors", 1.0)]
    {
        assert_eq!(orders[member].as_f64(), Some(value), "{member}: {orders}");
    }
    assert_eq!((&orders["wait"]["count"], &orders["use"]["count"]), (&3.into(), &1.into()));
    assert_eq!(row(&view, "resources", &[("name", "other".into())])["use"], Value::Null);
    let receipts = row(&view, "queues", &[("name", "receipts".into())]);
    assert_eq!(
        (&receipts["capacity"], &receipts["depth"], &receipts["utilisation"]),
        (&10.0.into(), &1.0.into(), &0.1.into())
    );
    let platform = row(&view, "platform", &[("metric", "system_figures_bytes".into())]);
    assert_eq!((&platform["value"], &platform["labels"]), (&7.0.into(), &serde_json::json!({"disk": "a"})));
    drop((first, waiting, other));
}

struct Platform;

impl Collector for Platform {
    fn collect(&self, out: &mut Collect<'_>) {
        out.gauge("system_figures_bytes", "Figures.", &[("disk", "a")], 7_u64);
    }
}

struct Stuck(Arc<Mutex<()>>);

impl Collector for Stuck {
    fn collect(&self, _: &mut Collect<'_>) {
        let _stuck = self.0.lock();
    }
}

// Mutations caught: collectors asked on the service's own thread; no end of the wait; views that need none held up by them;
// places that are never given back.
#[test]
fn a_stuck_collector_holds_up_nobody_else() {
    let shown = shown();
    let lock = Arc::new(Mutex::new(()));
    shown.telemetry().registry().collector(Stuck(Arc::clone(&lock)));
    let held = lock.lock().unwrap();
    // More at once than there are threads for views.
    std::thread::scope(|scope| {
        for view in ["resources", "labels", "drops", "resources", "labels", "drops"] {
            let shown = &shown;
            scope.spawn(move || {
                let answer = shown.get(&format!("/api/v1/{view}"));
                assert_eq!((answer.status, answer.rule().as_str()), (504, "collectors"), "{view}");
                assert_eq!(answer.headers["retry-after"], "2");
            });
        }
    });
    // What is wrong is told before anything is made.
    assert_eq!(shown.get("/api/v1/labels?colour=red").rule(), "parameter");
    for view in [
        "about",
        "overview",
        "in-flight",
        "traces",
        "slice",
        "dependencies",
        "functions",
        "exemplars",
        "levels",
    ] {
        assert_eq!(shown.get(&format!("/api/v1/{view}")).status, 200, "{view}");
    }
    drop(held);
    for view in ["resources", "labels", "drops"] {
        shown.view(view);
    }
}

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 2)]
struct Branch(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct ByBranch {
    branch: Branch,
}

// Mutations caught: a label that is closed with a limit; an overflow, a refusal that is not counted; the smallest first.
#[test]
fn labels_and_losses() {
    let shown = shown();
    let sold = shown.telemetry().registry().counter::<ByBranch>("figures_sold_total", "Sold.").unwrap();
    for branch in ["north", "south", "east", "west", "east"] {
        sold.with(ByBranch { branch: Branch::from(branch) }).inc();
    }
    shown.ask("GET", "/api/v1/about", &[("host", "example.org")], "");
    let view = shown.view("labels");
    let family = row(&view, "families", &[("metric", "figures_sold_total".into())]);
    assert_eq!((&family["series"], &family["labels"][0]["limit"]), (&3.into(), &2.into()));
    assert_eq!((&family["labels"][0]["values"], &family["labels"][0]["overflow"]), (&2.into(), &3.into()));
    let dropped = row(&view, "families", &[("metric", "observe_admin_refused_total".into())]);
    assert_eq!((&dropped["labels"][0]["limit"], &dropped["max_series"]), (&Value::Null, &Value::Null));
    let series = view["families"].as_array().unwrap().iter().map(|family| family["series"].as_u64().unwrap());
    assert!(series.is_sorted_by(|a, b| a >= b));
    assert!(!view["advice"].as_array().unwrap().is_empty());

    let view = shown.view("drops");
    let overflow = [("metric", "figures_sold_total".into()), ("label", "branch".into())];
    assert_eq!(row(&view, "label_overflow", &overflow)["count"], 3);
    assert_eq!(row(&view, "admin_refused", &[("rule", "host".into())])["count"], 1);
    assert_eq!(row(&view, "admin_refused", &[("rule", "token".into())])["count"], 0);
    assert_eq!(
        row(&view, "dropped", &[("signal", "log".into()), ("reason", "queue_full".into())])["count"],
        0
    );
    let dropped = view["dropped"].as_array().unwrap();
    assert!(dropped.iter().all(|row| row["signal"] != "" && row["reason"] != ""), "{view:#}");
    for list in ["exports", "queues", "traces", "context_rejected"] {
        assert!(!view[list].as_array().unwrap().is_empty(), "{list}");
    }
}

// Mutations caught: the oldest first; a metric that was not asked for; the bucket before.
#[test]
fn exemplars_lead_to_traces() {
    let shown = shown();
    shown.request("/charge", 500, 30 * MS, || {});
    shown.request("/charge", 500, 300 * MS, || {});
    let view = shown.view("exemplars?metric=http_server_request_duration_seconds");
    let exemplars = view["exemplars"].as_array().unwrap();
    assert_eq!((exemplars.len(), &view["left_out"]), (2, &0.into()));
    let (slow, fast) = (&exemplars[0], &exemplars[1]);
    assert!(
        (slow["value"].as_f64().unwrap() - 0.3).abs() < 1e-9
            && (fast["value"].as_f64().unwrap() - 0.03).abs() < 1e-9
    );
    assert!(slow["le"].as_f64().unwrap() >= 0.3 && fast["le"].as_f64().unwrap() < 0.3);
    assert_eq!(slow["labels"]["http_route"], "/charge");
    let trace = shown.view(&format!("traces/{}", slow["trace_id"].as_str().unwrap()));
    assert_eq!(trace["spans"][0]["span_id"], slow["span_id"]);
    let one = shown.view("exemplars?limit=1");
    assert_eq!(one["exemplars"].as_array().unwrap().len(), 1);
    assert!(shown.view("exemplars?metric=none")["exemplars"].as_array().unwrap().is_empty());
}

fn listen(shown: &Shown) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(shown.admin.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    BufReader::new(stream)
}

/// The next line that begins so.
fn next(listener: &mut BufReader<TcpStream>, begin: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(listener.read_line(&mut line).unwrap() > 0, "it ended before {begin}");
        if let Some(rest) = line.strip_prefix(begin) {
            return rest.trim_end().to_owned();
        }
    }
}

// Mutations caught: an event without what came in its slot; the same slot twice; a listener more than there may be; a place
// that is kept by one who left.
#[test]
fn events_tell_each_slot() {
    let shown = shown();
    let mut listener = listen(&shown);
    assert_eq!(next(&mut listener, "HTTP/1.1 "), "200 OK");
    assert_eq!(next(&mut listener, "content-type: "), "text/event-stream");
    next(&mut listener, "retry: ");
    let (mut requests, mut starts) = (0, Vec::new());
    shown.request("/charge", 500, 30 * MS, || {});
    for _ in 0..3 {
        shown.clock.advance(MS);
        assert_eq!(next(&mut listener, "event: "), "tick");
        let tick: Value = serde_json::from_str(&next(&mut listener, "data: ")).unwrap();
        assert_eq!(
            (&tick["in_flight"], &tick["oldest_ms"], &tick["filter"]),
            (&0.into(), &Value::Null, &"info".into())
        );
        let here = tick["total"]["requests"].as_u64().unwrap();
        let heat = tick["heat"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum::<u64>();
        assert_eq!((heat, tick["routes"].as_array().unwrap().len() as u64), (here, here));
        if here > 0 {
            assert_eq!(
                (&tick["routes"][0]["route"], &tick["routes"][0]["errors"]),
                (&"/charge".into(), &1.into())
            );
            requests += here;
        }
        starts.push(tick["start"].as_str().unwrap_or_default().to_owned());
        if starts.len() == 1 {
            shown.request("/charge", 500, 30 * MS, || {});
        }
    }
    assert_eq!(requests, 2, "{starts:?}");
    assert!(starts.is_sorted_by(|a, b| a < b), "{starts:?}");

    let further: Vec<_> = (0..7)
        .map(|_| listen(&shown))
        .map(|mut listener| {
            assert_eq!(next(&mut listener, "HTTP/1.1 "), "200 OK");
            listener
        })
        .collect();
    let answer = shown.get("/api/v1/events");
    assert_eq!((answer.status, answer.rule().as_str()), (503, "listeners"));
    assert_eq!(shown.get("/api/v1/events?a=1").rule(), "parameter");
    assert_eq!(shown.post("/api/v1/events", "{}").status, 405);
    drop(further);
    let is_free = (0..2_000).any(|_| {
        std::thread::sleep(5 * MS);
        next(&mut listen(&shown), "HTTP/1.1 ") == "200 OK"
    });
    assert!(is_free);
}
