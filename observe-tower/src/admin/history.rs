//! The last minutes of requests: read from their histograms again and again, in slots of a ring.

use super::figures::{Figures, add};
use super::reading::{Asked, Reader, key, parts};
use observe_core::Inspect;
use observe_core::clock::Tick;
use observe_core::semconv::{http, rpc};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How often a slot is full.
pub(super) const SLOT_TIME: Duration = Duration::from_secs(2);
/// The most slots: five minutes, as long as the flight recorder remembers.
pub(super) const SLOTS: usize = 150;
/// The most rows; requests of further ones are one row.
pub(super) const ROWS: usize = 64;

/// What stands for all rows beyond the limit.
const OTHER: &str = observe_core::label::OTHER;

/// Whose requests they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Http,
    Rpc,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Http => "http",
            Kind::Rpc => "rpc",
        }
    }
}

const ASKED: [Asked; 2] = [
    Asked {
        metric: http::SERVER_REQUEST_DURATION_SECONDS,
        by: &[http::REQUEST_METHOD_LABEL, http::ROUTE_LABEL],
    },
    Asked { metric: rpc::SERVER_CALL_DURATION_SECONDS, by: &[rpc::METHOD_LABEL] },
];
const KINDS: [Kind; 2] = [Kind::Http, Kind::Rpc];

/// A row: a method and a route, or a method of gRPC as the route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) method: String,
    pub(super) route: String,
}

/// All requests since the start, by row.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    /// The upper bounds of the buckets of each kind, in seconds.
    bounds: BTreeMap<Kind, Vec<f64>>,
    pub(super) rows: BTreeMap<Row, Figures>,
}

impl Requests {
    /// Reads them now. Nothing of the application's is asked.
    pub(super) fn read(inspect: &Inspect) -> Self {
        let mut reader = Reader::new(&ASKED);
        inspect.answered(&mut reader);
        let mut requests = Self::default();
        for (kind, (_, family)) in KINDS.into_iter().zip(reader.read()) {
            for (key, figures) in family.rows {
                requests.rows.insert(Row::of(kind, &key), figures);
            }
            requests.bounds.insert(kind, family.bounds);
        }
        requests
    }
}

impl Row {
    fn of(kind: Kind, key: &str) -> Self {
        let mut parts = parts(key).map(str::to_owned);
        let first = parts.next().unwrap_or_default();
        match kind {
            Kind::Http => Self { kind, method: first, route: parts.next().unwrap_or_default() },
            Kind::Rpc => Self { kind, method: String::new(), route: first },
        }
    }

    fn other(kind: Kind) -> Self {
        Self { kind, method: String::new(), route: OTHER.to_owned() }
    }

    fn key(&self) -> String {
        key(&[self.kind.as_str(), &self.method, &self.route])
    }
}

/// What happened in a slot, of one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) counts: Vec<u64>,
}

impl Counted {
    pub(super) fn merge(&mut self, other: &Counted) {
        self.requests += other.requests;
        self.errors += other.errors;
        add(&mut self.counts, &other.counts);
    }

    /// What came since then.
    fn since(now: &Figures, before: &Counted) -> Self {
        let earlier = before.counts.iter().copied().chain(std::iter::repeat(0));
        Self {
            requests: now.count.saturating_sub(before.requests),
            errors: now.errors.saturating_sub(before.errors),
            counts: now.counts.iter().zip(earlier).map(|(now, before)| now.saturating_sub(before)).collect(),
        }
    }
}

/// A time, and what happened in it: rows without a request are not there.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) start_unix_nanos: u64,
    pub(super) seconds: f64,
    /// By the number of the row.
    pub(super) rows: BTreeMap<usize, Counted>,
}

/// The last slots, the oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) slots: VecDeque<Slot>,
    /// What the rows of the slots are, by their number.
    pub(super) rows: Vec<Row>,
    numbers: BTreeMap<String, usize>,
    bounds: BTreeMap<Kind, Vec<f64>>,
    last: Option<Last>,
    /// How many rows are part of another one.
    pub(super) left_out: usize,
}

/// What was read last.
#[derive(Debug)]
struct Last {
    at: Tick,
    unix_nanos: u64,
    rows: BTreeMap<Row, Counted>,
}

impl History {
    /// Takes a reading: what came since the one before is a slot.
    pub(super) fn note(&mut self, at: Tick, unix_nanos: u64, requests: &Requests) {
        self.bounds.clone_from(&requests.bounds);
        let nothing = Counted::default();
        if let Some(last) = self.last.take() {
            let mut slot = Slot {
                start_unix_nanos: last.unix_nanos,
                seconds: at.since(last.at).as_secs_f64(),
                rows: BTreeMap::new(),
            };
            for (row, figures) in &requests.rows {
                let counted = Counted::since(figures, last.rows.get(row).unwrap_or(&nothing));
                if counted.requests > 0 {
                    slot.rows.entry(self.number(row)).or_default().merge(&counted);
                }
            }
            if self.slots.len() >= SLOTS {
                self.slots.pop_front();
            }
            self.slots.push_back(slot);
        }
        let counted = |figures: &Figures| Counted {
            requests: figures.count,
            errors: figures.errors,
            counts: figures.counts.clone(),
        };
        let rows = requests.rows.iter().map(|(row, figures)| (row.clone(), counted(figures))).collect();
        self.last = Some(Last { at, unix_nanos, rows });
    }

