//! What is compared, by name.

mod counter;
mod growth;
mod line;
mod operation;
mod recorder;
mod request;
mod scrape;

/// A scenario: its name on the command line, and what runs it.
pub(crate) type Scenario = (&'static str, fn());

/// All of them, in the order of their tables.
pub(crate) const ALL: &[Scenario] = &[
    ("counter", counter::counter),
    ("histogram", counter::histogram),
    ("scrape", scrape::scrape),
    ("line", line::line),
    ("operation", operation::operation),
    ("recorder", recorder::recorder),
    ("request", request::request_through_the_layer),
    ("growth", growth::growth),
];
