//! What the metrics cost: how many series and bytes a scrape has, and which labels make them.

mod advice;
mod cost;
mod measure;
mod table;

use crate::export::prometheus::Format;
use crate::registry::Registry;
pub use advice::Advice;
pub use cost::LabelCost;

/// What the metrics of a registry cost, as they were at one moment: of
/// [`Telemetry::audit`](crate::Telemetry::audit) or [`Registry::audit`].
///
/// Everything in it was counted on a scrape that was written for it: what views change is as they show it, and what
/// collectors and bridges bring is there. Prints as tables to be read in a terminal, with the twenty largest of each;
/// as `{:#}` with all of them.
///
/// ```
/// use observe_core::{Outcome, Telemetry};
///
/// let telemetry = Telemetry::builder("checkout").build()?;
/// telemetry.registry().counter::<()>("refunds_total", "Refunds made.")?.add(3);
///
/// let audit = telemetry.audit();
/// let refunds = audit.family("refunds_total").unwrap();
/// assert_eq!((refunds.series(), refunds.samples()), (1, 1));
/// // What a label would make of it, before it is added.
/// let cost = audit.cost_of::<Outcome>("refunds_total", "outcome")?;
/// assert_eq!((cost.series(), cost.is_past_limit()), (4, false));
/// println!("{audit}");
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Audit {
    /// The one with the most samples first.
    families: Vec<FamilyAudit>,
    end: Bytes,
}

/// Bytes of an exposition, by format.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes {
    text: u64,
    open_metrics: u64,
    protobuf: u64,
}

impl Bytes {
    fn of(self, format: Format) -> u64 {
        match format {
            Format::Text => self.text,
            Format::OpenMetrics => self.open_metrics,
            Format::Protobuf => self.protobuf,
        }
    }
}

/// What one family of metrics costs.
#[derive(Clone, Debug)]
pub struct FamilyAudit {
    name: String,
    is_info: bool,
    series: u64,
    text: Page,
    open_metrics: Page,
    protobuf: Page,
    labels: Vec<LabelAudit>,
    cap: Option<Cap>,
}

/// What a family takes of an exposition.
#[derive(Clone, Copy, Debug, Default)]
struct Page {
    bytes: u64,
    /// Those above the values.
    head: u64,
    /// Lines with a value that have labels, and those that have none. In protobuf every series can have labels.
    labelled: u64,
    bare: u64,
}

/// How many series a family can have.
#[derive(Clone, Copy, Debug)]
struct Cap {
    max_series: u64,
    counted: u64,
    /// Else it has every series that it can have.
    is_open: bool,
}

/// What one label of one family makes of it.
#[derive(Clone, Debug)]
pub struct LabelAudit {
    name: String,
    family: String,
    values: u64,
    /// Bytes of all its values, as they are written.
    bytes: u64,
    has_other: bool,
    is_absent: bool,
    is_open: bool,
    limit: Option<u32>,
    known: Option<u32>,
    overflow: Option<u64>,
    /// Those of the family, and what would be left of them.
    series: u64,
    series_without: u64,
}

impl Registry {
    /// What the metrics of this registry cost: see [`Audit`].
    ///
    /// It writes a scrape in all formats, asks the collectors as one does, and counts what was written, on the thread
    /// that asks: many times what a scrape costs, so not for every minute. No recording waits.
    #[must_use]
    pub fn audit(&self) -> Audit {
        measure::measure(self)
    }
}

impl Audit {
    /// All families, the one with the most samples first.
    #[must_use]
    pub fn families(&self) -> &[FamilyAudit] {
        &self.families
    }

    /// The family that is shown under this name.
    #[must_use]
    pub fn family(&self, name: &str) -> Option<&FamilyAudit> {
        self.families.iter().find(|family| family.name == name)
    }

    /// All labels of all families, the one with the most distinct values first.
    #[must_use]
    pub fn labels(&self) -> Vec<&LabelAudit> {
        let mut labels: Vec<_> = self.families.iter().flat_map(|family| &family.labels).collect();
        labels.sort_by_key(|label| std::cmp::Reverse(label.values));
        labels
    }

    /// How many series there are.
    #[must_use]
    pub fn series(&self) -> u64 {
        self.families.iter().map(FamilyAudit::series).sum()
    }

    /// How many lines with a value a scrape has: what Prometheus stores as so many time series.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.families.iter().map(FamilyAudit::samples).sum()
    }

    /// How many bytes a scrape in this format has, before it is compressed: those of its families, and its end.
    #[must_use]
    pub fn bytes(&self, format: Format) -> u64 {
        let families = self.families.iter().map(|family| family.bytes(format));
        families.sum::<u64>() + self.end.of(format)
    }
}

impl FamilyAudit {
    /// Its name, as a scrape shows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many combinations of its labels a scrape shows. It is what `observe_series` says, unless a view drops labels.
    #[must_use]
    pub fn series(&self) -> u64 {
        self.series
    }

    /// How many lines with a value it has: a histogram has one for each bucket of each series, and two for its sum and
    /// count. (In OpenMetrics, which Prometheus asks for.)
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.open_metrics.samples()
    }

    /// Its bytes of a scrape in this format, before it is compressed.
    #[must_use]
    pub fn bytes(&self, format: Format) -> u64 {
        self.page(format).bytes
    }

    /// Its labels, in their order.
    #[must_use]
    pub fn labels(&self) -> &[LabelAudit] {
        &self.labels
    }

    /// How many series it can have, those of `_OTHER` apart; `None` where it has no cap: all its labels are closed, or a
    /// collector says it.
    #[must_use]
    pub fn max_series(&self) -> Option<u64> {
        self.cap.filter(|cap| cap.is_open).map(|cap| cap.max_series)
    }

    /// Whether it has as many series as it can have: new ones are `_OTHER` in all open labels.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.cap.is_some_and(|cap| cap.is_open && cap.counted >= cap.max_series)
    }

    fn page(&self, format: Format) -> Page {
        match format {
            Format::Text => self.text,
            Format::OpenMetrics => self.open_metrics,
            Format::Protobuf => self.protobuf,
        }
    }
}

impl Page {
    fn samples(self) -> u64 {
        self.labelled + self.bare
    }
}

impl LabelAudit {
    /// Its name, as a scrape shows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The family whose label it is, as a scrape shows it.
    #[must_use]
    pub fn family(&self) -> &str {
        &self.family
    }

    /// How many values it has in this family, `_OTHER` and being left out not among them.
    #[must_use]
    pub fn values(&self) -> u64 {
        self.values
    }

    /// How many values its type keeps apart, `_OTHER` and none not among them; `None` where it has no type: a collector
    /// or a bridge says it.
    #[must_use]
    pub fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// How many its type has by now, in whichever family or telemetry of the process: that is what counts against the
    /// limit. Of a closed label all.
    #[must_use]
    pub fn known(&self) -> Option<u32> {
        self.known
    }

    /// Whether its values are known only at run time.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// How often a value became `_OTHER`, because the label was at its limit, the family at its cap, or the text too
    /// long; `None` for a closed label. Of what a bridge brings, the labels of a family are counted together.
    #[must_use]
    pub fn overflow(&self) -> Option<u64> {
        self.overflow
    }

    /// How many series the family would have without this label: by what it multiplies them.
    #[must_use]
    pub fn series_without(&self) -> u64 {
        self.series_without
    }
}
