//! What is recorded in one series: `metric/{counter,gauge,histogram,exemplar,native_histogram,summary}.rs`.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, ManualClock};
use crate::context::{SpanId, TraceId};
use crate::metric::snapshot::{Head, Histograms, NativeReading, Quantiles, Rows, Values, Visitor};
use crate::metric::{
    AnyFamily, Buckets, Counter, Exemplar, Family, Gauge, GaugeF64, Histogram, NativeBuckets,
    NativeHistogram, Summary, Unit, Window,
};
use crate::sync::{explore, explore_up_to, spawn};

/// Nothing is lost in a number that two threads change while a third reads it, and a counter never runs back.
/// Mutations caught: a load and a store for any of the additions.
pub fn numbers_lose_nothing() {
    explore(|| {
        let counter = Arc::new(Counter::new());
        let threads = [1, 2].map(|n| {
            let counter = Arc::clone(&counter);
            spawn(move || counter.add(n))
        });
        let first = counter.get();
        assert!(first <= counter.get());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(counter.get(), 3);
    });
    explore(|| {
        let numbers = Arc::new((Gauge::new(), GaugeF64::new()));
        let threads = [0.25, 0.5].map(|n| {
            let numbers = Arc::clone(&numbers);
            spawn(move || {
                let _tracked = numbers.0.track();
                numbers.1.add(n);
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!((numbers.0.get(), numbers.1.get()), (0, 0.75));
    });
}

/// Two threads observe: buckets and sum have both, exactly, and who reads meanwhile never sees more than there was.
/// Mutations caught: a load and a store for the addition to a bucket, to a sum, to a sum of numbers with a fraction.
pub fn histograms_lose_nothing() {
    for unit in [Some(Unit::Seconds), None] {
        explore_up_to(3, move || {
            let histogram = Arc::new(Histogram::new(&Buckets::new(&[0.5]), unit));
            let threads = [0.25, 0.5].map(|value| {
                let histogram = Arc::clone(&histogram);
                spawn(move || histogram.observe(value))
            });
            let (first, second) = (histogram.count(), histogram.count());
            assert!(first <= second && second <= 2);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!((histogram.count(), histogram.sum()), (2, 0.75));
        });
    }
}

fn exemplar(n: u64) -> Exemplar {
    Exemplar {
        value: n as f64,
        trace_id: TraceId::from_bytes((u128::from(n) << 64 | u128::from(n)).to_be_bytes()).unwrap(),
        span_id: SpanId::from_bytes(n.to_be_bytes()).unwrap(),
        unix_nanos: n,
    }
}

/// What a scrape shows of one series.
#[derive(Default)]
struct Shown {
    exemplar: Option<Exemplar>,
    native: (Vec<(i32, u64)>, f64),
}

impl Visitor for Shown {
    fn family(&mut self, _: &Head<'_>) {}

    fn scalars(&mut self, _: &Rows<'_>, _: Values<'_>) {}

    fn histograms(&mut self, _: &Rows<'_>, values: &Histograms<'_>) {
        self.exemplar = values.exemplar(0, 0);
    }

    fn native_histogram(&mut self, _: &Rows<'_>, value: &NativeReading<'_>) {
        self.native = (value.positive().to_vec(), value.sum());
    }

    fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
}

fn shown(family: &dyn AnyFamily) -> Shown {
    let mut shown = Shown::default();
    family.read(&mut shown);
    shown
}

/// Two threads put exemplars into one place while it is read: what is read is one of them, whole.
/// Mutations caught: the version not compared again, or compared without the fence before; the words stored without the
/// fence before; the last version stored without release, or the first loaded without acquire; a writer let in beside
/// another.
pub fn no_exemplar_is_torn() {
    explore_exemplars(&[&[1]], 2);
    explore_exemplars(&[&[1], &[2]], 1);
}

fn explore_exemplars(writers: &'static [&'static [u64]], preemptions: usize) {
    explore_up_to(preemptions, move || {
        let family: Arc<Family<(), Histogram>> =
            Arc::new(Family::histogram("waits", "Waits.", Buckets::new(&[9.0])));
        // The places are there.
        family.exemplify(&exemplar(7));
        let threads: Vec<_> = writers
            .iter()
            .map(|numbers| {
                let family = Arc::clone(&family);
                spawn(move || numbers.iter().for_each(|n| family.exemplify(&exemplar(*n))))
            })
            .collect();
        if let Some(read) = shown(&*family).exemplar {
            assert_eq!(read, exemplar(read.unix_nanos));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let last = shown(&*family).exemplar.unwrap();
        assert_eq!(last, exemplar(last.unix_nanos));
        assert!(writers.iter().any(|numbers| numbers.last() == Some(&last.unix_nanos)), "{last:?}");
    });
}

/// Two threads count in one piece of cells that is not there yet, while two scrapes read it at once at a schema that is
/// lowered for them: each is shown buckets of its own, never more than there was, and at the end all is there.
/// Mutations caught: a load and a store for the addition to a cell, or to the sum; what is read into not emptied before.
pub fn native_histograms_lose_nothing() {
    explore_up_to(3, || {
        // Counted by octaves, and shown by two of them.
        let buckets = NativeBuckets::new().schema(-1);
        let family: Arc<Family<(), NativeHistogram>> =
            Arc::new(Family::native_histogram("waits_seconds", "Waits.", buckets));
        let _ = shown(&*family);
        let other = {
            let family = Arc::clone(&family);
            spawn(move || {
                family.observe(0.5);
                shown(&*family).native.0
            })
        };
        family.observe(0.5);
        for buckets in [shown(&*family).native.0, other.join().unwrap()] {
            assert!(buckets == [(0, 1)] || buckets == [(0, 2)], "{buckets:?}");
        }
        assert_eq!(shown(&*family).native, (vec![(0, 2)], 1.0));
    });
}

/// Two threads observe, in a stripe each, while the window's quantiles are read and time goes on: each observation is
/// counted once, and is in the window once.
/// Mutations caught: counts of a stripe that are handed over and left; a slice that is begun anew by who comes second;
/// the ring locked before the stripe (a deadlock).
pub fn summaries_lose_nothing() {
    explore_up_to(2, || {
        let clock = ManualClock::new();
        let window = Window::MINUTE.clock(Clock::from(clock.clone()));
        let summary = Arc::new(Summary::new(window, Some(Unit::Bytes)));
        let threads = [1.0, 3.0].map(|value| {
            let summary = Arc::clone(&summary);
            spawn(move || [value, value].map(|value| summary.observe(value)))
        });
        clock.advance(Duration::from_secs(10));
        assert!(summary.quantiles().count <= 4);
        threads.into_iter().for_each(|thread| {
            let _: [(); 2] = thread.join().unwrap();
        });
        let said = summary.quantiles();
        assert_eq!((said.count, said.sum), (4, 8.0));
        assert_eq!((said.values[0], said.values[4]), (1.0, 3.0));
    });
}
