//! A family: one name, and a metric for each combination of its labels.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Deref;

use super::buckets::Buckets;
use super::kind::{Rejected, Unit};
use super::limits::Limits;
use super::series::{Dense, Sparse};
use super::snapshot::{Head, Labels, Metric, Visitor, render_series, sealed};
use crate::error::{self, Error};
use crate::label::assert::refuse;
use crate::label::name::labels_fault;
use crate::label::{LabelSet, closed_space, collapsed};
use crate::sync::{AtomicU64, OnceLock, Ordering};

/// How many series a closed label set may have.
pub const MAX_DENSE: u64 = 65_536;

/// How many series an open family has at most, unless told otherwise.
pub const DEFAULT_MAX_SERIES: u32 = 10_000;

/// Metrics of one kind under one name, one for each combination of the labels `L`.
///
/// If all labels are closed, every series is there at 0 from the first touch, and looking one up is index
/// arithmetic. If one is open, series are born when they are first asked for, and there are at most
/// [`max_series`](Family::max_series) of them. Past that, [`with`](Family::with) answers the series whose open
/// labels are all `_OTHER`, so that totals stay right, and that is counted for each open label.
///
/// In a `static` it is on `/metrics` by the attribute `#[observe_core::metric]` (feature `macros`; without macros by
/// [`LazyMetric`](crate::LazyMetric)), and without it nowhere. Made at run time it is taken in by
/// [`Registry::register`](crate::Registry::register).
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use observe_core::label::{LabelSet, LabelValue};
/// use observe_core::metric;
/// use observe_core::metric::{Counter, Family};
///
/// #[derive(Clone, Copy, LabelValue)]
/// enum Method {
///     Card,
///     Paypal,
/// }
///
/// #[derive(Clone, Copy, LabelSet)]
/// struct CallLabels {
///     method: Method,
/// }
///
/// #[metric]
/// static CALLS: Family<CallLabels, Counter> = Family::counter("calls_total", "Calls made.");
/// #[metric]
/// static LINES: Family<(), Counter> = Family::counter("lines_total", "Lines written.");
///
/// CALLS.with(CallLabels { method: Method::Card }).inc();
/// assert_eq!(CALLS.with(CallLabels { method: Method::Card }).get(), 1);
/// LINES.add(3); // no labels: the family is its one metric
/// # }
/// ```
pub struct Family<L: LabelSet, M: Metric> {
    name: Cow<'static, str>,
    help: Cow<'static, str>,
    unit: Option<Unit>,
    unit_stated: bool,
    max_series: u32,
    config: M::Config,
    /// What a view said instead; closed by the first touch.
    viewed: OnceLock<Option<M::Config>>,
    fault: Option<&'static str>,
    body: OnceLock<Body<M>>,
    labels: PhantomData<fn(L) -> L>,
}

struct Body<M: Metric> {
    shared: M::Shared,
    dense: Dense<M>,
    sparse: Sparse<M>,
    overflow: Box<[AtomicU64]>,
    /// Where a combination leads that its own set says cannot be: in no exposition.
    stray: M,
}

impl<L: LabelSet, M: Metric> Family<L, M> {
    /// Whether every series is there from the start.
    const DENSE: bool = L::CLOSED && L::SPACE <= MAX_DENSE;

    /// What the types alone decide is decided by the compiler.
    const VALID: () = {
        if let Some(fault) = labels_fault(L::NAMES) {
            panic!("{}", fault);
        }
        assert!(L::NAMES.len() == L::SHAPE.len(), "a label set has as many names as shapes");
        assert!(
            !L::CLOSED || L::SPACE <= MAX_DENSE,
            "the labels of a metric have at most 65,536 combinations, unless one of them is open"
        );
        assert!(
            closed_space(L::SHAPE) <= MAX_DENSE,
            "the closed labels of a metric have at most 65,536 combinations"
        );
    };

