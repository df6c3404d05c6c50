//! The one middleware layer, and the scrape service.
