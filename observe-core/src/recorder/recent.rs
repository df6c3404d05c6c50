//! What the flight recorder remembers, copied out.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

use tracing_core::Level;

use super::Recorder;
use super::head::{Head, LineHead, Record};
use crate::clock::Tick;
use crate::context::TraceId;
use crate::record::Entries;

/// What happened lately, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    pub(crate) traces: Vec<RecentTrace>,
    /// Lines that are in no span.
    pub(crate) lines: Vec<RecentLine>,
}

/// A trace, with all that is remembered of it.
#[derive(Debug)]
pub(crate) struct RecentTrace {
    /// That of its last part; it is kept when any part is.
    pub(crate) head: Head,
    /// Any part of it lies with the failures.
    pub(crate) is_pinned: bool,
    /// Part by part, each in its order.
    pub(crate) entries: Entries,
}

/// A line that is in no span.
#[derive(Debug, PartialEq)]
pub(crate) struct RecentLine {
    /// In nanoseconds since 1970-01-01T00:00:00Z.
    pub(crate) unix_nanos: u64,
    pub(crate) level: Level,
    pub(crate) target: String,
    /// As it stands between the quotes of a JSON string.
    pub(crate) message: String,
    /// As JSON members.
    pub(crate) fields: String,
}

impl Recorder {
    /// Copies out what is no older than its age. Recording goes on meanwhile.
    pub(crate) fn recent(&self, now: Tick) -> Recent {
        self.copy(now, None)
    }

    /// The same of one trace, and of nothing else.
    pub(crate) fn trace(&self, now: Tick, trace_id: TraceId) -> Option<RecentTrace> {
        self.copy(now, Some(trace_id)).traces.pop()
    }

    /// `only`: of this trace, and no lines that are in none.
    pub(super) fn copy(&self, now: Tick, only: Option<TraceId>) -> Recent {
        let wanted = |head: &Head| only.is_none_or(|trace_id| trace_id == head.trace_id);
        let age = self.limits.age;
        let mut recent = Recent::default();
        let mut places = HashMap::new();
        let mut early = HashMap::new();
        for (ring, is_pinned) in [(&self.pinned, true), (&self.usual, false)] {
            ring.read(|record| match Record::read(record) {
                Some(Record::Trace(head, entries)) if now.since(head.at) <= age && wanted(&head) => {
                    if head.is_early {
                        early.insert(head.trace_id, (head, entries.to_vec(), is_pinned));
                    } else {
                        recent.add(&mut places, head, entries, is_pinned);
                    }
                }
                Some(Record::Line(head, texts)) if only.is_none() && now.since(head.at) <= age => {
                    recent.lines.push(RecentLine::new(&head, texts));
                }
                _ => {}
            });
        }
        for (head, entries, is_pinned) in early.into_values() {
            let place = places.get(&head.trace_id).and_then(|place| recent.traces.get(*place));
            if place.is_none_or(|trace| trace.head.at < head.at) {
                recent.add(&mut places, head, &entries, is_pinned);
            }
        }
        recent.traces.sort_by_key(|trace| trace.head.at);
        recent.lines.sort_by_key(|line| line.unix_nanos);
        recent
    }

    /// Shows each part of a trace that is no older than its age, and whether it is pinned, without copying all of them
    /// out. Early looks are left out: they are no ends.
    pub(crate) fn parts(&self, now: Tick, mut show: impl FnMut(&Head, &[u8], bool)) {
        for (ring, is_pinned) in [(&self.pinned, true), (&self.usual, false)] {
            ring.read(|record| {
                if let Some(Record::Trace(head, entries)) = Record::read(record)
                    && now.since(head.at) <= self.limits.age
                    && !head.is_early
                {
                    show(&head, entries, is_pinned);
                }
            });
        }
    }
}

impl Recent {
    /// Adds a part to its trace.
    fn add(&mut self, places: &mut HashMap<TraceId, usize>, head: Head, entries: &[u8], is_pinned: bool) {
        match places.entry(head.trace_id) {
            Place::Vacant(place) => {
                place.insert(self.traces.len());
                let entries = Entries::from_bytes(entries.to_vec());
                self.traces.push(RecentTrace { head, is_pinned, entries });
            }
            Place::Occupied(place) => {
                if let Some(trace) = self.traces.get_mut(*place.get()) {
                    trace.add(head, entries, is_pinned);
                }
            }
        }
    }
}

impl RecentTrace {
    fn add(&mut self, head: Head, entries: &[u8], is_pinned: bool) {
        self.is_pinned |= is_pinned;
        let kept = self.head.kept.or(head.kept);
        if head.at >= self.head.at {
            self.head = head;
        }
        self.head.kept = kept;
        self.entries.extend_from_bytes(entries);
    }
}

impl RecentLine {
    fn new(head: &LineHead, [target, message, fields]: [&str; 3]) -> Self {
        Self {
            unix_nanos: head.unix_nanos,
            level: head.level,
            target: target.to_owned(),
            message: message.to_owned(),
            fields: fields.to_owned(),
        }
    }
}
