//! How exporters read: blocks of series, their text rendered long before.
//!
//! A family hands a [`Visitor`] its series in blocks of up to 64: the values are copied out of their atomics
//! into an array on the stack, the text of each series is a slice of an arena that was filled when the series was
//! born. So there is one dynamic call for a block, nothing is allocated for a series, and recording goes on
//! meanwhile. The figures of one series are read one after the other: a histogram's count is the sum of the buckets
//! that were read, so these two always agree.

use super::buckets::{Buckets, Layout};
use super::exemplar::{Exemplar, Exemplars};
use super::kind::{Kind, Rejected, Unit};
pub use super::native_histogram::NativeReading;
use super::text::Le;

/// What stands above the series of a family.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Head<'a> {
    /// The name of its samples in the text format: a counter's ends in `_total`.
    pub name: &'a str,
    /// What it counts, unescaped.
    pub help: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Its unit, if it has one.
    pub unit: Option<Unit>,
}

impl<'a> Head<'a> {
    pub(crate) const fn new(name: &'a str, help: &'a str, kind: Kind, unit: Option<Unit>) -> Self {
        Self { name, help, kind, unit }
    }
}

/// Reads families. An exporter is one of these.
pub trait Visitor {
    /// A family begins; its blocks follow.
    fn family(&mut self, head: &Head<'_>);

    /// Counters, gauges and infos: one value a series.
    fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>);

    /// Histograms.
    fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>);

    /// Native histograms, one series at a time. Unless an exporter knows better it is shown the classic form of them.
    fn native_histogram(&mut self, row: &Rows<'_>, value: &NativeReading<'_>) {
        self.histograms(row, &value.classic());
    }

    /// Summaries.
    fn summaries(&mut self, rows: &Rows<'_>, values: &[Quantiles]);
}

/// One value for each series of a block.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Values<'a> {
    /// Whole numbers from 0.
    U64(&'a [u64]),
    /// Whole numbers.
    I64(&'a [i64]),
    /// Finite numbers.
    F64(&'a [f64]),
}

/// The histograms of a block.
#[derive(Clone, Copy)]
pub struct Histograms<'a> {
    layout: &'a Layout,
    words: &'a [u64],
    exemplars: &'a [Option<&'a Exemplars>],
}

impl<'a> Histograms<'a> {
    pub(super) fn new(layout: &'a Layout, words: &'a [u64], exemplars: &'a [Option<&'a Exemplars>]) -> Self {
        Self { layout, words, exemplars }
    }

    /// The upper bounds of the buckets, the same for all; the last bucket, `+Inf`, is not named.
    #[must_use]
    pub fn bounds(&self) -> &'a [f64] {
        self.layout.bounds()
    }

    /// The text of each bucket's label, `,le="0.5"} `, with all that stands between the labels of a series and
    /// the value.
    pub fn le(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.layout.le().iter().map(Le::as_bytes)
    }

    /// The same, to be written.
    pub(crate) fn le_texts(&self) -> &'a [Le] {
        self.layout.le()
    }

    /// Of each series how many observations fell into each bucket (not added up; `+Inf` is the last), and the
    /// sum of all.
    pub fn values(&self) -> impl Iterator<Item = (&'a [u64], f64)> + use<'a> {
        let layout = self.layout;
        self.words.chunks_exact(layout.words()).map(|words| match words.split_first() {
            Some((sum, counts)) => (counts, layout.scale.sum(*sum)),
            None => (words, 0.0),
        })
    }

    pub(super) fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Of each series the sum, and how many observations fell into each bucket.
    pub(super) fn words(&self) -> impl Iterator<Item = &'a [u64]> + use<'a> {
        self.words.chunks_exact(self.layout.words())
    }

    /// Whether a series has exemplars.
    #[must_use]
    pub fn has_exemplars(&self, series: usize) -> bool {
        self.exemplars.get(series).is_some_and(Option::is_some)
    }

    /// The exemplar of a bucket of a series, if there is one.
    #[must_use]
    pub fn exemplar(&self, series: usize, bucket: usize) -> Option<Exemplar> {
        (*self.exemplars.get(series)?)?.get(bucket)
    }
}

