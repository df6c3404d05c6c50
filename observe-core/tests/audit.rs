//! The audit of what metrics cost: every figure is that of the page which is really sent.
#![cfg(feature = "macros")]
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use observe_core::context::{Context, SpanId, TraceId};
use observe_core::http_server::{HttpNames, HttpRequest};
use observe_core::label::{LabelId, LabelSet, LabelValue, OpenSet, Shape};
use observe_core::metric::{Buckets, Counter, Exemplar, Family, Gauge, Info, View, Window};
use observe_core::slo::Slo;
use observe_core::{Advice, Audit, Collect, FamilyAudit, Format, Outcome, Registry, Telemetry};

#[derive(Clone, Copy, LabelValue)]
enum Card {
    Debit,
    Credit,
}

/// An open label, each time with a set of texts of its own.
macro_rules! open {
    ($($name:ident, $max:literal;)+) => {$(
        #[derive(Clone, Copy, LabelValue)]
        #[label(open, max = $max)]
        struct $name(LabelId);
    )+};
}

open! { Town, 10; Village, 10; Place, 3; Shelf, 5; Crate, 100; }

#[derive(Clone, Copy, LabelSet)]
struct ByCard {
    card: Card,
}

#[derive(Clone, Copy, LabelSet)]
struct ByTown {
    card: Card,
    town: Town,
    hot: Option<bool>,
}

#[derive(Clone, Copy, LabelSet)]
struct ByVillage {
    card: Card,
    village: Village,
    hot: Option<bool>,
}

#[derive(Clone, Copy, LabelSet)]
struct ByPlace {
    place: Place,
}

#[derive(Clone, Copy, LabelSet)]
struct ByShelf {
    shelf: Shelf,
    card: Card,
}

#[derive(Clone, Copy, LabelSet)]
struct ByCrate {
    crate_id: Crate,
    card: Card,
}

#[derive(Clone, Copy, LabelSet)]
struct CardOutcome {
    card: Card,
    outcome: Outcome,
}

#[derive(Clone, Copy, LabelSet)]
struct ByOutcome {
    outcome: Outcome,
}

fn page(registry: &Registry, format: Format) -> String {
    let mut out = Vec::new();
    registry.encode(format, &mut out);
    String::from_utf8(out).unwrap()
}

/// What a page has of each family, by the name after `# HELP`.
fn parts(page: &str) -> Vec<(&str, usize)> {
    let page = page.strip_suffix("# EOF\n").unwrap_or(page);
    page.split_inclusive("\n").fold(Vec::<(&str, usize)>::new(), |mut parts, line| {
        if let Some(head) = line.strip_prefix("# HELP ") {
            parts.push((head.split(' ').next().unwrap(), 0));
        }
        parts.last_mut().unwrap().1 += line.len();
        parts
    })
}

/// Name, values, limit, known, `_OTHER`, series without it.
type Told<'a> = (&'a str, u64, Option<u32>, Option<u32>, Option<u64>, u64);

fn labels<'a>(audit: &'a Audit, family: &str) -> Vec<Told<'a>> {
    let labels = audit.family(family).unwrap().labels().iter();
    let told =
        labels.map(|of| (of.name(), of.values(), of.limit(), of.known(), of.overflow(), of.series_without()));
    told.collect()
}

