//! What a scrape reads: made after a registration, never changed.

use std::sync::Arc;

use crate::metric::snapshot::{Arena, Blocks, Head, Labels, Values, Visitor, render_series};
use crate::metric::{AnyFamily, Kind, Rejected};
use crate::semconv::metric::{LABEL, METRIC, OBSERVE_LABEL_OVERFLOW_TOTAL, OBSERVE_SERIES};

/// The families of a registry by name, and the texts of what it says about them.
pub(super) struct Roll {
    pub(super) sources: Vec<Source>,
    series: Arena,
    overflow: Arena,
    /// Family (by its number in `sources`) and label of each row of `overflow`.
    open: Vec<(usize, usize)>,
}

/// Where a family comes from.
#[derive(Clone)]
pub(super) enum Source {
    Static(&'static dyn AnyFamily),
    Shared(Arc<dyn AnyFamily>),
    /// `observe_series`.
    Series,
    /// `observe_label_overflow_total`.
    Overflow,
}

const SERIES: Head<'static> = Head::new(OBSERVE_SERIES, "Series that the metric has.", Kind::Gauge, None);

const OVERFLOW: Head<'static> = Head::new(
    OBSERVE_LABEL_OVERFLOW_TOTAL,
    "Look-ups whose label value was past its limit and counts as _OTHER.",
    Kind::Counter,
    None,
);

impl Source {
    pub(super) fn head(&self) -> Head<'_> {
        match self {
            Source::Static(family) => family.head(),
            Source::Shared(family) => family.head(),
            Source::Series => SERIES,
            Source::Overflow => OVERFLOW,
        }
    }

    pub(super) fn family(&self) -> Option<&dyn AnyFamily> {
        match self {
            Source::Static(family) => Some(*family),
            Source::Shared(family) => Some(&**family),
            Source::Series | Source::Overflow => None,
        }
    }
}

impl Roll {
    pub(super) fn new(sources: Vec<Source>) -> Self {
        let (mut series, mut overflow, mut open) = (Arena::default(), Arena::default(), Vec::new());
        let mut row = Vec::new();
        for (at, source) in sources.iter().enumerate() {
            let Some(family) = source.family() else { continue };
            let metric = (METRIC, family.head().name);
            row.clear();
            render_series(&mut row, SERIES.kind, SERIES.name, [metric].into_iter());
            series.push(&row);
            for (label, name) in family.labels().iter().enumerate() {
                if family.overflow(label).is_some() {
                    row.clear();
                    let labels = [metric, (LABEL, *name)].into_iter();
                    render_series(&mut row, OVERFLOW.kind, OVERFLOW.name, labels);
                    overflow.push(&row);
                    open.push((at, label));
                }
            }
        }
        Self { sources, series, overflow, open }
    }

    pub(super) fn read(&self, source: &Source, visitor: &mut dyn Visitor) {
        match source {
            Source::Static(family) => family.read(visitor),
            Source::Shared(family) => family.read(visitor),
            Source::Series => {
                visitor.family(&SERIES);
                let families = (0..).zip(&self.sources).filter_map(|(at, s)| Some((at, s.family()?)));
                Blocks::new(&self.series, self).scalars(
                    families,
                    |family| family.series() as u64,
                    |rows, values| visitor.scalars(rows, Values::U64(values)),
                );
            }
            Source::Overflow => {
                visitor.family(&OVERFLOW);
                let open = self.open.iter().map(|(at, label)| (pack(*at, *label), (*at, *label)));
                Blocks::new(&self.overflow, self).scalars(
                    open,
                    |(at, label)| self.at(at).and_then(|family| family.overflow(label)).unwrap_or(0),
                    |rows, values| visitor.scalars(rows, Values::U64(values)),
                );
            }
        }
    }

    pub(super) fn rejected(&self) -> Rejected {
        let mut sum = Rejected::default();
        for family in self.sources.iter().filter_map(Source::family) {
            sum += family.rejected();
        }
        sum
    }

    fn at(&self, at: usize) -> Option<&dyn AnyFamily> {
        self.sources.get(at)?.family()
    }
}

/// A key of `observe_series` is a family's number; of the overflow, that and its label's number plus one.
const fn pack(at: usize, label: usize) -> u64 {
    (label as u64 + 1) << 32 | at as u64
}

impl Labels for Roll {
    fn each(&self, key: u64, each: &mut dyn FnMut(&str, &str)) {
        let Some(family) = self.at((key & 0xffff_ffff) as usize) else { return };
        each(METRIC, family.head().name);
        let label = (key >> 32).checked_sub(1).and_then(|label| family.labels().get(label as usize));
        if let Some(label) = label {
            each(LABEL, label);
        }
    }
}