/// A summary as it was read: quantiles of its window, and totals since the start.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Quantiles {
    /// The values at [`QUANTILES`]; not a number while the window is empty.
    pub values: [f64; QUANTILES.len()],
    /// The sum of everything observed since the start.
    pub sum: f64,
    /// How many were observed since the start.
    pub count: u64,
}

impl Quantiles {
    pub(super) fn new(values: [f64; QUANTILES.len()], sum: f64, count: u64) -> Self {
        Self { values, sum, count }
    }
}

/// The quantiles of a summary; the last is the maximum.
pub const QUANTILES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 1.0];

/// The labels of the series of a family, one by one and unescaped.
pub trait Labels {
    /// Calls `each` with name and value of every label of the series `key`; empty values are left out.
    fn each(&self, key: u64, each: &mut dyn FnMut(&str, &str));
}

/// The series of a block.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    text: &'a [u8],
    begin: usize,
    ends: &'a [u32],
    keys: &'a [u64],
    labels: &'a dyn Labels,
}

impl<'a> Rows<'a> {
    /// How many series the block has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of each series. Of counters and gauges the whole of it up to the value, `name{a="x"} `; of
    /// histograms and summaries the labels only, `a="x"`.
    pub fn texts(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (text, mut begin) = (self.text, self.begin);
        self.ends.iter().map(move |end| {
            let end = *end as usize;
            let row = text.get(begin..end).unwrap_or_default();
            begin = end;
            row
        })
    }

    /// Calls `each` with name and value of every label of one series of the block, unescaped.
    pub fn labels(&self, series: usize, each: &mut dyn FnMut(&str, &str)) {
        if let Some(key) = self.keys.get(series) {
            self.labels.each(*key, each);
        }
    }
}

/// The texts of many series, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl Arena {
    /// Adds the text of one series.
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
        // 65,536 series of 32 labels of 256 bytes stay far below 4 GiB; a text beyond it would read as empty.
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn append(&mut self, other: &Arena) {
        let base = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.text.extend_from_slice(&other.text);
        self.ends.extend(other.ends.iter().map(|end| end.saturating_add(base)));
    }

    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// How many series a block has at most.
pub(crate) const BLOCK: usize = 64;

/// The texts of a run of series, cut into blocks.
#[doc(hidden)]
pub struct Blocks<'a> {
    arena: &'a Arena,
    labels: &'a dyn Labels,
    at: usize,
}

impl<'a> Blocks<'a> {
    pub(crate) fn new(arena: &'a Arena, labels: &'a dyn Labels) -> Self {
        Self { arena, labels, at: 0 }
    }

    /// The rows of the next `keys.len()` series.
    pub(crate) fn next<'k>(&mut self, keys: &'k [u64]) -> Rows<'k>
    where
        'a: 'k,
    {
        let from = self.at;
        self.at = (from + keys.len()).min(self.arena.ends.len());
        let begin = match from.checked_sub(1) {
            Some(last) => self.arena.ends.get(last).map_or(0, |end| *end as usize),
            None => 0,
        };
        let ends = self.arena.ends.get(from..self.at).unwrap_or_default();
        Rows { text: &self.arena.text, begin, ends, keys, labels: self.labels }
    }

    /// Copies cells of one value each, block by block.
    #[inline]
    pub(crate) fn scalars<C, T: Copy + Default>(
        mut self,
        cells: impl Iterator<Item = (u64, C)>,
        read: impl Fn(C) -> T,
        mut emit: impl FnMut(&Rows<'_>, &[T]),
    ) {
        let mut keys = [0_u64; BLOCK];
        let mut values = [T::default(); BLOCK];
        let mut filled = 0;
        // Inner loops of a chain of iterators stay loops.
        cells.for_each(|(key, cell)| {
            keys[filled % BLOCK] = key;
            values[filled % BLOCK] = read(cell);
            filled += 1;
            if filled == BLOCK {
                emit(&self.next(&keys), &values);
                filled = 0;
            }
        });
        if let (Some(keys), Some(values)) = (keys.get(..filled), values.get(..filled))
            && filled > 0
        {
            emit(&self.next(keys), values);
        }
    }
}

