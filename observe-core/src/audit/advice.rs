//! What stands out.

use std::fmt;

use super::table::ratio;
use super::{Audit, FamilyAudit, LabelAudit};
use crate::export::prometheus::Format;
use crate::figures::{counted, thousands};

/// How many of the families that cost most are named.
const COSTLY: usize = 3;

/// How families begin that the library makes by itself: of itself, of objectives, and of what a service runs on.
const OWN: [&str; 7] = ["observe_", "slo_", "cgroup_", "pressure_", "process_", "system_", "tokio_"];

/// Something that an [`Audit`] found worth a look. Prints as a sentence.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Advice {
    /// One of the three families with the most samples.
    #[non_exhaustive]
    Costly {
        /// The family.
        family: String,
        /// Its lines with a value.
        samples: u64,
        /// Its bytes of a scrape in OpenMetrics.
        bytes: u64,
        /// The label that multiplies it most, and how many series there would be without; `None` if none does.
        label: Option<(String, u64)>,
        /// The series that it has.
        series: u64,
    },
    /// Values of a label became `_OTHER`.
    #[non_exhaustive]
    Overflowed {
        /// The family.
        family: String,
        /// The label.
        label: String,
        /// How often.
        count: u64,
    },
    /// A family has more than 80 % of the series that it can have.
    #[non_exhaustive]
    NearCap {
        /// The family.
        family: String,
        /// The series that count against its cap.
        series: u64,
        /// The cap.
        max_series: u64,
    },
    /// An open label has more than 80 % of the values that its type keeps apart.
    #[non_exhaustive]
    NearLimit {
        /// The family.
        family: String,
        /// The label.
        label: String,
        /// The values that its type has by now.
        known: u32,
        /// How many it keeps apart.
        limit: u32,
    },
    /// A label has had one value in all series of a family so far: it says nothing there yet.
    #[non_exhaustive]
    OneValue {
        /// The family.
        family: String,
        /// The label.
        label: String,
        /// The series that have it.
        series: u64,
    },
}

impl Audit {
    /// What is worth a look: the three families that cost most, what became `_OTHER`, what is close to its limit, and
    /// labels with one value. What cannot be changed by the service's own code, the library's metrics of itself
    /// (`observe_…`), of objectives (`slo_…`) and of what is collected (`process_…`, `system_…`), and infos, is told only
    /// where it costs most.
    #[must_use]
    pub fn advice(&self) -> Vec<Advice> {
        let costly =
            self.families.iter().filter(|family| family.series > 0).take(COSTLY).map(FamilyAudit::costly);
        let others = || self.families.iter().filter(|family| !family.is_info && !family.is_own());
        let labels = || others().flat_map(|family| family.labels.iter().map(move |label| (family, label)));
        costly
            .chain(labels().filter_map(|(_, label)| label.overflowed()))
            .chain(others().filter_map(FamilyAudit::near_cap))
            .chain(labels().filter_map(|(_, label)| label.near_limit()))
            .chain(labels().filter_map(|(family, label)| label.one_value(family)))
            .collect()
    }
}

impl FamilyAudit {
    fn is_own(&self) -> bool {
        OWN.iter().any(|prefix| self.name.starts_with(prefix))
    }

    fn costly(&self) -> Advice {
        let label = self.labels.iter().min_by_key(|label| label.series_without);
        let label = label.filter(|label| label.series_without < self.series);
        Advice::Costly {
            family: self.name.clone(),
            samples: self.samples(),
            bytes: self.bytes(Format::OpenMetrics),
            label: label.map(|label| (label.name.clone(), label.series_without)),
            series: self.series,
        }
    }

    fn near_cap(&self) -> Option<Advice> {
        let cap = self.cap.filter(|cap| cap.is_open && is_near(cap.counted, cap.max_series))?;
        Some(Advice::NearCap { family: self.name.clone(), series: cap.counted, max_series: cap.max_series })
    }
}

impl LabelAudit {
    fn overflowed(&self) -> Option<Advice> {
        let count = self.overflow.filter(|count| *count > 0)?;
        Some(Advice::Overflowed { family: self.family.clone(), label: self.name.clone(), count })
    }

    fn near_limit(&self) -> Option<Advice> {
        let (known, limit) = (self.known?, self.limit?);
        (self.is_open && is_near(known.into(), limit.into())).then(|| Advice::NearLimit {
            family: self.family.clone(),
            label: self.name.clone(),
            known,
            limit,
        })
    }

    fn one_value(&self, family: &FamilyAudit) -> Option<Advice> {
        let values = self.values + u64::from(self.has_other) + u64::from(self.is_absent);
        (values == 1 && !self.is_absent && family.series > 1).then(|| Advice::OneValue {
            family: self.family.clone(),
            label: self.name.clone(),
            series: family.series,
        })
    }
}

/// Whether it is more than 80 % of what there can be.
fn is_near(number: u64, limit: u64) -> bool {
    number.saturating_mul(5) > limit.saturating_mul(4)
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Advice::Costly { family, samples, bytes, label, series } => {
                let (samples, bytes) = (counted(*samples, "sample"), counted(*bytes, "byte"));
                write!(f, "{family} is among the three that cost most: {samples}, {bytes}; ")?;
                match label {
                    Some((label, without)) => {
                        let (times, series) = (ratio(*series, *without), thousands(*series));
                        let without = thousands(*without);
                        write!(f, "{label} multiplies its series by {times}, to {series} from {without}")
                    }
                    None => write!(f, "no one label multiplies its series"),
                }
            }
            Advice::Overflowed { family, label, count } => {
                write!(f, "{label} of {family} became _OTHER {}", counted(*count, "time"))
            }
            Advice::NearCap { family, series, max_series } => {
                let (series, max_series) = (thousands(*series), thousands(*max_series));
                write!(f, "{family} has {series} of the {max_series} series that it can have")
            }
            Advice::NearLimit { family, label, known, limit } => {
                let (known, limit) = (thousands((*known).into()), thousands((*limit).into()));
                write!(f, "{label} of {family} has {known} of the {limit} values that its type keeps apart")
            }
            Advice::OneValue { family, label, series } => {
                write!(f, "{label} of {family} has the same value in all {} series", thousands(*series))
            }
        }
    }
}
