//! What is compared, by name.

mod axum;
mod counter;
mod growth;
mod histogram;
mod line;
mod memory;
mod observed;
mod operation;
mod recorder;
mod request;
mod scrape;
mod span;
mod threads;
mod traceparent;

use crate::processes::Race;

/// A scenario: its name on the command line, and what runs it.
pub(crate) type Scenario = (&'static str, fn());

/// All of them, in the order of their tables.
pub(crate) const ALL: &[Scenario] = &[
    ("counter", counter::counter),
    ("histogram", histogram::histogram),
    ("threads", threads::threads),
    ("memory", memory::memory),
    ("scrape", scrape::scrape),
    ("line", line::line),
    ("span", span::span),
    ("observed", observed::observed),
    ("operation", operation::operation),
    ("recorder", recorder::recorder),
    ("request", request::request),
    ("axum", axum::axum),
    ("traceparent", traceparent::traceparent),
    ("growth", growth::growth),
];

/// Those of them whose contenders need a process each.
pub(crate) const RACES: &[&Race] =
    &[&axum::RACE, &line::RACE, &observed::RACE, &request::RACE, &span::ALONE, &span::MANY];
