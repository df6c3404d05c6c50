//! A family whose labels only the running program knows: those of code that was not written for this crate.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::buckets::Buckets;
use super::family::AnyFamily;
use super::kind::{Rejected, Unit};
use super::limits::Limits;
use super::snapshot::{Arena, Blocks, Head, Labels, Metric, Visitor, render_series, sealed};
use crate::error::{self, Error};
use crate::label::{MAX_TEXT, OTHER};

/// How many sets of label names a family has at most.
const MAX_SHAPES: usize = 16;

/// Name and value of a label.
pub(crate) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Metrics of one kind under one name, one for each set of labels that was asked for, whatever labels these are.
///
/// There are at most `max` series. What is past that goes to a series of the same label names whose values are all
/// `_OTHER`, and is counted.
pub(crate) struct Loose<M: Metric> {
    name: String,
    help: OnceLock<String>,
    shared: M::Shared,
    max: usize,
    births: RwLock<Births<M>>,
    overflow: AtomicU64,
}

/// One series: what a handle holds.
pub(crate) struct LooseSeries<M> {
    text: Box<[u8]>,
    labels: Box<[(String, String)]>,
    pub(crate) metric: M,
}

struct Births<M> {
    /// By the text of its labels.
    series: HashMap<Box<[u8]>, Arc<LooseSeries<M>>>,
    /// In the order of their births.
    order: Vec<Arc<LooseSeries<M>>>,
    /// The sets of label names so far, as the text and the labels of what is past the limit.
    shapes: Vec<(Box<[u8]>, Vec<Pair<'static>>)>,
    /// How many count against the limit.
    capped: usize,
    /// What a scrape reads, until the next birth.
    page: Option<Arc<Page<M>>>,
}

struct Page<M> {
    arena: Arena,
    series: Vec<Arc<LooseSeries<M>>>,
}

impl<M: Metric> Loose<M> {
    /// An empty family of at most `max` series.
    ///
    /// # Errors
    ///
    /// If the name or the configuration breaks a rule ([`Error::is_invalid`]).
    pub(crate) fn new(name: String, config: &M::Config, max: usize) -> Result<Self, Error> {
        if let Some(fault) = M::KIND.name_fault(&name).or_else(|| M::fault(config)) {
            return Err(Error::new(error::Kind::Invalid, format!("metric `{name}`: {fault}")));
        }
        let births =
            Births { series: HashMap::new(), order: Vec::new(), shapes: Vec::new(), capped: 0, page: None };
        Ok(Self {
            shared: M::share(config, Unit::of(&name)),
            name,
            help: OnceLock::new(),
            max,
            births: RwLock::new(births),
            overflow: AtomicU64::new(0),
        })
    }

    /// Says what it counts, unless that was said before.
    pub(crate) fn describe(&self, help: &str) {
        if !help.is_empty() {
            let _ = self.help.set(help.to_owned());
        }
    }

    /// The series of these labels, and whether it is theirs alone, not that of what is past a limit.
    ///
    /// Their names are good ones, in order, none twice; no value is empty.
    pub(crate) fn with(&self, labels: &[Pair<'_>]) -> (Arc<LooseSeries<M>>, bool) {
        let long = labels.iter().any(|(_, value)| value.len() > MAX_TEXT);
        if long {
            self.overflow.fetch_add(1, Ordering::Relaxed);
            let cut = |(name, value): &Pair<'_>| {
                let value = if value.len() > MAX_TEXT { OTHER } else { value };
                (Cow::Owned(name.to_string()), Cow::Owned(value.to_owned()))
            };
            let cut: Vec<Pair<'_>> = labels.iter().map(cut).collect();
            return (self.with_short(&cut).0, false);
        }
        self.with_short(labels)
    }

