//! Objectives: which events are theirs, how they are judged, and who is told of a burn.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::clock::ManualClock;
use observe_core::context::Context;
use observe_core::http_client::OutgoingRequest;
use observe_core::http_server::{HttpRequest, HttpServerOperation, Segment};
use observe_core::label::LabelValue;
use observe_core::slo::{Burn, BurnPair, Exclusion, Slo, Verdict};
use observe_core::testing::Captured;
use observe_core::{Builder, Operation, Outcome, Sampling, Telemetry, fail, observed};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A service with objectives, and a clock that the test moves.
struct Service {
    captured: Captured,
    clock: ManualClock,
}

impl Service {
    fn with(slos: impl IntoIterator<Item = Slo>) -> Self {
        Self::set(|builder| slos.into_iter().fold(builder, Builder::slo))
    }

    fn set(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = ManualClock::new();
        let captured = Captured::with(|builder| settings(builder.clock(clock.clone())));
        Self { captured, clock }
    }

    fn telemetry(&self) -> &Telemetry {
        self.captured.telemetry()
    }

    fn start(&self, request: &HttpRequest<'_>) -> HttpServerOperation {
        self.telemetry().http_server().start(request, &Context::new())
    }

    /// A request that has a head after so long, and its end after so much longer.
    fn answer(&self, route: &str, status: u16, head: Duration, body: Duration) {
        let mut operation = self.start(&HttpRequest::new("GET", route).route(route));
        self.clock.advance(head);
        operation.status(status);
        self.clock.advance(body);
        operation.finish();
    }

    /// Events and bad ones so far.
    fn counted(&self, slo: &str) -> (u64, u64) {
        let status = self.telemetry().slo(slo).unwrap();
        let page = self.captured.metrics();
        let labels = format!("{{slo=\"{slo}\",service=\"test\"}}");
        page.expect(&format!("slo_events_total{labels}"), status.events() as f64);
        page.expect(&format!("slo_bad_events_total{labels}"), status.bad() as f64);
        (status.events(), status.bad())
    }

    fn excluded(&self, slo: &str, reason: Exclusion) -> u64 {
        self.telemetry().slo(slo).unwrap().excluded(reason)
    }
}

const NO_TIME: Duration = Duration::ZERO;

/// A label of one value.
#[derive(Clone, Copy)]
struct Only<const N: usize>;

impl<const N: usize> LabelValue for Only<N> {
    const CARDINALITY: u32 = 1;

    fn code(self) -> u32 {
        0
    }

    fn text(_: u32) -> &'static str {
        ["declined", "paid"][N]
    }
}

// Mutations caught: requests of other routes that count; a declared failure or a panic that is none; a route said twice
// that counts twice.
#[test]
fn an_availability_counts_what_fails_on_its_routes() {
    let service = Service::with([
        Slo::availability("pay", 99.0).route("/charge").route("/refund").route("/charge"),
        Slo::availability("all", 99.0),
    ]);
    for (route, status) in [("/charge", 200), ("/charge", 500), ("/refund", 404), ("/else", 503)] {
        service.answer(route, status, NO_TIME, NO_TIME);
    }
    assert_eq!(service.counted("pay"), (3, 1));
    assert_eq!(service.counted("all"), (4, 2));

    let mut declared = service.start(&HttpRequest::new("GET", "/charge").route("/charge"));
    declared.within(|| fail(Only::<0>));
    declared.status(200);
    declared.finish();
    let mut named = service.start(&HttpRequest::new("GET", "/x"));
    named.within(|| observe_core::route("/refund"));
    named.status(200);
    named.finish();
    assert_eq!(service.counted("pay"), (5, 2));
}

#[test]
fn they_choose_by_method_and_segment() {
    let service =
        Service::with([Slo::availability("paid", 99.0).method("POST").method("PUT").segment("paid")]);
    for (method, segment) in [
        ("POST", Segment::of(Only::<1>)),
        ("PUT", Segment::of(Only::<1>)),
        ("GET", Segment::of(Only::<1>)),
        ("POST", Segment::NONE),
    ] {
        let mut operation = service.start(&HttpRequest::new(method, "/").segment(segment));
        operation.status(500);
        operation.finish();
    }
    assert_eq!(service.counted("paid"), (2, 2));
}

#[test]
fn calls_by_grpc_have_methods() {
    let service = Service::with([Slo::availability("place", 99.0).rpc_method("shop.Orders/Place")]);
    for (path, status) in
        [("/shop.Orders/Place", "0"), ("/shop.Orders/Place", "13"), ("/shop.Orders/List", "13")]
    {
        let mut operation = service.start(&HttpRequest::new("POST", path).grpc(true));
        operation.status(200);
        operation.grpc_status(status.as_bytes());
        operation.finish();
    }
    assert_eq!(service.counted("place"), (2, 1));
}

