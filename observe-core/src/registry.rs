//! Registries: which families a scrape sees.