// Mutations caught: a byte of a head, an end or an exemplar counted for another family or not at all; one of the formats
// taken for the other; families out of order.
#[test]
fn bytes_are_those_of_the_page() {
    let registry = Registry::new();
    registry.counter::<ByCard>("orders_total", "Orders \\ \"placed\"\nso far.").unwrap();
    let waits = registry.histogram::<ByCard>("wait_seconds", "W.", Buckets::new(&[0.5, 1.0])).unwrap();
    let waits = waits.with(ByCard { card: Card::Debit });
    waits.observe(0.75);
    waits.exemplify(&Exemplar {
        value: 0.75,
        trace_id: TraceId::from_bytes([1; 16]).unwrap(),
        span_id: SpanId::from_bytes([2; 8]).unwrap(),
        unix_nanos: 1_700_000_000_012_000_000,
    });
    registry.histogram::<()>("drift", "D.", Buckets::new(&[-1.0])).unwrap().observe(-3.5);
    registry.summary::<ByCard>("sizes", "S.", Window::MINUTE).unwrap();
    registry.register(Info::new("shop_info", "Shop.", &[("v", "1\\2\"3\n4")]).unwrap()).unwrap();
    registry.collector(|out: &mut Collect<'_>| out.gauge("level", "L.", &[("tank", "a b{#")], 0.25));
    let telemetry = Telemetry::builder("shop").without_log().registry(registry.clone()).build().unwrap();
    for path in ["/a", "/b"] {
        let request = telemetry.http_server().start(&HttpRequest::new("GET", path), &Context::default());
        drop(request);
    }

    let audit = telemetry.audit();
    for format in [Format::Text, Format::OpenMetrics] {
        let page = page(&registry, format);
        let parts = parts(&page);
        assert_eq!(parts.len(), audit.families().len());
        let end = if format == Format::OpenMetrics { "# EOF\n".len() } else { 0 };
        let sum: u64 = audit.families().iter().map(|family| family.bytes(format)).sum();
        assert_eq!((sum, audit.bytes(format)), ((page.len() - end) as u64, page.len() as u64));
        for family in audit.families() {
            let is = |named: &str| {
                named == family.name()
                    || family.name().strip_suffix("_total") == Some(named)
                    || family.name().strip_suffix("_info") == Some(named)
            };
            let (_, bytes) = parts.iter().find(|(name, _)| is(name)).unwrap();
            assert_eq!(family.bytes(format), *bytes as u64, "{} {format:?}", family.name());
        }
    }
    let lines = page(&registry, Format::OpenMetrics).lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(audit.samples(), lines as u64);
    let samples: Vec<u64> = audit.families().iter().map(FamilyAudit::samples).collect();
    assert!(samples.is_sorted_by(|a, b| a >= b), "{samples:?}");
}

// Mutations caught: a value that is left out counted as one, the digit of another label, a label that no series shows.
#[test]
fn series_and_labels_are_counted() {
    let registry = Registry::new();
    let jobs = registry.counter::<ByVillage>("jobs_total", "Jobs.").unwrap();
    let of = |card, village: &str, hot| ByVillage { card, village: village.into(), hot };
    for labels in [
        of(Card::Debit, "north", None),
        of(Card::Debit, "north", Some(true)),
        of(Card::Debit, "south", None),
        of(Card::Debit, "east", Some(true)),
        of(Card::Debit, "_OTHER", None),
    ] {
        jobs.with(labels).inc();
    }
    registry.histogram::<CardOutcome>("wait_seconds", "W.", Buckets::new(&[0.5, 1.0])).unwrap();
    registry.gauge::<ByVillage>("open", "Open.").unwrap();
    let audit = registry.audit();

    let jobs = audit.family("jobs_total").unwrap();
    assert_eq!((jobs.series(), jobs.samples(), jobs.max_series()), (5, 5, Some(10_000)));
    // Without the village: debit, debit and hot. Without the rest: the four villages, `_OTHER` one of them.
    assert_eq!(
        labels(&audit, "jobs_total"),
        [
            ("card", 1, Some(2), Some(2), None, 5),
            ("village", 3, Some(10), Some(3), Some(1), 2),
            ("hot", 1, Some(2), Some(2), None, 4),
        ]
    );
    // Two cards, four outcomes; three buckets, sum, count.
    let wait = audit.family("wait_seconds").unwrap();
    assert_eq!((wait.series(), wait.samples(), wait.max_series()), (8, 40, None));
    assert_eq!(
        labels(&audit, "wait_seconds"),
        [("card", 2, Some(2), Some(2), None, 4), ("outcome", 4, Some(4), Some(4), None, 2)]
    );
    // None yet; its village is the process's.
    assert_eq!(audit.family("open").unwrap().series(), 0);
    assert_eq!(labels(&audit, "open")[1], ("village", 0, Some(10), Some(3), Some(0), 0));
    assert_eq!((audit.series(), audit.samples()), (5 + 8 + 3 + 2, 5 + 40 + 3 + 2), "{audit}");
    let most = audit.labels()[0];
    assert_eq!((most.family(), most.name()), ("wait_seconds", "outcome"));
}

// Mutations caught: what a view drops counted, a limit looked for under the declared name, or under another label's.
#[test]
fn views_are_applied() {
    let registry = Registry::new();
    let telemetry = |registry: &Registry| {
        Telemetry::builder("shop")
            .without_log()
            .registry(registry.clone())
            .view(
                View::of("jobs_total").rename("tasks_total").drop_label("card").rename_label("town", "card"),
            )
            .view(View::of("hidden").drop_family())
            .build()
            .unwrap()
    };
    let jobs = registry.counter::<ByTown>("jobs_total", "Jobs.").unwrap();
    registry.gauge::<ByCard>("hidden", "Hidden.").unwrap();
    let telemetry = telemetry(&registry);
    for (card, town) in [(Card::Debit, "north"), (Card::Credit, "north"), (Card::Credit, "south")] {
        jobs.with(ByTown { card, town: town.into(), hot: None }).inc();
    }
    let audit = telemetry.audit();
    assert!(audit.family("jobs_total").is_none() && audit.family("hidden").is_none());
    let tasks = audit.family("tasks_total").unwrap();
    assert_eq!(tasks.series(), 2);
    let known = labels(&audit, "tasks_total")[0].3;
    assert_eq!(
        labels(&audit, "tasks_total"),
        [("card", 2, Some(10), known, Some(0), 1), ("hot", 0, Some(2), Some(2), None, 2)]
    );
    // Three are recorded, and count against the cap; two are shown.
    let cost = audit.with_label("tasks_total", "shop", 4_000).unwrap();
    assert_eq!((cost.series(), cost.is_past_limit()), (8_000, true));
}

/// What a label makes of a family is what a view without it makes.
// Mutation caught: values multiplied instead of combinations counted.
#[test]
fn without_a_label_is_as_a_view_drops_it() {
    let build = |drop: Option<&str>| {
        let registry = Registry::new();
        let jobs = registry.counter::<ByTown>("jobs_total", "Jobs.").unwrap();
        for (at, town) in ["a", "b", "c", "d", "a", "b", "e"].into_iter().enumerate() {
            let card = if at % 3 == 0 { Card::Debit } else { Card::Credit };
            let hot = [None, Some(true), Some(false)][at / 3];
            jobs.with(ByTown { card, town: town.into(), hot }).inc();
        }
        let builder = Telemetry::builder("shop").without_log().registry(registry);
        match drop {
            Some(label) => builder.view(View::of("jobs_total").drop_label(label)).build().unwrap(),
            None => builder.build().unwrap(),
        }
    };
    let audit = build(None).audit();
    let mut fewer = 0;
    for label in audit.family("jobs_total").unwrap().labels() {
        let dropped = build(Some(label.name())).audit();
        let left = dropped.family("jobs_total").unwrap().series();
        assert_eq!(label.series_without(), left, "{}", label.name());
        fewer += u32::from(left < 7);
    }
    assert_ne!(fewer, 0);
}

// Mutations caught: a cap that is looked at without `_OTHER`'s series apart; overflow of another label.
#[test]
fn overflow_is_told() {
    let registry = Registry::new();
    let paid = registry.counter::<ByPlace>("paid_total", "Paid.").unwrap();
    for place in ["a", "b", "c", "d", "e", "d"] {
        paid.with(ByPlace { place: place.into() }).inc();
    }
    let boxes = Family::<ByShelf, Counter>::counter("boxes_total", "Boxes.").max_series(4);
    let boxes = registry.register(boxes).unwrap();
    for shelf in ["1", "2", "3", "4", "5"] {
        for card in [Card::Debit, Card::Credit] {
            boxes.with(ByShelf { shelf: shelf.into(), card }).inc();
        }
    }
    let audit = registry.audit();
    assert_eq!(labels(&audit, "paid_total"), [("place", 3, Some(3), Some(3), Some(3), 1)]);
    assert!(!audit.family("paid_total").unwrap().is_full());
    // Four shelves' series and the two of `_OTHER`.
    let boxes = audit.family("boxes_total").unwrap();
    assert_eq!((boxes.series(), boxes.max_series(), boxes.is_full()), (6, Some(4), true));
    assert_eq!(labels(&audit, "boxes_total")[0], ("shelf", 2, Some(5), Some(5), Some(6), 2));

    let advice: Vec<String> = audit.advice().iter().map(ToString::to_string).collect();
    assert_eq!(
        advice[3..],
        [
            "shelf of boxes_total became _OTHER 6 times",
            "place of paid_total became _OTHER 3 times",
            "boxes_total has 4 of the 4 series that it can have",
            "shelf of boxes_total has 5 of the 5 values that its type keeps apart",
            "place of paid_total has 3 of the 3 values that its type keeps apart",
        ]
    );
}

// Mutations caught: 80 % taken for close, the values of one family taken for its type's, an info's labels told.
#[test]
fn advice_names_what_stands_out() {
    let registry = Registry::new();
    let crates = registry.gauge::<ByCrate>("crates", "Crates.").unwrap();
    for at in 0..80 {
        let _ = crates.with(ByCrate { crate_id: at.to_string().as_str().into(), card: Card::Debit });
    }
    registry.register(Info::new("shop_info", "Shop.", &[("v", "1")]).unwrap()).unwrap();
    registry.histogram::<()>("wait_seconds", "W.", Buckets::SECONDS).unwrap();
    registry.counter::<ByOutcome>("ends_total", "Ends.").unwrap();
    let told = |registry: &Registry| registry.audit().advice();
    let one_value =
        |advice: &Advice| advice.to_string() == "card of crates has the same value in all 80 series";
    let advice = told(&registry);
    let [
        Advice::Costly { family: first, samples, label, series, .. },
        Advice::Costly { family: second, .. },
        Advice::Costly { family: third, .. },
        last,
    ] = &advice[..]
    else {
        panic!("{advice:?}")
    };
    assert_eq!((first.as_str(), *samples, *series), ("crates", 80, 80));
    assert_eq!(label.as_ref().map(|(name, without)| (name.as_str(), *without)), Some(("crate_id", 1)));
    // 14 buckets, `+Inf`, sum and count; then four outcomes.
    assert_eq!((second.as_str(), third.as_str()), ("wait_seconds", "observe_series"));
    assert!(one_value(last), "{advice:?}");
    assert_eq!(
        advice[1].to_string(),
        format!(
            "wait_seconds is among the three that cost most: 17 samples, {} bytes; no one label multiplies its series",
            registry.audit().family("wait_seconds").unwrap().bytes(Format::OpenMetrics)
        )
    );
    let _ = crates.with(ByCrate { crate_id: "80".into(), card: Card::Debit });
    let near = "crate_id of crates has 81 of the 100 values that its type keeps apart";
    assert!(told(&registry).iter().any(|advice| advice.to_string() == near));
}

// Mutation caught: labels that no code of the service can leave out, told as if it could.
#[test]
fn what_the_library_makes_is_advised_about_only_where_it_costs_most() {
    let telemetry = Telemetry::builder("shop")
        .slo(Slo::availability("charge", 99.9))
        .slo(Slo::availability("refund", 99.0))
        .build()
        .unwrap();
    observe_core::collect::host(telemetry.registry());
    observe_core::collect::pressure(telemetry.registry());
    let told: Vec<String> = telemetry.audit().advice().iter().map(ToString::to_string).collect();
    let one_value: Vec<_> = told.iter().filter(|told| told.contains("has the same value")).collect();
    let own = ["slo_", "system_", "pressure_", "cgroup_"];
    assert!(
        !one_value.iter().any(|told| own.iter().any(|own| told.contains(&format!(" of {own}")))),
        "{told:#?}"
    );
}

/// The price that was said is the one that is paid: the label is added for real.
// Mutations caught: a value's text that is not counted as it is escaped, a line without labels taken for one that has
// some, the head multiplied, a value that leaves the label out counted as text.
#[test]
fn a_label_costs_what_was_said() {
    #[derive(Clone, Copy, LabelValue)]
    enum Odd {
        Plain,
        #[label("a\"b\\c")]
        Escaped,
    }

    #[derive(Clone, Copy, LabelSet)]
    struct ByOdd {
        odd: Option<Odd>,
    }

    #[derive(Clone, Copy, LabelSet)]
    struct CardOdd {
        card: Card,
        odd: Option<Odd>,
    }

    let _ = (Odd::Plain, Odd::Escaped);
    let buckets = || Buckets::new(&[0.5, 1.0]);
    let (before, after) = (Registry::new(), Registry::new());
    before.counter::<()>("a_total", "A.").unwrap();
    after.counter::<ByOdd>("a_total", "A.").unwrap();
    before.gauge::<ByCard>("b", "B.").unwrap();
    after.gauge::<CardOdd>("b", "B.").unwrap();
    before.histogram::<()>("c_seconds", "C.", buckets()).unwrap();
    after.histogram::<ByOdd>("c_seconds", "C.", buckets()).unwrap();
    before.histogram::<ByCard>("d_seconds", "D.", buckets()).unwrap();
    after.histogram::<CardOdd>("d_seconds", "D.", buckets()).unwrap();
    before.summary::<ByCard>("e", "E.", Window::MINUTE).unwrap();
    after.summary::<CardOdd>("e", "E.", Window::MINUTE).unwrap();
    let (before, after) = (before.audit(), after.audit());
    for (name, series, samples) in
        [("a_total", 3, 3), ("b", 6, 6), ("c_seconds", 3, 15), ("d_seconds", 6, 30), ("e", 6, 42)]
    {
        let cost = before.cost_of::<Option<Odd>>(name, "odd").unwrap();
        let real = after.family(name).unwrap();
        assert_eq!((cost.family(), cost.label(), cost.values()), (name, "odd", 3));
        assert_eq!((cost.series(), cost.samples()), (series, samples));
        assert_eq!((real.series(), real.samples()), (series, samples));
        for format in [Format::Text, Format::OpenMetrics] {
            assert_eq!(cost.bytes(format), real.bytes(format), "{name} {format:?}");
        }
        assert!(!cost.is_past_limit());
    }
}

// Mutations caught: texts that are not known taken for `_OTHER`, or the known ones for the average.
#[test]
fn unknown_values_are_as_long_as_others_are() {
    let registry = Registry::new();
    registry.counter::<()>("a_total", "A.").unwrap();
    let audit = registry.audit();
    // The values that are there are `a_total` and nothing else: seven bytes.
    let line = "a_total{tenant=\"1234567\"} 0\n".len() as u64;
    let head = "# HELP a_total A.\n# TYPE a_total counter\n".len() as u64;
    let cost = audit.with_label("a_total", "tenant", 50).unwrap();
    assert_eq!((cost.series(), cost.bytes(Format::Text)), (50, head + 50 * line));
    assert_eq!(
        cost.to_string(),
        "a_total with tenant (50 values): 1 -> 50 series, 1 -> 50 samples, 39 -> 1,429 bytes"
    );

    // Two of five are known, three are guessed; `_OTHER`, and none at all.
    #[derive(Clone, Copy, LabelValue)]
    #[label(open, max = 5)]
    struct Aisle(LabelId);
    let _ = [Aisle::from("x"), Aisle::from("yy")];
    let line = |label: &str| format!("a_total{label} 0\n").len() as u64;
    let known = line("{aisle=\"x\"}") + line("{aisle=\"yy\"}") + line("{aisle=\"_OTHER\"}") + line("");
    let cost = audit.cost_of::<Aisle>("a_total", "aisle").unwrap();
    assert_eq!((cost.values(), cost.series()), (7, 7));
    assert_eq!(cost.bytes(Format::Text), head + known + 3 * line("{aisle=\"1234567\"}"));
}

// Mutations caught: a limit off by one, the limit of closed labels taken for a cap or the other way round.
#[test]
fn a_label_that_goes_past_a_limit_is_told() {
    let registry = Registry::new();
    registry.counter::<CardOutcome>("closed_total", "C.").unwrap();
    let capped = Family::<ByShelf, Counter>::counter("capped_total", "C.").max_series(10);
    let capped = registry.register(capped).unwrap();
    for shelf in ["1", "2"] {
        let _ = capped.with(ByShelf { shelf: shelf.into(), card: Card::Debit });
    }
    registry.collector(|out: &mut Collect<'_>| out.gauge("said", "S.", &[], 1_u64));
    let audit = registry.audit();
    let past = |family, values| audit.with_label(family, "new", values).unwrap().is_past_limit();
    assert_eq!((past("capped_total", 5), past("capped_total", 6)), (false, true));
    // Eight, and a cap of 10,000 from then on.
    assert_eq!((past("closed_total", 1_250), past("closed_total", 1_251)), (false, true));
    assert!(!past("said", u32::MAX));
    let cost = audit.with_label("capped_total", "new", 6).unwrap().to_string();
    assert!(cost.ends_with("; past its cap of 10 series: the rest would be _OTHER"), "{cost}");

    struct Many<const N: u32>;
    impl<const N: u32> Clone for Many<N> {
        fn clone(&self) -> Self {
            *self
        }
    }
    impl<const N: u32> Copy for Many<N> {}
    impl<const N: u32> LabelValue for Many<N> {
        const CARDINALITY: u32 = N;

        fn code(self) -> u32 {
            0
        }

        fn text(_: u32) -> &'static str {
            "x"
        }
    }
    let most = audit.cost_of::<Many<8_192>>("closed_total", "many").unwrap();
    assert_eq!((most.series(), most.is_past_limit()), (65_536, false));
    let cost = audit.cost_of::<Many<8_193>>("closed_total", "many").unwrap();
    assert!(cost.is_past_limit() && cost.to_string().ends_with("closed labels: it would not compile"));
    // A closed label beside an open one counts against the cap.
    assert!(audit.cost_of::<Many<6>>("capped_total", "many").unwrap().is_past_limit());
    // Without end, and answered all the same.
    assert!(audit.cost_of::<Many<{ u32::MAX }>>("closed_total", "many").unwrap().is_past_limit());
}

#[test]
fn what_cannot_be_reckoned_is_refused_by_name_and_rule() {
    let registry = Registry::new();
    registry.counter::<ByCard>("orders_total", "O.").unwrap();
    let audit = registry.audit();
    for (family, label, values, words) in [
        ("order_total", "x", 1, "there is no metric `order_total`"),
        ("orders_total", "card", 2, "metric `orders_total` with label `card`: a label occurs once"),
        ("orders_total", "le", 2, "`le` is reserved"),
        ("orders_total", "x-y", 2, "a label name matches"),
        ("orders_total", "x", 0, "label `x`: it has no values"),
    ] {
        let refused = audit.with_label(family, label, values).unwrap_err();
        assert!(refused.is_invalid() && refused.to_string().contains(words), "{refused}");
    }
    assert!(audit.cost_of::<bool>("orders_total", "card").unwrap_err().is_invalid());
}

// Mutation caught: labels of a bridge without their overflow, or a family of it without its cap.
#[test]
fn what_bridges_and_collectors_bring_is_in_it() {
    let telemetry = Telemetry::builder("shop").without_log().registry(Registry::new()).build().unwrap();
    let bridge = telemetry.metrics_bridge().max_series(3);
    metrics::with_local_recorder(&bridge, || {
        for tenant in ["a", "b", "c", "d", "e"] {
            metrics::counter!("cache.hits", "tenant" => tenant, "kind" => "x").increment(1);
        }
    });
    telemetry.registry().collector(|out: &mut Collect<'_>| {
        for pool in ["a", "b"] {
            out.gauge("pool_idle", "Idle.", &[("pool", pool), ("host", "h")], 1_u64);
        }
        out.gauge("pool_idle", "Idle.", &[("pool", "c")], 1_u64);
    });
    let audit = telemetry.audit();
    let hits = audit.family("cache_hits_total").unwrap();
    assert_eq!((hits.series(), hits.max_series(), hits.is_full()), (4, Some(3), true));
    assert_eq!(
        labels(&audit, "cache_hits_total"),
        [("kind", 1, None, None, Some(2), 4), ("tenant", 3, None, None, Some(2), 2)]
    );
    assert_eq!(audit.family("pool_idle").unwrap().max_series(), None);
    assert_eq!(
        labels(&audit, "pool_idle"),
        [("pool", 3, None, None, None, 2), ("host", 1, None, None, None, 3)]
    );
}

