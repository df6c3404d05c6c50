//! The three services together, as those see them who run them: over HTTP, in the log, at the end.
#![cfg(unix)]

#[cfg(test)]
mod drain;
mod prometheus;
mod rotel;
mod services;
// `cfg`, so that lints know their helpers for test code.
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
mod traces;
mod wrk;
