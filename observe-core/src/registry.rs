//! Registries: which families a scrape sees.

mod collector;
mod roll;
mod statics;

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::{self, Error};
use crate::label::LabelSet;
use crate::metric::snapshot::Visitor;
use crate::metric::{
    AnyFamily, Buckets, Counter, Family, Gauge, GaugeF64, Histogram, Kind, Metric, Summary, Window,
};
use crate::semconv::{metric as names, own};
use collector::{Faults, Samples};
use roll::{Roll, Source};

pub use collector::{Collect, Collector, Value};
pub use statics::LazyMetric;
#[cfg(not(any(miri, target_family = "wasm")))]
pub use statics::METRICS;

/// The families and collectors that a scrape sees. Cheap to clone; clones are one registry.
///
/// ```
/// use observe_core::Registry;
///
/// let registry = Registry::new();
/// let lines = registry.counter::<()>("lines_total", "Lines written.")?;
/// lines.inc();
/// assert!(registry.counter::<()>("lines_total", "Again.").unwrap_err().is_duplicate());
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    /// Whether the statics of the program belong to it.
    statics: bool,
    state: Mutex<State>,
    faults: Faults,
    scrapes: OnceLock<Arc<Family<(), Histogram>>>,
}

#[derive(Default)]
struct State {
    /// Every name a sample can have, and the family it belongs to.
    claims: BTreeMap<String, String>,
    families: BTreeMap<String, Source>,
    collectors: Vec<Arc<dyn Collector>>,
    statics_seen: usize,
    refused: Vec<(error::Kind, String)>,
    /// What a scrape reads; made anew after a registration.
    roll: Option<Arc<Roll>>,
    /// What several of this crate's primitives share in a registry, by type.
    shared: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

/// How many refusals of statics are kept to be told.
const MAX_REFUSED: usize = 100;

impl Registry {
    /// An empty registry, apart from all others: for tests, and for what a library counts by itself.
    #[must_use]
    pub fn new() -> Self {
        Self::make(false)
    }

    /// A registry that also has every `#[metric] static` of the program.
    #[must_use]
    pub fn with_statics() -> Self {
        Self::make(true)
    }

    fn make(statics: bool) -> Self {
        let mut state = State::default();
        for source in [Source::Series, Source::Overflow] {
            state.insert(source);
        }
        let (state, faults, scrapes) = (Mutex::new(state), Faults::default(), OnceLock::new());
        let inner = Inner { statics, state, faults, scrapes };
        Self { inner: Arc::new(inner) }
    }

    /// Takes a family in.
    ///
    /// # Errors
    ///
    /// If its name, help, unit or buckets break a rule ([`Error::is_invalid`]), or if it, or one of its
    /// samples, has a name that is taken ([`Error::is_duplicate`]): what had it first keeps it.
    pub fn register<F: AnyFamily + 'static>(&self, family: impl Into<Arc<F>>) -> Result<Arc<F>, Error> {
        let family = family.into();
        self.state().admit(Source::Shared(Arc::clone(&family) as Arc<dyn AnyFamily>))?;
        Ok(family)
    }

