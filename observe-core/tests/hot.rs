//! Hot kinds beside the plain ones: the same page, whoever recorded what on whichever thread.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::context::{SpanId, TraceId};
use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric::{Buckets, Exemplar, View};
use observe_core::{Format, Registry, Telemetry};
use proptest::prelude::*;
use std::thread;
use std::time::Duration;

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
struct Route(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct Labels {
    route: Route,
    cached: bool,
}

fn labels(n: u8) -> Labels {
    let routes = ["/a", "/b", "/c", "/d"];
    Labels { route: Route::from(routes[usize::from(n) % 4]), cached: n >= 128 }
}

fn page(registry: &Registry) -> String {
    let mut page = Vec::new();
    registry.encode(Format::OpenMetrics, &mut page);
    String::from_utf8(page).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // Catches: cells read from the place of another series, a thread's cells left out, a sum of the wrong kind.
    #[test]
    fn a_page_is_that_of_the_plain_kinds(
        name in prop_oneof!["wait_seconds", "size_bytes", "share"],
        // A quarter can be added up in any order.
        recorded in prop::collection::vec(prop::collection::vec((any::<u8>(), 0_u32..4_000), 0..40), 1..5),
    ) {
        let (hot, plain) = (Registry::new(), Registry::new());
        let buckets = || Buckets::try_from(vec![0.25, 1.0, 1.25, 100.0, 512.0]).unwrap();
        let hot_total = hot.hot_counter::<Labels>("calls_total", "Calls.").unwrap();
        let hot_values = hot.hot_histogram::<Labels>(&name, "Values.", buckets()).unwrap();
        let total = plain.counter::<Labels>("calls_total", "Calls.").unwrap();
        let values = plain.histogram::<Labels>(&name, "Values.", buckets()).unwrap();
        // Series are shown in the order of their births.
        for (n, _) in recorded.iter().flatten() {
            let _ = (hot_total.with(labels(*n)), hot_values.with(labels(*n)));
        }
        thread::scope(|scope| {
            let (hot_total, hot_values) = (&hot_total, &hot_values);
            for recorded in &recorded {
                scope.spawn(move || for (n, value) in recorded {
                    hot_total.with(labels(*n)).add(u64::from(*value));
                    // Some become busy, and some do not.
                    (0..=*n).for_each(|_| hot_values.with(labels(*n)).observe(f64::from(*value) / 4.0));
                });
            }
        });
        for (n, value) in recorded.iter().flatten() {
            total.with(labels(*n)).add(u64::from(*value));
            (0..=*n).for_each(|_| values.with(labels(*n)).observe(f64::from(*value) / 4.0));
        }
        prop_assert_eq!(page(&hot), page(&plain));
    }
}

// Catches: the limit of series not kept by a hot kind, or buckets that a view chose not taken.
#[test]
fn limits_and_views_hold() {
    let view = View::of("wait_seconds").buckets(Buckets::new(&[2.0]));
    let telemetry = Telemetry::builder("hot").registry(Registry::new()).view(view).build().unwrap();
    let registry = telemetry.registry();
    let waits = registry.hot_histogram::<Labels>("wait_seconds", "Waits.", Buckets::SECONDS).unwrap();
    for route in 0..150 {
        let labels = Labels { route: Route::from(format!("/{route}").as_str()), cached: false };
        waits.with(labels).observe_duration(Duration::from_secs(1));
    }
    let page = page(registry);
    assert!(page.contains(r#"wait_seconds_bucket{route="_OTHER",cached="false",le="2.0"} "#), "{page}");
    assert!(!page.contains(r#"le="0.005""#), "{page}");
    let counts = page.lines().filter(|line| line.starts_with("wait_seconds_count"));
    let total: u64 = counts.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
    assert_eq!(total, 150);
}

#[test]
fn exemplars_are_shown() {
    let registry = Registry::new();
    let waits = registry.hot_histogram::<()>("wait_seconds", "Waits.", Buckets::SECONDS).unwrap();
    waits.observe(0.3);
    waits.exemplify(&Exemplar {
        value: 0.3,
        trace_id: TraceId::from_bytes([7; 16]).unwrap(),
        span_id: SpanId::from_bytes([9; 8]).unwrap(),
        unix_nanos: 1_000_000_000,
    });
    let page = page(&registry);
    let line = page.lines().find(|line| line.contains("trace_id")).unwrap();
    assert!(line.starts_with(r#"wait_seconds_bucket{le="0.5"} 1 # {trace_id="0707"#), "{line}");
}