/// A kind of metric that a [`Family`](super::Family) can hold. Sealed: the kinds are this crate's.
pub trait Metric: Send + Sync + Sized + 'static + sealed::Sealed {
    /// What a family's declaration states for all its series.
    type Config: Send + Sync + 'static;

    /// What the series of a family have in common, made at first touch.
    #[doc(hidden)]
    type Shared: Send + Sync + 'static;

    /// What it is.
    const KIND: Kind;

    /// What it is, as it is configured.
    #[doc(hidden)]
    fn kind(_: &Self::Config) -> Kind {
        Self::KIND
    }

    /// The rule that a configuration breaks, if any.
    #[doc(hidden)]
    fn fault(_: &Self::Config) -> Option<&'static str> {
        None
    }

    #[doc(hidden)]
    fn share(config: &Self::Config, unit: Option<Unit>) -> Self::Shared;

    /// The configuration with other buckets; `None` for what has no buckets.
    #[doc(hidden)]
    fn rebucketed(_: &Self::Config, _: &Buckets) -> Option<Self::Config> {
        None
    }

    /// Whether a configuration has these buckets.
    #[doc(hidden)]
    fn has_buckets(_: &Self::Config, _: &Buckets) -> bool {
        false
    }

    /// Makes a new series at 0.
    #[doc(hidden)]
    fn new(shared: &Self::Shared) -> Self;

    /// Makes `count` new series at 0, side by side.
    #[doc(hidden)]
    fn births(shared: &Self::Shared, count: usize) -> Vec<Self> {
        (0..count).map(|_| Self::new(shared)).collect()
    }

    /// Shows series, with their keys, to a visitor.
    #[doc(hidden)]
    fn read<'a>(
        shared: &'a Self::Shared,
        cells: impl Iterator<Item = (u64, &'a Self)>,
        blocks: Blocks<'_>,
        visitor: &mut dyn Visitor,
    );

    /// What was not counted, in these series.
    #[doc(hidden)]
    fn rejected<'a>(_: &Self::Shared, _: impl Iterator<Item = &'a Self>) -> Rejected {
        Rejected::default()
    }
}

pub(crate) mod sealed {
    /// Closes a trait to other crates.
    pub trait Sealed {}
}

/// Writes the text of one series: `name{a="x",b="y"} ` for the kinds that have one line a series, else only
/// the labels.
pub(crate) fn render_series(
    out: &mut Vec<u8>,
    kind: Kind,
    name: &str,
    labels: impl Iterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
) {
    let whole = !matches!(kind, Kind::Histogram | Kind::NativeHistogram | Kind::Summary);
    if whole {
        out.extend_from_slice(name.as_bytes());
    }
    let mut first = true;
    for (label, value) in labels {
        if value.as_ref().is_empty() {
            continue;
        }
        if !first {
            out.push(b',');
        } else if whole {
            out.push(b'{');
        }
        first = false;
        out.extend_from_slice(label.as_ref().as_bytes());
        out.extend_from_slice(b"=\"");
        escape_value(out, value.as_ref());
        out.push(b'"');
    }
    if whole {
        out.extend_from_slice(if first { b" " } else { b"} " });
    }
}

/// Writes a label's value as both text formats want it: `\\`, `\"` and `\n`.
pub(crate) fn escape_value(out: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => out.push(byte),
        }
    }
}
