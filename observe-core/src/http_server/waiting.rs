//! Time that requests spend before the service has them.

use crate::clock::Tick;
use crate::context::Rejected;
use crate::hub::Hub;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The longest time in a queue that is believed.
const LONGEST: Duration = Duration::from_secs(60);

/// The time since `X-Request-Start`: `t=1700000000.123`, the `t=` may be missing; in seconds, milliseconds or
/// microseconds, told apart by their size, with a fraction or without. From 0 to 60 s.
pub(super) fn queued(header: &[u8], unix_nanos: u64) -> Result<Duration, Rejected> {
    let text = header.trim_ascii();
    let text = text.strip_prefix(b"t=").unwrap_or(text);
    let mut parts = text.splitn(2, |&byte| byte == b'.');
    let (whole, fraction) = (parts.next().unwrap_or_default(), parts.next());
    let unit: u128 = match whole.len() {
        1..=11 => 1_000_000_000,
        12..=14 => 1_000_000,
        15..=17 => 1_000,
        _ => return Err(Rejected::Length),
    };
    let mut nanos = digits(whole)? * unit;
    if let Some(fraction) = fraction {
        if !(1..=18).contains(&fraction.len()) {
            return Err(Rejected::Length);
        }
        let scale = fraction.iter().fold(1, |scale: u128, _| scale * 10);
        nanos += digits(fraction)? * unit / scale;
    }
    let waited = u128::from(unix_nanos).saturating_sub(nanos);
    Ok(u64::try_from(waited).map_or(LONGEST, Duration::from_nanos).min(LONGEST))
}

/// At most 18 of them.
fn digits(text: &[u8]) -> Result<u128, Rejected> {
    text.iter().try_fold(0, |number: u128, &byte| {
        if byte.is_ascii_digit() { Ok(number * 10 + u128::from(byte - b'0')) } else { Err(Rejected::Format) }
    })
}

/// A server waits until what it wraps can take a request. Until this is dropped: then the time goes to
/// `http_server_ready_wait_seconds`.
#[must_use = "the wait ends when this is dropped"]
pub struct ReadyWait {
    hub: Arc<Hub>,
    since: Tick,
    until: Option<Tick>,
}

impl ReadyWait {
    pub(super) fn new(hub: &Arc<Hub>) -> Self {
        Self { hub: Arc::clone(hub), since: hub.clock.now(), until: None }
    }

    /// Ends it, and says how long it was: for [`HttpRequest::ready_wait`](super::HttpRequest::ready_wait).
    pub fn end(mut self) -> Duration {
        let until = self.hub.clock.now();
        self.until = Some(until);
        until.since(self.since)
    }
}

impl Drop for ReadyWait {
    fn drop(&mut self) {
        let until = self.until.unwrap_or_else(|| self.hub.clock.now());
        self.hub.http_ready_wait().with(()).observe_duration(until.since(self.since));
    }
}

impl fmt::Debug for ReadyWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyWait").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u64 = 1_700_000_001_500_000_000;

    // Mutations caught: a unit taken for another; a clamp left out; a fraction of another scale.
    #[test]
    fn each_way_to_write_a_time_is_read() {
        let cases: &[(&str, Result<u64, Rejected>)] = &[
            ("t=1700000000.123", Ok(1_377_000)),
            ("t=1700000000", Ok(1_500_000)),
            ("1700000001.499999", Ok(1)),
            ("t=1700000000123", Ok(1_377_000)),
            (" 1700000000123 ", Ok(1_377_000)),
            ("1700000000123.5", Ok(1_376_500)),
            ("t=1700000000123456", Ok(1_376_544)),
            // From a clock that is ahead, and from long ago.
            ("t=1700000009", Ok(0)),
            ("t=99999999999999999", Ok(0)),
            ("t=1699999900", Ok(60_000_000)),
            ("0", Ok(60_000_000)),
            ("", Err(Rejected::Length)),
            ("t=", Err(Rejected::Length)),
            ("t=.5", Err(Rejected::Length)),
            ("t=1700000000.", Err(Rejected::Length)),
            ("t=1700000000123456789", Err(Rejected::Length)),
            ("t=1700000000.1.2", Err(Rejected::Format)),
            ("t=-1700000000", Err(Rejected::Format)),
            ("t=1.7e9", Err(Rejected::Format)),
            ("start=1700000", Err(Rejected::Format)),
        ];
        for (header, micros) in cases {
            let read = queued(header.as_bytes(), NOW);
            assert_eq!(read, micros.map(Duration::from_micros), "{header:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_comes_is_within_a_minute_or_refused(
            header in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                "(t=)?[0-9]{0,20}(\\.[0-9]{0,20})?".prop_map(String::into_bytes),
            ],
            now in any::<u64>(),
        ) {
            prop_assert!(queued(&header, now).is_ok_and(|time| time <= LONGEST) || queued(&header, now).is_err());
        }

        #[test]
        fn a_time_reads_the_same_in_each_unit(waited in 0..60_000_000_u64) {
            let start = NOW / 1_000 - waited;
            let (seconds, millis) = (1_000_000, 1_000);
            let texts = [
                format!("t={}.{:06}", start / seconds, start % seconds),
                format!("t={}.{:03}", start / millis, start % millis),
                format!("t={start}"),
            ];
            for text in texts {
                prop_assert_eq!(queued(text.as_bytes(), NOW), Ok(Duration::from_micros(waited)), "{}", text);
            }
        }
    }
}