    /// The number of a row, which is its own while there is room.
    fn number(&mut self, row: &Row) -> usize {
        if let Some(number) = self.numbers.get(&row.key()) {
            return *number;
        }
        // The last places are those of all others, one for each kind.
        let shown = if self.rows.len() < ROWS - KINDS.len() {
            row.clone()
        } else {
            self.left_out += 1;
            Row::other(row.kind)
        };
        let number = self.numbers.get(&shown.key()).copied().unwrap_or_else(|| {
            self.numbers.insert(shown.key(), self.rows.len());
            self.rows.push(shown);
            self.rows.len() - 1
        });
        self.numbers.insert(row.key(), number);
        number
    }

    /// How much time the slots cover, in seconds.
    pub(super) fn window(&self) -> f64 {
        self.slots.iter().map(|slot| slot.seconds).sum()
    }

    pub(super) fn bounds(&self, kind: Kind) -> &[f64] {
        self.bounds.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// What all slots come to, of one row.
    pub(super) fn sum(&self, row: usize) -> Counted {
        let mut sum = Counted::default();
        for counted in self.slots.iter().filter_map(|slot| slot.rows.get(&row)) {
            sum.merge(counted);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use observe_core::clock::{Clock, ManualClock};

    fn row(route: &str) -> Row {
        Row { kind: Kind::Http, method: "GET".to_owned(), route: route.to_owned() }
    }

    fn requests<'a>(rows: impl IntoIterator<Item = (&'a str, [u64; 2], u64)>) -> Requests {
        let figures = |counts: [u64; 2], errors| Figures {
            counts: counts.to_vec(),
            count: counts.iter().sum(),
            errors,
            ..Figures::default()
        };
        let rows = rows.into_iter().map(|(route, counts, errors)| (row(route), figures(counts, errors)));
        Requests { bounds: BTreeMap::from([(Kind::Http, vec![1.0])]), rows: rows.collect() }
    }

    // Mutations caught: totals taken for what came in a slot; a slot without its time; a row of the first reading alone.
    #[test]
    fn a_slot_is_what_came_between_two_readings() {
        let manual = ManualClock::new();
        let clock = Clock::from(manual.clone());
        let mut history = History::default();
        let mut note = |read: &Requests| {
            let now = clock.now();
            history.note(now, clock.unix_nanos(now), read);
            manual.advance(Duration::from_secs(2));
        };
        note(&requests([("/a", [5, 1], 1)]));
        note(&requests([("/a", [7, 2], 2), ("/b", [1, 0], 0)]));
        note(&requests([("/a", [7, 2], 2), ("/b", [1, 3], 0)]));
        let counted =
            |requests, errors, counts: [u64; 2]| Counted { requests, errors, counts: counts.to_vec() };
        assert_eq!(history.rows, [row("/a"), row("/b")]);
        assert_eq!(
            history.slots[0].rows,
            BTreeMap::from([(0, counted(3, 1, [2, 1])), (1, counted(1, 0, [1, 0]))])
        );
        assert_eq!(history.slots[1].rows, BTreeMap::from([(1, counted(3, 0, [0, 3]))]));
        assert_eq!((history.slots[1].start_unix_nanos, history.window()), (2_000_000_000, 4.0));
        assert_eq!(history.sum(1), counted(4, 0, [1, 3]));
    }

    // Mutations caught: slots or rows without end; requests beyond the rows lost.
    #[test]
    fn slots_and_rows_are_bounded_and_no_request_is_lost() {
        let (mut history, clock) = (History::default(), Clock::from(ManualClock::new()));
        let routes: Vec<String> = (0..100).map(|route| format!("/{route}")).collect();
        for round in 0..SLOTS as u64 + 10 {
            history.note(
                clock.now(),
                0,
                &requests(routes.iter().map(|route| (route.as_str(), [round, 0], 0))),
            );
        }
        assert_eq!((history.slots.len(), history.rows.len()), (SLOTS, ROWS - 1));
        let sums = (0..history.rows.len()).map(|row| history.sum(row).requests);
        assert_eq!(sums.sum::<u64>(), SLOTS as u64 * 100);
        assert_eq!((history.rows.last().unwrap().route.as_str(), history.left_out), (OTHER, 38));
    }
}