    /// Makes and takes in a family of counters.
    ///
    /// # Errors
    ///
    /// As [`register`](Registry::register).
    pub fn counter<L: LabelSet>(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<Arc<Family<L, Counter>>, Error> {
        self.family(name, help, ())
    }

    /// Makes and takes in a family of gauges of whole numbers.
    ///
    /// # Errors
    ///
    /// As [`register`](Registry::register).
    pub fn gauge<L: LabelSet>(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<Arc<Family<L, Gauge>>, Error> {
        self.family(name, help, ())
    }

    /// Makes and takes in a family of gauges of numbers with a fraction.
    ///
    /// # Errors
    ///
    /// As [`register`](Registry::register).
    pub fn gauge_f64<L: LabelSet>(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<Arc<Family<L, GaugeF64>>, Error> {
        self.family(name, help, ())
    }

    /// Makes and takes in a family of histograms. For times its name ends in `_seconds`, for sizes in `_bytes`.
    ///
    /// # Errors
    ///
    /// As [`register`](Registry::register).
    pub fn histogram<L: LabelSet>(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
        buckets: Buckets,
    ) -> Result<Arc<Family<L, Histogram>>, Error> {
        self.family(name, help, buckets)
    }

    /// Makes and takes in a family of summaries, of at most a hundred series. For times its name ends in
    /// `_seconds`, for sizes in `_bytes`.
    ///
    /// # Errors
    ///
    /// As [`register`](Registry::register).
    pub fn summary<L: LabelSet>(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
        window: Window,
    ) -> Result<Arc<Family<L, Summary>>, Error> {
        let family = Family::<L, Summary>::named(name.into(), help.into(), window);
        self.register(family.max_series(Family::<L, Summary>::DEFAULT_MAX_SUMMARIES))
    }

    fn family<L: LabelSet, M: Metric>(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
        config: M::Config,
    ) -> Result<Arc<Family<L, M>>, Error> {
        self.register(Family::named(name.into(), help.into(), config))
    }

    /// Takes in all of these families, or none.
    pub(crate) fn register_all(&self, families: &[Arc<dyn AnyFamily>]) -> Result<(), Error> {
        self.state().admit_all(families)
    }

    /// The one `T` of this registry, made at first and its families taken in. `make` is this crate's code.
    pub(crate) fn shared<T: Any + Send + Sync>(
        &self,
        make: impl FnOnce() -> T,
        families: impl FnOnce(&T) -> Vec<Arc<dyn AnyFamily>>,
    ) -> Result<Arc<T>, Error> {
        let mut state = self.state();
        if let Some(shared) = state.shared.get(&TypeId::of::<T>())
            && let Ok(shared) = Arc::clone(shared).downcast()
        {
            return Ok(shared);
        }
        let made = Arc::new(make());
        state.admit_all(&families(&made))?;
        state.shared.insert(TypeId::of::<T>(), Arc::clone(&made) as Arc<dyn Any + Send + Sync>);
        Ok(made)
    }

    /// Asks `collector` for values at each scrape.
    pub fn collector(&self, collector: impl Collector) {
        self.state().collectors.push(Arc::new(collector));
    }

    /// How long answering a scrape took: `observe_scrape_duration_seconds`, in this registry from the first call
    /// on. A scrape service records into it; so should whatever else serves [`encode`](Registry::encode).
    ///
    /// If the name was taken before, what is recorded is in no exposition.
    #[must_use]
    pub fn scrapes(&self) -> Arc<Family<(), Histogram>> {
        let make = || {
            let help = "How long answering a scrape took, compression included.";
            let family = Arc::new(Family::histogram(own::SCRAPE_DURATION_SECONDS, help, Buckets::SECONDS));
            self.register(Arc::clone(&family)).unwrap_or(family)
        };
        Arc::clone(self.inner.scrapes.get_or_init(make))
    }

    /// Why statics were refused: an invalid one, or the second of two with one name. The first hundred.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Error> {
        let state = self.state();
        state.refused.iter().map(|(kind, text)| Error::new(*kind, text.clone())).collect()
    }

    /// Shows every family to `visitor`, sorted by name, and what the collectors say now.
    ///
    /// No recording waits for this, whatever the visitor does meanwhile. A collector that panics is left
    /// out of this scrape and counted. One that itself scrapes this registry sees the families alone.
    pub fn visit(&self, visitor: &mut dyn Visitor) {
        let samples = self.ask();
        let roll = self.state().roll();
        let mut groups = samples.groups.iter().peekable();
        for source in &roll.sources {
            let name = source.head().name;
            while let Some((group, samples)) = groups.next_if(|(group, _)| group.as_str() < name) {
                samples.read(group, visitor);
            }
            roll.read(source, visitor);
        }
        for (group, samples) in groups {
            samples.read(group, visitor);
        }
    }

    /// What the collectors say now, without what clashes with a family.
    fn ask(&self) -> Samples {
        // A clone, since they are the user's code, and may even register something here.
        let collectors = self.state().collectors.clone();
        let mut samples = Samples::default();
        let Some(_asking) = Asking::begin(Arc::as_ptr(&self.inner).addr()) else { return samples };
        for collector in &collectors {
            samples.ask(&**collector, &self.inner.faults);
        }
        if !samples.groups.is_empty() {
            let state = self.state();
            let mut said = BTreeMap::new();
            samples.groups.retain(|name, group| {
                let free = claims(name, group.kind)
                    .all(|claim| !state.claims.contains_key(&claim) && said.insert(claim, ()).is_none());
                if !free {
                    self.inner.faults.clashed();
                }
                free
            });
        }
        samples
    }

    /// What this registry lost, by reason: for `observe_dropped_total{signal="metric"}`.
    pub(crate) fn dropped(&self, each: &mut dyn FnMut(&'static str, u64)) {
        let rejected = self.state().roll().rejected();
        each(names::NOT_FINITE, rejected.not_finite);
        each(names::OUT_OF_RANGE, rejected.out_of_range);
        self.inner.faults.each(each);
    }

    /// The state, with the statics that are known by now.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.inner.statics && statics::known() != state.statics_seen {
            let all = statics::all();
            for family in all.iter().skip(state.statics_seen) {
                if let Err(error) = state.admit(Source::Static(*family))
                    && state.refused.len() < MAX_REFUSED
                {
                    let kind =
                        if error.is_duplicate() { error::Kind::Duplicate } else { error::Kind::Invalid };
                    state.refused.push((kind, error.to_string()));
                }
            }
            state.statics_seen = all.len();
        }
        state
    }
}

impl State {
    fn admit(&mut self, source: Source) -> Result<(), Error> {
        self.examine(&source)?;
        self.insert(source);
        Ok(())
    }

