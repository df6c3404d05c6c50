//! The one middleware layer, and the scrape service.

pub mod guide;
mod negotiate;
mod scrape;

pub use scrape::{ScrapeBody, ScrapeService};