    fn with_short(&self, labels: &[Pair<'_>]) -> (Arc<LooseSeries<M>>, bool) {
        let text = self.render(labels);
        let full = {
            let births = self.births();
            if let Some(series) = births.series.get(&*text) {
                return (Arc::clone(series), true);
            }
            births.capped >= self.max
        };
        let other = self.other(labels);
        if full
            && !labels.is_empty()
            && let Some(series) = self.births().series.get(&*other.0)
        {
            self.overflow.fetch_add(1, Ordering::Relaxed);
            return (Arc::clone(series), false);
        }
        let mut births = self.births_mut();
        if let Some(series) = births.series.get(&*text) {
            return (Arc::clone(series), true);
        }
        if labels.is_empty() {
            // There is one such series only, and nothing to be cut from it.
            return (births.birth(&self.shared, text, labels), true);
        }
        let known = births.shapes.iter().any(|(shape, _)| *shape == other.0);
        if births.capped < self.max && (known || births.shapes.len() < MAX_SHAPES) {
            births.capped += 1;
            if !known {
                births.shapes.push(other);
            }
            return (births.birth(&self.shared, text, labels), true);
        }
        self.overflow.fetch_add(1, Ordering::Relaxed);
        let shape = if known || births.shapes.len() < MAX_SHAPES {
            if !known {
                births.shapes.push(other.clone());
            }
            other
        } else {
            births.shapes.first().cloned().unwrap_or(other)
        };
        let series = match births.series.get(&*shape.0) {
            Some(series) => Arc::clone(series),
            None => births.birth(&self.shared, shape.0, &shape.1),
        };
        (series, false)
    }

    /// The labels with `_OTHER` for all values, and their text.
    fn other(&self, labels: &[Pair<'_>]) -> (Box<[u8]>, Vec<Pair<'static>>) {
        let other = labels.iter().map(|(name, _)| (Cow::Owned(name.to_string()), Cow::Borrowed(OTHER)));
        let other: Vec<Pair<'static>> = other.collect();
        (self.render(&other), other)
    }

    fn render(&self, labels: &[Pair<'_>]) -> Box<[u8]> {
        let mut text = Vec::new();
        render_series(&mut text, M::KIND, &self.name, labels.iter().map(|(name, value)| (name, value)));
        text.into_boxed_slice()
    }

    fn births(&self) -> RwLockReadGuard<'_, Births<M>> {
        self.births.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn births_mut(&self) -> RwLockWriteGuard<'_, Births<M>> {
        self.births.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn page(&self) -> Arc<Page<M>> {
        if let Some(page) = &self.births().page {
            return Arc::clone(page);
        }
        let mut births = self.births_mut();
        let births = &mut *births;
        let page = births.page.get_or_insert_with(|| {
            let mut arena = Arena::default();
            births.order.iter().for_each(|series| arena.push(&series.text));
            arena.shrink();
            Arc::new(Page { arena, series: births.order.clone() })
        });
        Arc::clone(page)
    }
}

impl<M: Metric> Births<M> {
    fn birth(&mut self, shared: &M::Shared, text: Box<[u8]>, labels: &[Pair<'_>]) -> Arc<LooseSeries<M>> {
        let owned = labels.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let (labels, metric) = (owned.collect(), M::new(shared));
        let series = Arc::new(LooseSeries { text: text.clone(), labels, metric });
        self.series.insert(text, Arc::clone(&series));
        self.order.push(Arc::clone(&series));
        self.page = None;
        series
    }
}

impl<M> Labels for Page<M> {
    fn each(&self, key: u64, each: &mut dyn FnMut(&str, &str)) {
        let series = usize::try_from(key).ok().and_then(|at| self.series.get(at));
        for (name, value) in series.iter().flat_map(|series| &series.labels) {
            each(name, value);
        }
    }
}

impl<M: Metric> sealed::Sealed for Loose<M> {}

impl<M: Metric> AnyFamily for Loose<M> {
    fn head(&self) -> Head<'_> {
        let help = self.help.get().map_or("Not described by the code that records it.", String::as_str);
        Head::new(&self.name, help, M::KIND, Unit::of(&self.name))
    }

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn series(&self) -> usize {
        self.births().order.len()
    }

    fn read(&self, visitor: &mut dyn Visitor) {
        let page = self.page();
        visitor.family(&self.head());
        let cells = (0_u64..).zip(&page.series).map(|(key, series)| (key, &series.metric));
        M::read(&self.shared, cells, Blocks::new(&page.arena, &*page), visitor);
    }

    /// All labels together: past the limit they are all `_OTHER`.
    fn labels(&self) -> &'static [&'static str] {
        &["*"]
    }

    fn label_names(&self) -> Option<Vec<&str>> {
        None
    }

    /// A bridge asks the registry for them before it makes the family.
    fn rebucket(&self, _: &Buckets) -> Result<(), &'static str> {
        Ok(())
    }

    fn overflow(&self, label: usize) -> Option<u64> {
        (label == 0).then(|| self.overflow.load(Ordering::Relaxed))
    }

    fn limits(&self) -> Option<Limits> {
        Some(Limits {
            max_series: self.max as u64,
            counted: self.births().capped as u64,
            is_open: true,
            labels: Vec::new(),
            overflow: Some(self.overflow.load(Ordering::Relaxed)),
        })
    }

    fn rejected(&self) -> Rejected {
        let page = self.page();
        M::rejected(&self.shared, page.series.iter().map(|series| &series.metric))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Counter;

    fn family(max: usize) -> Loose<Counter> {
        Loose::new("jobs_total".into(), &(), max).unwrap()
    }

    fn count(family: &Loose<Counter>, labels: &[(&'static str, &str)]) -> bool {
        let labels: Vec<Pair<'_>> =
            labels.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value))).collect();
        let (series, own) = family.with(&labels);
        series.metric.inc();
        own
    }

    fn told(family: &Loose<Counter>) -> Vec<(String, u64)> {
        let page = family.page();
        let told = page.series.iter().map(|series| {
            (String::from_utf8(series.text.to_vec()).unwrap().trim_end().to_owned(), series.metric.get())
        });
        told.collect()
    }

    // Catches: a limit that is off by one, `_OTHER` born before it is needed or counted against the limit.
    #[test]
    fn past_the_limit_all_labels_are_other() {
        let family = family(2);
        assert!(count(&family, &[]));
        for i in 0..4 {
            assert_eq!(count(&family, &[("a", &i.to_string()), ("b", "x")]), i < 2, "{i}");
        }
        assert!(count(&family, &[("a", "0"), ("b", "x")]));
        assert!(!count(&family, &[("c", "new")]));
        let expected = [
            ("jobs_total", 1),
            ("jobs_total{a=\"0\",b=\"x\"}", 2),
            ("jobs_total{a=\"1\",b=\"x\"}", 1),
            ("jobs_total{a=\"_OTHER\",b=\"_OTHER\"}", 2),
            ("jobs_total{c=\"_OTHER\"}", 1),
        ];
        assert_eq!(told(&family), expected.map(|(text, count)| (text.to_owned(), count)));
        assert_eq!(AnyFamily::overflow(&family, 0), Some(3));
    }

    // Catches: label names without a limit; a value of any length.
    #[test]
    fn names_and_long_values_are_bounded() {
        let family = family(1_000);
        let names: Vec<&'static str> = (0..40).map(|i| &*format!("l{i:02}").leak()).collect();
        for name in &names {
            count(&family, &[(name, "x")]);
        }
        assert_eq!(family.series(), MAX_SHAPES + 1);
        assert!(told(&family).contains(&("jobs_total{l00=\"_OTHER\"}".to_owned(), 24)));
        assert!(!count(&family, &[("l01", &"y".repeat(MAX_TEXT + 1))]));
        assert!(told(&family).contains(&("jobs_total{l01=\"_OTHER\"}".to_owned(), 1)));
        assert_eq!(AnyFamily::overflow(&family, 0), Some(25));
    }

    // Catches: a birth without asking again under the lock: two series of one text, or more than the limit.
    #[test]
    fn threads_agree_on_series() {
        let (family, together) = (family(500), std::sync::Barrier::new(4));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for i in 0..1_000 {
                        together.wait();
                        count(&family, &[("i", &i.to_string())]);
                        if i % 50 == 0 {
                            let _ = family.page();
                        }
                    }
                });
            }
        });
        let told = told(&family);
        assert_eq!(told.len(), 501);
        let other = |text: &String| text.contains("_OTHER");
        assert!(told.iter().all(|(text, count)| *count == if other(text) { 2_000 } else { 4 }), "{told:?}");
    }
}
