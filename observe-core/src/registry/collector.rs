//! Values that are read when somebody scrapes: what the system or a pool already counts.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use super::listing::{Listing, Look};
use crate::catch::catch;
use crate::label::name::labels_fault;
use crate::metric::snapshot::{Arena, Blocks, Head, Labels, Values, Visitor, render_series};
use crate::metric::{Buckets, Counted, Kind, Shown, Unit, show};
use crate::semconv::metric as names;

/// How many samples one collector gives at most in a scrape.
const MAX_SAMPLES: usize = 10_000;

/// Says values when it is asked, once in each scrape.
///
/// A closure is one. It runs on the scraping thread and holds up that scrape only; if it panics, what it said
/// is left out of this scrape and that is counted.
///
/// ```
/// use observe_core::{Collect, Registry};
///
/// let registry = Registry::new();
/// registry.collector(|out: &mut Collect<'_>| {
///     out.gauge("pool_idle", "Idle connections.", &[("pool", "orders")], 7_u64);
/// });
/// ```
pub trait Collector: Send + Sync + 'static {
    /// Says the values of now.
    fn collect(&self, out: &mut Collect<'_>);
}

impl<F: Fn(&mut Collect<'_>) + Send + Sync + 'static> Collector for F {
    fn collect(&self, out: &mut Collect<'_>) {
        self(out);
    }
}

/// A number that a collector says.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A whole number from 0.
    U64(u64),
    /// A whole number.
    I64(i64),
    /// A number with a fraction.
    F64(f64),
}

impl Value {
    fn is_finite(self) -> bool {
        !matches!(self, Value::F64(value) if !value.is_finite())
    }

    fn is_negative(self) -> bool {
        match self {
            Value::U64(_) => false,
            Value::I64(value) => value < 0,
            Value::F64(value) => value < 0.0,
        }
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Value::U64(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Value::U64(value as u64)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Value::U64(u64::from(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::I64(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::F64(value)
    }
}

/// Takes down what a collector says. What breaks a rule is left out and counted, and nothing fails.
pub struct Collect<'a> {
    samples: Vec<Sample>,
    faults: &'a Faults,
}

struct Sample {
    name: String,
    help: String,
    kind: Kind,
    labels: Vec<(String, String)>,
    said: Said,
}

enum Said {
    One(Value),
    Counted(Box<Counted>),
}

impl Collect<'_> {
    /// Asks a collector for nobody: what it has to tell about itself is then told now.
    #[cfg(all(
        any(feature = "cgroup", feature = "host", feature = "pressure", feature = "process"),
        target_os = "linux"
    ))]
    pub(crate) fn rehearse(collector: &dyn Collector) {
        let _ = catch(|| collector.collect(&mut Collect { samples: Vec::new(), faults: &Faults::default() }));
    }

    /// Says a counter. Its name ends in `_total`, and its value is not negative.
    ///
    /// The unit is the one that the name ends in. A name stands for one kind and one help text: the first said.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: impl Into<Value>) {
        self.say_one(Kind::Counter, name, help, labels, value.into());
    }

    /// Says a gauge.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: impl Into<Value>) {
        self.say_one(Kind::Gauge, name, help, labels, value.into());
    }

    /// Says a histogram that was counted elsewhere, since the start of whoever counts: how many observations fell into
    /// each bucket, not added up, that beyond the last bound at the end; and the sum of all observations.
    ///
    /// ```
    /// use observe_core::metric::Buckets;
    /// use observe_core::{Collect, Format, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.collector(|out: &mut Collect<'_>| {
    ///     let buckets = Buckets::new(&[0.001, 0.01]);
    ///     out.histogram("flush_seconds", "How long flushes took.", &[], &buckets, &[5, 2, 1], 0.05);
    /// });
    /// let mut page = Vec::new();
    /// registry.encode(Format::Text, &mut page);
    /// assert!(String::from_utf8_lossy(&page).contains("flush_seconds_bucket{le=\"0.01\"} 7"));
    /// ```
    pub fn histogram(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        buckets: &Buckets,
        counts: &[u64],
        sum: f64,
    ) {
        match Counted::new(buckets, Unit::of(name), counts, sum) {
            Some(counted) => {
                self.say(Kind::Histogram, name, help, labels, Said::Counted(Box::new(counted)));
            }
            None => Faults::count(&self.faults.invalid),
        }
    }

    /// Says an info, whose value is 1. Its name ends in `_info`.
    pub fn info(&mut self, name: &str, help: &str, labels: &[(&str, &str)]) {
        self.say_one(Kind::Info, name, help, labels, Value::U64(1));
    }

    /// Runs code of others that a collector asks in its turn. Where it panics that is counted as a collector's panic, and
    /// what was said stays.
    pub(crate) fn attempt<T>(&self, ask: impl FnOnce() -> T) -> Option<T> {
        let answer = catch(ask);
        if answer.is_none() {
            Faults::count(&self.faults.panicked);
        }
        answer
    }

    fn say_one(&mut self, kind: Kind, name: &str, help: &str, labels: &[(&str, &str)], value: Value) {
        if !value.is_finite() || (kind == Kind::Counter && value.is_negative()) {
            Faults::count(&self.faults.invalid);
        } else {
            self.say(kind, name, help, labels, Said::One(value));
        }
    }

    fn say(&mut self, kind: Kind, name: &str, help: &str, labels: &[(&str, &str)], said: Said) {
        let (mut names, count) = ([""; crate::label::MAX_LABELS], labels.len());
        for (to, (label, _)) in names.iter_mut().zip(labels) {
            *to = label;
        }
        let fault = match names.get(..count) {
            Some(names) => labels_fault(names).or(kind.name_fault(name)),
            None => Some("a metric has at most 32 labels"),
        };
        if fault.is_some() || help.is_empty() {
            Faults::count(&self.faults.invalid);
        } else if self.samples.len() >= MAX_SAMPLES {
            Faults::count(&self.faults.excess);
        } else {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            self.samples.push(Sample {
                name: name.to_owned(),
                help: help.to_owned(),
                kind,
                labels: labels.collect(),
                said,
            });
        }
    }
}

