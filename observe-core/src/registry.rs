//! Registries: which families a scrape sees.

mod collector;
mod listing;
mod roll;
mod statics;

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::catalogue::Entry;
use crate::error::{self, Error};
use crate::label::LabelSet;
use crate::metric::snapshot::Visitor;
use crate::metric::{
    AnyFamily, Buckets, Counter, Family, Gauge, GaugeF64, Histogram, HotCounter, HotHistogram, Kind, Limits,
    Metric, NativeBuckets, NativeHistogram, Summary, View, Window,
};
use crate::semconv::{metric as names, own};
use collector::{Faults, Samples};
use listing::{Listing, claims};
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
    listing: Listing,
    collectors: Vec<Arc<dyn Collector>>,
    /// What the library's own collectors were asked to read.
    read: BTreeSet<&'static str>,
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
            // The first names of a listing are free.
            let _ = state.listing.admit(source);
        }
        let (state, faults, scrapes) = (Mutex::new(state), Faults::default(), OnceLock::new());
        let inner = Inner { statics, state, faults, scrapes };
        Self { inner: Arc::new(inner) }
    }

    /// Whether a name is free for a family of this kind, with all the samples it would have.
    ///
    /// # Errors
    ///
    /// If one of them is taken ([`Error::is_duplicate`]).
    pub(crate) fn examine(&self, name: &str, kind: Kind) -> Result<(), Error> {
        self.state().listing.examine(name, kind)
    }

    /// Shows its families, those that it has and those that come, by these views and no others. Answers which views
    /// are of no family that it has, nor of one of `own`.
    ///
    /// # Errors
    ///
    /// If a view breaks a rule ([`Error::is_invalid`]), or leads to a name that is taken
    /// ([`Error::is_duplicate`]); then nothing is changed.
    pub(crate) fn view<'a>(
        &self,
        views: Vec<View>,
        own: impl Iterator<Item = &'a Entry>,
    ) -> Result<Vec<String>, Error> {
        let mut state = self.state();
        let (listing, unknown) = state.listing.viewed(views, own)?;
        if self.inner.statics {
            for (name, buckets) in unknown.iter().filter_map(|name| Some((name, listing.buckets(name)?))) {
                statics::choose(name, buckets);
            }
        }
        state.listing = listing;
        state.roll = None;
        Ok(unknown)
    }

    /// Notes that this is read at each scrape, as far as the machine has it.
    #[cfg(any(feature = "cgroup", feature = "host", feature = "pressure", feature = "process"))]
    pub(crate) fn reads(&self, what: &'static str) {
        self.state().read.insert(what);
    }

    /// What is read at each scrape, whatever this machine has of it.
    pub(crate) fn what_is_read(&self) -> BTreeSet<&'static str> {
        self.state().read.clone()
    }

    /// How families are shown that are shown otherwise, by the names that they were declared with.
    pub(crate) fn views(&self) -> BTreeMap<String, View> {
        self.state().listing.views().clone()
    }

    /// The buckets that a view chose for a histogram.
    #[cfg(feature = "metrics")]
    pub(crate) fn chosen_buckets(&self, name: &str) -> Option<Buckets> {
        self.state().listing.buckets(name).cloned()
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

    /// Makes and takes in a family of counters of the hot kind.
    ///
    /// # Errors
    ///
    /// As [`register`](Registry::register).
    pub fn hot_counter<L: LabelSet>(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<Arc<Family<L, HotCounter>>, Error> {
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

    /// Makes and takes in a family of histograms of the hot kind.
    ///
    /// # Errors
    ///
    /// As [`register`](Registry::register).
    pub fn hot_histogram<L: LabelSet>(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
        buckets: Buckets,
    ) -> Result<Arc<Family<L, HotHistogram>>, Error> {
        self.family(name, help, buckets)
    }

    /// Makes and takes in a family of native histograms, of at most a thousand series. For times its name ends in
    /// `_seconds`, for sizes in `_bytes`.
    ///
    /// # Errors
    ///
    /// As [`register`](Registry::register).
    pub fn native_histogram<L: LabelSet>(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
        buckets: NativeBuckets,
    ) -> Result<Arc<Family<L, NativeHistogram>>, Error> {
        let family = Family::<L, NativeHistogram>::named(name.into(), help.into(), buckets);
        self.register(family.max_series(Family::<L, NativeHistogram>::DEFAULT_MAX_NATIVE_HISTOGRAMS))
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
        for family in &roll.families {
            while let Some((_, group)) = groups.next_if(|(name, _)| name.as_str() < family.name()) {
                group.read(visitor);
            }
            roll.read(family, visitor);
        }
        for (_, group) in groups {
            group.read(visitor);
        }
    }

    /// Shows every family to `visitor`, sorted by name, and asks no collector.
    pub(crate) fn visit_families(&self, visitor: &mut dyn Visitor) {
        let roll = self.state().roll();
        roll.families.iter().for_each(|family| roll.read(family, visitor));
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
            samples.view(&state.listing, &self.inner.faults);
            let mut said = BTreeSet::new();
            samples.groups.retain(|name, group| {
                let free = !state.listing.clashes(name, group.kind)
                    && claims(name, group.kind).all(|claim| said.insert(claim));
                if !free {
                    self.inner.faults.clashed();
                }
                free
            });
        }
        samples
    }

    /// What bounds the families that are shown, by name. Collectors say theirs as they come.
    pub(crate) fn limits(&self) -> BTreeMap<String, Limits> {
        let roll = self.state().roll();
        roll.limits()
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
        self.roll = None;
        self.listing.admit(source)
    }

    fn admit_all(&mut self, families: &[Arc<dyn AnyFamily>]) -> Result<(), Error> {
        self.roll = None;
        self.listing.admit_all(families)
    }

    fn roll(&mut self) -> Arc<Roll> {
        let listing = &self.listing;
        let roll = self.roll.get_or_insert_with(|| Arc::new(Roll::new(listing.shown())));
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
        let families = self.state().listing.len();
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

#[cfg(test)]
mod tests;
