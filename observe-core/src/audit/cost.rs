//! What a label would cost before it is added.

use std::fmt;

use super::measure::escaped;
use super::{Audit, Bytes, FamilyAudit, Page};
use crate::error::{self, Error};
use crate::export::prometheus::Format;
use crate::figures::{counted, thousands};
use crate::label::name::labels_fault;
use crate::label::{LabelValue, MAX_OPEN, OTHER, OpenSet};
use crate::metric::MAX_DENSE;

/// What a family would cost with one more label: of [`Audit::with_label`] and [`Audit::cost_of`].
///
/// It is the most that it can come to: each of today's series with each value, and figures with as many digits as
/// today's. Labels that go together (a region and its zones) come to less.
#[derive(Clone, Debug)]
pub struct LabelCost {
    family: String,
    label: String,
    values: u64,
    series: (u64, u64),
    samples: (u64, u64),
    bytes: (Bytes, Bytes),
    past: Option<Past>,
}

/// The limit that it would go past.
#[derive(Clone, Copy, Debug)]
enum Past {
    MaxSeries(u64),
    Closed,
}

/// The values that a label would have.
struct Values {
    count: u64,
    /// How many of these leave the label out.
    empty: u64,
    /// Bytes of all their texts.
    bytes: u64,
    is_closed: bool,
}

impl Audit {
    /// What a label of so many values, known only at run time, would make of a family. The values are taken to be as
    /// long as all that are there today are on average.
    ///
    /// # Errors
    ///
    /// If there is no such family, if it has the label already or cannot have one of this name, or if there are no
    /// values ([`Error::is_invalid`]).
    pub fn with_label(&self, family: &str, label: &str, values: u32) -> Result<LabelCost, Error> {
        if values == 0 {
            return Err(refuse(family, label, "it has no values"));
        }
        let count = u64::from(values);
        self.cost(
            family,
            label,
            &Values { count, empty: 0, bytes: self.unknown(label, count), is_closed: false },
        )
    }

    /// What a label whose values are of type `L` would make of a family: with all its variants, or with as many values as
    /// it keeps apart and `_OTHER`. Texts that are not known yet are taken to be as long as all that are there today are
    /// on average.
    ///
    /// # Errors
    ///
    /// If there is no such family, or if it has the label already or cannot have one of this name
    /// ([`Error::is_invalid`]).
    pub fn cost_of<L: LabelValue>(&self, family: &str, label: &str) -> Result<LabelCost, Error> {
        let mut values =
            Values { count: u64::from(L::CARDINALITY), empty: 0, bytes: 0, is_closed: L::CLOSED };
        let read = L::CARDINALITY.min(OpenSet::cardinality(MAX_OPEN));
        let mut unknown = u64::from(L::CARDINALITY - read);
        for code in 0..read {
            match L::text(code) {
                "" => values.empty += 1,
                OTHER if !L::CLOSED && L::OTHER != Some(code) => unknown += 1,
                text => values.bytes += escaped(text),
            }
        }
        values.bytes += self.unknown(label, unknown);
        self.cost(family, label, &values)
    }

    /// The bytes of so many values that nobody knows.
    fn unknown(&self, label: &str, values: u64) -> u64 {
        let known = self.families.iter().flat_map(|family| &family.labels);
        let (count, bytes) =
            known.fold((0_u64, 0_u64), |(count, bytes), label| (count + label.values, bytes + label.bytes));
        let (count, bytes) = if count == 0 { (1, label.len() as u64) } else { (count, bytes) };
        bytes.saturating_mul(values).div_ceil(count)
    }

