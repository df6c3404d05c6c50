//! The part of the callers that a request belongs to, as a label.

use crate::label::{LabelId, LabelValue, OpenSet};

/// How many segments are kept apart, whatever type they are of.
const MAX_SEGMENTS: u32 = 1_000;

static SEGMENTS: OpenSet = OpenSet::new(MAX_SEGMENTS);

/// The part of the callers that a request belongs to (a tier, a tenant): the label `segment` of the metrics of requests.
///
/// It is made of a label's value only, never of a text: an enum, or an open value under its own limit. However many
/// values its type has, a process keeps 1,000 apart; further ones are `_OTHER`, and counted.
///
/// ```
/// use observe_core::http_server::Segment;
/// use observe_core::label::LabelValue;
///
/// # #[cfg(feature = "macros")] {
/// #[derive(Clone, Copy, LabelValue)]
/// enum Tier {
///     Free,
///     Paid,
/// }
///
/// assert_eq!(Segment::of(Tier::Paid).as_str(), "paid");
/// assert_eq!(Segment::of(None::<Tier>), Segment::NONE);
/// # let _ = Tier::Free;
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Segment(LabelId);

impl Segment {
    /// None: the label is left out.
    pub const NONE: Segment = Segment(LabelId::EMPTY);

    /// One that cannot be told: `_OTHER`, and counted as such.
    pub const OTHER: Segment = Segment(LabelId::OTHER);

    /// The segment of a label's value.
    #[must_use]
    pub fn of<T: LabelValue>(value: T) -> Self {
        Self(SEGMENTS.intern(T::text(value.code())))
    }

    /// The text of the label; empty if it is left out.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        SEGMENTS.text(self.0)
    }
}

#[diagnostic::do_not_recommend]
impl LabelValue for Segment {
    const CARDINALITY: u32 = OpenSet::cardinality(MAX_SEGMENTS);
    const OTHER: Option<u32> = Some(LabelId::OTHER.code());
    const EMPTY: Option<u32> = Some(LabelId::EMPTY.code());

    #[inline]
    fn code(self) -> u32 {
        self.0.code()
    }

    fn text(code: u32) -> &'static str {
        SEGMENTS.text(LabelId::from_code(code))
    }
}
