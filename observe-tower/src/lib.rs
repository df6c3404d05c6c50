//! The one middleware layer, and the scrape service.

mod negotiate;
mod scrape;

pub use scrape::{ScrapeBody, ScrapeService};
