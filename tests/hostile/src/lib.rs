//! Hostile clients, and what services look like while they are attacked, and after it.
//!
//! The services are programs of their own: `examples/checkout`, `smallest-axum` and `smallest-hyper` as they are, and
//! `hostile-exposed`, which tells and logs all that it can of its clients. In each round no text of the attacker's is one of
//! an earlier round, and all of them have a mark that is looked for afterwards. What has to hold:
//!
//! - Each request whose head arrived is counted once, by how it ended; what the server refused is not. ([`Books`])
//! - Afterwards nothing is in flight, no descriptor is left open, and another equal round takes no more memory and makes no
//!   more series. ([`run`])
//! - No byte of the attacker's is in a scrape. In the log it is in values of fields only: each line is one object, no key
//!   twice, and the library's own fields say what they said before. ([`Log`])
//! - What is secret is nowhere: not in the log, a scrape, a span, a snapshot.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod books;
mod http2;
mod json;
mod log;
mod malformed;
mod marks;
mod round;
mod sweep;
mod target;
mod vanish;
mod wire;

pub use self::books::Books;
pub use self::log::Log;
pub use self::round::{Sight, attack, look};
pub use self::target::Target;

use self::marks::{MARK, SECRET, is_in};
use std::io;

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rounds behind the first, which warms up, at most. One of them has to take no memory that the one before did not:
    /// what is kept for later use (buffers of lines, for one, when the log was not read fast enough) is full at some time,
    /// what leaks never is.
    pub rounds: u64,
    /// Whether that one is the last.
    pub until_flat: bool,
    /// Requests of a round that are taken; the others are in proportion, or always as many.
    pub requests: u64,
}

/// Series of a page: as many as there are routes, methods, statuses and outcomes, times buckets.
const MOST_SERIES: usize = 4_000;
/// More of them by another round: an outcome or two that were not met by chance before, with their buckets.
const MORE_SERIES: usize = 100;
/// Bytes of a page.
const MOST_BYTES: usize = 1_000_000;
/// By how much memory may grow in a round that counts as flat, for each process: pages come and go. In the test's rounds it
/// is 130 bytes for each request.
const TOLERANCE: u64 = 1024 * 1024;

/// Attacks a service in rounds, and ends it. `told` hears of each.
///
/// # Errors
///
/// A connection that broke where none should.
///
/// # Panics
///
/// If anything does not hold.
pub fn run(target: Target, plan: Plan, mut told: impl FnMut(&Books, &Sight)) -> io::Result<Books> {
    let start = look(&target, usize::MAX);
    let most = start.descriptors + target.keeps;
    let first = target.metrics();
    let (mut all, mut sights, mut is_flat) = (Books::default(), Vec::<Sight>::new(), false);
    for round in 0..=plan.rounds {
        let before = target.metrics();
        let books = attack(&target, round, plan.requests)?;
        let sight = look(&target, most);
        if let Err(wrong) = books.compare(&before, &target.metrics()) {
            panic!("{}, round {round}: {wrong}", target.name);
        }
        assert!(sight.series <= MOST_SERIES && sight.page <= MOST_BYTES, "{sight:?}");
        told(&books, &sight);
        all += books;
        if let Some(last) = sights.last() {
            assert!(sight.series <= last.series + MORE_SERIES, "{sights:?}, then {sight:?}");
            is_flat |= sight.resident <= last.resident + TOLERANCE * target.family().len() as u64;
        }
        sights.push(sight);
        if is_flat && plan.until_flat {
            break;
        }
    }
    assert!(is_flat || plan.rounds == 0, "memory grows with each round: {sights:#?}");
    let after = target.metrics();
    let dropped = |signal: &str| after.sum("observe_dropped_total", &[("signal", signal)]) as u64;
    let counted = |page: &processes::Metrics| {
        let names = ["http_server_request_duration_seconds_count", "rpc_server_call_duration_seconds_count"];
        names.iter().map(|name| page.sum(name, &[]) as u64).sum::<u64>()
    };
    let requests = counted(&after) - counted(&first);
    let (name, dropped) = (target.name, dropped("log"));
    let tells_files = target.folder.is_some();
    let (log, files) = target.end();
    assert!(log.wrong.is_empty(), "{name}: {:#?}", log.wrong);
    assert!(log.marked > 0, "nothing of the attacker's was told: it is no proof that it is harmless");
    let lines = log.requests.get(name).copied().unwrap_or(0);
    assert!(
        (lines..=lines + dropped).contains(&requests),
        "{lines} lines, {dropped} dropped, {requests} counted"
    );
    for (file, bytes) in &files {
        assert!(!is_in(SECRET, bytes), "{name}: a secret in {}", file.display());
    }
    let has_marks = |what: &str| {
        files.iter().any(|(file, bytes)| file.to_string_lossy().contains(what) && is_in(MARK, bytes))
    };
    assert!(!tells_files || (has_marks("spans") && has_marks("traces")), "the same of spans and snapshots");
    Ok(all)
}