/// What went wrong with collectors.
#[derive(Debug, Default)]
pub(super) struct Faults {
    panicked: AtomicU64,
    invalid: AtomicU64,
    clash: AtomicU64,
    excess: AtomicU64,
}

impl Faults {
    fn count(fault: &AtomicU64) {
        fault.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn clashed(&self) {
        Self::count(&self.clash);
    }

    pub(super) fn each(&self, each: &mut dyn FnMut(&'static str, u64)) {
        each(names::COLLECTOR_PANICKED, self.panicked.load(Ordering::Relaxed));
        each(names::COLLECTOR_INVALID, self.invalid.load(Ordering::Relaxed));
        each(names::COLLECTOR_CLASH, self.clash.load(Ordering::Relaxed));
        each(names::COLLECTOR_EXCESS, self.excess.load(Ordering::Relaxed));
    }
}

/// What the collectors said in one scrape, by name.
#[derive(Default)]
pub(super) struct Samples {
    pub(super) groups: BTreeMap<String, Group>,
}

pub(super) struct Group {
    /// As the collector says it.
    name: String,
    help: String,
    /// How it is shown, if a view says so.
    shown: Option<Shown>,
    pub(super) kind: Kind,
    rows: Vec<(Vec<(String, String)>, Said)>,
    /// The texts so far: no series is said twice.
    texts: BTreeSet<Vec<u8>>,
    arena: Arena,
}

impl Samples {
    pub(super) fn ask(&mut self, collector: &dyn Collector, faults: &Faults) {
        let mut out = Collect { samples: Vec::new(), faults };
        // What it said is dropped when it unwinds, so nothing half-made is seen.
        if catch(|| collector.collect(&mut out)).is_none() {
            Faults::count(&faults.panicked);
            return;
        }
        for sample in out.samples {
            self.add(sample, faults);
        }
    }

    fn add(&mut self, sample: Sample, faults: &Faults) {
        let mut text = Vec::new();
        let labels = sample.labels.iter().map(|(name, value)| (name, value));
        render_series(&mut text, sample.kind, &sample.name, labels);
        let group = match self.groups.entry(sample.name.clone()) {
            Entry::Occupied(group) => group.into_mut(),
            Entry::Vacant(place) => place.insert(Group {
                name: sample.name,
                shown: None,
                help: sample.help,
                kind: sample.kind,
                rows: Vec::new(),
                texts: BTreeSet::new(),
                arena: Arena::default(),
            }),
        };
        if group.kind != sample.kind || group.texts.contains(&text) {
            faults.clashed();
            return;
        }
        group.arena.push(&text);
        group.texts.insert(text);
        group.rows.push((sample.labels, sample.said));
    }
}

impl Samples {
    /// By their shown names. What a view cannot be applied to is left out and counted.
    pub(super) fn view(&mut self, listing: &Listing, faults: &Faults) {
        for (name, mut group) in std::mem::take(&mut self.groups) {
            let look = listing.look(&group.head(), None);
            let name = match look {
                Ok(Look::AsDeclared) => name,
                Ok(Look::Otherwise(shown)) => {
                    let name = shown.name().to_owned();
                    group.shown = Some(shown);
                    name
                }
                Ok(Look::NotAtAll) => continue,
                Err(_) => {
                    Faults::count(&faults.invalid);
                    continue;
                }
            };
            match self.groups.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(group);
                }
                Entry::Occupied(_) => faults.clashed(),
            }
        }
    }
}

impl Group {
    pub(super) fn read(&self, visitor: &mut dyn Visitor) {
        match &self.shown {
            Some(shown) => show(shown, visitor, |visitor| self.read_as_said(visitor)),
            None => self.read_as_said(visitor),
        }
    }

    fn head(&self) -> Head<'_> {
        Head::new(&self.name, &self.help, self.kind, Unit::of(&self.name))
    }

    fn read_as_said(&self, visitor: &mut dyn Visitor) {
        visitor.family(&self.head());
        let mut blocks = Blocks::new(&self.arena, self);
        for (key, (_, said)) in (0_u64..).zip(&self.rows) {
            let keys = [key];
            let rows = blocks.next(&keys);
            match said {
                Said::One(Value::U64(value)) => visitor.scalars(&rows, Values::U64(&[*value])),
                Said::One(Value::I64(value)) => visitor.scalars(&rows, Values::I64(&[*value])),
                Said::One(Value::F64(value)) => visitor.scalars(&rows, Values::F64(&[*value])),
                Said::Counted(counted) => counted.read(visitor, &rows),
            }
        }
    }
}

impl Labels for Group {
    fn each(&self, key: u64, each: &mut dyn FnMut(&str, &str)) {
        let row = usize::try_from(key).ok().and_then(|key| self.rows.get(key));
        for (name, value) in row.iter().flat_map(|(labels, _)| labels) {
            if !value.is_empty() {
                each(name, value);
            }
        }
    }
}
