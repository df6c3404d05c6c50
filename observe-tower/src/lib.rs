//! The one middleware layer, and the scrape service.

mod body;
mod carrier;
mod classify;
mod future;
pub mod guide;
mod layer;
mod negotiate;
mod route;
mod scrape;
mod service;

pub use body::ObserveBody;
pub use classify::{Classify, Failure, ResponseHead};
pub use future::ResponseFuture;
pub use layer::ObserveLayer;
pub use route::{RequestHead, RouteOf};
pub use scrape::{ScrapeBody, ScrapeService};
pub use service::ObserveService;
