//! Shows a family under other names: series that have become one are added up.

use std::collections::HashMap;

use super::super::buckets::Layout;
use super::super::exemplar::{Exemplar, Exemplars};
use super::super::kind::Kind;
use super::super::native_histogram::NativeCounts;
use super::super::snapshot::{
    Arena, Blocks, Head, Histograms, Labels, NativeReading, Quantiles, Rows, Values, Visitor, render_series,
};

/// Says how a family is shown.
pub(crate) trait Reshape {
    /// What stands above it. Of the same kind, but that a histogram may be shown as the counter of its
    /// observations.
    fn head<'a>(&'a self, head: &Head<'a>) -> Head<'a>;

    /// The labels of one series.
    fn labels(&self, from: &Pairs, to: &mut Pairs);
}

/// Shows what `read` reads as `shape` says.
pub(crate) fn show(shape: &dyn Reshape, visitor: &mut dyn Visitor, read: impl FnOnce(&mut dyn Visitor)) {
    let mut merge = Merge {
        shape,
        visitor,
        name: String::new(),
        kind: Kind::Gauge,
        from: Pairs::default(),
        to: Pairs::default(),
        text: Vec::new(),
        places: HashMap::new(),
        groups: Vec::new(),
        arena: Arena::default(),
        layouts: Vec::new(),
    };
    read(&mut merge);
    merge.end();
}

/// The names and values of the labels of one series.
#[derive(Clone, Default)]
pub(crate) struct Pairs {
    text: String,
    /// Where each name, and the value after it, ends.
    ends: Vec<(usize, usize)>,
}

impl Pairs {
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let name = self.text.len();
        self.text.push_str(value);
        self.ends.push((name, self.text.len()));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut begin = 0;
        self.ends.iter().map(move |(name, value)| {
            let pair = (self.text.get(begin..*name), self.text.get(*name..*value));
            begin = *value;
            (pair.0.unwrap_or_default(), pair.1.unwrap_or_default())
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(label, value)| (label == name).then_some(value))
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }
}

struct Merge<'a> {
    shape: &'a dyn Reshape,
    visitor: &'a mut dyn Visitor,
    /// What is shown.
    name: String,
    kind: Kind,
    from: Pairs,
    to: Pairs,
    text: Vec<u8>,
    /// The groups by their texts.
    places: HashMap<Box<[u8]>, usize>,
    groups: Vec<Group>,
    arena: Arena,
    /// Those that occur, each once.
    layouts: Vec<Layout>,
}

/// Series that are shown as one.
struct Group {
    labels: Pairs,
    sum: Sum,
}

enum Sum {
    Nothing,
    U64(u64),
    I64(i64),
    F64(f64),
    Counts(Counts),
    Quantiles(Quantiles),
}

/// A histogram, by the number of its layout: the sum, then the buckets.
struct Counts {
    layout: usize,
    words: Vec<u64>,
    /// Of each bucket the latest; empty while there is none.
    exemplars: Vec<Option<Exemplar>>,
    /// Its exponential buckets, if it has some.
    native: Option<Box<NativeCounts>>,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        *self = match (&self, other) {
            (Sum::Nothing, other) => other,
            (Sum::U64(a), Sum::U64(b)) => Sum::U64(a.wrapping_add(b)),
            (Sum::I64(a), Sum::I64(b)) => Sum::I64(a.wrapping_add(b)),
            // What collectors say may be whole in one place and not in another.
            (mine, other) => match (mine.number(), other.number()) {
                (Some(a), Some(b)) => Sum::F64(a + b),
                _ => return,
            },
        };
    }

    fn number(&self) -> Option<f64> {
        match *self {
            Sum::U64(value) => Some(value as f64),
            Sum::I64(value) => Some(value as f64),
            Sum::F64(value) => Some(value),
            Sum::Nothing | Sum::Counts(_) | Sum::Quantiles(_) => None,
        }
    }
}

