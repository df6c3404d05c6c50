//! Objectives that today's traffic speaks for.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::clock::ManualClock;
use observe_core::context::Context;
use observe_core::http_server::{HttpNames, HttpRequest, HttpServer};
use observe_core::metric::{Buckets, View};
use observe_core::slo::Slo;
use observe_core::{Builder, Telemetry};
use std::time::Duration;

/// A service, and a clock that the test moves.
struct Service {
    telemetry: Telemetry,
    server: HttpServer,
    clock: ManualClock,
}

/// How a request ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Status(u16),
    /// The client went away, before the head of its answer or after.
    GoneBefore,
    GoneAfter,
}

use End::{GoneAfter, GoneBefore, Status};

impl Service {
    fn new(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = ManualClock::new();
        let builder = Telemetry::builder("shop").without_log().clock(clock.clone());
        let telemetry = settings(builder).build().unwrap();
        Self { server: telemetry.http_server(), telemetry, clock }
    }

    /// So many requests that take so many milliseconds.
    fn serve(&self, count: usize, method: &str, route: &str, millis: u64, end: End) {
        for _ in 0..count {
            let request = HttpRequest::new(method, "/").route(route);
            let request = if route.is_empty() { HttpRequest::new(method, "/") } else { request };
            let mut operation = self.server.start(&request, &Context::new());
            match end {
                Status(status) => operation.status(status),
                GoneAfter => operation.status(200),
                GoneBefore => {}
            }
            self.clock.advance(Duration::from_millis(millis));
            if let Status(_) = end {
                operation.finish();
            }
        }
    }

    fn call(&self, count: usize, path: &str, status: &str) {
        for _ in 0..count {
            let request = HttpRequest::new("POST", path).grpc(true);
            let mut operation = self.server.start(&request, &Context::new());
            operation.status(200);
            operation.grpc_status(status.as_bytes());
            self.clock.advance(Duration::from_millis(3));
            operation.finish();
        }
    }

    fn proposals(&self) -> Vec<String> {
        self.telemetry.propose_slos().iter().map(ToString::to_string).collect()
    }
}

// Mutations caught: the strictest objective whatever was seen, one that is met exactly; a threshold below the quantile;
// routes out of order.
#[test]
fn the_line_to_paste_is_worked_out_by_hand() {
    let service = Service::new(|builder| builder);
    // 21 of 12,400 failed: 99.83 %. 100 took longer than 250 ms: 0.81 %.
    service.serve(12_300, "POST", "/charge", 200, Status(200));
    service.serve(79, "POST", "/charge", 400, Status(402));
    service.serve(21, "POST", "/charge", 700, Status(500));
    // Exactly one in a hundred is slow: 99 % is not looser than that at 25 ms, but at 1 s.
    service.serve(1_980, "GET", "/users/{id}/orders", 20, Status(200));
    service.serve(20, "GET", "/users/{id}/orders", 800, Status(200));
    service.serve(312, "POST", "/refund", 20, Status(200));
    assert_eq!(
        service.proposals(),
        [
            ".slo(Slo::availability(\"charge\", 99.5).route(\"/charge\")) // 99.83 % of 12,400 requests were good",
            ".slo(Slo::latency(\"charge-fast\", 99.0, Duration::from_millis(250)).route(\"/charge\").to_end()) \
             // 99.19 % of 12,400 requests took at most 250 ms; the 99th percentile lies between 100 ms and 250 ms",
            ".slo(Slo::availability(\"users-id-orders\", 99.5).route(\"/users/{id}/orders\")) \
             // 100 % of 2,000 requests were good; 99.9 % needs 10,000",
            ".slo(Slo::latency(\"users-id-orders-fast\", 99.0, Duration::from_secs(1)).route(\"/users/{id}/orders\").to_end()) \
             // 100 % of 2,000 requests took at most 1 s; the 99th percentile lies between 750 ms and 1 s",
            "// /refund: 312 requests; at least 1,000 are needed",
        ]
    );
    let guide = include_str!("../../docs/slo.md");
    assert!(guide.contains(&format!("```text\n{}\n```\n", service.proposals().join("\n"))));
    let [charge, fast, ..] = &service.telemetry.propose_slos()[..] else { panic!() };
    assert_eq!(
        (charge.of(), charge.events(), charge.bad(), charge.quantile()),
        ("/charge", 12_400, 21, None)
    );
    let between = (Duration::from_millis(100), Duration::from_millis(250));
    assert_eq!((fast.events(), fast.bad(), fast.quantile()), (12_400, 100, Some(between)));
    let slo = fast.slo().unwrap();
    assert_eq!((slo.name(), slo.objective(), slo.threshold()), ("charge-fast", 99.0, Some(between.1)));
}

