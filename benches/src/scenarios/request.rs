//! A request over bare `tower`: metrics, the caller's trace, and a JSON line.

use crate::by_hand::{self, ByHand};
use crate::harness::Kind;
use crate::http::{Answer, Asked, ROUTE, answer, work};
use crate::peers;
use crate::processes::{Checks, Entry, Race, Rig, compare};
use crate::telemetry::{self, Door, Own};
use observe_core::{Builder, LogSampling, Sampling};
use observe_tower::{ObserveLayer, RequestHead};
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Ready;
use tower::{Layer as _, Service, ServiceBuilder, service_fn};

/// All pillars, by this library and by others.
pub(super) fn request() {
    compare(&RACE);
}

pub(crate) static RACE: Race = Race {
    name: "request",
    title: "request over bare tower",
    floor: "by hand",
    times: 2_048,
    entries: &[
        Entry { kind: Kind::Ours, name: "install(), line written", make: written },
        Entry { kind: Kind::Ours, name: "install(), line sampled away", make: sampled_away },
        Entry { kind: Kind::Ours, name: "install(), line written, 1 % of traces exported", make: exported },
        Entry { kind: Kind::Ours, name: "layer(), line written", make: layer_written },
        Entry { kind: Kind::Ours, name: "layer(), line sampled away", make: layer_sampled_away },
        Entry { kind: Kind::Peer, name: "axum-prometheus", make: axum_prometheus },
        Entry { kind: Kind::Peer, name: "opentelemetry-instrumentation-tower", make: instrumentation_tower },
        Entry { kind: Kind::Peer, name: "the usual stack", make: usual_stack },
    ],
    notes: NOTES,
};

/// For axum, too.
pub(super) const NOTES: &[&str] = &[
    "The floor knows its one method and status, checks one header, and hands its line to nobody. Ours is held for the flight \
     recorder, too, and goes through a queue to a thread, as that of the usual stack.",
    "`axum-prometheus` has metrics only; `opentelemetry-instrumentation-tower` metrics and spans, and no line. 1 % of \
     their and the usual stack's traces is exported into a counter. Ours go to the flight recorder, all of them, and in the \
     row that says so 1 % into a file as well.",
    "The usual stack is `axum-prometheus`, `tower-http`'s `TraceLayer`, `tracing-opentelemetry` at 1 %, and the JSON of \
     `tracing-subscriber` through `tracing-appender`. Its lines have no trace id.",
];

/// Nothing more is said: the defaults.
pub(super) fn defaults(builder: Builder) -> Builder {
    builder
}

/// One trace in a hundred is kept, and the lines of the others are not written.
pub(super) fn sampling(builder: Builder) -> Builder {
    builder.log_sampling(LogSampling::rest(0.0))
}

/// The traces that are kept go out.
pub(super) fn exporting(builder: Builder) -> Builder {
    builder.sampling(Sampling::tail(0.01).expect("a share")).traces_to_file(telemetry::exported())
}

fn rig<S, B>(service: S, checks: Checks) -> Rig
where
    S: Service<Asked, Response = http::Response<B>, Error = Infallible> + 'static,
    B: http_body::Body + Unpin,
    B::Error: Debug,
{
    let floor = Box::new(work(ByHand.layer(bare())));
    Rig {
        floor,
        bare: Some(Box::new(work(bare()))),
        own: Box::new(work(service)),
        checks: checks.and_floor(by_hand::ended),
    }
}

type Bare = tower::util::ServiceFn<fn(Asked) -> Ready<Result<Answer, Infallible>>>;

fn bare() -> Bare {
    service_fn(answer)
}

fn ours(door: Door, say: impl FnOnce(Builder) -> Builder, is_written: bool) -> Rig {
    let own = Own::new(door, say);
    let layer = ObserveLayer::new(&own.telemetry).route(|_: &RequestHead<'_>| Some(ROUTE));
    rig(layer.layer(bare()), own.requests(is_written))
}

fn written() -> Rig {
    ours(Door::Install, defaults, true)
}

fn sampled_away() -> Rig {
    ours(Door::Install, sampling, false)
}

fn exported() -> Rig {
    ours(Door::Install, exporting, true)
}

fn layer_written() -> Rig {
    ours(Door::Layer, defaults, true)
}

fn layer_sampled_away() -> Rig {
    ours(Door::Layer, sampling, false)
}

fn axum_prometheus() -> Rig {
    let (layer, checks) = peers::axum_prometheus();
    rig(layer.layer(bare()), checks)
}

fn instrumentation_tower() -> Rig {
    let checks = peers::instrumentation_tower();
    let route = |_: &Asked| Some(ROUTE.to_owned());
    let layer =
        LayerBuilder::builder().with_route_extractor_fn(route).build().expect("its settings are valid");
    rig(layer.layer(bare()), checks)
}

fn usual_stack() -> Rig {
    let (metrics, trace, checks) = peers::usual_stack();
    rig(ServiceBuilder::new().layer(metrics).layer(trace).service(bare()), checks)
}
