use super::*;
use crate::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values};
use crate::metric::{Info, Unit};

/// Takes down names and values.
#[derive(Default)]
struct Seen(Vec<String>);

impl Visitor for Seen {
    fn family(&mut self, head: &Head<'_>) {
        self.0.push(head.name.to_owned());
    }

    fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
        for (at, text) in rows.texts().enumerate() {
            let mut labels = String::new();
            rows.labels(at, &mut |name, value| labels += &format!("{name}={value};"));
            let value = match values {
                Values::U64(values) => values[at].to_string(),
                Values::I64(values) => values[at].to_string(),
                Values::F64(values) => values[at].to_string(),
            };
            self.0.push(format!("{}{value} {labels}", String::from_utf8_lossy(text)));
        }
    }

    fn histograms(&mut self, _: &Rows<'_>, _: &Histograms<'_>) {}

    fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
}

fn seen(registry: &Registry) -> Vec<String> {
    let mut seen = Seen::default();
    registry.visit(&mut seen);
    seen.0
}

fn dropped(registry: &Registry, reason: &str) -> u64 {
    let mut count = 0;
    registry.dropped(&mut |name, dropped| count += if name == reason { dropped } else { 0 });
    count
}

// Catches: a name taken twice, the second put in the place of the first, a sample's name overlooked.
#[test]
fn the_first_of_two_names_stays() {
    let registry = Registry::new();
    let first = registry.counter::<()>("orders_total", "First.").unwrap();
    first.inc();
    let again = registry.counter::<()>("orders_total", "Second.").unwrap_err();
    assert!(again.is_duplicate() && again.to_string().contains("orders_total"), "{again}");
    assert!(registry.gauge::<()>("orders", "The counter's name in OpenMetrics.").unwrap_err().is_duplicate());
    registry.histogram::<()>("wait_seconds", "Waits.", Buckets::SECONDS).unwrap();
    for taken in [
        "wait_seconds_bucket",
        "wait_seconds_sum",
        "wait_seconds_count",
        "wait_seconds_created",
        "orders_created",
        "observe_series",
    ] {
        assert!(registry.gauge::<()>(taken, "Taken.").unwrap_err().is_duplicate(), "{taken}");
    }
    registry.gauge::<()>("size_count", "First.").unwrap();
    assert!(registry.histogram::<()>("size", "Second.", Buckets::BYTES).unwrap_err().is_duplicate());
    assert!(seen(&registry).contains(&"orders_total 1 ".to_owned()));
}

#[test]
fn what_breaks_a_rule_is_refused_by_name_and_rule() {
    let registry = Registry::new();
    for (error, word) in [
        (registry.counter::<()>("orders", "Help.").unwrap_err(), "_total"),
        (registry.gauge::<()>("or-ders", "Help.").unwrap_err(), "a-z"),
        (registry.gauge::<()>("orders", "").unwrap_err(), "help"),
        (registry.histogram::<()>("orders", "H.", Buckets::new(&[2.0, 1.0])).unwrap_err(), "increase"),
        (
            registry.register(Family::<(), Gauge>::gauge("orders", "H.").unit(Unit::Bytes)).unwrap_err(),
            "unit",
        ),
    ] {
        let text = error.to_string();
        assert!(error.is_invalid() && text.contains("ders") && text.contains(word), "{text}");
    }
    assert!(registry.gauge::<()>("orders", "Help.").is_ok());
}

