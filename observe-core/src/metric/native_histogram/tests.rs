use super::*;
use crate::context::{SpanId, TraceId};
use crate::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values};
use crate::metric::{AnyFamily, Histogram, HotHistogram, View, show};

fn seconds() -> NativeHistogram {
    NativeHistogram::new(NativeBuckets::new(), Some(Unit::Seconds))
}

fn read(histogram: &NativeHistogram) -> NativeCounts {
    let mut counts = NativeCounts::default();
    histogram.read_cells(&mut counts);
    counts
}

/// As Prometheus reads it before its version 3: as if what is in a bucket were spread evenly.
fn quantile(counts: &NativeCounts, quantile: f64) -> f64 {
    let rank = quantile * counts.total() as f64;
    let mut below = counts.zero as f64;
    for (index, count) in &counts.positive {
        let within = rank - below;
        below += *count as f64;
        if below >= rank {
            let (lower, upper) =
                (index::upper(index - 1, counts.schema), index::upper(*index, counts.schema));
            return lower + (upper - lower) * within / *count as f64;
        }
    }
    f64::NAN
}

/// Numbers from 0 to 1 that are the same each time.
fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn normal(next: &mut impl FnMut() -> f64) -> f64 {
    (-2.0 * (1.0 - next()).ln()).sqrt() * (std::f64::consts::TAU * next()).cos()
}

// Catches: a schema that is coarser than said, a bucket off by one, a unit mistaken.
#[test]
fn a_quantile_is_at_most_one_per_cent_off() {
    type Next<'a> = &'a mut dyn FnMut() -> f64;
    type Draw = fn(Next<'_>) -> f64;
    let draws: [(&str, Draw); 8] = [
        ("normal of logarithms, narrow", |next| (normal(&mut || next()) * 0.5 - 3.0).exp()),
        ("normal of logarithms, wide", |next| (normal(&mut || next()) * 1.5 - 5.0).exp()),
        ("exponential", |next| -(1.0 - next()).ln() * 0.05),
        ("even", |next| next() * 0.2 + 1e-6),
        ("Pareto", |next| 0.01 * (1.0 - next()).powf(-1.0 / 1.5)),
        ("fast or slow", |next| if next() < 0.98 { 0.002 + next() * 0.001 } else { 1.5 + next() }),
        ("at the lower end of a bucket", |_| 1.000_000_001),
        ("at the upper end of a bucket", |_| 0.25),
    ];
    for (name, draw) in draws {
        let histogram = seconds();
        let mut next = uniform(7);
        let mut values: Vec<f64> = (0..100_000).map(|_| draw(&mut next)).collect();
        values.iter().for_each(|value| histogram.observe(*value));
        values.sort_unstable_by(f64::total_cmp);
        let counts = read(&histogram);
        let mut worst = 0.0_f64;
        for of in [0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999] {
            let exact = values[(of * values.len() as f64).ceil() as usize - 1];
            let said = quantile(&counts, of);
            worst = worst.max((said / exact - 1.0).abs());
        }
        println!(
            "{name}: {:.2} % at schema {}, {} buckets",
            worst * 100.0,
            counts.schema,
            counts.positive.len()
        );
        assert!(worst < 0.0055, "{name}: {worst} at schema {}", counts.schema);
        assert_eq!((counts.schema, counts.total()), (7, 100_000), "{name}");
    }
}

// Catches: a recording lost or counted twice where the schema changes.
#[test]
fn threads_and_changes_of_schema_lose_nothing() {
    const EACH: u64 = 50_000;
    let histogram = NativeHistogram::new(NativeBuckets::new().max_buckets(40), Some(Unit::Seconds));
    let seen = std::thread::scope(|scope| {
        let recording: Vec<_> = (0..4_u64)
            .map(|thread| {
                let histogram = &histogram;
                scope.spawn(move || {
                    let mut next = uniform(thread);
                    // The range grows while it is recorded: so the schema has to be lowered again and again.
                    for i in 0..EACH {
                        histogram.observe_nanos((next() * ((i * 60 / EACH) as f64).exp2()) as u64);
                    }
                })
            })
            .collect();
        let mut schemas = std::collections::BTreeSet::new();
        let mut before = 0;
        loop {
            let done = recording.iter().all(std::thread::ScopedJoinHandle::is_finished);
            let counts = read(&histogram);
            schemas.insert(counts.schema);
            assert!(counts.total() >= before);
            assert!(counts.positive.len() <= 40 && counts.positive.is_sorted_by(|a, b| a.0 < b.0));
            before = counts.total();
            if done {
                break schemas;
            }
        }
    });
    let counts = read(&histogram);
    assert_eq!((counts.total(), histogram.count()), (4 * EACH, 4 * EACH));
    assert_eq!(seen.first().copied(), Some(counts.schema));
    assert!(counts.schema < 1, "{seen:?}");
}

// Catches: one bucket more than are shown at most, a schema that rises again, a coarse one that was not asked for.
#[test]
fn what_was_shown_at_a_schema_is_not_shown_finer_later() {
    let histogram = NativeHistogram::new(NativeBuckets::new().schema(8).max_buckets(16), None);
    (1..=16).for_each(|value| histogram.observe(f64::from(value)));
    assert_eq!(read(&histogram).schema, 8);
    histogram.observe(17.0);
    let lowered = read(&histogram);
    assert!(lowered.schema < 8 && lowered.positive.len() <= 16, "{lowered:?}");
    (1..=16).for_each(|value| histogram.observe(f64::from(value)));
    assert_eq!((read(&histogram).schema, read(&histogram).total()), (lowered.schema, 33));
    let coarse = NativeHistogram::new(NativeBuckets::new().schema(-2), None);
    coarse.observe(17.0);
    let counts = read(&coarse);
    assert_eq!((counts.schema, counts.positive), (-2, vec![(2, 1)]));
}

// Catches: NaN in the sum, a negative time wrapped, zero without a bucket, subnormals or the largest in the wrong place.
#[test]
fn what_is_no_value_is_counted_apart() {
    let times = seconds();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5, 1e300] {
        times.observe(value);
    }
    times.observe_duration(Duration::MAX);
    assert_eq!(times.shared.layout.rejected(), Rejected { not_finite: 3, out_of_range: 3 });
    times.observe(0.0);
    times.observe(-0.0);
    times.observe(1e-10);
    times.observe_nanos((1 << 63) - 1);
    let counts = read(&times);
    assert_eq!((counts.zero, counts.positive.len(), times.count()), (3, 1, 4));
    assert_eq!(counts.positive[0].0, index::index((1_u64 << 63) as f64 / 1e9, 7));

    let numbers = NativeHistogram::new(NativeBuckets::new().schema(0), None);
    for value in [
        0.0,
        5e-324,
        -1e-300,
        (-64_f64).exp2(),
        -(-64_f64).exp2(),
        0.75,
        -0.75,
        -3.0,
        64_f64.exp2(),
        f64::MAX,
        f64::MIN,
    ] {
        numbers.observe(value);
    }
    let counts = read(&numbers);
    assert_eq!((counts.zero, &counts.positive), (5, &vec![(0, 1), (64, 1)]));
    assert_eq!(counts.negative, [(0, 1), (2, 1)]);
    assert_eq!(numbers.shared.layout.rejected(), Rejected { not_finite: 0, out_of_range: 2 });
    let sizes = NativeHistogram::new(NativeBuckets::new(), Some(Unit::Bytes));
    [0, 1, 1 << 62, 1 << 63].into_iter().for_each(|size| sizes.observe_u64(size));
    assert_eq!((sizes.count(), read(&sizes).zero), (3, 1));
    assert_eq!(read(&sizes).positive, [(0, 1), (62 << 7, 1)]);
}

