//! What bounds the series of a family.

use crate::label::{LabelSet, MAX_OPEN, OTHER, OpenSet};

/// How many series a family can have, and why not more.
#[doc(hidden)]
#[derive(Debug)]
pub struct Limits {
    /// How many series there are at most, those of `_OTHER` apart, as soon as a label is open.
    pub(crate) max_series: u64,
    /// How many count against that.
    pub(crate) counted: u64,
    /// Whether a label is open; else every series is there, and no more can be.
    pub(crate) is_open: bool,
    /// Of each label. None where only its series know the labels.
    pub(crate) labels: Vec<LabelLimit>,
    /// How often a value was `_OTHER`, where that is counted of all labels together.
    pub(crate) overflow: Option<u64>,
}

/// How many values a label can have.
#[doc(hidden)]
#[derive(Debug)]
pub struct LabelLimit {
    pub(crate) name: String,
    pub(crate) is_open: bool,
    /// Texts that it keeps apart, `_OTHER` and none not among them.
    pub(crate) limit: u32,
    /// Those that it has by now, in whichever family: its type is the process's.
    pub(crate) known: u32,
    /// How often a value was `_OTHER`.
    pub(crate) overflow: Option<u64>,
}

impl Limits {
    /// Of a family with the labels `L`.
    pub(super) fn of<L: LabelSet>(
        max_series: u32,
        counted: usize,
        overflow: impl Fn(usize) -> Option<u64>,
    ) -> Self {
        let labels = L::NAMES.iter().enumerate();
        let labels = labels.map(|(label, name)| LabelLimit::of::<L>(label, name, overflow(label)));
        Self {
            max_series: u64::from(max_series),
            counted: counted as u64,
            is_open: !L::CLOSED,
            labels: labels.collect(),
            overflow: None,
        }
    }
}

impl LabelLimit {
    fn of<L: LabelSet>(label: usize, name: &str, overflow: Option<u64>) -> Self {
        let (cardinality, is_open) =
            L::SHAPE.get(label).map_or((1, false), |shape| (shape.cardinality(), !shape.is_closed()));
        let later = L::SHAPE.iter().skip(label + 1).map(|shape| u64::from(shape.cardinality()));
        let radix = later.fold(1_u64, u64::wrapping_mul);
        let (mut empty, mut known) = (0, 0);
        // Texts have the lowest codes; a code that was never given out reads as `_OTHER`.
        for code in 0..cardinality.min(OpenSet::cardinality(MAX_OPEN)) {
            match L::text(u64::from(code).wrapping_mul(radix), label) {
                "" => empty += 1,
                OTHER if is_open => {}
                _ => known += 1,
            }
        }
        let limit = cardinality.saturating_sub(empty).saturating_sub(u32::from(is_open));
        Self { name: name.to_owned(), is_open, limit, known, overflow }
    }
}

#[cfg(test)]
mod tests {
    use crate::label::own::{label_set, open_label};
    use crate::metric::{AnyFamily, Counter, Family};
    use crate::outcome::Outcome;

    open_label!(Town, max 3);
    label_set!(Labels { outcome: Option<Outcome> = "outcome", town: Town = "town", hot: bool = "hot" });
    label_set!(Closed { outcome: Option<Outcome> = "outcome" });

    fn told(family: &dyn AnyFamily) -> Vec<(String, bool, u32, u32, Option<u64>)> {
        let labels = family.limits().unwrap().labels.into_iter();
        labels.map(|of| (of.name, of.is_open, of.limit, of.known, of.overflow)).collect()
    }

    // Catches: the digit of another label read; `_OTHER`, or what leaves a label out, counted as a text.
    #[test]
    fn a_label_has_its_texts_and_a_limit() {
        let family = Family::<Labels, Counter>::counter("limits_total", "L.").max_series(2);
        let told = || told(&family);
        let closed = |name: &str, texts| (name.to_owned(), false, texts, texts, None);
        let town = |known, overflow| ("town".to_owned(), true, 3, known, Some(overflow));
        assert_eq!(told(), [closed("outcome", 4), town(0, 0), closed("hot", 2)]);
        for town in ["north", "", "_OTHER", "south", "east", "west"] {
            let _ = family.with(Labels { outcome: None, town: town.into(), hot: true });
        }
        // Two were `_OTHER`, two past the cap.
        assert_eq!(told(), [closed("outcome", 4), town(3, 4), closed("hot", 2)]);
        let limits = family.limits().unwrap();
        assert_eq!((limits.max_series, limits.counted, limits.is_open), (2, 2, true));
        let family = Family::<Closed, Counter>::counter("limits_total", "L.");
        let limits = family.limits().unwrap();
        assert_eq!((limits.max_series, limits.counted, limits.is_open), (10_000, 5, false));
    }
}