// Mutations caught: preflights taken for the service's work, a route with one kind of methods narrowed for nothing.
#[test]
fn reads_and_writes_are_apart() {
    let service = Service::new(|builder| builder);
    service.serve(4_000, "GET", "/orders", 3, Status(200));
    service.serve(1_000, "HEAD", "/orders", 3, Status(200));
    service.serve(850, "POST", "/orders", 3, Status(201));
    service.serve(150, "POST", "/orders", 3, Status(503));
    service.serve(3_000, "OPTIONS", "/orders", 3, Status(204));
    service.serve(3_000, "GET", "", 3, Status(404));
    assert_eq!(
        service.proposals(),
        [
            ".slo(Slo::availability(\"orders-read\", 99.5).route(\"/orders\").method(\"GET\").method(\"HEAD\")) \
             // 100 % of 5,000 requests were good; 99.9 % needs 10,000",
            ".slo(Slo::latency(\"orders-read-fast\", 99.0, Duration::from_millis(5)).route(\"/orders\").method(\"GET\").method(\"HEAD\").to_end()) \
             // 100 % of 5,000 requests took at most 5 ms; the 99th percentile lies between 0 s and 5 ms",
            "// POST /orders: 85 % of 1,000 requests were good, which is no objective",
            "// POST /orders: no threshold: 850 requests ended well or late; at least 1,000 are needed",
        ]
    );
}

#[test]
fn what_is_too_slow_for_the_buckets_has_no_threshold() {
    let service = Service::new(|builder| builder);
    service.serve(1_350, "GET", "/report", 9_000, Status(200));
    service.serve(150, "GET", "/report", 20_000, Status(200));
    let no_threshold =
        "// /report: no threshold: 150 of 1,500 requests took longer than 10 s, the last bucket's bound";
    assert_eq!(service.proposals()[1], no_threshold);
    // A little less than a tenth.
    service.serve(10, "GET", "/report", 20, Status(200));
    let looser = ".slo(Slo::latency(\"report-fast\", 90.0, Duration::from_secs(10)).route(\"/report\").to_end()) \
                  // 90.06 % of 1,510 requests took at most 10 s; the 90th percentile lies between 7.5 s and 10 s";
    assert_eq!(service.proposals()[1], looser);
}

// Mutation caught: a bound that is no number for people proposed as it is.
#[test]
fn a_threshold_is_round() {
    let fine = View::of("http_server_request_duration_seconds").buckets(Buckets::new(&[0.032, 0.128, 0.512]));
    // Other names, and families that are not shown, change nothing.
    let service = Service::new(|builder| {
        builder.http_names(HttpNames::OpenTelemetry).view(fine).view(View::of("observe_series").drop_family())
    });
    service.serve(1_000, "GET", "/a", 100, Status(200));
    let threshold = "Duration::from_millis(150)";
    let said = "took at most 128 ms; the 99th percentile lies between 32 ms and 128 ms";
    let line = &service.proposals()[1];
    assert!(line.contains(threshold) && line.ends_with(said), "{line}");
}

#[test]
fn other_names_of_metrics_change_nothing() {
    let classic = Service::new(|builder| builder.http_names(HttpNames::Classic));
    let hidden =
        Service::new(|builder| builder.view(View::of("http_server_request_duration_seconds").drop_family()));
    for service in [classic, hidden] {
        service.serve(1_000, "GET", "/a", 100, Status(200));
        assert!(service.proposals()[0].starts_with(".slo(Slo::availability(\"a\", 99.0).route(\"/a\"))"));
    }
}