// Mutations caught: a client that left counted as served, or as failed; client errors excluded without being asked.
#[test]
fn who_goes_away_before_the_answer_is_not_counted() {
    let service = Service::with([
        Slo::availability("charge", 99.0),
        Slo::availability("strict", 99.0).exclude_client_errors(),
        Slo::availability("fast", 99.0).within(SECOND),
    ]);
    service.clock.advance(SECOND);
    drop(service.start(&HttpRequest::new("GET", "/")));
    for slo in ["charge", "strict", "fast"] {
        assert_eq!(service.counted(slo), (0, 0), "{slo}");
        assert_eq!(service.excluded(slo, Exclusion::Cancelled), 1, "{slo}");
    }

    // Behind the head it was served, as far as the service can see.
    let mut operation = service.start(&HttpRequest::new("GET", "/"));
    operation.status(200);
    drop(operation);
    // It waited longer than was promised.
    let waiting = service.start(&HttpRequest::new("GET", "/"));
    service.clock.advance(2 * SECOND);
    drop(waiting);
    assert_eq!(service.counted("charge"), (1, 0));
    assert_eq!(service.counted("fast"), (2, 1));

    service.answer("/", 404, NO_TIME, NO_TIME);
    assert_eq!(service.counted("charge"), (2, 0));
    assert_eq!(service.counted("strict"), (1, 0));
    assert_eq!(service.excluded("strict", Exclusion::ClientError), 1);
}

// Mutations caught: the end taken for the head, the head for the end; a threshold that is itself late; a fast failure
// taken for a fast answer.
#[test]
fn latency_is_judged_at_the_head_unless_it_is_to_the_end() {
    let service = Service::with([
        Slo::latency("head", 99.0, SECOND),
        Slo::latency("end", 99.0, SECOND).to_end(),
        Slo::availability("both", 99.0).within(SECOND),
    ]);
    service.answer("/", 200, SECOND, 5 * SECOND);
    assert_eq!(
        [service.counted("head"), service.counted("end"), service.counted("both")],
        [(1, 0), (1, 1), (1, 0)]
    );
    service.answer("/", 200, SECOND + Duration::from_nanos(1), NO_TIME);
    assert_eq!(
        [service.counted("head"), service.counted("end"), service.counted("both")],
        [(2, 1), (2, 2), (2, 1)]
    );

    service.answer("/", 503, NO_TIME, NO_TIME);
    assert_eq!(
        [service.counted("head"), service.counted("end"), service.counted("both")],
        [(2, 1), (2, 2), (3, 2)]
    );
    assert_eq!(service.excluded("head", Exclusion::Failed), 1);
    service.answer("/", 503, 2 * SECOND, NO_TIME);
    assert_eq!(
        [service.counted("head"), service.counted("end"), service.counted("both")],
        [(3, 2), (3, 3), (4, 3)]
    );

    // Who leaves in the middle of the body had the head.
    let mut operation = service.start(&HttpRequest::new("GET", "/"));
    operation.status(200);
    drop(operation);
    assert_eq!(
        [service.counted("head"), service.counted("end"), service.counted("both")],
        [(4, 2), (3, 3), (5, 3)]
    );
    assert_eq!(service.excluded("end", Exclusion::Cancelled), 1);
}

#[observed(name = "tests::authorize", dependency = "payment")]
fn authorize(works: bool) -> Result<(), &'static str> {
    if works { Ok(()) } else { Err("declined") }
}

#[observed(name = "tests::place")]
fn place(works: bool) -> Result<(), &'static str> {
    if works { Ok(()) } else { Err("sold out") }
}

// Mutations caught: a function that is judged by its dependency's name only, or not at all; a call to another host.
#[test]
fn functions_dependencies_operations_and_hosts_have_objectives() {
    let service = Service::with([
        Slo::availability("place", 99.0).function("tests::place"),
        Slo::availability("authorize", 99.0).function("tests::authorize"),
        Slo::availability("payment", 99.0).dependency("payment"),
        Slo::latency("import", 99.0, SECOND).operation("import"),
        Slo::availability("stock", 99.0).server_address("stock.internal"),
    ]);
    service.captured.run(|| {
        for works in [true, true, false] {
            let _ = (place(works), authorize(works));
        }
        let import = Operation::builder("import").start();
        service.clock.advance(2 * SECOND);
        import.finish(Outcome::Ok);
        Operation::builder("export").start().finish(Outcome::Error);
        for (host, status) in [("stock.internal:80", 200), ("stock.internal:80", 404), ("other", 500)] {
            let mut call =
                service.telemetry().http_client().start(&OutgoingRequest::new("GET", "http", host, "/"));
            call.status(status);
            call.finish();
        }
    });
    for (slo, counted) in
        [("place", (3, 1)), ("authorize", (3, 1)), ("payment", (3, 1)), ("import", (1, 1)), ("stock", (2, 1))]
    {
        assert_eq!(service.counted(slo), counted, "{slo}");
    }
}

