//! Fields of spans and events, rendered once.
