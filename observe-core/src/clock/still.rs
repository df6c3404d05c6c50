//! Time where there is none: on `wasm32-unknown-unknown` std's clocks panic when they are asked. This one stands still.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant;

impl Instant {
    pub(crate) const fn now() -> Self {
        Self
    }

    pub(crate) const fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

pub(crate) const fn unix_now() -> u64 {
    0
}