#[test]
fn times_are_summed_to_the_nanosecond() {
    let times = seconds();
    times.observe_duration(Duration::from_secs(1_000_000));
    times.observe_nanos(1);
    assert_eq!(times.sum.load(Ordering::Relaxed), 1_000_000_000_000_001);
    let numbers = NativeHistogram::new(NativeBuckets::new(), None);
    [0.5, -2.0].into_iter().for_each(|value| numbers.observe(value));
    assert_eq!((numbers.count(), numbers.sum()), (2, -1.5));
}

/// What a visitor was shown.
#[derive(Default)]
struct Seen {
    classic: Vec<(Vec<f64>, Vec<u64>, f64)>,
}

impl Visitor for Seen {
    fn family(&mut self, _: &Head<'_>) {}

    fn scalars(&mut self, _: &Rows<'_>, _: Values<'_>) {}

    fn histograms(&mut self, _: &Rows<'_>, values: &Histograms<'_>) {
        let shown = values.values().map(|(counts, sum)| (values.bounds().to_vec(), counts.to_vec(), sum));
        self.classic.extend(shown);
    }

    fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
}

// Catches: a visitor of classic buckets that sees none, or one count for two.
#[test]
fn who_knows_classic_buckets_only_is_shown_these() {
    let both = Buckets::new(&[0.5, 1.0]).and_native(NativeBuckets::new());
    let both = Family::<(), Histogram>::histogram("wait_seconds", "W.", both);
    let alone = Family::<(), NativeHistogram>::native_histogram("wait_seconds", "W.", NativeBuckets::new());
    let mut seen = Seen::default();
    for value in [0.25, 0.5, 0.75, 2.0] {
        both.observe(value);
        alone.observe(value);
    }
    both.read(&mut seen);
    alone.read(&mut seen);
    assert_eq!(seen.classic, [(vec![0.5, 1.0], vec![2, 1, 1], 3.5), (vec![], vec![4], 3.5)]);
}

// Catches: an exemplar in the place of another octave, one of what could not have been observed.
#[test]
fn exemplars_are_kept_by_octave() {
    let exemplar = |value| Exemplar {
        value,
        trace_id: TraceId::from_bytes([1; 16]).unwrap(),
        span_id: SpanId::from_bytes([2; 8]).unwrap(),
        unix_nanos: 1,
    };
    let histogram = seconds();
    for value in [0.3, 0.4, 3.0, f64::NAN, -1.0, 1e300] {
        histogram.exemplify(&exemplar(value));
    }
    let kept = (0..EXEMPLARS).filter_map(|place| Some(histogram.exemplars.get(place)?.value));
    let mut kept: Vec<f64> = kept.collect();
    kept.sort_unstable_by(f64::total_cmp);
    assert_eq!(kept, [0.4, 3.0]);
}

// Catches: memory for what was never seen, or for each recording.
#[test]
fn memory_comes_with_the_values() {
    let histogram = seconds();
    (1..1_000).for_each(|millis| histogram.observe_duration(Duration::from_millis(millis)));
    assert!(histogram.cells.pieces() <= 2 * 10 + 1, "{}", histogram.cells.pieces());
    let all = NativeHistogram::new(NativeBuckets::new(), Some(Unit::Bytes));
    (0..63).for_each(|octave| (0..64).for_each(|part| all.observe_u64((64 + part) << octave >> 6)));
    // 512 bytes each.
    assert!((110..=128).contains(&all.cells.pieces()), "{}", all.cells.pieces());
}

// Catches: a rule that is not asked for.
#[test]
fn what_breaks_a_rule_is_refused() {
    for (buckets, word) in [
        (NativeBuckets::new().schema(9), "schema"),
        (NativeBuckets::new().schema(-5), "schema"),
        (NativeBuckets::new().max_buckets(15), "16"),
        (NativeBuckets::new().max_buckets(16_385), "16"),
    ] {
        let family = Family::<(), NativeHistogram>::native_histogram("wait_seconds", "W.", buckets);
        assert!(family.check().unwrap_err().to_string().contains(word));
        family.observe(0.5);
        assert_eq!(family.count(), 1);
    }
}

crate::label::own::open_label!(Name, max 10);
crate::label::own::label_set!(Named { name: Name = "name" });

#[derive(Default)]
struct Natives(Vec<(String, Vec<f64>, u64, Vec<u64>)>);

impl Visitor for Natives {
    fn family(&mut self, _: &Head<'_>) {}

    fn scalars(&mut self, _: &Rows<'_>, _: Values<'_>) {}

    fn histograms(&mut self, _: &Rows<'_>, _: &Histograms<'_>) {}

    fn native_histogram(&mut self, row: &Rows<'_>, value: &NativeReading<'_>) {
        let mut name = String::new();
        row.labels(0, &mut |_, value| name = value.to_owned());
        let (counts, _) = value.classic().values().next().unwrap();
        self.0.push((name, value.classic().bounds().to_vec(), value.count(), counts.to_vec()));
    }

    fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
}

// Catches: a series with bounds of its own that is no native one, as its family is, or takes the place of another.
#[test]
fn a_series_with_bounds_of_its_own_is_native_as_its_family() {
    let buckets = Buckets::new(&[0.1, 0.5]).and_native(NativeBuckets::new());
    let family = Family::<Named, HotHistogram>::hot_histogram("wait_seconds", "W.", buckets);
    let named = |name: &str| Named { name: name.into() };
    family.with(named("a")).observe(0.2);
    let own = family.with_buckets(named("b"), &Buckets::new(&[0.5, 2.0]));
    [0.3, 1.0].into_iter().for_each(|value| own.observe(value));
    family.with(named("c")).observe(3.0);
    let mut seen = Natives::default();
    family.read(&mut seen);
    let row = |name: &str, bounds: &[f64], count, counts: &[u64]| {
        (name.to_owned(), bounds.to_vec(), count, counts.to_vec())
    };
    let expected = [
        row("a", &[0.1, 0.5], 1, &[0, 1, 0]),
        row("b", &[0.5, 2.0], 2, &[1, 1, 0]),
        row("c", &[0.1, 0.5], 1, &[0, 0, 1]),
    ];
    assert_eq!(seen.0, expected);
    let view = View::of("wait_seconds").drop_label("name");
    let shown = view.apply(&family.head(), family.label_names().as_deref()).unwrap().unwrap();
    let mut seen = Natives::default();
    show(&shown, &mut seen, |visitor| family.read(visitor));
    assert_eq!(seen.0, [row("", &[0.5], 4, &[2, 2])]);
}
