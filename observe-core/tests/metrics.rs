//! Families: every series counted right, whatever the labels, and however many threads.

use std::collections::BTreeMap;

use observe_core::label::{LabelId, LabelSet, LabelValue, OpenSet, Shape, digit};
use observe_core::metric::{Buckets, Counter, Family, Histogram};
use observe_core::{Format, LazyMetric, Outcome, Registry};
use proptest::prelude::*;

/// An open label of at most `MAX` texts, each type with a set of its own.
macro_rules! open {
    ($name:ident, $max:literal) => {
        #[derive(Clone, Copy)]
        struct $name(LabelId);

        impl $name {
            fn texts() -> &'static OpenSet {
                static TEXTS: OpenSet = OpenSet::new($max);
                &TEXTS
            }

            fn of(text: &str) -> Self {
                Self(Self::texts().intern(text))
            }
        }

        impl LabelValue for $name {
            const CARDINALITY: u32 = OpenSet::cardinality($max);
            const OTHER: Option<u32> = Some(LabelId::OTHER.code());
            const EMPTY: Option<u32> = Some(LabelId::EMPTY.code());

            fn code(self) -> u32 {
                self.0.code()
            }

            fn text(code: u32) -> &'static str {
                Self::texts().text(LabelId::from_code(code))
            }
        }
    };
}

/// The set of one label, named after its type.
#[derive(Clone, Copy)]
struct One<T>(T);

impl<T: LabelValue> LabelSet for One<T> {
    const NAMES: &'static [&'static str] = &["one"];
    const SHAPE: &'static [Shape] = &[Shape::of::<T>()];

    fn index(self) -> u64 {
        u64::from(self.0.code())
    }

    fn overflow(self) -> u32 {
        u32::from(self.0.is_other())
    }

    fn text(index: u64, _: usize) -> &'static str {
        T::text(digit(Self::SHAPE, index, 0))
    }
}

#[derive(Clone, Copy)]
struct Two<A, B>(A, B);

impl<A: LabelValue, B: LabelValue> LabelSet for Two<A, B> {
    const NAMES: &'static [&'static str] = &["a", "b"];
    const SHAPE: &'static [Shape] = &[Shape::of::<A>(), Shape::of::<B>()];

    fn index(self) -> u64 {
        u64::from(self.0.code()) * u64::from(B::CARDINALITY) + u64::from(self.1.code())
    }

    fn overflow(self) -> u32 {
        u32::from(self.0.is_other()) | u32::from(self.1.is_other()) << 1
    }

    fn text(index: u64, label: usize) -> &'static str {
        let code = digit(Self::SHAPE, index, label);
        if label == 0 { A::text(code) } else { B::text(code) }
    }
}

fn text(registry: &Registry) -> String {
    let mut out = Vec::new();
    registry.encode(Format::Text, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

/// The series of one metric: labels as they stand, and the value.
fn series(registry: &Registry, name: &str) -> BTreeMap<String, u64> {
    let text = text(registry);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let rows = lines.filter_map(|line| line.rsplit_once(' '));
    let of_it = rows.filter(|(series, _)| *series == name || series.starts_with(&format!("{name}{{")));
    let mut found = BTreeMap::new();
    for (series, value) in of_it {
        let twice = found.insert(series[name.len()..].to_owned(), value.parse().expect("a number"));
        assert_eq!(twice, None, "{series} is there twice");
    }
    found
}

#[test]
fn every_series_of_a_closed_set_is_there_from_the_start() {
    let registry = Registry::new();
    let family = registry.counter::<Two<bool, Outcome>>("closed_total", "Help.").unwrap();
    assert_eq!(series(&registry, "closed_total").len(), 8);
    family.with(Two(true, Outcome::Error)).add(3);
    let series = series(&registry, "closed_total");
    assert_eq!(series["{a=\"true\",b=\"error\"}"], 3);
    assert_eq!(series.values().sum::<u64>(), 3);
}

#[test]
fn an_absent_label_is_left_out() {
    let registry = Registry::new();
    let family = registry.counter::<Two<Option<bool>, Option<Outcome>>>("absent_total", "Help.").unwrap();
    family.with(Two(None, None)).add(1);
    family.with(Two(None, Some(Outcome::Ok))).add(2);
    let series = series(&registry, "absent_total");
    assert_eq!((series.len(), series[""], series["{b=\"ok\"}"]), (15, 1, 2));
}

// Catches: an index past the end that panics, or that lands in another series.
#[test]
fn a_label_set_that_lies_about_its_index_harms_nobody() {
    #[derive(Clone, Copy)]
    struct Liar<const CLOSED: bool>;
    impl<const CLOSED: bool> LabelSet for Liar<CLOSED> {
        const NAMES: &'static [&'static str] = &["a"];
        const SHAPE: &'static [Shape] = &[Shape::of::<bool>()];
        const CLOSED: bool = CLOSED;

        fn index(self) -> u64 {
            u64::MAX
        }

        fn overflow(self) -> u32 {
            u32::MAX
        }

        fn text(index: u64, _: usize) -> &'static str {
            bool::text(index as u32)
        }
    }
    let registry = Registry::new();
    registry.counter::<Liar<true>>("liar_total", "Help.").unwrap().with(Liar).inc();
    registry.counter::<Liar<false>>("open_liar_total", "Help.").unwrap().with(Liar).inc();
    assert!(series(&registry, "liar_total").values().all(|value| *value == 0));
    assert!(series(&registry, "open_liar_total").values().all(|value| *value == 0));
}