    fn cost(&self, family: &str, label: &str, values: &Values) -> Result<LabelCost, Error> {
        let Some(of) = self.family(family) else {
            return Err(Error::new(error::Kind::Invalid, format!("there is no metric `{family}`")));
        };
        let mut names: Vec<&str> = of.labels.iter().map(|label| label.name.as_str()).collect();
        names.push(label);
        if let Some(fault) = labels_fault(&names) {
            return Err(refuse(family, label, fault));
        }
        let bytes = |format| of.page(format).with(label, values, format);
        Ok(LabelCost {
            family: family.to_owned(),
            label: label.to_owned(),
            values: values.count,
            series: (of.series, of.series.saturating_mul(values.count)),
            samples: (of.samples(), of.samples().saturating_mul(values.count)),
            bytes: (
                Bytes {
                    text: of.text.bytes,
                    open_metrics: of.open_metrics.bytes,
                    protobuf: of.protobuf.bytes,
                },
                Bytes {
                    text: bytes(Format::Text),
                    open_metrics: bytes(Format::OpenMetrics),
                    protobuf: bytes(Format::Protobuf),
                },
            ),
            past: of.past(values),
        })
    }
}

impl Page {
    /// The bytes with one more label.
    fn with(self, label: &str, values: &Values, format: Format) -> u64 {
        // `,label="value"` beside others, `{label="value"}` alone; in protobuf what each of them is and how long.
        let beside = if format == Format::Protobuf { 6 } else { 4 };
        let present = values.count - values.empty;
        let text =
            |around: u64| present.saturating_mul(label.len() as u64 + around).saturating_add(values.bytes);
        let lines = (self.bytes - self.head).saturating_mul(values.count);
        let (labelled, bare) =
            (self.labelled.saturating_mul(text(beside)), self.bare.saturating_mul(text(5)));
        self.head.saturating_add(lines).saturating_add(labelled).saturating_add(bare)
    }
}

impl FamilyAudit {
    /// Which limit so many values would go past, each with each of today's series.
    fn past(&self, values: &Values) -> Option<Past> {
        let cap = self.cap?;
        let series = cap.counted.saturating_mul(values.count);
        if !cap.is_open && values.is_closed {
            (series > MAX_DENSE).then_some(Past::Closed)
        } else {
            (series > cap.max_series).then_some(Past::MaxSeries(cap.max_series))
        }
    }
}

impl LabelCost {
    /// The family.
    #[must_use]
    pub fn family(&self) -> &str {
        &self.family
    }

    /// The label that it would have.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How many values it is reckoned with; of an open type also `_OTHER` and being left out.
    #[must_use]
    pub fn values(&self) -> u64 {
        self.values
    }

    /// How many series the family would have.
    #[must_use]
    pub fn series(&self) -> u64 {
        self.series.1
    }

    /// How many lines with a value it would have: see [`FamilyAudit::samples`].
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples.1
    }

    /// How many bytes of a scrape in this format it would have. In protobuf a few more, where a length takes one more to
    /// write.
    #[must_use]
    pub fn bytes(&self, format: Format) -> u64 {
        self.bytes.1.of(format)
    }

    /// Whether that is more than the family can have: more than its `max_series` with an open label, or than the 65,536
    /// combinations of closed ones. Never of what collectors say.
    #[must_use]
    pub fn is_past_limit(&self) -> bool {
        self.past.is_some()
    }
}

/// One line.
impl fmt::Display for LabelCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, label, series, samples, bytes, .. } = self;
        let arrow = |(now, then): (u64, u64)| format!("{} -> {}", thousands(now), thousands(then));
        write!(f, "{family} with {label} ({}): ", counted(self.values, "value"))?;
        write!(f, "{} series, {} samples, ", arrow(*series), arrow(*samples))?;
        write!(f, "{} bytes", arrow((bytes.0.open_metrics, bytes.1.open_metrics)))?;
        match self.past {
            None => Ok(()),
            Some(Past::MaxSeries(max)) => {
                write!(f, "; past its cap of {} series: the rest would be _OTHER", thousands(max))
            }
            Some(Past::Closed) => {
                write!(
                    f,
                    "; past {} combinations of closed labels: it would not compile",
                    thousands(MAX_DENSE)
                )
            }
        }
    }
}

fn refuse(family: &str, label: &str, fault: &str) -> Error {
    Error::new(error::Kind::Invalid, format!("metric `{family}` with label `{label}`: {fault}"))
}
