//! tracing's spans and events, turned into ours.
mod filter;
