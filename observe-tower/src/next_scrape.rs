//! Waiting for a scrape.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The pages of a scrape service, and who waits for one. Clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages(Arc<State>);

#[derive(Debug, Default)]
struct State {
    begun: AtomicU64,
    /// The latest that was taken.
    taken: AtomicU64,
    waiters: AtomicU64,
    /// By their numbers; each as long as it lives.
    waiting: Mutex<HashMap<u64, Waker>>,
}

impl Pages {
    /// A page is about to be made.
    pub(crate) fn begin(&self) -> Delivery {
        Delivery { number: self.0.begun.fetch_add(1, Ordering::AcqRel) + 1, pages: self.clone() }
    }

    /// Waits for one that is begun from now on.
    pub(crate) fn next(&self) -> NextScrape {
        NextScrape {
            number: self.0.waiters.fetch_add(1, Ordering::Relaxed),
            after: self.0.begun.load(Ordering::Acquire),
            pages: self.clone(),
        }
    }

    /// No code of others runs under the lock: wakers are cloned, woken and dropped outside.
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waker>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page on its way to the connection.
#[derive(Debug)]
pub(crate) struct Delivery {
    number: u64,
    pages: Pages,
}

impl Delivery {
    /// The connection has taken it.
    pub(crate) fn taken(self) {
        self.pages.0.taken.fetch_max(self.number, Ordering::AcqRel);
        let woken = std::mem::take(&mut *self.pages.waiting());
        woken.into_values().for_each(Waker::wake);
    }
}

/// Waits for the next scrape: [`ScrapeService::next_scrape`](crate::ScrapeService::next_scrape).
#[must_use = "nobody waits for it until it is polled"]
pub struct NextScrape {
    number: u64,
    /// The page must be a later one.
    after: u64,
    pages: Pages,
}

impl Future for NextScrape {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // First leave word, then look: what is taken in between wakes.
        let own = cx.waker().clone();
        let before = self.pages.waiting().insert(self.number, own);
        drop(before);
        if self.pages.0.taken.load(Ordering::Acquire) > self.after { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for NextScrape {
    fn drop(&mut self) {
        let waker = self.pages.waiting().remove(&self.number);
        drop(waker);
    }
}

impl fmt::Debug for NextScrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextScrape").finish_non_exhaustive()
    }
}
