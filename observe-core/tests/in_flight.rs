//! Requests that are in flight: who sees them, and when they are told of.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use observe_core::clock::ManualClock;
use observe_core::context::Context;
use observe_core::http_server::{HttpRequest, HttpServer, HttpServerOperation};
use observe_core::testing::Captured;
use observe_core::{InFlight, Outcome, Telemetry};
use std::thread;
use std::time::{Duration, Instant};

const TARGET: &str = "observe::in_flight";

fn begin(server: &HttpServer, path: &'static str) -> HttpServerOperation {
    server.start(&HttpRequest::new("POST", path).route(path), &Context::new())
}

fn routes(found: &[InFlight]) -> Vec<&'static str> {
    found.iter().map(|request| request.route.unwrap()).collect()
}

/// Runs `f` with our own subscriber, with none (a filter leaves requests' spans out, too), and behind a registry.
fn in_each_way(f: impl Fn(&Telemetry, &ManualClock)) {
    let telemetry = |filter: &str| {
        let clock = ManualClock::new();
        let builder = Telemetry::builder("test").without_log().clock(clock.clone());
        (builder.filter(filter.parse().unwrap()).build().unwrap(), clock)
    };
    let (own, clock) = telemetry("info");
    own.run(|| f(&own, &clock));
    let (none, clock) = telemetry("info");
    f(&none, &clock);
    let (filtered, clock) = telemetry("warn");
    filtered.run(|| f(&filtered, &clock));
    #[cfg(feature = "subscriber")]
    {
        use tracing_subscriber::layer::SubscriberExt as _;
        let (layer, clock) = telemetry("info");
        let registry = tracing_subscriber::registry().with(layer.layer());
        tracing::subscriber::with_default(registry, || f(&layer, &clock));
    }
}

// Mutations caught: a request that no subscriber of ours knows without an entry; one that has ended; a job; the
// requests of another telemetry, or those that are discarded, among them; the youngest first.
#[test]
fn they_are_listed_from_their_start_to_their_end() {
    in_each_way(|telemetry, clock| {
        let server = telemetry.http_server();
        assert!(telemetry.in_flight(10).is_empty());
        let mut requests = Vec::new();
        for path in ["/a", "/b", "/c", "/d"] {
            requests.push(begin(&server, path));
            clock.advance(Duration::from_secs(1));
        }
        let found = telemetry.in_flight(10);
        assert_eq!(routes(&found), ["/a", "/b", "/c", "/d"]);
        assert_eq!(found[1].running, Duration::from_secs(3));
        assert_eq!((found[1].method, Some(found[1].trace_id)), ("POST", requests[1].trace_id()));
        // The oldest, however few are asked for, and also where more are looked through.
        assert_eq!(routes(&telemetry.in_flight(1)), ["/a"]);

        requests.remove(0).finish();
        drop(requests.remove(0));
        assert_eq!(routes(&telemetry.in_flight(10)), ["/c", "/d"]);
        // Also while it is being polled.
        let inside = requests[0].within(|| {
            let inside = telemetry.in_flight(10);
            observe_core::discard();
            inside
        });
        assert_eq!(routes(&inside), ["/c", "/d"]);
        assert_eq!(routes(&telemetry.in_flight(10)), ["/d"]);
        let passed = server.pass(&HttpRequest::new("GET", "/health"), &Context::new());
        assert_eq!(routes(&telemetry.in_flight(10)), ["/d"]);
        drop((passed, requests));
        assert!(telemetry.in_flight(10).is_empty());

        // What has ended has, also where somebody still has its span; and a job is no request.
        let mut request = begin(&server, "/held");
        let held = request.within(tracing::Span::current);
        request.finish();
        assert!(telemetry.in_flight(10).is_empty());
        drop(held);
        let job = telemetry.operation("job").start();
        assert!(telemetry.in_flight(10).is_empty());
        drop(job);

        let other = Telemetry::builder("other").without_log().build().unwrap();
        let request = begin(&other.http_server(), "/theirs");
        assert!(telemetry.in_flight(10).is_empty());
        assert_eq!(routes(&other.in_flight(10)), ["/theirs"]);
        request.finish();
    });
}

// Mutation caught: the outer span taken for the inner; a span that has ended.
#[test]
fn it_is_told_in_which_span_they_are() {
    let clock = ManualClock::new();
    let captured = Captured::with(|builder| builder.clock(clock.clone()));
    let telemetry = captured.telemetry();
    captured.run(|| {
        let mut request = begin(&telemetry.http_server(), "/charge");
        let inside = || telemetry.in_flight(1)[0].running_in;
        assert_eq!(inside(), None);
        request.within(|| {
            clock.advance(Duration::from_millis(1));
            let outer = tracing::info_span!("place").entered();
            clock.advance(Duration::from_millis(1));
            let inner = tracing::info_span!("authorize").entered();
            assert_eq!(inside(), Some("authorize"));
            drop(inner);
            let ended = telemetry.operation("ended").start();
            let held = ended.span().clone();
            clock.advance(Duration::from_millis(1));
            ended.finish(Outcome::Ok);
            assert_eq!(inside(), Some("place"));
            drop(held);
            drop(outer);
        });
        assert_eq!(inside(), None);
        request.finish();
    });
}