// Mutation caught: a method that is known from its first answer on only, so that one that fails from the start has no
// events.
#[test]
fn calls_of_a_method_that_never_answers_are_judged() {
    let service = Service::with([Slo::availability("down", 99.0).rpc_method("shop.Down/Place")]);
    for status in [Some("14"), Some("13"), None] {
        let mut operation = service.start(&HttpRequest::new("POST", "/shop.Down/Place").grpc(true));
        operation.status(200);
        match status {
            Some(status) => {
                operation.grpc_status(status.as_bytes());
                operation.finish();
            }
            None => {
                let unwound = catch_unwind(AssertUnwindSafe(|| operation.within(|| panic!("planned"))));
                assert!(unwound.is_err());
                drop(operation);
            }
        }
    }
    assert_eq!(service.counted("down"), (3, 3));
}

// Mutation caught: a judgement that panics and takes the request with it, or counts.
#[test]
fn a_service_may_judge_itself() {
    let service = Service::with([Slo::judged("search", 99.0, |event| match event.status {
        Some(204) => Verdict::Bad,
        Some(299) => Verdict::Excluded(Exclusion::NotValid),
        Some(500) => panic!("planned"),
        _ if event.duration >= SECOND && event.method == "GET" => Verdict::Bad,
        _ => Verdict::Good,
    })
    .route("/search")]);
    for status in [200, 204, 299, 500] {
        service.answer("/search", status, NO_TIME, NO_TIME);
    }
    service.answer("/search", 200, NO_TIME, SECOND);
    assert_eq!(service.counted("search"), (3, 2));
    assert_eq!(service.excluded("search", Exclusion::NotValid), 1);
    assert_eq!(service.excluded("search", Exclusion::JudgePanicked), 1);
}

#[test]
fn events_are_recorded_by_hand() {
    let service = Service::with([Slo::events("rows", 99.0), Slo::availability("charge", 99.0)]);
    let rows = service.telemetry().slo_events("rows").unwrap();
    rows.good();
    rows.clone().bad();
    rows.excluded();
    rows.record(Verdict::Excluded(Exclusion::ClientError));
    assert_eq!(service.counted("rows"), (2, 1));
    assert_eq!(service.telemetry().slo("rows").unwrap().budget_left(), -49.0);

    for (name, rule) in [("charge", "not recorded by hand"), ("lines", "there is none of this name")] {
        let error = service.telemetry().slo_events(name).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(rule), "{error}");
    }
}

// Mutations caught: a guard that ends the maintenance of another; maintenance that drops events instead of counting them.
#[test]
fn maintenance_excludes_and_counts() {
    let service = Service::with([Slo::events("rows", 99.0), Slo::availability("charge", 99.0)]);
    let rows = service.telemetry().slo_events("rows").unwrap();
    let all = service.telemetry().maintenance();
    let one = service.telemetry().slo("rows").unwrap().maintenance();
    rows.bad();
    service.answer("/", 500, NO_TIME, NO_TIME);
    drop(all);
    rows.bad();
    service.answer("/", 500, NO_TIME, NO_TIME);
    drop(one);
    rows.bad();
    assert_eq!((service.counted("rows"), service.excluded("rows", Exclusion::Maintenance)), ((1, 1), 2));
    assert_eq!((service.counted("charge"), service.excluded("charge", Exclusion::Maintenance)), ((1, 1), 1));
}