// Mutation caught: a label of the classic names looked for under its standard name, which then has no limit.
#[test]
fn classic_names_have_their_limits() {
    let telemetry = Telemetry::builder("shop").without_log().registry(Registry::new());
    let telemetry = telemetry.http_names(HttpNames::Classic).build().unwrap();
    drop(telemetry.http_server().start(&HttpRequest::new("GET", "/"), &Context::default()));
    let audit = telemetry.audit();
    let endpoint = |family| {
        let labels = audit.family(family).unwrap().labels().iter();
        labels.map(|label| (label.name(), label.limit())).find(|(name, _)| *name == "endpoint")
    };
    for family in ["http_requests_total", "http_request_duration_seconds", "http_requests_in_progress"] {
        assert_eq!(endpoint(family), Some(("endpoint", Some(10_000))), "{family}");
    }
}

/// Texts whose reading lets another thread record into the very family that is read.
#[derive(Clone, Copy)]
struct Busy(LabelId);

static BUSY: OpenSet = OpenSet::new(1_000);
static ELSEWHERE: Mutex<Option<(mpsc::SyncSender<()>, mpsc::Receiver<()>)>> = Mutex::new(None);

impl LabelValue for Busy {
    const CARDINALITY: u32 = OpenSet::cardinality(1_000);
    const OTHER: Option<u32> = Some(LabelId::OTHER.code());