#[test]
fn families_and_samples_come_sorted_by_name() {
    let registry = Registry::new();
    registry.collector(|out: &mut Collect<'_>| out.gauge("b", "B.", &[("x", "1")], 1_i64));
    for name in ["c", "a", "z"] {
        registry.gauge::<()>(name, "Help.").unwrap();
    }
    registry.register(Info::new("bb_info", "B.", &[("v", "1")]).unwrap()).unwrap();
    let heads = ["a", "b", "bb_info", "c", "observe_label_overflow_total", "observe_series", "z"];
    let seen: Vec<String> = seen(&registry).into_iter().filter(|line| !line.contains(' ')).collect();
    assert_eq!(seen, heads);
}

// Catches: a panic that ends the scrape, or half of what it said shown.
#[test]
fn a_collector_that_panics_is_left_out() {
    let registry = Registry::new();
    registry.collector(|out: &mut Collect<'_>| {
        out.gauge("half", "Half.", &[], 1_u64);
        std::panic::resume_unwind(Box::new(()));
    });
    registry.collector(|out: &mut Collect<'_>| out.gauge("whole", "Whole.", &[], 2_u64));
    let seen = seen(&registry);
    assert!(seen.contains(&"whole 2 ".to_owned()) && !seen.iter().any(|line| line.contains("half")));
    assert_eq!(dropped(&registry, names::COLLECTOR_PANICKED), 1);
}

#[test]
fn what_collectors_may_not_say_is_counted() {
    let registry = Registry::new();
    registry.gauge::<()>("mine", "Mine.").unwrap();
    registry.collector(|out: &mut Collect<'_>| {
        out.counter("down_total", "Down.", &[], -1_i64);
        out.counter("no_suffix", "Bad.", &[], 1_u64);
        out.gauge("nan", "NaN.", &[], f64::NAN);
        out.gauge("label", "Label.", &[("le", "1")], 1_u64);
        out.gauge("twice", "Twice.", &[("a", "1")], 1_u64);
        out.gauge("twice", "Twice.", &[("a", "1")], 2_u64);
        out.gauge("mine", "Not mine.", &[], 7_u64);
    });
    let seen = seen(&registry);
    assert!(seen.contains(&"mine 0 ".to_owned()));
    assert!(seen.contains(&"twice{a=\"1\"} 1 a=1;".to_owned()), "{seen:?}");
    assert_eq!(dropped(&registry, names::COLLECTOR_INVALID), 4);
    assert_eq!(dropped(&registry, names::COLLECTOR_CLASH), 2);
}

#[test]
fn a_collector_says_so_much_and_no_more() {
    let registry = Registry::new();
    registry.collector(|out: &mut Collect<'_>| {
        for i in 0..10_003 {
            out.gauge("many", "Many.", &[("i", &i.to_string())], 0_u64);
        }
    });
    assert_eq!(seen(&registry).iter().filter(|line| line.starts_with("many{")).count(), 10_000);
    assert_eq!(dropped(&registry, names::COLLECTOR_EXCESS), 3);
}

// Catches: a lock held while a collector runs.
#[test]
fn a_collector_may_use_the_registry() {
    let registry = Registry::new();
    let inner = registry.clone();
    registry.collector(move |_: &mut Collect<'_>| {
        let _ = inner.gauge::<()>("made_late", "Made while scraping.");
        let _ = inner.conflicts();
    });
    assert!(seen(&registry).contains(&"made_late 0 ".to_owned()));
}

// Catches: a collector that scrapes asked again by its own scrape (the stack overflows).
#[test]
fn a_collector_may_scrape() {
    let (registry, other) = (Registry::new(), Registry::new());
    registry.gauge::<()>("mine", "Mine.").unwrap();
    for (of, asks) in [(&registry, &registry), (&registry, &other), (&other, &registry)] {
        let asks = asks.clone();
        of.collector(move |out: &mut Collect<'_>| {
            out.gauge("families", "Lines seen.", &[], seen(&asks).len() as u64);
        });
    }
    for _ in 0..2 {
        assert!(seen(&registry).contains(&"mine 0 ".to_owned()));
        assert!(seen(&registry).contains(&"families 5 ".to_owned()), "{:?}", seen(&registry));
    }
}

#[test]
fn rejected_observations_are_summed_over_families() {
    let registry = Registry::new();
    registry.gauge_f64::<()>("share_ratio", "Share.").unwrap().set(f64::NAN);
    registry.histogram::<()>("wait_seconds", "W.", Buckets::SECONDS).unwrap().observe(-1.0);
    registry.summary::<()>("size_bytes", "S.", Window::MINUTE).unwrap().observe(f64::INFINITY);
    assert_eq!(dropped(&registry, names::NOT_FINITE), 2);
    assert_eq!(dropped(&registry, names::OUT_OF_RANGE), 1);
}
