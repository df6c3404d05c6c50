//! Time before the service has a request, and requests that it turns away.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use http::{Request, Response, StatusCode};
use observe_core::clock::{Clock, ManualClock};
use observe_core::label::LabelValue;
use observe_tower::{Failure, ObserveLayer, RequestHead};
use serde_json::Value;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};
use support::{Observed, Steps, get, labels};
use tower::{Layer, Service, ServiceExt, service_fn};

fn empty() -> Response<Steps> {
    Response::new(Steps::new([]).knows_end())
}

/// Its wall clock stands at 1,700,000,000 seconds.
fn observed() -> (Observed, ManualClock) {
    let manual = ManualClock::new();
    manual.set_wall(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let clock = Clock::from(manual.clone());
    (Observed::with(|builder| builder.clock(clock)), manual)
}

fn unlabelled(observed: &Observed, metric: &str) -> Option<String> {
    let text = observed.exposition();
    text.lines().find_map(|line| Some(line.strip_prefix(metric)?.strip_prefix(' ')?.to_owned()))
}

// Mutations caught: a stranger's header that counts; one that is malformed and not counted; a family that is not there
// before the first.
#[tokio::test]
async fn the_time_in_a_queue_counts_where_the_caller_is_trusted() {
    let (observed, _) = observed();
    let stranger = ObserveLayer::new(&observed.telemetry);
    let service =
        |layer: &ObserveLayer| layer.layer(service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty()))));
    let queued = |value: &str| {
        let mut request = get("/");
        request.headers_mut().insert("x-request-start", value.parse().unwrap());
        request
    };
    let count = "http_server_queue_duration_seconds_count";
    service(&stranger).oneshot(queued("t=1699999999.750")).await.unwrap();
    assert_eq!(unlabelled(&observed, count), None);

    let trusted = stranger.trust_if(|_| true);
    assert_eq!(unlabelled(&observed, count).unwrap(), "0");
    for value in ["t=1699999999.750", "1600000000000", "t=1700000001", "soon"] {
        service(&trusted).oneshot(queued(value)).await.unwrap();
    }
    service(&trusted).oneshot(get("/")).await.unwrap();
    assert_eq!(unlabelled(&observed, count).unwrap(), "3");
    assert_eq!(unlabelled(&observed, "http_server_queue_duration_seconds_sum").unwrap(), "60.25");
    let times: Vec<_> = observed.requests().iter().map(|line| line["queue_duration_ms"].clone()).collect();
    let millis = [Value::Null, 250.0.into(), 60_000.0.into(), 0.0.into(), Value::Null, Value::Null];
    let same = |(one, other): (&Value, &Value)| one.as_f64() == other.as_f64();
    assert!(times.len() == millis.len() && times.iter().zip(&millis).all(same), "{times:?}");
    let refused = observed.series("observe_context_rejected_total");
    assert_eq!(
        refused.into_iter().collect::<Vec<_>>(),
        [("header=\"request_start\",reason=\"format\"".to_owned(), 1)]
    );
}

/// Ready when it is told to be.
#[derive(Clone)]
struct Limited(Arc<AtomicBool>);

impl Service<Request<()>> for Limited {
    type Response = Response<Steps>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Steps>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.0.load(Ordering::Relaxed) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(empty()))
    }
}

// Mutations caught: a wait that begins anew at each poll, that a clone has too, that is not ended by readiness, or that
// is lost with who waited; a service that was ready at once counted as a wait.
#[test]
fn the_wait_for_what_is_wrapped_is_measured() {
    let (observed, clock) = observed();
    let is_ready = Arc::new(AtomicBool::new(true));
    let mut service = ObserveLayer::new(&observed.telemetry).layer(Limited(Arc::clone(&is_ready)));
    let mut cx = Context::from_waker(Waker::noop());
    let figures = || {
        let of = |end: &str| unlabelled(&observed, &format!("http_server_ready_wait_seconds_{end}")).unwrap();
        (of("count"), of("sum"))
    };
    let is = |count: &str, sum: &str| assert_eq!(figures(), (count.to_owned(), sum.to_owned()));

    assert!(service.poll_ready(&mut cx).is_ready());
    is("0", "0.0");
    is_ready.store(false, Ordering::Relaxed);
    assert!(service.poll_ready(&mut cx).is_pending());
    clock.advance(Duration::from_secs(2));
    assert!(service.poll_ready(&mut cx).is_pending());
    drop(service.clone());
    clock.advance(Duration::from_secs(1));
    is("0", "0.0");
    is_ready.store(true, Ordering::Relaxed);
    assert!(service.poll_ready(&mut cx).is_ready());
    is("1", "3.0");
    assert!(service.poll_ready(&mut cx).is_ready());
    clock.advance(Duration::from_secs(9));
    is("1", "3.0");

    // The request that comes next says so, and no other.
    for _ in 0..2 {
        drop(service.call(get("/")));
    }
    let waits: Vec<_> =
        observed.requests().iter().map(|line| line["ready_wait_duration_ms"].as_f64()).collect();
    assert_eq!(waits, [Some(3_000.0), None]);

    is_ready.store(false, Ordering::Relaxed);
    assert!(service.poll_ready(&mut cx).is_pending());
    clock.advance(Duration::from_secs(4));
    drop(service);
    is("2", "7.0");
}

#[derive(Clone, Copy, LabelValue)]
enum Turned {
    TooManyAtOnce,
    Quota,
}

// Mutation caught: a kind of failure that is lost where the status is none, or beside a 503's own.
#[tokio::test]
async fn what_is_turned_away_has_its_cause() {
    let observed = Observed::new();
    let answers = [
        (StatusCode::TOO_MANY_REQUESTS, None),
        (StatusCode::TOO_MANY_REQUESTS, Some(Failure::new(Turned::Quota))),
        (StatusCode::SERVICE_UNAVAILABLE, None),
        (StatusCode::SERVICE_UNAVAILABLE, Some(Failure::new(Turned::TooManyAtOnce))),
    ];
    for (status, failure) in answers {
        let service = service_fn(move |_: Request<()>| {
            let mut response = empty();
            *response.status_mut() = status;
            if let Some(failure) = &failure {
                response.extensions_mut().insert(failure.clone());
            }
            ready(Ok::<_, Infallible>(response))
        });
        let layer = ObserveLayer::new(&observed.telemetry).route(|_: &RequestHead<'_>| Some("/"));
        layer.layer(service).oneshot(get("/")).await.unwrap();
    }
    let expected = [("429", ""), ("429", "quota"), ("503", "503"), ("503", "too_many_at_once")];
    let expected = expected.map(|(status, cause)| (labels("GET", "/", status, cause), 1));
    assert_eq!(observed.counted(), expected.into());
}
