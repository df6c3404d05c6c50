//! The three services together, as those see them who run them: over HTTP, in the log, at the end.
#![cfg(unix)]

mod prometheus;
mod services;
mod streams;
// So that lints know it for test code.
#[cfg(test)]
mod support;
mod wrk;
