//! A thread that panics while it holds one of the library's locks costs what it was about, and no other thread anything.
//!
//! No lock is held while code of others runs (`hostile.rs` of observe-core has code of others that panics, place by place), so
//! this would be a fault of the library's own. Still, no lock is believed to be broken by it: the sources are read for how
//! locks are taken.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file that has locks. Whoever adds one answers these: what of others may run while it is held, and what does a thread
/// find that comes after one which panicked?
const LOCKED: &[&str] = &[
    "observe-core/src/bridge/table.rs",
    "observe-core/src/catch.rs",
    "observe-core/src/collect/files.rs",
    "observe-core/src/collect/runtime.rs",
    "observe-core/src/export/push.rs",
    "observe-core/src/export/queue.rs",
    "observe-core/src/export/snapshot.rs",
    "observe-core/src/export/spans/console.rs",
    "observe-core/src/export/spans/queue.rs",
    "observe-core/src/handover.rs",
    "observe-core/src/hub.rs",
    "observe-core/src/label/open.rs",
    "observe-core/src/levels.rs",
    "observe-core/src/metric/cells.rs",
    "observe-core/src/metric/loose.rs",
    "observe-core/src/metric/native_histogram.rs",
    "observe-core/src/metric/series.rs",
    "observe-core/src/metric/summary.rs",
    "observe-core/src/recorder/ring.rs",
    "observe-core/src/registry.rs",
    "observe-core/src/registry/statics.rs",
    "observe-core/src/slab.rs",
    "observe-core/src/slo/live.rs",
    "observe-core/src/span.rs",
    "observe-core/src/subscriber/map.rs",
    "observe-core/src/sync.rs",
    "observe-core/src/telemetry/answer.rs",
    "observe-core/src/testing.rs",
    "observe-core/src/trace.rs",
    "observe-core/src/trace/buffer.rs",
    "observe-core/src/trace/held.rs",
    "observe-core/src/usage/replica.rs",
    "observe-core/src/usage/sources.rs",
    "observe-core/src/watch.rs",
    "observe-tower/src/admin/connections.rs",
    "observe-tower/src/admin/events.rs",
    "observe-tower/src/admin/levels.rs",
    "observe-tower/src/admin/state.rs",
    "observe-tower/src/next_scrape.rs",
];

/// How what comes after a broken lock goes on.
const GOES_ON: &str = "unwrap_or_else(PoisonError::into_inner)";

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The code of a file: without its tests, which stand at its foot, without comments, without white space.
fn code(text: &str) -> String {
    let tests = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..tests].lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.flat_map(str::chars).filter(|char| !char.is_whitespace()).collect()
}

/// A place where a lock may be taken: what is before the call, and what comes after it.
struct Taken<'a>(&'a str, &'a str);

impl Taken<'_> {
    /// Each place where a method is called as those of locks are.
    fn all(code: &str) -> Vec<Taken<'_>> {
        let locks = [".lock()", ".try_lock()", ".try_read()", ".try_write()", ".read()", ".write()"];
        let waits = [".wait_timeout_while(", ".wait_timeout(", ".wait_while("];
        let places = |call: &'static str| code.match_indices(call).map(move |(at, _)| (at, at + call.len()));
        locks
            .into_iter()
            .chain(waits)
            .flat_map(places)
            .map(|(at, end)| Taken(&code[..at], &code[end..]))
            .collect()
    }

    fn is_sound(&self, code: &str) -> bool {
        let Taken(before, after) = self;
        let after_wait = after.split(';').nth(1).is_some_and(|next| next.contains(GOES_ON));
        after.strip_prefix('.').is_some_and(|after| after.starts_with(GOES_ON))
            || before.contains("waited=") && before.ends_with("progressed") && after_wait
            // Its own function, which is looked at as well.
            || ["self", "slot", "connections"].iter().any(|own| before.ends_with(own)) && code.contains("fnlock(&self)->MutexGuard")
            || after.starts_with('{') && after.contains("Err(TryLockError::Poisoned(")
            // Where these are not to be had at once, for whatever reason, the shared cells are counted in.
            || ["FREE_CELLS", "FREE_BLOCKS"].iter().any(|cells| before.ends_with(cells)) && after.starts_with(".ok()?")
            // No lock.
            || before.ends_with("frame")
    }
}

// Mutations caught: `.lock().unwrap()`, `.lock().ok()`, `if let Ok(state) = lock.lock()`: a lock that is broken for ever by
// one panic, or skipped.
#[test]
fn no_lock_is_broken_by_a_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut files = Vec::new();
    for package in ["observe-core", "observe-macros", "observe-tower"] {
        sources(&root.join(package).join("src"), &mut files);
    }
    let (mut locked, mut count) = (BTreeSet::new(), 0);
    for file in files {
        let code = code(&fs::read_to_string(&file).unwrap());
        if !["Mutex<", "RwLock<", "Mutex,", "RwLock,", "Condvar"].iter().any(|lock| code.contains(lock)) {
            continue;
        }
        let name = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        for place in Taken::all(&code) {
            let begin = place.0.char_indices().rev().nth(40).map_or(0, |(at, _)| at);
            assert!(place.is_sound(&code), "{name} takes a lock that a panic breaks: {}", &place.0[begin..]);
            count += 1;
        }
        locked.insert(name);
    }
    assert!(count > 50, "{count}");
    let listed: BTreeSet<String> = LOCKED.iter().map(|&file| file.to_owned()).collect();
    assert_eq!(locked, listed, "`LOCKED` does not list the files that have locks");
}
