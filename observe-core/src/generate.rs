//! Alert rules and their tests, dashboards, documents and the configuration of a collector, made of what a service
//! declares (feature `generate`).

mod declared;
mod yaml;

use crate::error::Error;
use crate::telemetry::Telemetry;
use declared::Declared;

/// A generated file: where it goes, below the folder, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    path: String,
    text: String,
}

/// Every file. The same declarations give the same bytes.
fn files(declared: &Declared) -> Vec<File> {
    let _ = declared;
    Vec::new()
}
