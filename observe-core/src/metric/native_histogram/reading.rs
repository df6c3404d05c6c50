//! A native histogram as it was read.

use super::super::buckets::Layout;
use super::super::exemplar::{Exemplar, Exemplars};
use super::super::snapshot::Histograms;
use super::index::{COARSEST, coarser};

/// What was counted, at one schema.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct NativeCounts {
    pub(super) schema: i8,
    /// How many buckets are shown at most.
    pub(super) most: usize,
    pub(super) zero_threshold: f64,
    pub(super) zero: u64,
    /// Buckets that are not empty, and how many fell into each; indices increase.
    pub(super) positive: Vec<(i32, u64)>,
    pub(super) negative: Vec<(i32, u64)>,
}

impl NativeCounts {
    /// Shows it at a lower schema.
    pub(super) fn lower(&mut self, schema: i8) {
        let by = self.schema.abs_diff(schema);
        if by > 0 {
            self.schema = schema;
            merge(&mut self.positive, by);
            merge(&mut self.negative, by);
        }
    }

    /// Shows it at the highest schema that has no more buckets than are shown at most.
    pub(super) fn bound(&mut self) {
        while self.positive.len() + self.negative.len() > self.most && self.schema > COARSEST {
            self.lower(self.schema - 1);
        }
    }

    /// Adds what another one of the same family counted.
    pub(in super::super) fn add(&mut self, mut other: NativeCounts) {
        let schema = self.schema.min(other.schema);
        self.lower(schema);
        other.lower(schema);
        self.zero = self.zero.wrapping_add(other.zero);
        for (mine, others) in [(&mut self.positive, &other.positive), (&mut self.negative, &other.negative)] {
            mine.extend_from_slice(others);
            mine.sort_unstable_by_key(|(index, _)| *index);
            merge(mine, 0);
        }
        self.bound();
    }

    pub(super) fn total(&self) -> u64 {
        let buckets = self.positive.iter().chain(&self.negative);
        buckets.fold(self.zero, |sum, (_, count)| sum.wrapping_add(*count))
    }
}

/// Adds up the neighbours that become one at a schema so much lower.
fn merge(buckets: &mut Vec<(i32, u64)>, by: u8) {
    buckets.iter_mut().for_each(|(index, _)| *index = coarser(*index, by));
    buckets.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.1 = kept.1.wrapping_add(next.1);
        }
        is_same
    });
}

/// One native histogram as it was read: its exponential buckets, and the classic form of it.
///
/// At the schema `s` the bucket `i` reaches from above 2^((i-1)/2^s) to 2^(i/2^s), that included, and among the negative
/// ones in the same way below 0. (Prometheus, "Native Histograms". OpenTelemetry counts the indices from one lower.)
#[derive(Clone, Copy)]
pub struct NativeReading<'a> {
    layout: &'a Layout,
    counts: &'a NativeCounts,
    /// The sum as its layout has it, then the classic buckets.
    words: &'a [u64],
    exemplars: &'a [Option<&'a Exemplars>; 1],
}

impl<'a> NativeReading<'a> {
    pub(in super::super) fn new(
        layout: &'a Layout,
        counts: &'a NativeCounts,
        words: &'a [u64],
        exemplars: &'a [Option<&'a Exemplars>; 1],
    ) -> Self {
        Self { layout, counts, words, exemplars }
    }

    /// The schema, from -4 to 8: an octave has 2^schema buckets.
    #[must_use]
    pub fn schema(&self) -> i8 {
        self.counts.schema
    }

    /// How far from 0 a number is at most that counts as 0.
    #[must_use]
    pub fn zero_threshold(&self) -> f64 {
        self.counts.zero_threshold
    }

    /// How many counted as 0.
    #[must_use]
    pub fn zero_count(&self) -> u64 {
        self.counts.zero
    }

    /// The buckets above 0 that are not empty: the index, and how many fell into it. Indices increase.
    #[must_use]
    pub fn positive(&self) -> &'a [(i32, u64)] {
        &self.counts.positive
    }

    /// The same below 0.
    #[must_use]
    pub fn negative(&self) -> &'a [(i32, u64)] {
        &self.counts.negative
    }

    /// How many were observed: as many as all these buckets have.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.total()
    }

    /// The sum of all.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.words.first().map_or(0.0, |sum| self.layout.scale.sum(*sum))
    }

    /// Whether classic buckets stand beside the exponential ones.
    #[must_use]
    pub fn has_classic(&self) -> bool {
        !self.layout.bounds().is_empty()
    }

    /// What a format shows that knows classic buckets only: those that stand beside, or else `+Inf` alone.
    #[must_use]
    pub fn classic(&self) -> Histograms<'a> {
        Histograms::new(self.layout, self.words, self.exemplars)
    }

    /// The exemplars that there are.
    pub fn exemplars(&self) -> impl Iterator<Item = Exemplar> + use<'a> {
        self.places().flatten()
    }

    /// The exemplar of each place where one is kept.
    pub(in super::super) fn places(&self) -> impl Iterator<Item = Option<Exemplar>> + use<'a> {
        let exemplars = self.exemplars[0];
        (0..super::places(self.layout)).map(move |place| exemplars?.get(place))
    }

    pub(in super::super) fn layout(&self) -> &'a Layout {
        self.layout
    }

    pub(in super::super) fn words(&self) -> &'a [u64] {
        self.words
    }

    pub(in super::super) fn counts(&self) -> &'a NativeCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Catches: buckets of one schema added to those of another, whichever is the lower.
    #[test]
    fn the_lower_schema_is_that_of_the_sum() {
        let counts = |schema, positive: &[(i32, u64)]| NativeCounts {
            schema,
            most: 16,
            zero: 1,
            positive: positive.to_vec(),
            negative: positive.to_vec(),
            ..NativeCounts::default()
        };
        let (fine, coarse) = (counts(2, &[(-3, 1), (1, 2), (4, 4), (5, 8)]), counts(0, &[(1, 16), (9, 32)]));
        for (mut sum, other) in [(fine.clone(), coarse.clone()), (coarse, fine)] {
            sum.add(other);
            let expected = [(0, 1), (1, 22), (2, 8), (9, 32)];
            assert_eq!((sum.schema, sum.zero), (0, 2));
            assert_eq!((sum.positive.as_slice(), sum.negative.as_slice()), (&expected[..], &expected[..]));
        }
    }

    proptest! {
        // Catches: a count lost where buckets become one, buckets that are not neighbours taken for one, a bound that is
        // gone past.
        #[test]
        fn what_is_lowered_is_all_there(
            mut indices in prop::collection::btree_set(-9_000_i32..9_000, 0..400),
            most in 16_usize..200,
        ) {
            let first = indices.pop_first();
            let positive: Vec<(i32, u64)> = indices.iter().map(|index| (*index, 3)).collect();
            let mut counts = NativeCounts {
                schema: 8,
                most,
                zero: 2,
                negative: first.map(|index| (index, 5)).into_iter().collect(),
                positive: positive.clone(),
                ..NativeCounts::default()
            };
            let total = counts.total();
            counts.bound();
            prop_assert_eq!(counts.total(), total);
            prop_assert!(counts.positive.len() + counts.negative.len() <= most);
            prop_assert!(counts.positive.is_sorted_by(|a, b| a.0 < b.0));
            let by = 8_u8.wrapping_sub(counts.schema as u8);
            for (index, count) in &counts.positive {
                let inside = positive.iter().filter(|(fine, _)| coarser(*fine, by) == *index);
                prop_assert_eq!(inside.map(|(_, count)| count).sum::<u64>(), *count);
            }
        }
    }
}
