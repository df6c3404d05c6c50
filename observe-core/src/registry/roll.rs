//! What a scrape reads: made after a registration, never changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::metric::snapshot::{Arena, Blocks, Head, Labels, Values, Visitor, render_series};
use crate::metric::{AnyFamily, Kind, Limits, Rejected, Shown, show};
use crate::semconv::metric::{LABEL, METRIC, OBSERVE_LABEL_OVERFLOW_TOTAL, OBSERVE_SERIES};

/// The families of a registry by name, and the texts of what it says about them.
pub(super) struct Roll {
    pub(super) families: Vec<Listed>,
    series: Arena,
    overflow: Arena,
    /// Family (by its number in `families`) and label of each row of `overflow`.
    open: Vec<(usize, usize)>,
}

/// A family, and how it is shown where that is not as it was declared.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) source: Source,
    pub(super) shown: Option<Arc<Shown>>,
}

impl Listed {
    /// The name that it is shown under.
    pub(super) fn name(&self) -> &str {
        self.shown.as_ref().map_or_else(|| self.source.head().name, |shown| shown.name())
    }

    /// What a label of its is shown as, if it is.
    fn label<'a>(&'a self, label: &'a str) -> Option<&'a str> {
        match &self.shown {
            Some(shown) => shown.label(label),
            None => Some(label),
        }
    }
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

    /// The names of its labels; `None` if only its series know them.
    pub(super) fn label_names(&self) -> Option<Vec<&str>> {
        match self {
            Source::Static(family) => family.label_names(),
            Source::Shared(family) => family.label_names(),
            Source::Series => Some(vec![METRIC]),
            Source::Overflow => Some(vec![METRIC, LABEL]),
        }
    }
}

impl Roll {
    pub(super) fn new(families: Vec<Listed>) -> Self {
        let (mut series, mut overflow, mut open) = (Arena::default(), Arena::default(), Vec::new());
        let mut row = Vec::new();
        for (at, listed) in families.iter().enumerate() {
            let Some(family) = listed.source.family() else { continue };
            let metric = (METRIC, listed.name());
            row.clear();
            render_series(&mut row, SERIES.kind, SERIES.name, [metric].into_iter());
            series.push(&row);
            for (label, name) in family.labels().iter().enumerate() {
                if let Some(name) = listed.label(name)
                    && family.overflow(label).is_some()
                {
                    row.clear();
                    let labels = [metric, (LABEL, name)].into_iter();
                    render_series(&mut row, OVERFLOW.kind, OVERFLOW.name, labels);
                    overflow.push(&row);
                    open.push((at, label));
                }
            }
        }
        Self { families, series, overflow, open }
    }

    pub(super) fn read(&self, family: &Listed, visitor: &mut dyn Visitor) {
        match &family.shown {
            Some(shown) => show(&**shown, visitor, |visitor| self.read_source(&family.source, visitor)),
            None => self.read_source(&family.source, visitor),
        }
    }

    fn read_source(&self, source: &Source, visitor: &mut dyn Visitor) {
        match source {
            Source::Static(family) => family.read(visitor),
            Source::Shared(family) => family.read(visitor),
            Source::Series => {
                visitor.family(&SERIES);
                let families =
                    (0..).zip(&self.families).filter_map(|(at, listed)| Some((at, listed.source.family()?)));
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
                    |(at, label)| self.family(at).and_then(|family| family.overflow(label)).unwrap_or(0),
                    |rows, values| visitor.scalars(rows, Values::U64(values)),
                );
            }
        }
    }

    /// What bounds the families that are shown, by the names that they and their labels are shown under.
    pub(super) fn limits(&self) -> BTreeMap<String, Limits> {
        let limits = self.families.iter().filter_map(|listed| {
            let mut limits = listed.source.family()?.limits()?;
            limits.labels.retain_mut(|of| match listed.label(&of.name) {
                Some(shown) => {
                    of.name = shown.to_owned();
                    true
                }
                None => false,
            });
            Some((listed.name().to_owned(), limits))
        });
        limits.collect()
    }

    pub(super) fn rejected(&self) -> Rejected {
        let mut sum = Rejected::default();
        for family in self.families.iter().filter_map(|listed| listed.source.family()) {
            sum += family.rejected();
        }
        sum
    }

    fn family(&self, at: usize) -> Option<&dyn AnyFamily> {
        self.families.get(at)?.source.family()
    }
}

/// A key of `observe_series` is a family's number; of the overflow, that and its label's number plus one.
const fn pack(at: usize, label: usize) -> u64 {
    (label as u64 + 1) << 32 | at as u64
}

impl Labels for Roll {
    fn each(&self, key: u64, each: &mut dyn FnMut(&str, &str)) {
        let Some(listed) = self.families.get((key & 0xffff_ffff) as usize) else { return };
        each(METRIC, listed.name());
        let label =
            (key >> 32).checked_sub(1).and_then(|label| listed.source.family()?.labels().get(label as usize));
        if let Some(label) = label.and_then(|label| listed.label(label)) {
            each(LABEL, label);
        }
    }
}
