//! What code records by the macros of the `metrics` crate, taken into our registry.

mod names;
mod table;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use metrics::{
    Counter as CounterHandle, CounterFn, Gauge as GaugeHandle, GaugeFn, Histogram as HistogramHandle,
    HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit as SaidUnit,
};
use tracing_core::Level;

use crate::error::{Error, Kind};
use crate::hub::Hub;
use crate::metric::{Buckets, Counter, GaugeF64, Histogram, LooseSeries, Unit};
use crate::registry::{Collect, Registry};
use crate::semconv::own;
use table::{Lost, Refusal, Table};

/// How many series a family has at most, unless told otherwise.
const DEFAULT_MAX_SERIES: u32 = 1_000;

/// The most that can be told.
const MOST_SERIES: u32 = 100_000;

/// Where nothing says what is measured: from a thousandth to ten thousand, in steps of 1, 2, 5.
const NUMBERS: Buckets = Buckets::new(&[
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0,
    500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0,
]);

/// Takes what code records by the macros of the `metrics` crate (0.24) into a telemetry's registry: made by
/// [`Telemetry::metrics_bridge`](crate::Telemetry::metrics_bridge).
///
/// It is a [`metrics::Recorder`]: [`install`](MetricsBridge::install) makes it the process's,
/// [`metrics::with_local_recorder`] that of some lines, in a test for example; layers of `metrics-util` go around it.
/// All bridges of one registry record into the same families.
///
/// - Names: what is no letter, digit or `_` becomes `_`; a counter's name ends in `_total`, that of nothing else does.
///   A name that another metric has, ours or one that was spelled differently, stays that one's: what is recorded under
///   it is dropped, told once, and counted in `observe_dropped_total{signal="metric",reason="bridge_clash"}`.
/// - Labels: their values are free, so a family has a limit of series. Past it all labels are `_OTHER`, and that is
///   counted in `observe_label_overflow_total`.
/// - `describe_*!` gives the help; the first that is not empty counts. Its unit chooses the buckets of a histogram, if
///   it comes before the first record.
#[derive(Clone)]
#[must_use = "a bridge does nothing until it is installed"]
pub struct MetricsBridge {
    registry: Registry,
    /// The hub may be gone before the bridge, which once installed is never freed.
    hub: Weak<Hub>,
    core: Arc<Core>,
    max_series: u32,
    buckets: BTreeMap<String, Buckets>,
}

/// What the bridges of one registry share. It is held by that, so it does not hold it.
#[derive(Default)]
struct Core {
    counters: Table<Counter>,
    gauges: Table<GaugeF64>,
    histograms: Table<Histogram>,
    lost: [Arc<Lost>; Refusal::ALL.len()],
    exposed: AtomicBool,
    /// Refusals that would be told for every name or label: once each.
    told: [AtomicBool; Refusal::ALL.len()],
}

