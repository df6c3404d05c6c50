//! The three services together, as those see them who run them: over HTTP, in the log, at the end.
#![cfg(unix)]

#[cfg(test)]
mod admin;
#[cfg(test)]
mod alerts;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod console;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod generated;
mod prometheus;
// `cfg`, so that lints know their helpers for test code.
#[cfg(test)]
mod rotel;
#[cfg(test)]
mod sampled;
mod services;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
#[cfg(test)]
mod traces;
mod wrk;
