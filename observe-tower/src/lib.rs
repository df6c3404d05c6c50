//! The one middleware layer, the scrape service and the readiness service.
//!
//! ```
//! use axum::{Router, routing::get};
//! use observe_core::Telemetry;
//! use observe_tower::{ObserveLayer, ScrapeService};
//!
//! let telemetry = Telemetry::builder("orders").build()?; // in a service: `install()`
//! let app: Router = Router::new()
//!     .route("/orders/{id}", get(|| async { "an order" }))
//!     .layer(ObserveLayer::new(&telemetry).exclude("/health")) // observes the routes above it
//!     .route_service("/metrics", ScrapeService::new(&telemetry));
//! # let _ = app;
//! # Ok::<(), observe_core::Error>(())
//! ```
//!
//! - [`ObserveLayer`]: rate, errors and duration of requests, how many are in flight, their trace, correlation id and
//!   line. For axum, hyper, and any `tower::Service<http::Request<B>>`.
//! - [`Failure`], [`Classify`]: what counts as a failure. [`RouteOf`]: how routes are named.
//! - `ObserveClientLayer` (feature `client`): the same for requests to others, which carry the context on.
//! - [`ScrapeService`]: `/metrics`, as text or OpenMetrics, compressed when asked.
//! - [`ReadyService`]: whether the service wants requests; not any more once it drains.
//! - `Admin` (feature `admin`): what the process knows about itself, as JSON, on a listener and a thread of its own.
//! - [`guide`]: every metric, every key of the log, labels, context, tests.
//!
//! The feature `axum` takes routes from axum's `MatchedPath`. Without it, and without [`ObserveLayer::route`], requests
//! have no route label. `client` is the layer around clients, `reqwest` has it around `reqwest::Client`, too. `grpc` has
//! both layers know calls by gRPC, and their status. `admin` is the admin service.

#[cfg(feature = "admin")]
mod admin;
mod body;
mod call;
mod carrier;
mod classify;
#[cfg(feature = "client")]
mod client;
mod future;
mod grpc;
pub mod guide;
mod layer;
mod negotiate;
mod next_scrape;
mod peer;
mod ready;
mod request_size;
mod route;
mod scrape;
mod service;
mod settings;

#[cfg(feature = "admin")]
pub use admin::{Admin, AdminBuilder};
pub use body::ObserveBody;
pub use classify::{Classify, Failure, ResponseHead};
#[cfg(feature = "reqwest")]
pub use client::ReqwestFuture;
#[cfg(feature = "client")]
pub use client::{
    Attempts, AttemptsLayer, AttemptsService, ObserveClientLayer, ObserveClientService, ObserveConnector,
    UrlTemplate,
};
pub use future::ResponseFuture;
pub use layer::ObserveLayer;
pub use next_scrape::NextScrape;
pub use ready::{ReadyBody, ReadyService};
pub use request_size::{RequestSizeLayer, RequestSizeService, SizedBody};
pub use route::{RequestHead, RouteOf};
pub use scrape::{ScrapeBody, ScrapeService};
pub use service::ObserveService;