open!(Few, 3);

// Catches: overflow not counted, or the lost increments in no series.
#[test]
fn past_its_limit_a_label_is_other_and_that_is_counted() {
    let registry = Registry::new();
    let family = registry.counter::<Two<Few, bool>>("few_total", "Help.").unwrap();
    for i in 0..10 {
        family.with(Two(Few::of(&format!("t{i}")), true)).inc();
    }
    let rows = series(&registry, "few_total");
    assert_eq!(rows["{a=\"_OTHER\",b=\"true\"}"], 7);
    assert_eq!(rows.values().sum::<u64>(), 10);
    assert_eq!(rows.len(), 4);
    let overflow = series(&registry, "observe_label_overflow_total");
    assert_eq!(overflow, BTreeMap::from([("{metric=\"few_total\",label=\"a\"}".to_owned(), 7)]));
    assert_eq!(series(&registry, "observe_series")["{metric=\"few_total\"}"], 4);
}

open!(Wide, 1000);
open!(Broad, 1000);

// Catches: a cap that counts `_OTHER` series, that is checked outside the lock, or that loses what it redirects.
#[test]
fn past_its_cap_a_family_redirects_to_other() {
    let registry = Registry::new();
    let family = Family::<Two<Wide, bool>, Counter>::counter("capped_total", "Help.").max_series(10);
    let family = registry.register(family).unwrap();
    for i in 0..100 {
        family.with(Two(Wide::of(&format!("t{i}")), i % 2 == 0)).inc();
    }
    for i in 0..10 {
        family.with(Two(Wide::of(&format!("t{i}")), i % 2 == 0)).inc();
    }
    let rows = series(&registry, "capped_total");
    assert_eq!((rows.len(), rows.values().sum::<u64>()), (12, 110));
    assert_eq!(rows["{a=\"_OTHER\",b=\"true\"}"] + rows["{a=\"_OTHER\",b=\"false\"}"], 90);
    assert_eq!(rows["{a=\"t7\",b=\"false\"}"], 2);
    assert_eq!(
        series(&registry, "observe_label_overflow_total")["{metric=\"capped_total\",label=\"a\"}"],
        90
    );
}

// Catches: births outside the lock (two cells for one series: increments lost), a cap passed by a race, a place that
// is looked at twice (an increment of another series), the last one born taken for past the cap, texts
// and cells out of step, a scrape that loses a page while series are born.
#[test]
fn births_and_overflow_under_threads_lose_nothing() {
    // Each thread goes through the same thousand pairs, in its own order.
    const STRIDES: [u64; 8] = [1, 3, 7, 9, 11, 13, 17, 19];
    const EACH: u64 = 4_000;
    for cap in [50, 700, 100_000] {
        let registry = Registry::new();
        let family = Family::<Two<Wide, Broad>, Counter>::counter("born_total", "Help.").max_series(cap);
        let family = registry.register(family).unwrap();
        std::thread::scope(|scope| {
            for stride in STRIDES {
                let family = &family;
                scope.spawn(move || {
                    for i in 0..EACH {
                        let n = i * stride % 1000;
                        family
                            .with(Two(Wide::of(&format!("t{}", n % 37)), Broad::of(&format!("t{n}"))))
                            .inc();
                    }
                });
            }
            scope.spawn(|| (0..20).for_each(|_| drop(series(&registry, "born_total"))));
        });
        let rows = series(&registry, "born_total");
        assert_eq!(rows.values().sum::<u64>(), 8 * EACH, "cap {cap}");
        assert_eq!(rows.len(), (cap as usize + 1).min(1_000), "cap {cap}");
        for (labels, value) in rows {
            if labels.contains("_OTHER") {
                continue;
            }
            let n: u64 = labels.split("b=\"t").nth(1).unwrap().trim_end_matches("\"}").parse().unwrap();
            assert!(labels.starts_with(&format!("{{a=\"t{}\"", n % 37)), "{labels}");
            assert_eq!(value, 8 * EACH / 1000, "{labels}");
        }
    }
}