// Mutations caught: a request told before the limit, or after it; one told twice; a record that is not told of again.
#[test]
fn what_runs_too_long_is_told_once() {
    let clock = ManualClock::new();
    let limit = Duration::from_millis(400);
    let captured = Captured::with(|builder| builder.clock(clock.clone()).still_running(limit));
    let server = captured.telemetry().http_server();
    let told = |count: usize| {
        let until = Instant::now() + Duration::from_secs(20);
        while captured.lines().with("target", TARGET).len() < count {
            assert!(Instant::now() < until, "not {count} but {}", captured.text());
            thread::sleep(Duration::from_millis(10));
        }
        captured.lines().with("target", TARGET)
    };
    let mut slow = server.start(&HttpRequest::new("POST", "/charge/1"), &Context::new());
    let ended = begin(&server, "/ended");
    slow.within(|| {
        observe_core::route("/charge/{id}");
        observe_core::annotate("tenant", "acme");
    });
    clock.advance(Duration::from_nanos(1));
    let younger = begin(&server, "/younger");
    ended.finish();
    clock.advance(limit - Duration::from_nanos(1));
    let line = told(1).one().clone();
    assert_eq!(
        (line["message"].as_str(), line["level"].as_str()),
        (Some("POST /charge/{id} still running"), Some("WARN"))
    );
    assert_eq!((&line["http.route"], &line["url.path"]), (&"/charge/{id}".into(), &"/charge/1".into()));
    assert_eq!((line["running_ms"].as_f64(), &line["tenant"]), (Some(400.0), &"acme".into()));
    assert_eq!(line["trace_id"].as_str(), slow.trace_id().map(|id| id.to_string()).as_deref());

    // It is the younger one's turn one nanosecond later, and nobody else's.
    clock.advance(Duration::from_nanos(1));
    let lines = told(2);
    assert_eq!(lines[1]["message"], "POST /younger still running");
    assert_eq!(lines[1]["running_ms"].as_f64(), Some(400.0));
    let last = begin(&server, "/last");
    clock.advance(limit);
    assert_eq!(told(3)[2]["message"], "POST /last still running");
    for request in [slow, younger, last] {
        request.finish();
    }
    // Its record may be one that was told of.
    let next = begin(&server, "/next");
    clock.advance(limit);
    assert_eq!(told(4)[3]["message"], "POST /next still running");
    next.finish();
}

// Mutations caught: `shutdown` that closes the log before; one that tells again, or tells of what has ended.
#[test]
fn shutdown_tells_of_each_that_has_not_ended() {
    let clock = ManualClock::new();
    let captured = Captured::with(|builder| builder.clock(clock.clone()).still_running(None));
    let telemetry = captured.telemetry();
    let server = telemetry.http_server();
    let (ended, cut) = (begin(&server, "/ended"), begin(&server, "/cut"));
    clock.advance(Duration::from_millis(1500));
    ended.finish();
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    assert!(!telemetry.readiness().is_ready());
    let line = captured.lines().with("target", TARGET).one().clone();
    assert_eq!(
        (line["message"].as_str(), line["running_ms"].as_f64()),
        (Some("POST /cut still running at shutdown"), Some(1500.0))
    );
    drop(cut);
    captured.lines().with("message", "POST /cut cancelled").none();
    let _ = captured.line("POST /ended ok");
}

// Mutation caught: a line for each of any number.
#[test]
fn of_many_the_oldest_are_told_and_the_rest_counted() {
    let clock = ManualClock::new();
    let captured = Captured::with(|builder| builder.clock(clock.clone()));
    let server = captured.telemetry().http_server();
    let requests: Vec<_> = (0..350)
        .map(|_| {
            clock.advance(Duration::from_millis(1));
            begin(&server, "/many")
        })
        .collect();
    captured.telemetry().shutdown(Duration::from_secs(10)).unwrap();
    let lines = captured.lines().with("target", TARGET);
    let running: Vec<_> = lines.iter().map(|line| line["running_ms"].as_f64().unwrap() as u32).collect();
    assert_eq!(running, (250..350).rev().collect::<Vec<u32>>());
    let _ = captured.line("still running at shutdown, and not told one by one: 250");
    drop(requests);
}

// Mutations caught: `drain` that is not ready only when it is polled; one that tells twice.
#[test]
fn draining_turns_readiness_off_at_once_and_gives_notice() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let request = begin(&telemetry.http_server(), "/slow");
    let notice = Duration::from_millis(30);
    // One that waits here would not come back.
    drop(telemetry.drain_async(Duration::from_secs(3_600)));
    assert!(telemetry.readiness().is_draining());
    let start = Instant::now();
    let drain = telemetry.drain_async(notice);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(drain);
    assert!(start.elapsed() >= notice);
    telemetry.drain(Duration::ZERO);
    let _ = captured.line("draining: not ready any more; requests in flight: 1");
    request.finish();
    let _ = captured.line("POST /slow ok");
}
