//! The buffer of a trace, and the memory that all buffers share.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test says by it what must be there")]

mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
}

mod catch {
    use loom::sync::{Mutex, MutexGuard};

    pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
        mutex.try_lock().ok()
    }
}

/// Entries of one byte each, spans all of them.
mod record {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Keep {
        Failure,
    }

    impl Keep {
        pub(crate) const ALL: [Keep; 1] = [Keep::Failure];
    }

    pub(crate) struct TraceRecord;

    pub(crate) trait TraceSink: Send + Sync {
        fn take(&self, trace: TraceRecord);
    }

    #[derive(Clone, Copy)]
    pub(crate) enum Entry<'a> {
        Span(&'a u8),
        #[expect(dead_code, reason = "the buffer tells them apart")]
        Event(()),
        #[expect(dead_code, reason = "the buffer tells them apart")]
        Link(()),
    }

    #[derive(Clone, Default)]
    pub(crate) struct Entries(pub(crate) Vec<u8>);

    impl Entries {
        pub(crate) fn new() -> Self {
            Self(Vec::new())
        }
        pub(crate) fn size_of(_: &Entry<'_>) -> usize {
            1
        }
        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }
        pub(crate) fn push(&mut self, entry: &Entry<'_>) {
            if let Entry::Span(span) = entry {
                self.0.push(**span);
            }
        }
        pub(crate) fn reserve_to(&mut self, bytes: usize) {
            self.0.reserve(bytes.saturating_sub(self.0.len()));
        }
        pub(crate) fn clear(&mut self) {
            self.0.clear();
        }
        pub(crate) fn take_ended(&mut self) -> (Entries, u32) {
            let taken = std::mem::take(&mut self.0);
            let spans = taken.len() as u32;
            (Entries(taken), spans)
        }
    }
}

mod recorder {
    pub(crate) struct Recorder;
}

mod sampling {
    pub(crate) struct KeepRate;

    impl KeepRate {
        pub(crate) fn per_second(_: u32) -> Self {
            Self
        }
    }
}

mod semconv {
    pub(crate) mod own {
        pub(crate) const TRACE_FULL: &str = "";
        pub(crate) const TRACES_FULL: &str = "";
        pub(crate) const MEMORY_FULL: &str = "";
        pub(crate) const UNENDED: &str = "";
    }
}

#[allow(dead_code, unreachable_pub, reason = "the library uses what the models do not")]
#[path = "../../../observe-core/src/traces.rs"]
mod traces;

#[allow(dead_code, reason = "the library uses what the models do not")]
#[path = "../../../observe-core/src/trace/buffer.rs"]
mod buffer;

use buffer::{Pushed, TraceBuffer};
use loom::sync::{Arc, Mutex};
use loom::thread;
use record::{Entry, Keep};
use traces::{Cut, TraceLimits, Traces};

const LATER: u64 = 10_000_000_000;

fn world(limits: TraceLimits) -> Arc<Traces> {
    Arc::new(Traces::new(None, None, limits, sampling::KeepRate))
}

/// A span's end on one thread, the root's on another: whatever comes first, the span goes one way, and that of the
/// verdict. Mutation caught: a verdict that is read before the lock is taken.
#[test]
fn what_ends_beside_its_root_goes_one_way() {
    for verdict in [None, Some(Keep::Failure)] {
        loom::model(move || {
            let traces = world(TraceLimits::default());
            let buffer = Arc::new(TraceBuffer::default());
            let seen = Arc::new(Mutex::new(Vec::new()));
            let child = {
                let (traces, buffer, seen) = (traces.clone(), buffer.clone(), seen.clone());
                thread::spawn(move || match buffer.push(&Entry::Span(&1), 1, false, &traces, || None) {
                    Pushed::Held(part) => assert!(part.is_none()),
                    Pushed::Late(late) => {
                        assert_eq!(late, verdict);
                        seen.lock().unwrap().push(1);
                    }
                })
            };
            buffer.conclude(&Entry::Span(&0), verdict, &traces, |entries, spans, kept| {
                assert_eq!((kept, spans as usize), (verdict, entries.0.len()));
                seen.lock().unwrap().extend(&entries.0);
            });
            child.join().unwrap();
            let mut seen = std::mem::take(&mut *seen.lock().unwrap());
            seen.sort_unstable();
            assert_eq!(seen, [0, 1]);
        });
    }
}

/// Two spans of a long trace end while its root does: parts, late spans and the rest together are all, once.
/// Mutations caught: a part that is copied and left; a verdict that forgets that parts were handed over.
#[test]
fn a_long_trace_leaves_once_and_whole() {
    loom::model(|| {
        let traces = world(TraceLimits::default());
        let buffer = Arc::new(TraceBuffer::default());
        let seen = Arc::new(Mutex::new(Vec::new()));
        assert!(matches!(buffer.push(&Entry::Span(&3), 1, false, &traces, || None), Pushed::Held(None)));
        let children: Vec<_> = [1, 2]
            .map(|child| {
                let (traces, buffer, seen) = (traces.clone(), buffer.clone(), seen.clone());
                let keep = || Some(Keep::Failure);
                thread::spawn(move || match buffer.push(&Entry::Span(&child), LATER, false, &traces, keep) {
                    Pushed::Held(Some(part)) => seen.lock().unwrap().extend(part.entries.0),
                    Pushed::Held(None) => {}
                    Pushed::Late(late) => {
                        if late.is_some() {
                            seen.lock().unwrap().push(child);
                        }
                    }
                })
            })
            .into();
        let mut kept = None;
        buffer.conclude(&Entry::Span(&0), None, &traces, |entries, _, verdict| {
            kept = verdict;
            if verdict.is_some() {
                seen.lock().unwrap().extend(&entries.0);
            }
        });
        children.into_iter().for_each(|child| child.join().unwrap());
        let mut seen = std::mem::take(&mut *seen.lock().unwrap());
        seen.sort_unstable();
        // Kept once its first part has left; not kept when it ended before one was due.
        assert_eq!(seen, if kept.is_some() { vec![0, 1, 2, 3] } else { vec![] });
    });
}

/// Two buffers grow at once: together they never have more than there is, all is given back, and what did not fit is
/// counted. Mutation caught: `reserve` that looks first and takes then.
#[test]
fn memory_is_never_taken_twice() {
    loom::model(|| {
        let limits = TraceLimits { total_bytes: 600, ..TraceLimits::default() };
        let traces = world(limits);
        let fill = |traces: &Traces| {
            let buffer = TraceBuffer::default();
            buffer.push(&Entry::Span(&1), 1, false, traces, || None);
            buffer
        };
        let other = {
            let traces = traces.clone();
            thread::spawn(move || fill(&traces))
        };
        let mut buffers = [fill(&traces), other.join().unwrap()];
        assert!(traces.held_bytes() <= limits.total_bytes);
        let mut held = 0;
        for buffer in &mut buffers {
            buffer.conclude(&Entry::Span(&2), None, &traces, |_, spans, _| held += u64::from(spans));
            buffer.free(&traces);
        }
        assert_eq!(held + traces.count(Cut::MemoryFull), 4);
        assert_eq!(traces.held_bytes(), 0);
    });
}
