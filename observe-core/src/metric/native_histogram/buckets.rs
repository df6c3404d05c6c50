//! How fine the buckets of a native histogram are.

use super::index::{COARSEST, FINEST};

/// How fine exponential buckets are: those of a [`NativeHistogram`](super::NativeHistogram), or beside the classic ones of
/// any histogram ([`Buckets::and_native`](super::Buckets::and_native)).
///
/// ```
/// use observe_core::metric::{Buckets, NativeBuckets};
///
/// // For scrapers that know native histograms, and for those that do not.
/// const BOTH: Buckets = Buckets::SECONDS.and_native(NativeBuckets::new());
/// // As few as OpenTelemetry's SDKs have by default.
/// const FEW: NativeBuckets = NativeBuckets::new().max_buckets(160);
/// # let _ = (BOTH, FEW);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until a family is declared with it"]
pub struct NativeBuckets {
    pub(super) schema: i8,
    pub(super) most: u16,
}

impl NativeBuckets {
    /// How many buckets are shown at most, by default: 20 octaves at the default schema, so what is spread over a factor
    /// of a million keeps it.
    pub const DEFAULT_MAX_BUCKETS: u16 = 2_560;

    /// The default schema and number.
    pub const fn new() -> Self {
        Self { schema: 7, most: Self::DEFAULT_MAX_BUCKETS }
    }

    /// How fine the buckets are, from -4 to 8: an octave has 2^schema of them, so each ends 2^(1/2^schema) times as far from
    /// 0 as it begins. Defaults to 7, which is 0.54 %: no quantile that is read from them can be further off.
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
    pub(in super::super) const fn fault(self) -> Option<&'static str> {
        if self.schema < COARSEST || self.schema > FINEST {
            return Some("the schema of a native histogram is from -4 to 8");
        }
        if self.most < MIN_BUCKETS || self.most > MAX_BUCKETS {
            return Some("a native histogram has at most 16 to 16,384 buckets");
        }
        None
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