impl MetricsBridge {
    pub(crate) fn new(hub: &Arc<Hub>) -> Self {
        let registry = hub.registry.clone();
        let core = registry.shared(Core::default, |_| Vec::new()).unwrap_or_default();
        if !core.exposed.swap(true, Ordering::Relaxed) {
            let lost = core.lost.clone();
            registry.collector(move |out: &mut Collect<'_>| {
                for (refusal, lost) in Refusal::ALL.iter().zip(&lost) {
                    let labels = [(own::SIGNAL, "metric"), (own::REASON, refusal.as_str())];
                    out.counter(own::DROPPED_TOTAL, own::DROPPED_HELP, &labels, lost.count());
                }
            });
        }
        let hub = Arc::downgrade(hub);
        Self { registry, hub, core, max_series: DEFAULT_MAX_SERIES, buckets: BTreeMap::new() }
    }

    /// How many series each family has at most, those of `_OTHER` apart; between 1 and 100,000. Defaults to 1,000.
    ///
    /// It counts for families that are recorded into first by this bridge.
    pub fn max_series(mut self, max: u32) -> Self {
        self.max_series = max.clamp(1, MOST_SERIES);
        self
    }

    /// The buckets of one histogram, named as the macros name it. Defaults, by what its name ends in or
    /// `describe_histogram!` says: for seconds [`Buckets::SECONDS`] (for milliseconds, microseconds, nanoseconds the
    /// same times), for bytes [`Buckets::BYTES`], for all else 0.001 to 10,000 in steps of 1, 2, 5.
    pub fn buckets(mut self, histogram: impl Into<String>, buckets: Buckets) -> Self {
        self.buckets.insert(histogram.into(), buckets);
        self
    }

    /// Makes it the process's recorder, for good. What was recorded before is lost, as ever with `metrics`.
    ///
    /// # Errors
    ///
    /// If another recorder is installed ([`Error::is_already_installed`]).
    pub fn install(self) -> Result<(), Error> {
        metrics::set_global_recorder(self).map_err(|_| {
            Error::new(Kind::AlreadyInstalled, "another recorder of the `metrics` crate is installed")
        })
    }

    /// What a handle does that has no series.
    fn refused(&self, refusal: Refusal, told: &AtomicBool, why: impl FnOnce() -> String) -> Arc<Lost> {
        if !told.swap(true, Ordering::Relaxed)
            && let Some(hub) = self.hub.upgrade()
        {
            hub.say(Level::WARN, &format!("metrics bridge: {}", why()));
        }
        Arc::clone(self.core.lost(refusal))
    }

    fn found<M: crate::metric::Metric>(
        &self,
        table: &Table<M>,
        key: &Key,
        config: impl Fn(Option<SaidUnit>) -> M::Config,
    ) -> Result<Arc<LooseSeries<M>>, Arc<Lost>> {
        if let Some(series) = table.cached(key) {
            return Ok(series);
        }
        let family = match table.family(key.name(), &self.registry, self.max_series as usize, config) {
            Ok(family) => family,
            Err(refused) => {
                let told = refused.told.as_deref().unwrap_or(self.core.told(refused.refusal));
                return Err(self.refused(refused.refusal, told, || refused.why.clone()));
            }
        };
        let labels = key.labels();
        let Some(labels) = names::labels(labels.map(|label| (label.key(), label.value()))) else {
            let told = self.core.told(Refusal::Invalid);
            let why = || {
                format!(
                    "metric `{}`: a label's name is empty or too long, or there are more than 32",
                    key.name()
                )
            };
            return Err(self.refused(Refusal::Invalid, told, why));
        };
        let (series, own) = family.with(&labels);
        if own {
            table.cache(key, &series);
        }
        Ok(series)
    }

    fn bounds(&self, name: &str, unit: Option<SaidUnit>) -> Buckets {
        let metric = names::metric_name(crate::metric::Kind::Histogram, name);
        if let Some(buckets) =
            self.registry.chosen_buckets(&metric).or_else(|| self.buckets.get(name).cloned())
        {
            return buckets;
        }
        let times = |steps: f64| {
            let bounds: Vec<f64> = Buckets::SECONDS.bounds().iter().map(|bound| bound * steps).collect();
            Buckets::try_from(bounds).unwrap_or(NUMBERS)
        };
        match (Unit::of(&metric), unit) {
            (Some(Unit::Seconds), _) | (None, Some(SaidUnit::Seconds)) => Buckets::SECONDS,
            (Some(Unit::Bytes), _) | (None, Some(SaidUnit::Bytes)) => Buckets::BYTES,
            (None, Some(SaidUnit::Milliseconds)) => times(1e3),
            (None, Some(SaidUnit::Microseconds)) => times(1e6),
            (None, Some(SaidUnit::Nanoseconds)) => times(1e9),
            _ => NUMBERS,
        }
    }
}

impl Core {
    fn lost(&self, refusal: Refusal) -> &Arc<Lost> {
        &self.lost[refusal as usize]
    }

    fn told(&self, refusal: Refusal) -> &AtomicBool {
        &self.told[refusal as usize]
    }
}

impl Recorder for MetricsBridge {
    fn describe_counter(&self, key: KeyName, unit: Option<SaidUnit>, description: SharedString) {
        self.core.counters.describe(key.as_str(), unit, &description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<SaidUnit>, description: SharedString) {
        self.core.gauges.describe(key.as_str(), unit, &description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<SaidUnit>, description: SharedString) {
        self.core.histograms.describe(key.as_str(), unit, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> CounterHandle {
        match self.found(&self.core.counters, key, |_| ()) {
            Ok(series) => CounterHandle::from_arc(series),
            Err(lost) => CounterHandle::from_arc(lost),
        }
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> GaugeHandle {
        match self.found(&self.core.gauges, key, |_| ()) {
            Ok(series) => GaugeHandle::from_arc(series),
            Err(lost) => GaugeHandle::from_arc(lost),
        }
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> HistogramHandle {
        match self.found(&self.core.histograms, key, |unit| self.bounds(key.name(), unit)) {
            Ok(series) => HistogramHandle::from_arc(series),
            Err(lost) => HistogramHandle::from_arc(lost),
        }
    }
}

impl CounterFn for LooseSeries<Counter> {
    fn increment(&self, value: u64) {
        self.metric.add(value);
    }

    fn absolute(&self, value: u64) {
        self.metric.raise(value);
    }
}

impl GaugeFn for LooseSeries<GaugeF64> {
    fn increment(&self, value: f64) {
        self.metric.add(value);
    }

    fn decrement(&self, value: f64) {
        self.metric.add(-value);
    }

    fn set(&self, value: f64) {
        self.metric.set(value);
    }
}

impl HistogramFn for LooseSeries<Histogram> {
    fn record(&self, value: f64) {
        self.metric.observe(value);
    }
}

impl CounterFn for Lost {
    fn increment(&self, _: u64) {
        self.lose();
    }

    fn absolute(&self, _: u64) {
        self.lose();
    }
}

impl GaugeFn for Lost {
    fn increment(&self, _: f64) {
        self.lose();
    }

    fn decrement(&self, _: f64) {
        self.lose();
    }

    fn set(&self, _: f64) {
        self.lose();
    }
}

impl HistogramFn for Lost {
    fn record(&self, _: f64) {
        self.lose();
    }
}

impl std::fmt::Debug for MetricsBridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetricsBridge").field("max_series", &self.max_series).finish_non_exhaustive()
    }
}
