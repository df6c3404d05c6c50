//! What a local root waited for, of all that is waited for in turn.

use crate::fields::{Fields, Key, key};
use crate::semconv::span as keys;
use std::time::Duration;

/// From how long on a wait is told of.
const TOLD_FROM: Duration = Duration::from_millis(1);

/// The time that was waited for resources and for room in queues below a local root. What waited side by side is added up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waits {
    total: Duration,
    /// The longest one, and what for.
    longest: Duration,
    resource: &'static str,
}

impl Waits {
    /// Whether a wait is long enough.
    pub(crate) fn are_told(time: Duration) -> bool {
        time >= TOLD_FROM
    }

    pub(crate) fn add(&mut self, resource: &'static str, time: Duration) {
        self.total = self.total.saturating_add(time);
        if time > self.longest {
            (self.longest, self.resource) = (time, resource);
        }
    }

    /// Says it on the line, if there is anything to be said.
    pub(crate) fn describe(&self, fields: &mut Fields) {
        const WAIT_DURATION_MS: Key = key!(keys::WAIT_DURATION_MS);
        const WAIT_RESOURCE: Key = key!(keys::WAIT_RESOURCE);
        if !self.total.is_zero() {
            fields.key_millis(WAIT_DURATION_MS, self.total);
            fields.key_str(WAIT_RESOURCE, self.resource);
        }
    }
}