// Mutations caught: two of one name, a name that the rules of names refuse.
#[test]
fn names_are_valid_and_unique() {
    let service = Service::new(|builder| {
        builder.slo(Slo::availability("a-b", 99.0).route("/else")).slo(Slo::events("a-b-fast", 99.0))
    });
    let long = format!("/{}{{x}}", "veryLong/".repeat(20));
    let routes = ["/", "/a/b", "/a-b", "/a/b-fast", "/-ä-", &long, &format!("{long}2")];
    for (at, route) in routes.into_iter().enumerate() {
        service.serve(1_010 - at, "GET", route, 3, Status(200));
    }
    service.serve(1_000, "POST", "/", 3, Status(200));
    let proposals = service.telemetry.propose_slos();
    let slos: Vec<Slo> = proposals.iter().map(|proposal| proposal.slo().unwrap().clone()).collect();
    let names: Vec<&str> = slos.iter().map(Slo::name).collect();
    let many = "verylong-verylong-verylong-verylong-verylong-v";
    let expected =
        ["root-read", "a-b-2", "a-b-3", "a-b-fast-2", "root", many, &format!("{many}-2"), "root-write"];
    let expected: Vec<String> =
        expected.iter().flat_map(|name| [(*name).to_owned(), format!("{name}-fast")]).collect();
    assert_eq!(names, expected);
    let declared = [Slo::availability("a-b", 99.0), Slo::events("a-b-fast", 99.0)];
    let builder = Telemetry::builder("shop").without_log();
    let _telemetry = declared.into_iter().chain(slos).fold(builder, Builder::slo).build().unwrap();
}

// Mutation caught: what a team has declared proposed to it again.
#[test]
fn what_is_declared_is_left_out() {
    let second = Duration::from_secs(1);
    let service = Service::new(|builder| {
        builder
            .slo(Slo::availability("a", 99.0).route("/a"))
            .slo(Slo::latency("b", 99.0, second).route("/b"))
            .slo(Slo::availability("c", 99.0).within(second).route("/c"))
            .slo(Slo::availability("all", 99.0))
    });
    for (at, route) in ["/a", "/b", "/c", "/d"].into_iter().enumerate() {
        service.serve(1_000 - at % 3, "GET", route, 3, Status(200));
        service.serve(3, "GET", route, 3, Status(200));
    }
    let proposals = service.telemetry.propose_slos();
    let names: Vec<_> = proposals.iter().map(|proposal| proposal.slo().unwrap().name()).collect();
    assert_eq!(names, ["a-fast", "d", "d-fast", "b-2"]);
}

#[test]
fn calls_have_theirs() {
    let service = Service::new(|builder| builder);
    service.call(1_990, "/shop.Orders/Place", "0");
    service.call(6, "/shop.Orders/Place", "5");
    service.call(4, "/shop.Orders/Place", "13");
    service.call(2_000, "/probe.Nobody/Knows", "12");
    assert_eq!(
        service.proposals(),
        [
            ".slo(Slo::availability(\"shop-orders-place\", 99.5).rpc_method(\"shop.Orders/Place\")) \
             // 99.80 % of 2,000 calls were good",
            ".slo(Slo::latency(\"shop-orders-place-fast\", 99.0, Duration::from_millis(5)).rpc_method(\"shop.Orders/Place\").to_end()) \
             // 100 % of 1,996 calls took at most 5 ms; the 99th percentile lies between 0 s and 5 ms",
        ]
    );
    assert!(Service::new(|builder| builder).proposals().is_empty());
}

/// The same traffic, judged by what was proposed for it, gives the figures that were said, and keeps the objective.
// Mutations caught: what failed or was cancelled counted otherwise than it is judged, a bound taken for the one beside it,
// durations to the head of an answer held against those to its end.
#[test]
fn the_same_traffic_keeps_what_was_proposed() {
    let serve = |service: &Service| {
        let mut random = 7_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for _ in 0..18_000 {
            let route = ["/a", "/b", "/c"][next(3) as usize];
            let method = ["GET", "GET", "POST"][next(3) as usize];
            let end = match next(400) {
                0..=2 => Status(500),
                3..=9 => GoneBefore,
                10..=19 => GoneAfter,
                20..=60 => Status(404),
                _ => Status(200),
            };
            let millis = if next(200) == 0 { 100 + next(3_000) } else { next(120) };
            service.serve(1, method, route, millis, end);
        }
    };
    let before = Service::new(|builder| builder);
    serve(&before);
    let proposals = before.telemetry.propose_slos();
    let declared = proposals.iter().filter_map(|proposal| proposal.slo().cloned());
    let after = Service::new(|builder| declared.fold(builder, Builder::slo));
    serve(&after);
    let mut latencies = 0;
    for proposal in &proposals {
        let slo = proposal.slo().unwrap();
        let status = after.telemetry.slo(slo.name()).unwrap();
        assert_eq!((status.events(), status.bad()), (proposal.events(), proposal.bad()), "{proposal}");
        assert!(status.budget_left() > 0.0, "{proposal}");
        latencies += u32::from(proposal.quantile().is_some_and(|(_, to)| slo.threshold() == Some(to)));
    }
    assert_eq!((proposals.len(), latencies), (12, 6));
}
