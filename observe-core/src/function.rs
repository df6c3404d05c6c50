//! The metrics of annotated functions, of calls to dependencies, and of operations opened by hand.

use crate::label::assert::refuse;
use crate::label::own::{label_set, open_label};
use crate::label::{LabelSet, LabelValue};
use crate::metric::{Buckets, Family, Gauge, HotHistogram};
use crate::outcome::Outcome;
use crate::record::Kind;
use crate::registry::LazyMetric;
use crate::semconv::operation as names;
use crate::slo::Named;
use std::sync::OnceLock;
use tracing_core::Level;

open_label!(
    /// A function's name, with its module's.
    pub(crate) FunctionName, max 10_000
);
open_label!(
    /// What a call goes to, as the code names it.
    pub(crate) DependencyName, max 256
);
open_label!(
    /// What is asked of a dependency, or done by an operation opened by hand.
    pub(crate) OperationName, max 1_000
);

label_set!(pub(crate) FunctionLabels {
    function: FunctionName = names::FUNCTION,
    outcome: Outcome = crate::semconv::metric::OUTCOME,
});
label_set!(pub(crate) DependencyLabels {
    dependency: DependencyName = names::DEPENDENCY,
    operation: OperationName = names::OPERATION,
    outcome: Outcome = crate::semconv::metric::OUTCOME,
});
label_set!(pub(crate) OperationLabels {
    operation: OperationName = names::OPERATION,
    outcome: Outcome = crate::semconv::metric::OUTCOME,
});
label_set!(pub(crate) InFlightLabels { operation: OperationName = names::OPERATION, });

/// In the program's statics from their first touch on, so that they are there on every target.
macro_rules! own_static {
    ($(#[$doc:meta])* $name:ident: $family:ty = $value:expr) => {
        $(#[$doc])*
        pub(crate) static $name: LazyMetric<$family> = LazyMetric::new({
            static INNER: $family = $value;
            &INNER
        });
    };
}

own_static!(
    /// Four outcomes each: ten thousand functions stay below the cap.
    FUNCTION_DURATION: Family<FunctionLabels, HotHistogram> =
        Family::hot_histogram(names::FUNCTION_DURATION_SECONDS, "How long annotated functions took.", Buckets::SECONDS)
            .max_series(40_000)
);
own_static!(DEPENDENCY_DURATION: Family<DependencyLabels, HotHistogram> =
    Family::hot_histogram(names::DEPENDENCY_DURATION_SECONDS, "How long calls to dependencies took.", Buckets::SECONDS));
own_static!(OPERATION_DURATION: Family<OperationLabels, HotHistogram> =
    Family::hot_histogram(names::OPERATION_DURATION_SECONDS, "How long operations took.", Buckets::SECONDS));
own_static!(OPERATIONS_IN_FLIGHT: Family<InFlightLabels, Gauge> =
    Family::gauge(names::OPERATIONS_IN_FLIGHT, "Operations that have started and not ended."));

/// An annotated function: a static that `#[observed]` puts beside its body.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    dependency: Option<&'static str>,
    metrics: bool,
    ok_level: Option<Level>,
    buckets: Option<&'static Buckets>,
    series: OnceLock<[&'static HotHistogram; Outcome::ALL.len()]>,
}

/// Every annotated function of the program, gathered by the linker.
#[cfg(not(any(miri, target_family = "wasm")))]
#[doc(hidden)]
#[allow(unsafe_code, reason = "linkme declares the section's boundaries; the crate is made for it")]
#[linkme::distributed_slice]
pub static FUNCTIONS: [&'static Function];

impl Function {
    /// A function of this name, with its module's.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, dependency: None, metrics: true, ok_level: None, buckets: None, series: OnceLock::new() }
    }

    /// It calls this dependency: recorded in `dependency_duration_seconds`, with its name as the operation.
    #[must_use]
    pub const fn dependency(mut self, dependency: &'static str) -> Self {
        self.dependency = Some(dependency);
        self
    }

    /// It has no metrics.
    #[must_use]
    pub const fn without_metrics(mut self) -> Self {
        self.metrics = false;
        self
    }

    /// It writes a line of this level when it ends well.
    #[must_use]
    pub const fn ok_level(mut self, level: Level) -> Self {
        self.ok_level = Some(level);
        self
    }

    /// Its durations are counted in these buckets. Defaults to [`Buckets::SECONDS`].
    #[must_use]
    pub const fn buckets(mut self, buckets: &'static Buckets) -> Self {
        self.buckets = Some(buckets);
        self
    }

    /// Its name, with its module's.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its durations, by outcome. The first call makes the series, at 0.
    pub(crate) fn series(&self, outcome: Outcome) -> Option<&'static HotHistogram> {
        if !self.metrics {
            return None;
        }
        let series = self.series.get_or_init(|| Outcome::ALL.map(|outcome| self.find(outcome)));
        series.get(outcome as usize).copied()
    }

    fn find(&self, outcome: Outcome) -> &'static HotHistogram {
        match self.dependency {
            None => self.born(&FUNCTION_DURATION, FunctionLabels { function: self.name.into(), outcome }),
            Some(dependency) => {
                let (dependency, operation) = (dependency.into(), self.name.into());
                self.born(&DEPENDENCY_DURATION, DependencyLabels { dependency, operation, outcome })
            }
        }
    }

    fn born<L: LabelSet>(
        &self,
        family: &'static Family<L, HotHistogram>,
        labels: L,
    ) -> &'static HotHistogram {
        match self.buckets {
            Some(buckets) => family.with_buckets(labels, buckets),
            None => family.with(labels),
        }
    }
}