    pub(super) const fn fixed(
        name: &'static str,
        help: &'static str,
        config: M::Config,
        fault: Option<&'static str>,
    ) -> Self {
        let () = Self::VALID;
        Self {
            fault: first(M::KIND.name_fault(name), help_fault(help), fault),
            name: Cow::Borrowed(name),
            help: Cow::Borrowed(help),
            unit: Unit::of(name),
            unit_stated: false,
            max_series: DEFAULT_MAX_SERIES,
            config,
            viewed: OnceLock::new(),
            body: OnceLock::new(),
            labels: PhantomData,
        }
    }

    /// A family whose name is made at run time.
    pub(crate) fn named(name: String, help: String, config: M::Config) -> Self {
        let () = Self::VALID;
        Self {
            fault: first(M::KIND.name_fault(&name), help_fault(&help), M::fault(&config)),
            unit: Unit::of(&name),
            name: Cow::Owned(name),
            help: Cow::Owned(help),
            unit_stated: false,
            max_series: DEFAULT_MAX_SERIES,
            config,
            viewed: OnceLock::new(),
            body: OnceLock::new(),
            labels: PhantomData,
        }
    }

    /// States the unit; the name must end in it. Defaults to the unit that the name ends in.
    #[must_use]
    pub const fn unit(mut self, unit: Unit) -> Self {
        self.unit = Some(unit);
        self.unit_stated = true;
        self
    }

    /// How many series there are at most if a label is open, those of `_OTHER` apart; between 1 and
    /// 1,000,000. Defaults to 10,000.
    ///
    /// The tables that find them take 6.25 bytes for each that is allowed; or 4 for each combination the labels
    /// have, if that is at most twice as much, since it is faster. Series are made 32 at a time.
    #[must_use]
    pub const fn max_series(mut self, max: u32) -> Self {
        self.max_series = match max {
            0 => 1,
            1..=1_000_000 => max,
            _ => 1_000_000,
        };
        self
    }

    /// The name of the family.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The metric of one combination of labels.
    ///
    /// A plain reference, to be held as long as the family lives; holding it saves the look-up.
    #[inline]
    #[must_use]
    pub fn with(&self, labels: L) -> &M {
        let body = self.body();
        let index = labels.index();
        if Self::DENSE {
            return body.dense.get(index).unwrap_or_else(|| body.stray());
        }
        let overflow = labels.overflow();
        if overflow != 0 {
            body.overflowed(overflow);
        }
        match body.sparse.get(index) {
            Some(metric) => metric,
            None => self.birth(body, index, None),
        }
    }

    /// The metric of one combination. Where it has to be born, and counts against the cap, it is the one
    /// that `make` makes.
    pub(super) fn with_own(&self, labels: L, make: impl FnOnce(&M::Shared) -> M) -> &M {
        let body = self.body();
        let index = labels.index();
        if Self::DENSE || labels.overflow() != 0 || body.sparse.get(index).is_some() {
            return self.with(labels);
        }
        self.birth(body, index, Some(make(&body.shared)))
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let body = self.body();
        if Self::DENSE { body.dense.len() } else { body.sparse.len() }
    }

    /// Whether there is no series yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fails to compile when it is evaluated for a constant that breaks a rule: `#[metric]` does that.
    ///
    /// # Panics
    ///
    /// If the name, the help, the unit or the buckets break a rule.
    #[doc(hidden)]
    #[track_caller]
    pub const fn assert_valid(&self) {
        let Some(fault) = self.broken() else { return };
        let Cow::Borrowed(name) = &self.name else { return };
        refuse(&["metric `", name, "`: ", fault]);
    }