// Catches: the arrays of neighbouring histograms mixed up, in dense families of several blocks and in open ones.
#[test]
fn histograms_keep_apart() {
    let registry = Registry::new();
    let bounds = Buckets::new(&[1.0, 2.0]);
    let open = registry.histogram::<Two<Wide, bool>>("open_hist", "Help.", bounds.clone()).unwrap();
    for i in 0..200 {
        let cell: &Histogram = open.with(Two(Wide::of(&format!("t{i}")), false));
        (0..i).for_each(|n| cell.observe(f64::from(n % 3)));
    }
    let counts = series(&registry, "open_hist_count");
    let buckets = series(&registry, "open_hist_bucket");
    assert_eq!((counts.len(), buckets.len()), (200, 600));
    for i in 0..200_u64 {
        let labels = format!("a=\"t{i}\",b=\"false\"");
        assert_eq!(counts[&format!("{{{labels}}}")], i);
        for (le, at_most) in [("1.0", 2), ("2.0", 3), ("+Inf", 3)] {
            let below = (0..i).filter(|n| n % 3 < at_most).count() as u64;
            assert_eq!(buckets[&format!("{{{labels},le=\"{le}\"}}")], below);
        }
    }
}

static LAZY: LazyMetric<Family<(), Counter>> = LazyMetric::new({
    static INNER: Family<(), Counter> = Family::counter("touched_total", "Help.");
    &INNER
});

static SECOND: LazyMetric<Family<(), Counter>> = LazyMetric::new({
    static INNER: Family<(), Counter> = Family::counter("touched_total", "The same name.");
    &INNER
});

// Catches: a static touched after the first scrape that never appears; two of one name both shown.
#[test]
fn lazy_statics_appear_when_they_are_touched() {
    let registry = Registry::with_statics();
    assert_eq!(series(&registry, "touched_total").len(), 0);
    LAZY.inc();
    LAZY.inc();
    assert_eq!(series(&registry, "touched_total"), BTreeMap::from([(String::new(), 2)]));
    SECOND.inc();
    assert_eq!(series(&registry, "touched_total"), BTreeMap::from([(String::new(), 2)]));
    assert!(registry.conflicts().iter().any(|error| error.to_string().contains("touched_total")));
    assert_eq!(series(&Registry::new(), "touched_total").len(), 0);
}

open!(Any, 100_000);

/// Reads `{name="value",…}` as a Prometheus server does.
fn parse(labels: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = labels.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect("an end") {
                (at, '"') => break at,
                (_, '\\') => match chars.next().expect("an escape").1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        found.push((name.trim_start_matches(',').to_owned(), value));
        rest = &after[end + 1..];
    }
    assert_eq!(rest, "");
    found
}

proptest! {
    // Catches: a character not escaped, or escaped twice.
    #[test]
    fn any_text_of_a_label_is_read_back(a in "(\\PC|[\\\\\"\n\r\t,={}\u{0}]){0,20}", b in any::<String>()) {
        let registry = Registry::new();
        let family = registry.counter::<Two<Any, Any>>("any_total", "Help.").unwrap();
        family.with(Two(Any::of(&a), Any::of(&b))).inc();
        let text = text(&registry);
        // Split at the newline only: `lines` would take a carriage return away.
        let line = text.split('\n').find(|line| line.starts_with("any_total")).unwrap();
        let (labels, value) = line.rsplit_once(' ').unwrap();
        prop_assert_eq!(value, "1");
        let expected: Vec<(String, String)> = [("a", a), ("b", b)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), if value.len() > 256 { "_OTHER".to_owned() } else { value }))
            .collect();
        prop_assert_eq!(parse(&labels["any_total".len()..]), expected);
    }
}

#[test]
fn a_family_without_labels_is_its_metric() {
    static LINES: Family<(), Counter> = Family::counter("lines_total", "Help.");
    LINES.add(2);
    LINES.inc();
    assert_eq!(LINES.get(), 3);
    assert_eq!(LINES.with(()).get(), 3);
    let one = Family::<One<Option<Few>>, Counter>::counter("one_total", "Help.");
    assert!(one.is_empty());
    one.with(One(None)).inc();
    one.with(One(Some(Few::of("")))).inc();
    assert_eq!((one.len(), one.with(One(None)).get()), (1, 2));
}
