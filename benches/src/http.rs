//! Requests as a client sends them, and a service that answers at once.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Empty, Full};
use std::convert::Infallible;
use std::fmt::{Debug, Write as _};
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use tower::Service;

/// The only route that is asked for.
pub(crate) const ROUTE: &str = "/users/{id}";

pub(crate) type Asked = Request<Empty<Bytes>>;
pub(crate) type Answer = Response<Full<Bytes>>;

/// The service's work.
pub(crate) fn answer(_: Asked) -> Ready<Result<Answer, Infallible>> {
    ready(Ok(Response::new(Full::new(Bytes::from_static(b"hello")))))
}

/// So many traces, that a share of 1 % of them is sampled. Their parents are not.
pub(crate) const TRACES: usize = 1_024;

/// Their headers. The ids are as random as a caller's, and the same in every process.
static PARENTS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| {
    let mut state = 0_u64;
    let mut random = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let parent = |_| {
        let mut text = String::from("00-");
        let _ = write!(text, "{:016x}{:016x}-{:016x}-00", random(), random(), random());
        HeaderValue::from_str(&text).expect("it is ASCII")
    };
    (0..TRACES).map(parent).collect()
});

/// The next request: its trace goes on.
pub(crate) fn request(number: usize) -> Asked {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = Uri::from_static("/users/4711");
    let headers = request.headers_mut();
    headers.insert("host", HeaderValue::from_static("localhost"));
    headers.insert("user-agent", HeaderValue::from_static("bench"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers.insert("traceparent", PARENTS[number % TRACES].clone());
    request
}

/// Nothing here ever waits.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("every future of these benches is ready"),
    }
}

/// Has it answer a request, and reads the answer to its end.
pub(crate) fn ask<S, B>(service: &mut S, request: Asked)
where
    S: Service<Asked, Response = Response<B>, Error = Infallible>,
    B: http_body::Body + Unpin,
    B::Error: Debug,
{
    let response = now(service.call(request)).unwrap_or_else(|never| match never {});
    assert_eq!(response.status(), http::StatusCode::OK);
    let mut body = response.into_body();
    while let Some(frame) = now(body.frame()) {
        std::hint::black_box(frame.is_ok());
    }
}

/// Asks it so many times.
pub(crate) fn work<S, B>(mut service: S) -> impl FnMut(u64) + 'static
where
    S: Service<Asked, Response = Response<B>, Error = Infallible> + 'static,
    B: http_body::Body + Unpin,
    B::Error: Debug,
{
    let mut number = 0;
    move |times| {
        for _ in 0..times {
            number += 1;
            ask(&mut service, request(number));
        }
    }
}
