//! How fine the buckets of a native histogram are.

use super::super::buckets::Buckets;
use super::index::{COARSEST, FINEST};

/// How fine the exponential buckets of a native histogram are, and which classic ones stand beside them.
///
/// ```
/// use observe_core::metric::{Buckets, NativeBuckets};
///
/// // For scrapers that know native histograms, and with classic buckets for those that do not.
/// const BOTH: NativeBuckets = NativeBuckets::with_classic(Buckets::SECONDS);
/// // What other libraries do by default: bounded to what stores take, up to 5 % off over a wide range.
/// const SMALL: NativeBuckets = NativeBuckets::new().max_buckets(160);
/// # let _ = (BOTH, SMALL);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it does nothing until a family is declared with it"]
pub struct NativeBuckets {
    pub(super) schema: i8,
    pub(super) most: u16,
    pub(super) classic: Option<Buckets>,
}

impl NativeBuckets {
    /// How many buckets are shown at most, by default: 20 octaves at the default schema, so what is spread over a factor
    /// of a million keeps it.
    pub const DEFAULT_MAX_BUCKETS: u16 = 2_560;

    /// Exponential buckets alone. Text formats show the count and the sum, and no bucket but `+Inf`.
    pub const fn new() -> Self {
        Self { schema: 7, most: Self::DEFAULT_MAX_BUCKETS, classic: None }
    }

    /// With classic buckets beside them, exact as those of a [`Histogram`](super::Histogram): text formats show these, and
    /// the protobuf format both.
    pub const fn with_classic(buckets: Buckets) -> Self {
        Self { schema: 7, most: Self::DEFAULT_MAX_BUCKETS, classic: Some(buckets) }
    }

    /// How fine the buckets are, from -4 to 8: an octave has 2^schema of them, so each is by 2^(1/2^schema) wider than the
    /// one before. Defaults to 7, which is 0.54 %: no quantile that is read from them can be further off.
    pub const fn schema(mut self, schema: i8) -> Self {
        self.schema = schema;
        self
    }

    /// How many buckets that are not empty are shown at most, from 16 to 16,384. Beyond that the schema is lowered by
    /// one, which makes pairs of buckets one, and so on, for as long as the process runs. Defaults to 2,560.
    pub const fn max_buckets(mut self, most: u16) -> Self {
        self.most = most;
        self
    }

    /// The rule that it breaks, if any.
    pub(super) const fn fault(&self) -> Option<&'static str> {
        if self.schema < COARSEST || self.schema > FINEST {
            return Some("the schema of a native histogram is from -4 to 8");
        }
        if self.most < MIN_BUCKETS || self.most > MAX_BUCKETS {
            return Some("a native histogram has at most 16 to 16,384 buckets");
        }
        match &self.classic {
            Some(buckets) => buckets.fault(),
            None => None,
        }
    }

    /// The same with other classic buckets.
    pub(super) fn beside(&self, buckets: &Buckets) -> Self {
        Self { classic: Some(buckets.clone()), ..*self }
    }
}

/// As many as the coarsest schema needs for all that there are cells for.
const MIN_BUCKETS: u16 = 16;

/// As many as the finest schema has for times and for sizes.
const MAX_BUCKETS: u16 = 16_384;

impl Default for NativeBuckets {
    fn default() -> Self {
        Self::new()
    }
}