// Mutation caught: a series that comes with its first event.
#[test]
fn everything_is_there_at_zero() {
    let service = Service::with([
        Slo::availability("charge", 99.9),
        Slo::external("edge", 99.0, "a[$window]", "b[$window]"),
    ]);
    let page = service.captured.metrics();
    let labels = "slo=\"charge\",service=\"test\"";
    page.expect(&format!("slo_events_total{{{labels}}}"), 0.0);
    page.expect(&format!("slo_bad_events_total{{{labels}}}"), 0.0);
    for reason in Exclusion::ALL {
        page.expect(&format!("slo_excluded_events_total{{{labels},reason=\"{}\"}}", reason.as_str()), 0.0);
    }
    page.expect(&format!("slo_objective_ratio{{{labels}}}"), 0.999);
    page.expect(&format!("slo_error_budget_remaining_ratio{{{labels}}}"), 1.0);
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] {
        page.expect(&format!("slo_burn_rate{{{labels},window=\"{window}\"}}"), 0.0);
        page.expect(&format!("slo_covered_seconds{{{labels},window=\"{window}\"}}"), 0.0);
    }
    assert_eq!(page.get("slo_events_total{slo=\"edge\",service=\"test\"}"), None);
}

// Mutation caught: a window called longer than it was looked at; a rate of all that ever happened.
#[test]
fn burn_rates_are_of_their_windows_as_far_as_those_are_covered() {
    let service = Service::with([Slo::events("rows", 99.0)]);
    let rows = service.telemetry().slo_events("rows").unwrap();
    let read = |name: &str, window: &str| {
        let labels = format!("{{slo=\"rows\",service=\"test\",window=\"{window}\"}}");
        service.captured.metric(&format!("{name}{labels}"))
    };
    // Half an hour of 10 % bad ones: ten times what is allowed.
    for _ in 0..360 {
        service.clock.advance(5 * SECOND);
        rows.bad();
        (0..9).for_each(|_| rows.good());
        let _ = service.captured.metrics();
    }
    for (window, covered) in
        [("5m", 300.0), ("30m", 1_800.0), ("1h", 1_800.0), ("3d", 1_800.0), ("start", 1_800.0)]
    {
        assert_eq!(read("slo_covered_seconds", window), covered, "{window}");
    }
    for window in ["5m", "30m", "1h", "3d"] {
        assert!((read("slo_burn_rate", window) - 10.0).abs() < 0.01, "{window}");
    }
    // Six minutes of good ones.
    for _ in 0..72 {
        service.clock.advance(5 * SECOND);
        (0..10).for_each(|_| rows.good());
        let _ = service.captured.metrics();
    }
    assert_eq!(read("slo_burn_rate", "5m"), 0.0);
    assert!((read("slo_burn_rate", "1h") - 10.0 * 30.0 / 36.0).abs() < 0.01);
}

// Mutations caught: a burn told again and again, or not again after it ended; one of few events; of the short window or
// the long alone; a pair that opens a ticket taken for one that pages.
#[test]
fn a_burn_is_told_once_and_again_when_it_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, burns) = channel::<Burn>();
    let twelve_hours = Duration::from_secs(12 * 3600);
    let service = Service::set(|builder| {
        builder
            .slo(Slo::events("rows", 99.0).window(twelve_hours).pages_on([BurnPair::Hour]))
            .snapshots(folder.path())
            .on_burn(move |burn| {
                let _ = sender.send(burn.clone());
                panic!("planned");
            })
    });
    let rows = service.telemetry().slo_events("rows").unwrap();
    let patience = Duration::from_secs(30);
    // The limit is 14.4 times 1 %. Four bad ones of four are too few.
    (0..4).for_each(|_| rows.bad());
    service.clock.advance(SECOND);
    std::thread::sleep(Duration::from_millis(300));
    assert!(burns.try_recv().is_err());
    rows.bad();
    let burn = burns.recv_timeout(patience).unwrap();
    assert_eq!((burn.slo.as_str(), burn.rule.pair, burn.covered), ("rows", BurnPair::Hour, SECOND));
    assert_eq!((burn.rule.factor, burn.rate), (14.4, 100.0));

    // Good ones for two minutes, and bad ones again.
    for _ in 0..120 {
        service.clock.advance(SECOND);
        (0..20).for_each(|_| rows.good());
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(burns.try_recv().is_err());
    (0..4_000).for_each(|_| rows.bad());
    let again = burns.recv_timeout(patience).unwrap();
    // The watcher saw some of those two minutes, as many as it was given time for.
    assert!(again.rate > 14.4 && again.covered <= Duration::from_secs(60), "{again:?}");

    service.telemetry().flush(patience).unwrap();
    let snapshots: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(snapshots.iter().any(|name| name.to_string_lossy().contains("burn")), "{snapshots:?}");
    let told = service.captured.text();
    assert!(told.contains("100.0 times faster than allowed over 1m, and still over 5s; the limit is 14.4 (of the 1m only 1 s have been seen)"), "{told}");
    assert!(told.contains("`on_burn` panicked"), "{told}");
}

/// Waits until it is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "never {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