    fn code(self) -> u32 {
        self.0.code()
    }

    fn text(code: u32) -> &'static str {
        if std::thread::current().name() == Some("the audit") {
            let elsewhere = ELSEWHERE.lock().unwrap();
            let (go, done) = elsewhere.as_ref().unwrap();
            go.send(()).unwrap();
            done.recv_timeout(Duration::from_secs(60)).expect("a recording waited for the audit");
        }
        BUSY.text(LabelId::from_code(code))
    }
}

impl LabelSet for Busy {
    const NAMES: &'static [&'static str] = &["busy"];
    const SHAPE: &'static [Shape] = &[Shape::of::<Busy>()];

    fn index(self) -> u64 {
        u64::from(self.code())
    }

    fn overflow(self) -> u32 {
        u32::from(self.is_other())
    }

    fn text(index: u64, _: usize) -> &'static str {
        <Busy as LabelValue>::text(u32::try_from(index).unwrap())
    }
}

// Mutation caught: labels read under a lock that the birth of a series takes.
#[test]
fn no_recording_waits_for_it() {
    let registry = Registry::new();
    let family: Arc<Family<Busy, Gauge>> = registry.gauge("busy", "Busy.").unwrap();
    family.with(Busy(BUSY.intern("first"))).inc();
    let (go, gone) = mpsc::sync_channel(0);
    let (say, done) = mpsc::sync_channel(0);
    *ELSEWHERE.lock().unwrap() = Some((go, done));
    let recorder = std::thread::spawn(move || {
        let mut recorded = 0;
        while gone.recv().is_ok() {
            recorded += 1;
            // A new series, and one that is there.
            family.with(Busy(BUSY.intern(&recorded.to_string()))).inc();
            family.with(Busy(BUSY.intern("first"))).inc();
            let _ = say.send(());
        }
        recorded
    });
    let audit = std::thread::Builder::new().name("the audit".into());
    let audit = audit.spawn(move || registry.audit()).unwrap().join().unwrap();
    *ELSEWHERE.lock().unwrap() = None;
    assert!(recorder.join().unwrap() > 0);
    assert_eq!(audit.family("busy").unwrap().series(), 1);
}