/// The same buckets, if their bounds keep the rules.
///
/// # Panics
///
/// If they do not; `#[observed]` evaluates this for a constant.
#[must_use]
#[track_caller]
pub const fn checked(buckets: Buckets) -> Buckets {
    if let Some(fault) = buckets.fault() {
        refuse(&["the buckets of this function: ", fault]);
    }
    buckets
}

/// The annotated functions of the program that have metrics and call no dependency, by name. Where the linker cannot
/// gather them there are none.
pub(crate) fn names() -> Vec<&'static str> {
    #[cfg(not(any(miri, target_family = "wasm")))]
    let names: std::collections::BTreeSet<_> = FUNCTIONS
        .iter()
        .filter(|function| function.metrics && function.dependency.is_none())
        .map(|function| function.name)
        .collect();
    #[cfg(any(miri, target_family = "wasm"))]
    let names = std::collections::BTreeSet::new();
    names.into_iter().collect()
}

/// Makes the families known, none of their series yet.
pub(crate) fn touch_families() {
    for family in [
        FUNCTION_DURATION.name(),
        DEPENDENCY_DURATION.name(),
        OPERATION_DURATION.name(),
        OPERATIONS_IN_FLIGHT.name(),
    ] {
        debug_assert!(!family.is_empty());
    }
}

/// Makes the series of every annotated function, so that they are on `/metrics` at 0 from the start.
pub(crate) fn touch_all() {
    touch_families();
    #[cfg(not(any(miri, target_family = "wasm")))]
    for function in FUNCTIONS {
        let _ = function.series(Outcome::Ok);
    }
}

/// Where the duration of an operation goes.
#[derive(Debug, Default)]
pub(crate) enum Measure {
    /// Nowhere, or whoever opened it sees to it.
    #[default]
    Unmeasured,
    /// To an annotated function.
    Function(&'static Function),
    /// To an operation opened by hand.
    Operation(OperationName, Kind),
    /// To a call by hand.
    Dependency(DependencyName, OperationName, Kind),
}

impl Measure {
    /// Counts the operation as in flight.
    pub(crate) fn start(&self) {
        if let Measure::Operation(operation, _) = *self {
            OPERATIONS_IN_FLIGHT.with(InFlightLabels { operation }).inc();
        }
    }

    /// It is in flight no more.
    pub(crate) fn stop(&self) {
        if let Measure::Operation(operation, _) = *self {
            OPERATIONS_IN_FLIGHT.with(InFlightLabels { operation }).dec();
        }
    }

    /// Its name: what its line says.
    pub(crate) fn name(&self) -> &'static str {
        match *self {
            Measure::Unmeasured => "",
            Measure::Function(function) => function.name,
            Measure::Operation(operation, _) | Measure::Dependency(_, operation, _) => {
                OperationName::text(LabelValue::code(operation))
            }
        }
    }

    /// What objectives know it by.
    pub(crate) fn named(&self) -> Named<'static> {
        match *self {
            Measure::Unmeasured => Named::default(),
            Measure::Function(function) => Named {
                function: function.name,
                dependency: function.dependency.unwrap_or_default(),
                ..Named::default()
            },
            Measure::Operation(..) => Named { operation: self.name(), ..Named::default() },
            Measure::Dependency(dependency, ..) => {
                Named { dependency: DependencyName::text(LabelValue::code(dependency)), ..Named::default() }
            }
        }
    }

    /// What it is to the rest of the world.
    pub(crate) fn kind(&self) -> Kind {
        match *self {
            Measure::Unmeasured => Kind::Internal,
            Measure::Function(function) if function.dependency.is_some() => Kind::Client,
            Measure::Function(_) => Kind::Internal,
            Measure::Operation(_, kind) | Measure::Dependency(_, _, kind) => kind,
        }
    }

    /// The level of the line that tells of a good end, if there is to be one.
    pub(crate) fn told_when_ok(&self) -> Option<Level> {
        match *self {
            Measure::Function(function) => function.ok_level,
            _ => None,
        }
    }

    /// Where a duration with this outcome is recorded.
    pub(crate) fn series(&self, outcome: Outcome) -> Option<&'static HotHistogram> {
        match *self {
            Measure::Unmeasured => None,
            Measure::Function(function) => function.series(outcome),
            Measure::Operation(operation, _) => {
                Some(OPERATION_DURATION.with(OperationLabels { operation, outcome }))
            }
            Measure::Dependency(dependency, operation, _) => {
                Some(DEPENDENCY_DURATION.with(DependencyLabels { dependency, operation, outcome }))
            }
        }
    }
}
