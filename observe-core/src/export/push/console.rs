//! Metrics on standard output, for people.

use std::io::{self, Write};

use super::Pusher;
use crate::export::prometheus::Format;
use crate::export::spans::Answer;
use crate::registry::Registry;

/// Writes them as OpenMetrics has them.
pub(crate) struct Console;

impl Pusher for Console {
    type Part = Vec<u8>;

    fn target(&self) -> &'static str {
        "standard output"
    }

    fn read(&self, registry: &Registry, _: u64, _: u64) -> Vec<Vec<u8>> {
        let mut text = Vec::new();
        registry.encode(Format::OpenMetrics, &mut text);
        vec![text]
    }

    async fn send(&self, text: Vec<u8>) -> Answer {
        let mut out = io::stdout().lock();
        match out.write_all(&text).and_then(|()| out.flush()) {
            Ok(()) => Answer::TAKEN,
            Err(error) => Answer::failed(error.to_string()),
        }
    }
}