impl Merge<'_> {
    /// The number of a series' group.
    fn group(&mut self, rows: &Rows<'_>, series: usize) -> usize {
        let Self { from, to, text, .. } = self;
        from.clear();
        to.clear();
        text.clear();
        rows.labels(series, &mut |name, value| from.push(name, value));
        self.shape.labels(from, to);
        render_series(text, self.kind, &self.name, to.iter());
        if let Some(at) = self.places.get(text.as_slice()) {
            return *at;
        }
        let at = self.groups.len();
        self.arena.push(text);
        self.groups.push(Group { labels: to.clone(), sum: Sum::Nothing });
        self.places.insert(text.as_slice().into(), at);
        at
    }

    fn sum(&mut self, group: usize) -> Option<&mut Sum> {
        self.groups.get_mut(group).map(|group| &mut group.sum)
    }

    fn add(&mut self, rows: &Rows<'_>, series: usize, value: Sum) {
        let (group, is_constant) = (self.group(rows, series), self.kind == Kind::Info);
        if let Some(sum) = self.sum(group)
            && !(is_constant && matches!(sum, Sum::U64(_)))
        {
            sum.add(value);
        }
    }

    /// The number of a layout.
    fn layout(&mut self, bounds: &[f64], make: impl FnOnce() -> Layout) -> usize {
        match self.layouts.iter().position(|layout| layout.bounds() == bounds) {
            Some(at) => at,
            None => {
                self.layouts.push(make());
                self.layouts.len() - 1
            }
        }
    }

    fn add_counts(&mut self, rows: &Rows<'_>, series: usize, mut counts: Counts) {
        let group = self.group(rows, series);
        let Some(place) = self.sum(group) else { return };
        let Sum::Counts(mut sum) = std::mem::replace(place, Sum::Nothing) else {
            *place = Sum::Counts(counts);
            return;
        };
        if sum.layout != counts.layout
            && let (Some(a), Some(b)) = (self.layouts.get(sum.layout), self.layouts.get(counts.layout))
        {
            // How many lie below a bound that both have is known of both, and of no other.
            let common = a.common(b);
            let bounds = common.bounds().to_vec();
            let to = self.layout(&bounds, || common);
            sum = self.folded(sum, to);
            counts = self.folded(counts, to);
        }
        if let Some(layout) = self.layouts.get(sum.layout) {
            layout.add(&mut sum.words, counts.words.iter().copied());
        }
        match (&mut sum.native, counts.native) {
            (Some(sum), Some(counts)) => sum.add(*counts),
            (sum, counts) => *sum = sum.take().or(counts),
        }
        if sum.exemplars.is_empty() {
            sum.exemplars = counts.exemplars;
        } else {
            for (mine, other) in sum.exemplars.iter_mut().zip(counts.exemplars) {
                *mine = latest(*mine, other);
            }
        }
        if let Some(place) = self.sum(group) {
            *place = Sum::Counts(sum);
        }
    }

    /// The same in a layout that has some of its bounds.
    fn folded(&self, counts: Counts, to: usize) -> Counts {
        let (Some(old), Some(new)) = (self.layouts.get(counts.layout), self.layouts.get(to)) else {
            return counts;
        };
        let mut words = vec![0; new.words()];
        let mut exemplars = vec![None; if counts.exemplars.is_empty() { 0 } else { new.words() - 1 }];
        words[0] = counts.words.first().copied().unwrap_or_default();
        for (bucket, count) in counts.words.iter().skip(1).enumerate() {
            let into = match old.bounds().get(bucket) {
                Some(bound) => new.bounds().partition_point(|new| new < bound),
                None => new.bounds().len(),
            };
            if let Some(word) = words.get_mut(into + 1) {
                *word = word.wrapping_add(*count);
            }
            if let (Some(place), Some(exemplar)) = (exemplars.get_mut(into), counts.exemplars.get(bucket)) {
                *place = latest(*place, *exemplar);
            }
        }
        Counts { layout: to, words, exemplars, native: counts.native }
    }

    fn end(self) {
        let Self { visitor, groups, arena, layouts, .. } = self;
        let labels = Groups(&groups);
        let mut blocks = Blocks::new(&arena, &labels);
        for (key, group) in (0_u64..).zip(&groups) {
            let keys = [key];
            let rows = blocks.next(&keys);
            match &group.sum {
                Sum::Nothing => {}
                Sum::U64(value) => visitor.scalars(&rows, Values::U64(&[*value])),
                Sum::I64(value) => visitor.scalars(&rows, Values::I64(&[*value])),
                Sum::F64(value) => visitor.scalars(&rows, Values::F64(&[*value])),
                Sum::Quantiles(value) => visitor.summaries(&rows, &[*value]),
                Sum::Counts(counts) => {
                    let Some(layout) = layouts.get(counts.layout) else { continue };
                    let exemplars = kept(&counts.exemplars);
                    let shown = [(!counts.exemplars.is_empty()).then_some(&exemplars)];
                    match &counts.native {
                        Some(native) => {
                            let reading = NativeReading::new(layout, native, &counts.words, &shown);
                            visitor.native_histogram(&rows, &reading);
                        }
                        None => visitor.histograms(&rows, &Histograms::new(layout, &counts.words, &shown)),
                    }
                }
            }
        }
    }
}