// Mutation caught: a column of one table in another's place, rows cut without being told.
#[test]
fn it_prints_as_tables() {
    let registry = Registry::new();
    let paid = registry.counter::<ByCard>("paid_cents_total", "Paid.").unwrap();
    paid.with(ByCard { card: Card::Debit }).add(1_200);
    let audit = registry.audit();
    assert_eq!(
        audit.to_string(),
        "\
family                        series  at most  samples  bytes  share
paid_cents_total                   2        -        2    120   31 %
observe_series                     1        -        1    122   32 %
observe_label_overflow_total       0        -        0    136   35 %
in all                             3        -        3    384  100 %
A scrape has 384 bytes in OpenMetrics, 402 in text 0.0.4, uncompressed.

label   of                values  known  at most  to _OTHER  multiplies by
card    paid_cents_total       2      2        2          -            2.0
metric  observe_series         1      -        -          -            1.0

What stands out
- paid_cents_total is among the three that cost most: 2 samples, 120 bytes; card multiplies its series by 2.0, to 2 from 1
- observe_series is among the three that cost most: 1 sample, 122 bytes; no one label multiplies its series
"
    );
    let many = Registry::new();
    for at in 0..30 {
        many.gauge::<ByCard>(format!("g{at}"), "G.").unwrap();
    }
    let audit = many.audit();
    let (short, whole) = (audit.to_string(), format!("{audit:#}"));
    assert!(short.contains("\n(12 more)") && !whole.contains("more)"), "{short}");
    assert_eq!(whole.lines().filter(|line| line.starts_with('g')).count(), 30);
}
