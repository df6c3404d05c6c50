//! The memory of a native histogram: a cell for each bucket that it can have, made in pieces as they are touched.
//!
//! A cell is never moved or merged, and nothing is decided about it when it is counted: whatever schema is shown, its
//! count belongs to a bucket of it. So recording takes no lock, meets no change and loses nothing.

use super::super::scale::Scale;
use super::index::index;
use crate::sync::{AtomicU64, OnceBox, Ordering};

/// Cells that are made together: 512 bytes.
const PIECE: usize = 64;

/// Which buckets there are cells for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// At which schema they are counted.
    schema: i8,
    /// The exponent of the smallest number's octave.
    lowest: i32,
    octaves: usize,
    /// Whether there are as many for negative numbers, after the others.
    is_signed: bool,
    /// The largest number that has no cell but is 0, and the largest that has one: powers of two.
    zero_threshold: f64,
    largest: f64,
}

impl Range {
    /// For all that a kind of values can be. A time is from 1 to 2^63 nanoseconds, a size from 1 to 2^63 bytes; of other
    /// numbers it is what lies from 2^-64 to 2^64.
    pub(super) fn of(scale: Scale, schema: i8) -> Self {
        let (lowest, octaves, is_signed) = match scale {
            Scale::Nanos => (-30, 64, false),
            Scale::Whole => (-1, 64, false),
            Scale::Fraction => (-64, 128, true),
        };
        // Of what is coarser than an octave the octaves are counted.
        Self {
            schema: schema.max(0),
            lowest,
            octaves,
            is_signed,
            zero_threshold: f64::from(lowest).exp2(),
            largest: f64::from(lowest + octaves as i32).exp2(),
        }
    }

    pub(super) fn zero_threshold(self) -> f64 {
        self.zero_threshold
    }

    pub(super) fn largest(self) -> f64 {
        self.largest
    }

    /// At which schema the cells are counted.
    pub(super) fn schema(self) -> i8 {
        self.schema
    }

    /// How many cells there are for numbers of one sign.
    fn half(self) -> usize {
        self.octaves << self.schema
    }

    /// The cell of a number above 0.
    #[inline]
    pub(super) fn positive(self, value: f64) -> usize {
        (index(value, self.schema) - self.first()) as usize
    }

    /// The cell of a number below 0.
    #[inline]
    pub(super) fn negative(self, value: f64) -> usize {
        self.half() + self.positive(-value)
    }

    /// The bucket of the first cell.
    #[inline]
    fn first(self) -> i32 {
        (self.lowest << self.schema) + 1
    }

    /// Which octave a cell lies in, from the lowest on.
    pub(super) fn octave(self, cell: usize) -> usize {
        cell >> self.schema
    }
}

/// The cells of one histogram.
pub(super) struct Cells {
    pieces: Box<[OnceBox<[AtomicU64; PIECE]>]>,
}

impl Cells {
    pub(super) fn new(range: Range) -> Self {
        let cells = range.half() << u8::from(range.is_signed);
        Self { pieces: (0..cells / PIECE).map(|_| OnceBox::new()).collect() }
    }

    /// Counts one in a cell.
    #[inline]
    pub(super) fn count(&self, cell: usize) {
        let Some(piece) = self.pieces.get(cell / PIECE) else { return };
        let cells = match piece.get() {
            Some(cells) => cells,
            None => make(piece),
        };
        cells[cell % PIECE].fetch_add(1, Ordering::Relaxed);
    }

    /// How much all cells have.
    pub(super) fn total(&self) -> u64 {
        let cells = self.pieces.iter().filter_map(OnceBox::get).flatten();
        cells.fold(0, |sum, cell| sum.wrapping_add(cell.load(Ordering::Relaxed)))
    }

    /// How many pieces were made.
    #[cfg(test)]
    pub(super) fn pieces(&self) -> usize {
        self.pieces.iter().filter(|piece| piece.get().is_some()).count()
    }

    /// Shows every bucket that has something, at the schema of the range: in the order of the buckets, those of positive
    /// numbers first.
    pub(super) fn each(
        &self,
        range: Range,
        mut positive: impl FnMut(i32, u64),
        mut negative: impl FnMut(i32, u64),
    ) {
        let half = range.half();
        for (at, piece) in self.pieces.iter().enumerate() {
            for (cell, count) in piece.get().into_iter().flatten().enumerate() {
                let (cell, count) = (at * PIECE + cell, count.load(Ordering::Relaxed));
                match cell.checked_sub(half) {
                    _ if count == 0 => {}
                    None => positive(range.first() + cell as i32, count),
                    Some(cell) => negative(range.first() + cell as i32, count),
                }
            }
        }
    }
}

#[cold]
#[inline(never)]
fn make(piece: &OnceBox<[AtomicU64; PIECE]>) -> &[AtomicU64; PIECE] {
    piece.get_or_init(|| Box::new([const { AtomicU64::new(0) }; PIECE]))
}

#[cfg(test)]
mod tests {
    use super::super::index::{COARSEST, FINEST, upper};
    use super::*;

    // Catches: an octave too few at either end, the negative ones counted among the positive, a piece taken for another.
    #[test]
    fn every_value_has_a_cell() {
        for (scale, smallest, largest) in [
            (Scale::Nanos, 1e-9, (1_u64 << 63) as f64 / 1e9),
            (Scale::Whole, 1.0, (1_u64 << 63) as f64),
            (Scale::Fraction, (-64_f64).exp2().next_up(), 64_f64.exp2()),
        ] {
            for schema in COARSEST..=FINEST {
                let range = Range::of(scale, schema);
                assert!(range.zero_threshold() < smallest && largest <= range.largest());
                let (cells, middle) = (Cells::new(range), 3.0);
                for value in [smallest, largest, middle] {
                    cells.count(range.positive(value));
                    if range.is_signed {
                        cells.count(range.negative(-value));
                    }
                }
                let (mut positive, mut negative) = (Vec::new(), Vec::new());
                cells.each(
                    range,
                    |index, count| positive.push((index, count)),
                    |index, count| negative.push((index, count)),
                );
                let at = |value: f64| (index(value, range.schema()), 1);
                let expected = [at(smallest), at(middle), at(largest)];
                assert_eq!(positive, expected, "{scale:?} {schema}");
                assert_eq!(negative, if range.is_signed { expected.to_vec() } else { Vec::new() });
                assert_eq!(cells.total(), positive.len() as u64 + negative.len() as u64);
                assert!(upper(at(middle).0, range.schema()) >= middle);
                assert!(upper(at(middle).0 - 1, range.schema()) < middle);
            }
        }
    }
}
