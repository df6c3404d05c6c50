//! Collectors that do not do their part: requests do not wait for them, nothing is lost that is not counted, and delivery
//! goes on by itself.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use observe_core::testing::Captured;
use observe_core::{Otlp, Sampling, SpanLimits};
use otlp_tests::{Collector, PATIENCE, Reply};

/// Nothing goes before it is asked for.
const HOUR: Duration = Duration::from_secs(3_600);

/// A telemetry that exports all.
fn exporting(otlp: Otlp, limits: impl FnOnce(&mut SpanLimits)) -> Captured {
    let mut own = SpanLimits::default();
    own.delay = HOUR;
    limits(&mut own);
    Captured::with(|builder| builder.sampling(Sampling::always()).otlp(otlp.limits(own)))
}

/// Some requests, and how long they took in all.
fn requests(captured: &Captured, count: usize) -> Duration {
    let begun = Instant::now();
    for _ in 0..count {
        captured.run(|| captured.telemetry().operation("request").start().finish(observe_core::Outcome::Ok));
    }
    begun.elapsed()
}

fn attempts(captured: &Captured, outcome: &str) -> f64 {
    captured.metric(&format!(r#"observe_export_total{{signal="span",outcome="{outcome}"}}"#))
}

fn dropped(captured: &Captured, reason: &str) -> f64 {
    captured.metric(&format!(r#"observe_dropped_total{{signal="span",reason="{reason}"}}"#))
}

/// Spans that were lost, for whatever reason.
fn lost(captured: &Captured) -> f64 {
    let reasons = ["queue_full", "shutdown", "refused", "rejected", "expired", "worker_panicked"];
    reasons.into_iter().map(|reason| dropped(captured, reason)).sum()
}

/// Both protocols, and what is a passing failure of theirs: HTTP's 503, gRPC's UNAVAILABLE (14).
fn each(test: impl Fn(&Collector, Otlp, u16)) {
    for (collector, otlp, busy) in
        [(Collector::http(), Otlp::http(), 503), (Collector::grpc(), Otlp::grpc(), 14)]
    {
        let otlp = otlp.endpoint(&collector.endpoint);
        test(&collector, otlp, busy);
    }
}

// Mutations caught: a status that is not tried again; a batch that is sent again although it was taken.
#[test]
fn what_passes_is_tried_again() {
    each(|collector, otlp, busy| {
        let captured = exporting(otlp, |_| ());
        collector.desk.next([Reply::Status(busy, None), Reply::Status(busy, None)]);
        requests(&captured, 5);
        captured.telemetry().flush(PATIENCE).unwrap();
        assert_eq!(collector.desk.spans().len(), 5);
        assert_eq!((attempts(&captured, "retry"), attempts(&captured, "ok")), (2.0, 1.0));
        assert_eq!(lost(&captured), 0.0);
        let (text, told) = (captured.text(), "spans cannot be delivered to http://127.0.0.1");
        assert_eq!(text.matches(told).count(), 1, "{text}");
        assert_eq!(text.matches("spans are delivered again").count(), 1, "{text}");
    });
}

// Mutation caught: the collector's wish not read, or not waited for: Retry-After, RetryInfo.
#[test]
fn a_busy_collector_is_left_alone_as_long_as_it_asks_for() {
    each(|collector, otlp, busy| {
        let captured = exporting(otlp, |_| ());
        collector.desk.next([Reply::Status(busy, Some(1))]);
        requests(&captured, 1);
        captured.telemetry().flush(PATIENCE).unwrap();
        let came = collector.desk.requests();
        assert_eq!(came.len(), 2);
        assert!(came[1] - came[0] >= Duration::from_secs(1), "{:?}", came[1] - came[0]);
    });
}

// Mutation caught: what is refused tried again, or not counted.
#[test]
fn what_is_refused_is_dropped() {
    // Not authorised, by either.
    for (collector, otlp, status) in
        [(Collector::http(), Otlp::http(), 401), (Collector::grpc(), Otlp::grpc(), 16)]
    {
        let captured = exporting(otlp.endpoint(&collector.endpoint), |_| ());
        collector.desk.next([Reply::Status(status, None)]);
        requests(&captured, 3);
        let error = captured.telemetry().flush(PATIENCE).unwrap_err();
        assert!(error.is_io() && error.to_string().contains("3 spans were not delivered"), "{error}");
        assert_eq!((dropped(&captured, "refused"), attempts(&captured, "refused")), (3.0, 1.0));
        assert_eq!(collector.desk.requests().len(), 1);
        requests(&captured, 2);
        captured.telemetry().flush(PATIENCE).unwrap();
        assert_eq!(collector.desk.spans().len(), 2);
    }
}

// Mutation caught: partial success taken for success, which the SDK's exporters do.
#[test]
fn what_is_rejected_of_a_batch_is_counted() {
    each(|collector, otlp, _| {
        let captured = exporting(otlp, |_| ());
        collector.desk.next([Reply::Reject(2)]);
        requests(&captured, 5);
        captured.telemetry().flush(PATIENCE).unwrap_err();
        assert_eq!((dropped(&captured, "rejected"), attempts(&captured, "partial")), (2.0, 1.0));
        assert_eq!(lost(&captured), 2.0);
    });
}

// Mutations caught: garbage or a login page taken for an answer; a reset that ends the worker.
#[test]
fn what_is_no_answer_is_none() {
    let collector = Collector::http();
    let captured = exporting(Otlp::http().endpoint(&collector.endpoint), |_| ());
    collector.desk.next([Reply::Reset, Reply::Garbage, Reply::Page]);
    requests(&captured, 1);
    let error = captured.telemetry().flush(PATIENCE).unwrap_err();
    assert!(error.to_string().contains("the answer is not OTLP's"), "{error}");
    assert_eq!((attempts(&captured, "retry"), dropped(&captured, "refused")), (2.0, 1.0));
    requests(&captured, 1);
    captured.telemetry().flush(PATIENCE).unwrap();
    assert_eq!(collector.desk.spans().len(), 1);
}

// Mutations caught: a redirect that is followed, with the headers' secrets; an answer that is read however long it is.
#[test]
fn a_collector_is_neither_followed_nor_listened_to_for_ever() {
    let collector = Collector::http();
    let captured = exporting(Otlp::http().endpoint(&collector.endpoint), |_| ());
    for (reply, told) in [(Reply::Elsewhere, "HTTP 307"), (Reply::Flood, "too long an answer")] {
        collector.desk.next([reply]);
        requests(&captured, 1);
        let error = captured.telemetry().flush(PATIENCE).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!((collector.desk.requests().len(), dropped(&captured, "refused")), (2, 2.0));
}

// Mutation caught: no limit on the time of one request, or another than was asked for.
#[test]
fn a_slow_collector_is_not_waited_for_longer_than_the_timeout() {
    each(|collector, otlp, _| {
        let captured = exporting(otlp.timeout(Duration::from_millis(150)), |_| ());
        collector.desk.next([Reply::Slow(Duration::from_secs(3))]);
        let begun = Instant::now();
        requests(&captured, 1);
        captured.telemetry().flush(PATIENCE).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(attempts(&captured, "retry"), 1.0);
    });
}

// Mutations caught: a push that waits; a queue without a bound; spans that are lost uncounted while the collector is away, or
// when it comes back; a worker that gave up for good.
#[test]
fn an_outage_slows_nobody_and_ends_by_itself() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    drop(held);
    let captured =
        exporting(Otlp::http().endpoint(format!("http://{address}")), |limits| limits.spans = 1_000);
    let took = requests(&captured, 5_000);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let waiting = || captured.metric(r#"observe_queue_length{signal="span"}"#);
    assert!(waiting() <= 1_000.0);
    assert!(dropped(&captured, "queue_full") >= 4_000.0);
    let error = captured.telemetry().flush(Duration::from_millis(300)).unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("are left (Connection refused"), "{error}");
    assert!(attempts(&captured, "retry") >= 1.0);

    let collector = Collector::http_on(&address);
    // Nobody asks for it: the next attempt comes by itself.
    let begun = Instant::now();
    while waiting() > 0.0 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(collector.desk.spans().len() as f64 + lost(&captured), 5_000.0);
    requests(&captured, 7);
    captured.telemetry().shutdown(PATIENCE).unwrap();
    assert_eq!(collector.desk.spans().len() as f64 + lost(&captured), 5_007.0);
}

// Whatever a collector does, each span is delivered or counted, exactly once. Mutations caught: one counted twice or not at
// all in any of the ways out of `deliver`.
#[test]
fn accepted_is_delivered_and_counted_as_dropped() {
    each(|collector, otlp, busy| {
        let captured = exporting(otlp, |limits| {
            limits.spans = 200;
            limits.batch = 20;
            limits.delay = Duration::from_millis(1);
        });
        let round = [
            Reply::Take,
            Reply::Status(busy, None),
            Reply::Reject(3),
            Reply::Take,
            // Bad request; INVALID_ARGUMENT.
            Reply::Status(if busy == 503 { 400 } else { 3 }, None),
            Reply::Slow(Duration::from_millis(5)),
        ];
        collector.desk.next(std::iter::repeat_n(round, 20).flatten());
        for _ in 0..40 {
            requests(&captured, 50);
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = captured.telemetry().shutdown(PATIENCE);
        let taken = collector.desk.spans().len() as f64 - dropped(&captured, "rejected");
        assert!(taken > 0.0 && dropped(&captured, "refused") > 0.0 && dropped(&captured, "rejected") > 0.0);
        assert_eq!(taken + lost(&captured), 2_000.0);
        assert_eq!(captured.metric(r#"observe_queue_length{signal="span"}"#), 0.0);
    });
}

// Mutation caught: a last batch that is left, on a runtime or outside of any.
#[test]
fn a_shutdown_delivers_on_any_runtime_and_on_none() {
    each(|collector, otlp, _| {
        let captured = exporting(otlp.clone(), |_| ());
        requests(&captured, 3);
        captured.telemetry().shutdown(PATIENCE).unwrap();
        assert_eq!(collector.desk.spans().len(), 3);

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for is_async in [false, true] {
            let captured = exporting(otlp.clone(), |_| ());
            runtime.block_on(async {
                requests(&captured, 3);
                match is_async {
                    false => captured.telemetry().shutdown(PATIENCE),
                    true => captured.telemetry().shutdown_async(PATIENCE).await,
                }
                .unwrap();
            });
        }
        assert_eq!(collector.desk.spans().len(), 9);
    });
}

// Mutations caught: a deadline that is not kept; an error that does not say how many.
#[test]
fn a_shutdown_says_what_it_could_not_deliver() {
    each(|collector, otlp, _| {
        let captured = exporting(otlp, |_| ());
        collector.desk.always(Reply::Slow(Duration::from_secs(20)));
        requests(&captured, 4);
        let begun = Instant::now();
        let error = captured.telemetry().shutdown(Duration::from_millis(300)).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert!(error.to_string().contains("4 spans were not delivered"), "{error}");
        assert_eq!(dropped(&captured, "shutdown"), 4.0);
        requests(&captured, 1);
        assert_eq!(dropped(&captured, "shutdown"), 5.0);
    });
}

// Each span is delivered at least once. Mutations caught: a batch that is given up with its connection; one that was taken,
// and lost sight of, counted as lost.
#[test]
fn a_collector_that_drops_half_of_its_connections_gets_everything() {
    let collector = Collector::http();
    let captured = exporting(Otlp::http().endpoint(&collector.endpoint), |limits| {
        limits.batch = 10;
        limits.delay = Duration::from_millis(1);
    });
    let round = [Reply::Reset, Reply::Take, Reply::TakeAndReset, Reply::Take];
    collector.desk.next(std::iter::repeat_n(round, 10).flatten());
    for _ in 0..20 {
        requests(&captured, 10);
        // A pause after each failure would make it a long test.
        captured.telemetry().flush(PATIENCE).unwrap();
    }
    captured.telemetry().shutdown(PATIENCE).unwrap();
    let spans = collector.desk.spans();
    let different: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!((different.len(), lost(&captured)), (200, 0.0));
    assert!(spans.len() > 200 && attempts(&captured, "retry") >= 20.0);
}

/// Somebody who listens, and says this to everybody who comes: again and again, until he goes. Answers where, and how much was
/// said in all.
fn saying(first: Vec<u8>, again: Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let said = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&said);
    let say = move |mut stream: TcpStream| -> std::io::Result<()> {
        let mut heard = [0; 1024];
        let _ = stream.read(&mut heard)?;
        stream.write_all(&first)?;
        loop {
            stream.write_all(&again)?;
            counted.fetch_add(again.len(), Ordering::Relaxed);
            if again.is_empty() && stream.read(&mut heard)? == 0 {
                return Ok(());
            }
        }
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let say = say.clone();
            // Until its peer goes.
            std::thread::spawn(move || say(stream));
        }
    });
    (endpoint, said)
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let [.., a, b, c] = payload.len().to_be_bytes();
    [&[a, b, c, kind, flags, 0, 0, 0, stream], payload].concat()
}

// Mutations caught: no limit on the time of one request; a head that is read without looking up; a shutdown that is content
// though what it had was lost (in the moment between closing and waiting); spans that are neither delivered nor counted.
#[test]
fn whatever_goes_on_for_ever_is_left() {
    let head = b"HTTP/1.1 200 OK\r\n".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let settings = frame(4, 0, 0, &[]);
    // A header of 100 bytes without an end of the headers, then more of its kind: RFC 7541, section 6.2.2.
    let header = [&[0, 4][..], b"name", &[92], &[b'x'; 92]].concat();
    let begun = [settings.clone(), frame(1, 0, 1, &header)].concat();
    let cases: [(&str, Otlp, Vec<u8>, Vec<u8>); 8] = [
        ("nothing", Otlp::http(), vec![], vec![]),
        ("headers", Otlp::http(), head.clone(), b"name: value\r\n".repeat(1_000)),
        ("one header", Otlp::http(), [&head[..], b"name: "].concat(), vec![b'x'; 10_000]),
        ("a body", Otlp::http(), chunked, [&b"1000\r\n"[..], &[b' '; 0x1000], b"\r\n"].concat()),
        ("patience", Otlp::http(), vec![], b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)),
        ("nothing", Otlp::grpc(), vec![], vec![]),
        ("headers", Otlp::grpc(), begun, frame(9, 0, 1, &header).repeat(100)),
        ("pings", Otlp::grpc(), settings, frame(6, 0, 0, &[7; 8]).repeat(100)),
    ];
    for (what, otlp, first, again) in cases {
        let (endpoint, said) = saying(first, again);
        // In a service it is 10 seconds.
        let otlp = otlp.endpoint(&endpoint).timeout(Duration::from_millis(100));
        let captured = exporting(otlp, |limits| limits.give_up = Duration::ZERO);
        let took = requests(&captured, 20);
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        let begun = Instant::now();
        captured.telemetry().flush(PATIENCE).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(4), "{what}: {:?}", begun.elapsed());
        assert_eq!(lost(&captured), 20.0, "{what}");
        assert_eq!(captured.metric(r#"observe_queue_length{signal="span"}"#), 0.0, "{what}");
        // The next ones are tried as before.
        requests(&captured, 1);
        captured.telemetry().shutdown(PATIENCE).unwrap_err();
        assert_eq!(lost(&captured), 21.0, "{what}");
        if ["headers", "one header", "a body"].contains(&what) {
            // With what waits in the sockets between them.
            assert!(said.load(Ordering::Relaxed) < 256 * 1024 * 1024, "{what}: {said:?}");
        }
    }
}

/// A telemetry whose spans and metrics go to different places.
fn both(spans: &str, metrics: &str) -> Captured {
    let slow = Duration::from_millis(100);
    Captured::with(|builder| {
        let spans = Otlp::http().endpoint(spans).timeout(slow);
        let metrics = Otlp::http().endpoint(metrics).timeout(slow).interval(HOUR);
        builder.sampling(Sampling::always()).otlp(spans).otlp_metrics(metrics)
    })
}

// Mutations caught: a way out that waits for another; a push of which nobody learns that it was in vain.
#[test]
fn one_way_out_that_stands_still_does_not_stop_the_other() {
    let (hangs, _) = saying(vec![], vec![]);
    let collector = Collector::http();
    for (spans, metrics) in [(&hangs, &collector.endpoint), (&collector.endpoint, &hangs)] {
        let captured = both(spans, metrics);
        requests(&captured, 3);
        let error = captured.telemetry().shutdown(Duration::from_secs(2)).unwrap_err();
        let is_metrics = metrics == &hangs;
        assert_eq!(error.to_string().contains("metrics were not delivered"), is_metrics, "{error}");
        assert_eq!(lost(&captured), if is_metrics { 0.0 } else { 3.0 });
    }
    assert_eq!((collector.desk.spans().len(), collector.desk.pushes().len()), (3, 1));
}

// Mutation caught: a thread that pushes, or exports, and waits for itself.
#[test]
fn a_collector_of_metrics_may_ask_for_the_end() {
    let collector = Collector::http();
    let captured = both(&collector.endpoint, &collector.endpoint);
    let telemetry = captured.telemetry().clone();
    captured.telemetry().registry().collector(move |out: &mut observe_core::Collect<'_>| {
        let is_told = telemetry.shutdown(HOUR).is_err();
        out.gauge("asked", "Whether it was told that it cannot wait for itself.", &[], u64::from(is_told));
    });
    requests(&captured, 3);
    captured.telemetry().shutdown(PATIENCE).unwrap();
    assert_eq!((collector.desk.spans().len(), collector.desk.pushes().len()), (3, 1));
    assert!(collector.desk.metrics().iter().any(|metric| metric.name == "asked"));
}