impl Visitor for Merge<'_> {
    fn family(&mut self, head: &Head<'_>) {
        let head = self.shape.head(head);
        head.name.clone_into(&mut self.name);
        self.kind = head.kind;
        self.visitor.family(&head);
    }

    fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
        for series in 0..rows.len() {
            let value = match values {
                Values::U64(values) => values.get(series).copied().map(Sum::U64),
                Values::I64(values) => values.get(series).copied().map(Sum::I64),
                Values::F64(values) => values.get(series).copied().map(Sum::F64),
            };
            self.add(rows, series, value.unwrap_or(Sum::Nothing));
        }
    }

    fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>) {
        let as_counter = self.kind == Kind::Counter;
        let layout = self.layout(values.bounds(), || values.layout().clone());
        for (series, words) in values.words().enumerate() {
            if as_counter {
                let count = words.iter().skip(1).fold(0, |sum: u64, count| sum.wrapping_add(*count));
                self.add(rows, series, Sum::U64(count));
                continue;
            }
            let exemplars = if values.has_exemplars(series) {
                (0..words.len() - 1).map(|bucket| values.exemplar(series, bucket)).collect()
            } else {
                Vec::new()
            };
            self.add_counts(rows, series, Counts { layout, words: words.to_vec(), exemplars, native: None });
        }
    }

    fn native_histogram(&mut self, row: &Rows<'_>, value: &NativeReading<'_>) {
        if self.kind == Kind::Counter {
            return self.add(row, 0, Sum::U64(value.count()));
        }
        let layout = self.layout(value.layout().bounds(), || value.layout().clone());
        let (words, exemplars) = (value.words().to_vec(), value.places().collect());
        let native = Some(Box::new(value.counts().clone()));
        self.add_counts(row, 0, Counts { layout, words, exemplars, native });
    }

    fn summaries(&mut self, rows: &Rows<'_>, values: &[Quantiles]) {
        for (series, value) in values.iter().enumerate() {
            self.add(rows, series, Sum::Quantiles(*value));
        }
    }
}

struct Groups<'a>(&'a [Group]);

impl Labels for Groups<'_> {
    fn each(&self, key: u64, each: &mut dyn FnMut(&str, &str)) {
        let group = usize::try_from(key).ok().and_then(|at| self.0.get(at));
        for (name, value) in group.iter().flat_map(|group| group.labels.iter()) {
            each(name, value);
        }
    }
}

/// These exemplars, each in its place.
fn kept(shown: &[Option<Exemplar>]) -> Exemplars {
    let exemplars = Exemplars::default();
    for (bucket, exemplar) in shown.iter().enumerate() {
        if let Some(exemplar) = exemplar {
            exemplars.put(shown.len(), bucket, exemplar);
        }
    }
    exemplars
}