    const fn broken(&self) -> Option<&'static str> {
        if self.fault.is_some() {
            return self.fault;
        }
        match (self.unit_stated, self.unit, &self.name) {
            (true, Some(unit), Cow::Borrowed(name)) if !unit.ends(name) => {
                Some("the name of a metric ends in its unit")
            }
            _ => None,
        }
    }

    #[inline]
    fn body(&self) -> &Body<M> {
        match self.body.get() {
            Some(body) => body,
            None => self.make(),
        }
    }

    #[cold]
    #[inline(never)]
    fn make(&self) -> &Body<M> {
        // Made before it is set, not inside `get_or_init`: the labels' texts are the user's code, and no
        // lock is held while that runs.
        let _ = self.body.set(self.make_body());
        self.body.get_or_init(|| self.make_body())
    }

    fn make_body(&self) -> Body<M> {
        let config = self.viewed.get_or_init(|| None).as_ref().unwrap_or(&self.config);
        let shared = M::share(config, self.unit);
        let dense = if Self::DENSE { L::SPACE as usize } else { 0 };
        let (space, cap) = if Self::DENSE { (0, 0) } else { (L::SPACE, self.max_series as usize) };
        let uncapped = if Self::DENSE { 0 } else { closed_space(L::SHAPE) as usize };
        Body {
            dense: Dense::new(&shared, dense, |key, row| self.render(key, row)),
            sparse: Sparse::new(space, cap, uncapped),
            overflow: L::NAMES.iter().map(|_| AtomicU64::new(0)).collect(),
            stray: M::new(&shared),
            shared,
        }
    }

    /// Whether a view chose its buckets.
    pub(super) fn is_rebucketed(&self) -> bool {
        self.viewed.get().is_some_and(Option::is_some)
    }

    fn render(&self, key: u64, row: &mut Vec<u8>) {
        let labels = L::NAMES.iter().enumerate().map(|(label, name)| (*name, L::text(key, label)));
        render_series(row, M::KIND, &self.name, labels);
    }

    #[cold]
    #[inline(never)]
    fn birth<'a>(&self, body: &'a Body<M>, index: u64, own: Option<M>) -> &'a M {
        let other = collapsed(L::SHAPE, index);
        if index >= L::SPACE {
            return body.stray();
        }
        let born = |key, capped, own| {
            let mut text = Vec::new();
            self.render(key, &mut text);
            body.sparse.birth(&body.shared, key, capped, &text, own)
        };
        if index == other {
            return born(other, false, None).unwrap_or_else(|| body.stray());
        }
        if !body.sparse.is_full()
            && let Some(metric) = born(index, true, own)
        {
            return metric;
        }
        // Full by now, but another thread may have brought this one in as the last.
        if let Some(metric) = body.sparse.get(index) {
            return metric;
        }
        let open = L::SHAPE.iter().enumerate().filter(|(_, shape)| !shape.is_closed());
        body.overflowed(open.fold(0, |bits, (label, _)| bits | 1 << label));
        match body.sparse.get(other) {
            Some(metric) => metric,
            None => born(other, false, None).unwrap_or_else(|| body.stray()),
        }
    }
}

const fn first(
    a: Option<&'static str>,
    b: Option<&'static str>,
    c: Option<&'static str>,
) -> Option<&'static str> {
    match (a, b) {
        (Some(_), _) => a,
        (None, Some(_)) => b,
        (None, None) => c,
    }
}

const fn help_fault(help: &str) -> Option<&'static str> {
    if help.is_empty() { Some("a metric says in its help what it counts") } else { None }
}

impl<M: Metric> Body<M> {
    #[cold]
    fn overflowed(&self, labels: u32) {
        for (label, count) in self.overflow.iter().enumerate() {
            if labels >> label & 1 == 1 {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    #[cold]
    fn stray(&self) -> &M {
        &self.stray
    }
}

impl<M: Metric> Deref for Family<(), M> {
    type Target = M;

    #[inline]
    fn deref(&self) -> &M {
        self.with(())
    }
}

impl<L: LabelSet, M: Metric> std::fmt::Debug for Family<L, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Family").field("name", &self.name).field("kind", &M::KIND).finish_non_exhaustive()
    }
}

struct Texts<L>(PhantomData<fn(L)>);

impl<L: LabelSet> Labels for Texts<L> {
    fn each(&self, key: u64, each: &mut dyn FnMut(&str, &str)) {
        for (label, name) in L::NAMES.iter().enumerate() {
            let value = L::text(key, label);
            if !value.is_empty() {
                each(name, value);
            }
        }
    }
}

/// What a registry sees of a family. Sealed.
pub trait AnyFamily: Send + Sync + sealed::Sealed {
    /// What stands above the series.
    fn head(&self) -> Head<'_>;

