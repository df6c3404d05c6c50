//! A request in an `axum` router with three routes.

use super::request::{NOTES, defaults, exporting, sampling};
use crate::by_hand::{self, ByHand};
use crate::harness::Kind;
use crate::http::{ROUTE, work};
use crate::peers;
use crate::processes::{Checks, Entry, Race, Rig, compare};
use crate::telemetry::{Door, Own};
use axum::Router;
use axum::routing::{get, post};
use observe_core::Builder;
use observe_tower::ObserveLayer;
use opentelemetry_instrumentation_tower::http::extractors::AxumMatchedPathExtractor;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;

/// As over bare `tower`, the routes' names from the router.
pub(super) fn axum() {
    compare(&RACE);
}

pub(crate) static RACE: Race = Race {
    name: "axum",
    title: "request in axum, 3 routes",
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

fn router() -> Router {
    Router::new()
        .route(ROUTE, get(async || "hello"))
        .route("/orders", post(async || "ordered"))
        .route("/health", get(async || "ok"))
}

fn rig(router: Router, checks: Checks) -> Rig {
    Rig {
        floor: Box::new(work(self::router().layer(ByHand))),
        bare: Some(Box::new(work(self::router()))),
        own: Box::new(work(router)),
        checks: checks.and_floor(by_hand::ended),
    }
}

fn ours(door: Door, say: impl FnOnce(Builder) -> Builder, is_written: bool) -> Rig {
    let own = Own::new(door, say);
    rig(router().layer(ObserveLayer::new(&own.telemetry)), own.requests(is_written))
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
    rig(router().layer(layer), checks)
}

fn instrumentation_tower() -> Rig {
    let checks = peers::instrumentation_tower();
    let builder = LayerBuilder::builder().with_route_extractor(AxumMatchedPathExtractor);
    rig(router().layer(builder.build().expect("its settings are valid")), checks)
}

fn usual_stack() -> Rig {
    let (metrics, trace, checks) = peers::usual_stack();
    rig(router().layer(trace).layer(metrics), checks)
}