    fn admit_all(&mut self, families: &[Arc<dyn AnyFamily>]) -> Result<(), Error> {
        let sources = families.iter().map(|family| Source::Shared(Arc::clone(family)));
        for source in sources.clone() {
            self.examine(&source)?;
        }
        sources.for_each(|source| self.insert(source));
        Ok(())
    }

    fn examine(&self, source: &Source) -> Result<(), Error> {
        if let Some(family) = source.family() {
            family.check()?;
        }
        let head = source.head();
        let taken = claims(head.name, head.kind).find_map(|claim| self.claims.get_key_value(&claim));
        match taken {
            None => Ok(()),
            Some((_, owner)) if owner == head.name => {
                Err(Error::new(error::Kind::Duplicate, format!("metric `{}`: the name is taken", head.name)))
            }
            Some((claim, owner)) => {
                let text = format!("metric `{}`: the name `{claim}` belongs to metric `{owner}`", head.name);
                Err(Error::new(error::Kind::Duplicate, text))
            }
        }
    }

    fn insert(&mut self, source: Source) {
        let head = source.head();
        let name = head.name.to_owned();
        self.claims.extend(claims(&name, head.kind).map(|claim| (claim, name.clone())));
        self.families.insert(name, source);
        self.roll = None;
    }

    fn roll(&mut self) -> Arc<Roll> {
        let families = &self.families;
        let roll = self.roll.get_or_insert_with(|| Arc::new(Roll::new(families.values().cloned().collect())));
        Arc::clone(roll)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families = self.state().families.len();
        f.debug_struct("Registry").field("families", &families).finish_non_exhaustive()
    }
}

thread_local! {
    /// The registries whose collectors are being asked on this thread.
    static ASKED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// While a registry's collectors are asked: one that scrapes its own registry would ask itself without end.
struct Asking;

impl Asking {
    /// `None`: they are being asked already.
    fn begin(registry: usize) -> Option<Asking> {
        let began = ASKED.try_with(|asked| {
            let mut asked = asked.borrow_mut();
            let new = !asked.contains(&registry);
            if new {
                asked.push(registry);
            }
            new
        });
        began.unwrap_or(false).then_some(Asking)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let _ = ASKED.try_with(|asked| asked.borrow_mut().pop());
    }
}

/// The names that the samples of a family can have, in either format, and the family itself.
fn claims(name: &str, kind: Kind) -> impl Iterator<Item = String> {
    let base = kind.family_name(name).to_owned();
    kind.sample_suffixes().iter().map(move |suffix| format!("{base}{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values};
    use crate::metric::{Info, Unit};

    /// Takes down names and values.
    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Visitor for Seen {
        fn family(&mut self, head: &Head<'_>) {
            self.0.push(head.name.to_owned());
        }

        fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
            for (at, text) in rows.texts().enumerate() {
                let mut labels = String::new();
                rows.labels(at, &mut |name, value| labels += &format!("{name}={value};"));
                let value = match values {
                    Values::U64(values) => values[at].to_string(),
                    Values::I64(values) => values[at].to_string(),
                    Values::F64(values) => values[at].to_string(),
                };
                self.0.push(format!("{}{value} {labels}", String::from_utf8_lossy(text)));
            }
        }

        fn histograms(&mut self, _: &Rows<'_>, _: &Histograms<'_>) {}

        fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
    }

    fn seen(registry: &Registry) -> Vec<String> {
        let mut seen = Seen::default();
        registry.visit(&mut seen);
        seen.0
    }

    fn dropped(registry: &Registry, reason: &str) -> u64 {
        let mut count = 0;
        registry.dropped(&mut |name, dropped| count += if name == reason { dropped } else { 0 });
        count
    }

    // Catches: a name taken twice, the second put in the place of the first, a sample's name overlooked.
    #[test]
    fn the_first_of_two_names_stays() {
        let registry = Registry::new();
        let first = registry.counter::<()>("orders_total", "First.").unwrap();
        first.inc();
        let again = registry.counter::<()>("orders_total", "Second.").unwrap_err();
        assert!(again.is_duplicate() && again.to_string().contains("orders_total"), "{again}");
        assert!(
            registry.gauge::<()>("orders", "The counter's name in OpenMetrics.").unwrap_err().is_duplicate()
        );
        registry.histogram::<()>("wait_seconds", "Waits.", Buckets::SECONDS).unwrap();
        for taken in [
            "wait_seconds_bucket",
            "wait_seconds_sum",
            "wait_seconds_count",
            "wait_seconds_created",
            "orders_created",
            "observe_series",
        ] {
            assert!(registry.gauge::<()>(taken, "Taken.").unwrap_err().is_duplicate(), "{taken}");
        }
        registry.gauge::<()>("size_count", "First.").unwrap();
        assert!(registry.histogram::<()>("size", "Second.", Buckets::BYTES).unwrap_err().is_duplicate());
        assert!(seen(&registry).contains(&"orders_total 1 ".to_owned()));
    }

    #[test]
    fn what_breaks_a_rule_is_refused_by_name_and_rule() {
        let registry = Registry::new();
        for (error, word) in [
            (registry.counter::<()>("orders", "Help.").unwrap_err(), "_total"),
            (registry.gauge::<()>("or-ders", "Help.").unwrap_err(), "a-z"),
            (registry.gauge::<()>("orders", "").unwrap_err(), "help"),
            (registry.histogram::<()>("orders", "H.", Buckets::new(&[2.0, 1.0])).unwrap_err(), "increase"),
            (
                registry.register(Family::<(), Gauge>::gauge("orders", "H.").unit(Unit::Bytes)).unwrap_err(),
                "unit",
            ),
        ] {
            let text = error.to_string();
            assert!(error.is_invalid() && text.contains("ders") && text.contains(word), "{text}");
        }
        assert!(registry.gauge::<()>("orders", "Help.").is_ok());
    }

    #[test]
    fn families_and_samples_come_sorted_by_name() {
        let registry = Registry::new();
        registry.collector(|out: &mut Collect<'_>| out.gauge("b", "B.", &[("x", "1")], 1_i64));
        for name in ["c", "a", "z"] {
            registry.gauge::<()>(name, "Help.").unwrap();
        }
        registry.register(Info::new("bb_info", "B.", &[("v", "1")]).unwrap()).unwrap();
        let heads = ["a", "b", "bb_info", "c", "observe_label_overflow_total", "observe_series", "z"];
        let seen: Vec<String> = seen(&registry).into_iter().filter(|line| !line.contains(' ')).collect();
        assert_eq!(seen, heads);
    }

    // Catches: a panic that ends the scrape, or half of what it said shown.
    #[test]
    fn a_collector_that_panics_is_left_out() {
        let registry = Registry::new();
        registry.collector(|out: &mut Collect<'_>| {
            out.gauge("half", "Half.", &[], 1_u64);
            std::panic::resume_unwind(Box::new(()));
        });
        registry.collector(|out: &mut Collect<'_>| out.gauge("whole", "Whole.", &[], 2_u64));
        let seen = seen(&registry);
        assert!(seen.contains(&"whole 2 ".to_owned()) && !seen.iter().any(|line| line.contains("half")));
        assert_eq!(dropped(&registry, names::COLLECTOR_PANICKED), 1);
    }

    #[test]
    fn what_collectors_may_not_say_is_counted() {
        let registry = Registry::new();
        registry.gauge::<()>("mine", "Mine.").unwrap();
        registry.collector(|out: &mut Collect<'_>| {
            out.counter("down_total", "Down.", &[], -1_i64);
            out.counter("no_suffix", "Bad.", &[], 1_u64);
            out.gauge("nan", "NaN.", &[], f64::NAN);
            out.gauge("label", "Label.", &[("le", "1")], 1_u64);
            out.gauge("twice", "Twice.", &[("a", "1")], 1_u64);
            out.gauge("twice", "Twice.", &[("a", "1")], 2_u64);
            out.gauge("mine", "Not mine.", &[], 7_u64);
        });
        let seen = seen(&registry);
        assert!(seen.contains(&"mine 0 ".to_owned()));
        assert!(seen.contains(&"twice{a=\"1\"} 1 a=1;".to_owned()), "{seen:?}");
        assert_eq!(dropped(&registry, names::COLLECTOR_INVALID), 4);
        assert_eq!(dropped(&registry, names::COLLECTOR_CLASH), 2);
    }

    #[test]
    fn a_collector_says_so_much_and_no_more() {
        let registry = Registry::new();
        registry.collector(|out: &mut Collect<'_>| {
            for i in 0..10_003 {
                out.gauge("many", "Many.", &[("i", &i.to_string())], 0_u64);
            }
        });
        assert_eq!(seen(&registry).iter().filter(|line| line.starts_with("many{")).count(), 10_000);
        assert_eq!(dropped(&registry, names::COLLECTOR_EXCESS), 3);
    }

    // Catches: a lock held while a collector runs.
    #[test]
    fn a_collector_may_use_the_registry() {
        let registry = Registry::new();
        let inner = registry.clone();
        registry.collector(move |_: &mut Collect<'_>| {
            let _ = inner.gauge::<()>("made_late", "Made while scraping.");
            let _ = inner.conflicts();
        });
        assert!(seen(&registry).contains(&"made_late 0 ".to_owned()));
    }

    // Catches: a collector that scrapes asked again by its own scrape (the stack overflows).
    #[test]
    fn a_collector_may_scrape() {
        let (registry, other) = (Registry::new(), Registry::new());
        registry.gauge::<()>("mine", "Mine.").unwrap();
        for (of, asks) in [(&registry, &registry), (&registry, &other), (&other, &registry)] {
            let asks = asks.clone();
            of.collector(move |out: &mut Collect<'_>| {
                out.gauge("families", "Lines seen.", &[], seen(&asks).len() as u64);
            });
        }
        for _ in 0..2 {
            assert!(seen(&registry).contains(&"mine 0 ".to_owned()));
            assert!(seen(&registry).contains(&"families 5 ".to_owned()), "{:?}", seen(&registry));
        }
    }

    #[test]
    fn rejected_observations_are_summed_over_families() {
        let registry = Registry::new();
        registry.gauge_f64::<()>("share_ratio", "Share.").unwrap().set(f64::NAN);
        registry.histogram::<()>("wait_seconds", "W.", Buckets::SECONDS).unwrap().observe(-1.0);
        registry.summary::<()>("size_bytes", "S.", Window::MINUTE).unwrap().observe(f64::INFINITY);
        assert_eq!(dropped(&registry, names::NOT_FINITE), 2);
        assert_eq!(dropped(&registry, names::OUT_OF_RANGE), 1);
    }
}