// Mutations caught: a route that is warned of before others had a thousand, or more than once.
#[test]
fn a_route_that_stays_silent_is_told_once() {
    let hour = Duration::from_secs(3600);
    let service = Service::with([
        Slo::availability("charge", 99.0).route("/charge").route("/chrage").window(hour),
        Slo::availability("else", 99.0).function("tests::nowhere").window(hour),
    ]);
    let told = || service.captured.text().matches("had no").count();
    // Long enough for the watcher to look a few times: should it be late, nothing is found that is not there.
    let a_while = || std::thread::sleep(Duration::from_millis(300));
    (0..999).for_each(|_| service.answer("/charge", 200, NO_TIME, NO_TIME));
    a_while();
    assert_eq!(told(), 0);
    (0..10).for_each(|_| service.answer("/charge", 200, NO_TIME, NO_TIME));
    until("told of both", || told() == 2);
    (0..1_000).for_each(|_| service.answer("/charge", 200, NO_TIME, NO_TIME));
    a_while();
    assert_eq!(told(), 2);
    let text = service.captured.text();
    assert!(
        text.contains("SLO `charge`: its route `/chrage` had no request, while others had 1000"),
        "{text}"
    );
    assert!(text.contains("SLO `else`: the function `tests::nowhere` had no event"), "{text}");
}

// Mutations caught: a method that nobody uses, hidden by its route, which has requests; told twice, or told of one that
// has some.
#[test]
fn a_method_that_stays_silent_is_told_once() {
    let hour = Duration::from_secs(3600);
    let slo = |name| Slo::availability(name, 99.0).route("/charge").window(hour);
    let service = Service::with([
        slo("small").method("post"),
        slo("segment").method("GET").segment("gold"),
        slo("some").method("GET").method("PATCH"),
        Slo::availability("typo", 99.0).route("/chrage").method("post").window(hour),
    ]);
    (0..1_010).for_each(|_| service.answer("/charge", 200, NO_TIME, NO_TIME));
    until("told of three", || service.captured.text().matches("had no").count() >= 3);
    std::thread::sleep(Duration::from_millis(300));
    let text = service.captured.text();
    assert_eq!(text.matches("had no").count(), 3, "{text}");
    for told in [
        "SLO `small`: the method `post` had no event, while others had 1000: is it named so?",
        "SLO `segment`: the method `GET`, segment `gold` had no event",
        "SLO `typo`: its route `/chrage` had no request",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

// Mutation caught: a trace that an objective calls bad, sampled away.
#[test]
fn what_is_bad_is_kept() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let service = Service::set(|builder| {
        builder
            .slo(Slo::latency("charge", 99.0, Duration::from_millis(100)).route("/charge"))
            .sampling(Sampling::tail(0.0).unwrap())
            .traces_to_file(file.path())
    });
    service.answer("/charge", 200, Duration::from_millis(101), NO_TIME);
    service.answer("/charge", 200, Duration::from_millis(100), NO_TIME);
    service.answer("/else", 200, Duration::from_millis(101), NO_TIME);
    service.telemetry().flush(Duration::from_secs(30)).unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(r#"{"key":"sampling.reason","value":{"stringValue":"objective"}}"#), "{text}");
}

#[test]
fn what_breaks_a_rule_is_refused_by_name() {
    let build = |slo| Telemetry::builder("test").slo(slo).build();
    let error = build(Slo::availability("charge", 0.999)).unwrap_err();
    assert!(error.is_invalid());
    assert_eq!(error.to_string(), "SLO `charge`: its objective is 0.999: it is a percentage; is 99.9 meant?");
    let two = Telemetry::builder("test").slo(Slo::events("a", 99.0)).slo(Slo::events("a", 98.0)).build();
    assert!(two.unwrap_err().is_duplicate());

    let captured = Captured::with(|builder| builder.slo(Slo::availability("charge", 90.0)));
    assert!(captured.text().contains("SLO `charge`: the alert over 1h and 5m can never fire"));
}

// Mutation caught: bad ones counted before the events that they are.
#[test]
fn nobody_ever_sees_more_bad_events_than_events() {
    let service = Service::with([Slo::events("rows", 99.0)]);
    let rows = service.telemetry().slo_events("rows").unwrap();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2).map(|_| scope.spawn(|| (0..200_000).for_each(|_| rows.bad()))).collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let page = service.captured.metrics();
            let read = |name: &str| page.value(&format!("{name}{{slo=\"rows\",service=\"test\"}}"));
            assert!(read("slo_bad_events_total") <= read("slo_events_total"));
        }
    });
    assert_eq!(service.counted("rows"), (400_000, 400_000));
}