fn latest(a: Option<Exemplar>, b: Option<Exemplar>) -> Option<Exemplar> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.unix_nanos > a.unix_nanos { b } else { a }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{SpanId, TraceId};
    use crate::label::own::label_set;
    use crate::metric::{AnyFamily, Buckets, Family, HotHistogram, View};
    use crate::outcome::Outcome;

    label_set!(Labels { outcome: Outcome = "outcome", cached: bool = "cached" });
    crate::label::own::open_label!(Name, max 10);
    label_set!(Named { name: Name = "name", cached: bool = "cached" });

    /// The histograms that a visitor was shown: labels, bounds, buckets, sum, exemplars' times.
    #[derive(Default)]
    struct Seen(Vec<Row>);

    type Row = (String, Vec<f64>, Vec<u64>, f64, Vec<u64>);

    impl Visitor for Seen {
        fn family(&mut self, _: &Head<'_>) {}

        fn scalars(&mut self, _: &Rows<'_>, _: Values<'_>) {}

        fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>) {
            for (series, (counts, sum)) in values.values().enumerate() {
                let mut labels = String::new();
                rows.labels(series, &mut |name, value| labels += &format!("{name}={value};"));
                let exemplars = (0..counts.len()).filter_map(|bucket| values.exemplar(series, bucket));
                let exemplars = exemplars.map(|exemplar| exemplar.unix_nanos).collect();
                self.0.push((labels, values.bounds().to_vec(), counts.to_vec(), sum, exemplars));
            }
        }

        fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
    }

    fn seen(family: &dyn AnyFamily, view: &View) -> Seen {
        let shown = view.apply(&family.head(), family.label_names().as_deref()).unwrap().unwrap();
        let mut seen = Seen::default();
        show(&shown, &mut seen, |visitor| family.read(visitor));
        seen
    }

    fn exemplify(histogram: &HotHistogram, value: f64, unix_nanos: u64) {
        histogram.observe(value);
        histogram.exemplify(&Exemplar {
            value,
            trace_id: TraceId::from_bytes([1; 16]).unwrap(),
            span_id: SpanId::from_bytes([2; 8]).unwrap(),
            unix_nanos,
        });
    }

    // Catches: the last series kept in the place of the sum, a sum of nanoseconds taken for a number, an older exemplar
    // shown, or one in the wrong bucket.
    #[test]
    fn histograms_that_became_one_are_added_up() {
        let family =
            Family::<Labels, HotHistogram>::hot_histogram("wait_seconds", "W.", Buckets::new(&[0.5, 1.0]));
        for (outcome, value, at) in
            [(Outcome::Ok, 0.25, 9), (Outcome::Error, 0.5, 7), (Outcome::Cancelled, 3.0, 5)]
        {
            exemplify(family.with(Labels { outcome, cached: true }), value, at);
        }
        family.with(Labels { outcome: Outcome::Ok, cached: false }).observe(0.75);
        let seen = seen(&family, &View::of("wait_seconds").drop_label("outcome"));
        let bounds = vec![0.5, 1.0];
        let expected = [
            ("cached=false;".to_owned(), bounds.clone(), vec![0, 1, 0], 0.75, vec![]),
            ("cached=true;".to_owned(), bounds, vec![2, 0, 1], 3.75, vec![9, 5]),
        ];
        assert_eq!(seen.0, expected);
    }

    #[test]
    fn sums_with_a_fraction_are_added_up() {
        let family = Family::<Labels, HotHistogram>::hot_histogram("drift", "D.", Buckets::new(&[-1.0, 1.0]));
        for (outcome, value) in [(Outcome::Ok, -2.5), (Outcome::Error, 0.5), (Outcome::Error, 4.25)] {
            family.with(Labels { outcome, cached: true }).observe(value);
        }
        let seen = seen(&family, &View::of("drift").drop_label("outcome").drop_label("cached"));
        assert_eq!(seen.0, [(String::new(), vec![-1.0, 1.0], vec![1, 1, 1], 2.25, vec![])]);
    }

    // Catches: buckets of different bounds added up one by one; a series that is alone robbed of its bounds.
    #[test]
    fn different_bounds_leave_those_that_all_have() {
        let family = Family::<Named, HotHistogram>::hot_histogram(
            "wait_seconds",
            "W.",
            Buckets::new(&[0.1, 0.5, 1.0, 5.0]),
        );
        let named = |name: &str, cached| Named { name: name.into(), cached };
        let other = Buckets::new(&[0.2, 0.5, 2.0, 5.0]);
        for value in [0.05, 0.3, 0.7, 3.0, 9.0] {
            family.with(named("a", true)).observe(value);
        }
        exemplify(family.with_buckets(named("b", true), &other), 0.15, 1);
        exemplify(family.with_buckets(named("b", true), &other), 1.5, 2);
        exemplify(family.with_buckets(named("c", true), &other), 0.4, 3);
        family.with_buckets(named("b", false), &other).observe(0.3);
        let seen = seen(&family, &View::of("wait_seconds").drop_label("name"));
        let expected = [
            ("cached=true;".to_owned(), vec![0.5, 5.0], vec![4, 3, 1], 15.1, vec![3, 2]),
            ("cached=false;".to_owned(), other.bounds().to_vec(), vec![0, 1, 0, 0, 0], 0.3, vec![]),
        ];
        assert_eq!(seen.0, expected);
    }
}
