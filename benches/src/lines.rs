//! Where lines go: they are counted, and the last is kept.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A writer into nothing. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Inner>);

#[derive(Default)]
struct Inner {
    count: AtomicU64,
    last: Mutex<Vec<u8>>,
}

impl Lines {
    /// How many lines have come.
    pub(crate) fn count(&self) -> u64 {
        self.0.count.load(Ordering::Acquire)
    }

    /// The last line, as it was written.
    pub(crate) fn last(&self) -> String {
        let last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&last).lines().last().unwrap_or_default().to_owned()
    }

    /// Waits until there are so many.
    pub(crate) fn wait_for(&self, count: u64) {
        let start = Instant::now();
        while self.count() < count {
            assert!(start.elapsed() < Duration::from_secs(60), "{} lines, not {count}", self.count());
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Write for Lines {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clear();
        last.extend_from_slice(&lines[lines.len().saturating_sub(2_048)..]);
        let count = lines.iter().filter(|byte| **byte == b'\n').count();
        self.0.count.fetch_add(count as u64, Ordering::Release);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
