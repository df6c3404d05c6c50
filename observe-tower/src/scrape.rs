//! The scrape service.
