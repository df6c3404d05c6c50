//! Requests to other services: the layer, its service, and what goes with them.

mod attempts;
mod connect;
mod errors;
mod layer;
#[cfg(feature = "reqwest")]
mod reqwest;
mod service;

pub use attempts::{Attempts, AttemptsLayer, AttemptsService};
pub use connect::ObserveConnector;
pub use layer::{ObserveClientLayer, UrlTemplate};
#[cfg(feature = "reqwest")]
pub use reqwest::ReqwestFuture;
pub use service::ObserveClientService;
