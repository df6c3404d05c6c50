//! Routes of one service.

use super::{ROUNDS, column, quiet, settle, table};
use crate::harness::median;
use crate::http::{answer, ask, request};
use crate::{alloc, processor_time, telemetry};
use observe_tower::{ObserveLayer, RequestHead, RouteOf};
use plot::Plot;
use tower::{Layer as _, Service, service_fn};

const SIZES: [usize; 7] = [1, 3, 10, 30, 100, 300, 1_000];
const TIMES: usize = 4_000;

struct Path;

impl RouteOf for Path {
    fn route<'a>(&self, head: &RequestHead<'a>) -> Option<&'a str> {
        Some(head.uri.path())
    }
}

/// Requests to so many routes in turn. Those of smaller sizes are known already: what is taken adds up.
pub(super) fn routes() {
    let uris: Vec<http::Uri> = (0..SIZES[SIZES.len() - 1])
        .map(|at| http::Uri::try_from(format!("/routes/{at:04}/orders")).expect("a path"))
        .collect();
    // Other scenarios have their routes in the installed one.
    let layer = ObserveLayer::new(telemetry::installed()).route(Path).max_routes(2_000);
    let (mut observed, mut bare) = (layer.layer(service_fn(answer)), service_fn(answer));
    let quiet = quiet();
    let mut counted = ObserveLayer::new(&quiet).route(Path).layer(service_fn(answer));
    quiet.run(|| visit(&mut counted, &uris[..1], 1_000));
    let before = alloc::held();
    let taken = SIZES.map(|routes| {
        quiet.run(|| visit(&mut counted, &uris[..routes], 2 * routes));
        alloc::held() - before
    });
    let mut rows = Vec::new();
    for (routes, taken) in SIZES.into_iter().zip(taken) {
        visit(&mut observed, &uris[..routes], 2 * routes);
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            times[0].push(nanos(&mut bare, &uris[..routes]));
            times[1].push(nanos(&mut observed, &uris[..routes]));
            settle();
        }
        let [bare, ours] = times.map(median);
        let each = if routes > 1 { taken as f64 / (routes - 1) as f64 } else { 0.0 };
        rows.push([routes as f64, ours, bare, taken as f64, each]);
    }
    let heads =
        ["routes", "ns a request", "ns, nobody observing", "bytes more than for the first", "bytes a route"];
    table("routes", heads, &rows);
    let plot = Plot::new("What a request costs, of many routes", "routes", "nanoseconds a request");
    plot.line("ours", column(&rows, 1)).line("nobody observing", column(&rows, 2)).save("routes");
    let plot = Plot::new("What routes take", "routes", "bytes").logarithmic();
    plot.line("metrics of all routes", column(&rows[1..], 3)).save("routes-bytes");
}

fn nanos<S, B>(service: &mut S, uris: &[http::Uri]) -> f64
where
    S: Service<crate::http::Asked, Response = http::Response<B>, Error = std::convert::Infallible>,
    B: http_body::Body + Unpin,
    B::Error: std::fmt::Debug,
{
    let start = processor_time::thread();
    visit(service, uris, TIMES);
    (processor_time::thread() - start) / TIMES as f64
}

fn visit<S, B>(service: &mut S, uris: &[http::Uri], times: usize)
where
    S: Service<crate::http::Asked, Response = http::Response<B>, Error = std::convert::Infallible>,
    B: http_body::Body + Unpin,
    B::Error: std::fmt::Debug,
{
    for (number, uri) in uris.iter().cycle().take(times).enumerate() {
        let mut asked = request(number);
        *asked.uri_mut() = uri.clone();
        ask(service, asked);
    }
}