    /// Whether it keeps the rules.
    ///
    /// # Errors
    ///
    /// Names the metric and the rule it breaks ([`Error::is_invalid`]).
    fn check(&self) -> Result<(), Error>;

    /// How many series there are.
    fn series(&self) -> usize;

    /// Shows all series to a visitor, its head first.
    fn read(&self, visitor: &mut dyn Visitor);

    /// The names of the labels.
    fn labels(&self) -> &'static [&'static str];

    /// The names of the labels of its series; `None` if only they know them.
    #[doc(hidden)]
    fn label_names(&self) -> Option<Vec<&str>> {
        Some(self.labels().to_vec())
    }

    /// Takes other buckets, before its first touch.
    ///
    /// # Errors
    ///
    /// Names the rule that this breaks.
    #[doc(hidden)]
    fn rebucket(&self, _: &Buckets) -> Result<(), &'static str> {
        Err(NO_BUCKETS)
    }

    /// How often a value of a label was `_OTHER`; `None` if the label is closed, or there is none.
    fn overflow(&self, label: usize) -> Option<u64>;

    /// What bounds its series, if anything does.
    #[doc(hidden)]
    fn limits(&self) -> Option<Limits> {
        None
    }

    /// What was observed and is no value.
    fn rejected(&self) -> Rejected;
}

const NO_BUCKETS: &str = "it has no buckets that could be chosen";

impl<L: LabelSet, M: Metric> sealed::Sealed for Family<L, M> {}

impl<L: LabelSet, M: Metric> AnyFamily for Family<L, M> {
    fn head(&self) -> Head<'_> {
        let config = self.viewed.get().and_then(Option::as_ref).unwrap_or(&self.config);
        Head::new(&self.name, &self.help, M::kind(config), self.unit)
    }

    fn check(&self) -> Result<(), Error> {
        let unit_fault = match self.unit {
            Some(unit) if !unit.ends(&self.name) => Some("the name of a metric ends in its unit"),
            _ => None,
        };
        match self.fault.or(unit_fault) {
            None => Ok(()),
            Some(fault) => Err(Error::new(error::Kind::Invalid, format!("metric `{}`: {fault}", self.name))),
        }
    }

    fn series(&self) -> usize {
        self.len()
    }

    fn read(&self, visitor: &mut dyn Visitor) {
        let body = self.body();
        let labels = Texts::<L>(PhantomData);
        visitor.family(&self.head());
        if Self::DENSE {
            body.dense.read(&body.shared, &labels, visitor);
        } else {
            body.sparse.read(&body.shared, &labels, visitor);
        }
    }

    fn labels(&self) -> &'static [&'static str] {
        L::NAMES
    }

    fn rebucket(&self, buckets: &Buckets) -> Result<(), &'static str> {
        let wanted = M::rebucketed(&self.config, buckets).ok_or(NO_BUCKETS)?;
        let is_first = self.viewed.set(Some(wanted)).is_ok();
        let has = self.viewed.get().and_then(Option::as_ref).unwrap_or(&self.config);
        // Two telemetries may want the same of a static.
        if is_first || M::has_buckets(has, buckets) {
            return Ok(());
        }
        Err("other buckets come too late: it was used before, or another view chose them")
    }

    fn overflow(&self, label: usize) -> Option<u64> {
        let open = L::SHAPE.get(label).is_some_and(|shape| !shape.is_closed());
        let count = self.body().overflow.get(label)?;
        open.then(|| count.load(Ordering::Relaxed))
    }

    fn limits(&self) -> Option<Limits> {
        let counted = if Self::DENSE { self.len() } else { self.body().sparse.counted() };
        Some(Limits::of::<L>(self.max_series, counted, |label| self.overflow(label)))
    }

    fn rejected(&self) -> Rejected {
        let Some(body) = self.body.get() else { return Rejected::default() };
        if Self::DENSE {
            M::rejected(&body.shared, &mut body.dense.cells())
        } else {
            M::rejected(&body.shared, &mut body.sparse.cells())
        }
    }
}
