//! Views: families are shown otherwise than they were declared.
#![cfg(feature = "macros")]
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::collections::BTreeMap;
use std::time::Duration;

use observe_core::context::Context;
use observe_core::http_client::OutgoingRequest;
use observe_core::http_server::{HttpNames, HttpRequest, Segment};
use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric::{
    Buckets, Counter, Family, Gauge, GaugeF64, Histogram, Info, Summary, View, Window,
};
use observe_core::testing::Captured;
use observe_core::{
    Builder, Collect, Error, Format, Outcome, Queue, Red, Registry, Telemetry, Usage, collect, metric,
};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, LabelValue)]
enum Card {
    Debit,
    Credit,
}

const CARDS: [Card; 2] = [Card::Debit, Card::Credit];

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 3)]
struct Branch(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct Labels {
    card: Card,
    branch: Branch,
    retried: bool,
}

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 3)]
struct Town(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct ByTown {
    card: Card,
    town: Town,
}

#[derive(Clone, Copy, LabelSet)]
struct ByCard {
    card: Card,
}

#[metric]
static TAKEN: Family<ByCard, Counter> = Family::counter("views_taken_total", "Payments taken.");
#[metric(lazy)] // no other test's scrape touches it
static BASKET: Family<(), Histogram> =
    Family::histogram("views_basket_items", "Items of an order.", Buckets::new(&[1.0, 5.0]));
#[metric]
static USED: Family<(), Histogram> =
    Family::histogram("views_used_items", "Used too early.", Buckets::new(&[1.0, 5.0]));

fn builder(registry: &Registry) -> Builder {
    Telemetry::builder("shop").without_log().registry(registry.clone())
}

fn viewed(registry: &Registry, views: impl IntoIterator<Item = View>) -> Result<Telemetry, Error> {
    views.into_iter().fold(builder(registry), Builder::view).build()
}

fn page(registry: &Registry, format: Format) -> String {
    let mut out = Vec::new();
    registry.encode(format, &mut out);
    String::from_utf8(out).unwrap()
}

/// The lines with one of these words in them.
fn lines(registry: &Registry, words: &[&str]) -> Vec<String> {
    let page = page(registry, Format::Text);
    page.lines().filter(|line| words.iter().any(|word| line.contains(word))).map(str::to_owned).collect()
}

fn dropped(registry: &Registry, reason: &str) -> u64 {
    let begin = format!("observe_dropped_total{{signal=\"metric\",reason=\"{reason}\"}} ");
    let line = lines(registry, &[&begin]).pop().unwrap();
    line[begin.len()..].parse().unwrap()
}

// Catches: a sample, or a head, with the declared name; a row of the self-metrics with it; a unit that the name does
// not end in, which OpenMetrics parsers refuse.
#[test]
fn every_kind_has_its_new_name_everywhere() {
    let registry = Registry::new();
    let views = [
        View::of("jobs_total").rename("tasks_total"),
        View::of("depth_bytes").rename("size_of_queue"),
        View::of("wait_seconds").rename("aa_seconds"),
        View::of("sizes").rename("bodies"),
        View::of("shop_info").rename("service_info"),
        View::of("said_total").rename("zz_total").rename_label("a", "b"),
        View::of("observe_series").rename("series").rename_label("metric", "family"),
        View::of("observe_label_overflow_total").rename("overflow_total"),
    ];
    let jobs = registry.counter::<ByTown>("jobs_total", "Jobs.").unwrap();
    let _telemetry = viewed(&registry, views).unwrap();
    for town in ["north", "south", "east", "west"] {
        jobs.with(ByTown { card: Card::Debit, town: town.into() }).inc();
    }
    registry.gauge::<()>("depth_bytes", "Depth.").unwrap().set(-3);
    registry.histogram::<()>("wait_seconds", "Waits.", Buckets::new(&[1.0])).unwrap().observe(0.5);
    registry.summary::<ByCard>("sizes", "Sizes.", Window::MINUTE).unwrap();
    registry.register(Info::new("shop_info", "Shop.", &[("v", "1")]).unwrap()).unwrap();
    registry.collector(|out: &mut Collect<'_>| {
        out.counter("said_total", "Said.", &[("a", "1"), ("c", "2")], 7_u64);
    });

    let text = page(&registry, Format::Text);
    for line in [
        "# TYPE tasks_total counter",
        "tasks_total{card=\"debit\",town=\"north\"} 1",
        "# HELP size_of_queue Depth.",
        "size_of_queue -3",
        "aa_seconds_bucket{le=\"1.0\"} 1",
        "aa_seconds_sum 0.5",
        "bodies_count{card=\"credit\"} 0",
        "bodies{card=\"debit\",quantile=\"0.5\"} NaN",
        "service_info{v=\"1\"} 1",
        "zz_total{b=\"1\",c=\"2\"} 7",
        "series{family=\"tasks_total\"} 4",
        "series{family=\"aa_seconds\"} 1",
        "overflow_total{metric=\"tasks_total\",label=\"town\"} 1",
    ] {
        assert!(text.lines().any(|is| is == line), "{line}\n{text}");
    }
    for gone in ["jobs", "depth_bytes", "wait_seconds", "sizes", "shop_info", "said_total", "observe_series"]
    {
        assert!(!text.contains(gone), "{gone}\n{text}");
    }
    let heads: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(heads.is_sorted(), "{heads:?}");
    let open = page(&registry, Format::OpenMetrics);
    assert!(open.contains("# TYPE aa_seconds histogram\n# UNIT aa_seconds seconds\n"), "{open}");
    assert!(open.contains("# TYPE size_of_queue gauge\nsize_of_queue -3\n"), "{open}");
    assert!(open.contains("# TYPE tasks counter\ntasks_total{"), "{open}");
}

// Catches: rows of families as they were declared, or of a label that is not shown.
#[test]
fn the_self_metrics_say_what_is_shown() {
    let registry = Registry::new();
    let views = [
        View::of("jobs_total").rename("tasks_total").rename_label("town", "place"),
        View::of("shops").drop_label("town"),
        View::of("hidden").drop_family(),
    ];
    let _telemetry = viewed(&registry, views).unwrap();
    registry.counter::<ByTown>("jobs_total", "Jobs.").unwrap();
    registry.gauge::<ByTown>("shops", "Shops.").unwrap();
    registry.gauge::<ByTown>("hidden", "Hidden.").unwrap();
    let mut shown = lines(&registry, &["observe_series{", "observe_label_overflow_total{"]);
    shown.retain(|line| !line.contains("observe_context_rejected_total"));
    let expected = [
        "observe_label_overflow_total{metric=\"tasks_total\",label=\"place\"} 0",
        "observe_series{metric=\"shops\"} 0",
        "observe_series{metric=\"tasks_total\"} 0",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_family_that_is_dropped_is_nowhere() {
    let registry = Registry::new();
    let counter = registry.counter::<Labels>("jobs_total", "Jobs.").unwrap();
    registry.collector(|out: &mut Collect<'_>| out.gauge("said", "Said.", &[], 1_u64));
    let views = ["jobs_total", "said", "build_info", "observe_scrape_duration_seconds"];
    let telemetry = viewed(&registry, views.map(|name| View::of(name).drop_family())).unwrap();
    counter.with(Labels { card: Card::Debit, branch: "north".into(), retried: false }).inc();
    registry.scrapes().observe(0.5);
    let text = page(telemetry.registry(), Format::Text);
    for name in views {
        assert!(!text.contains(name), "{name}\n{text}");
    }
    // Its name is free for another.
    let views = [View::of("jobs_total").drop_family(), View::of("tasks_total").rename("jobs_total")];
    let registry = Registry::new();
    let _telemetry = viewed(&registry, views).unwrap();
    registry.counter::<()>("jobs_total", "Jobs.").unwrap().inc();
    registry.counter::<()>("tasks_total", "Tasks.").unwrap().add(2);
    assert_eq!(
        lines(&registry, &["jobs", "tasks"])[..2],
        ["# HELP jobs_total Tasks.", "# TYPE jobs_total counter"]
    );
    assert!(page(&registry, Format::Text).contains("\njobs_total 2\n"));
}

#[test]
fn an_info_stays_one() {
    let registry = Registry::new();
    let info = Info::new("shop_info", "Shop.", &[("v", "1"), ("host", "a")]).unwrap();
    registry.register(info).unwrap();
    registry.collector(|out: &mut Collect<'_>| {
        out.info("pool_info", "Pools.", &[("pool", "a"), ("v", "1")]);
        out.info("pool_info", "Pools.", &[("pool", "b"), ("v", "1")]);
    });
    let views = [View::of("shop_info").drop_label("host"), View::of("pool_info").drop_label("pool")];
    let _telemetry = viewed(&registry, views).unwrap();
    assert_eq!(
        lines(&registry, &["shop_info{", "pool_info{"]),
        ["pool_info{v=\"1\"} 1", "shop_info{v=\"1\"} 1"]
    );
    let unknown = [View::of("shop_info").drop_label("hosts")];
    let refused = viewed(&registry, unknown).unwrap_err().to_string();
    assert!(refused.contains("no label `hosts`, but `v`, `host`"), "{refused}");
}

// Catches: values of several types of numbers that are not added up; a label of the collector's that has the new name
// already, so that a series has one label twice.
#[test]
fn what_collectors_say_is_viewed_too() {
    let registry = Registry::new();
    registry.collector(|out: &mut Collect<'_>| {
        out.gauge("held", "Held.", &[("pool", "a"), ("kind", "x")], 1_u64);
        out.gauge("held", "Held.", &[("pool", "b"), ("kind", "x")], -3_i64);
        out.gauge("held", "Held.", &[("pool", "c"), ("kind", "x")], 0.5);
        out.gauge("level_ratio", "Level.", &[("pool", "c")], 0.5);
        out.gauge("both", "Both.", &[("a", "1"), ("b", "2")], 1_u64);
    });
    let views = [
        View::of("held").drop_label("pool"),
        View::of("level_ratio").drop_label("pool"),
        View::of("both").rename_label("a", "b"),
    ];
    let _telemetry = viewed(&registry, views).unwrap();
    let text = lines(&registry, &["held{", "level_ratio", "both{"]);
    assert_eq!(text, ["both{a=\"1\",b=\"2\"} 1", "held{kind=\"x\"} -1.5"]);
    // Shares cannot be added up: left out, and counted in each scrape.
    assert!(dropped(&registry, "collector_invalid") >= 1);
}

#[test]
fn buckets_are_another_s_choice() {
    let registry = Registry::new();
    let fine = Buckets::new(&[0.25, 0.5]);
    let (basket, red) = (Buckets::new(&[2.0, 4.0]), Buckets::new(&[3.0]));
    let views = [
        View::of("http_server_request_duration_seconds").buckets(fine.clone()),
        View::of("payment_duration_seconds").buckets(red).rename("paid_seconds"),
        View::of("views_basket_items").buckets(basket.clone()),
        View::of("batch_size").buckets(fine),
    ];
    let telemetry = viewed(&Registry::with_statics(), views).unwrap();
    let registry_of = telemetry.registry();
    let server = telemetry.http_server();
    server.start(&HttpRequest::new("GET", "/"), &Context::new()).finish();
    let payments = Red::<()>::with_buckets(registry_of, "payment", Buckets::SECONDS).unwrap();
    payments.start(()).finish(Outcome::Ok);
    BASKET.observe(3.0);
    let bridge = telemetry.metrics_bridge().buckets("batch.size", Buckets::BYTES);
    metrics::with_local_recorder(&bridge, || metrics::histogram!("batch.size").record(0.3));

    let bounds = |name: &str| -> Vec<String> {
        let rows = lines(registry_of, &[&format!("{name}_bucket")]);
        let mut bounds: Vec<String> = rows
            .iter()
            .map(|row| row.split("le=\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
            .collect();
        bounds.dedup();
        bounds.truncate(4);
        bounds
    };
    assert_eq!(bounds("http_server_request_duration_seconds"), ["0.25", "0.5", "+Inf"]);
    assert_eq!(bounds("paid_seconds")[..2], ["3.0", "+Inf"]);
    assert_eq!(bounds("views_basket_items"), ["2.0", "4.0", "+Inf"]);
    assert_eq!(bounds("batch_size"), ["0.25", "0.5", "+Inf"]);

    // A static has one set of buckets, whatever telemetries there are.
    assert!(viewed(&Registry::with_statics(), [View::of("views_basket_items").buckets(basket)]).is_ok());
    USED.observe(1.0);
    for late in ["views_basket_items", "views_used_items"] {
        let view = View::of(late).buckets(Buckets::new(&[7.0]));
        let refused = viewed(&Registry::with_statics(), [view]).unwrap_err();
        let text = refused.to_string();
        assert!(refused.is_invalid() && text.contains(late) && text.contains("too late"), "{text}");
    }
    let same = View::of("views_used_items").buckets(Buckets::new(&[1.0, 5.0]));
    assert!(viewed(&Registry::with_statics(), [same]).is_ok());
    // One that was used before it was taken in.
    let view = View::of("early_items").buckets(Buckets::new(&[7.0]));
    let _telemetry = viewed(&registry, [view]).unwrap();
    let early = Family::<(), Histogram>::histogram("early_items", "Early.", Buckets::new(&[1.0]));
    early.observe(1.0);
    assert!(registry.register(early).unwrap_err().to_string().contains("too late"));
}

// Catches: a view that is taken though it is wrong; half of the views in force after one was refused.
#[test]
fn a_wrong_view_is_an_error_that_names_thing_and_rule() {
    let registry = Registry::with_statics();
    registry.summary::<ByCard>("sizes", "Sizes.", Window::MINUTE).unwrap();
    registry.register(Family::<ByCard, GaugeF64>::gauge_f64("share_ratio", "Share.")).unwrap();
    registry.gauge::<()>("mine", "Mine.").unwrap();
    let one = || Buckets::new(&[1.0]);
    for (views, words) in [
        (vec![View::of("views_taken_total").rename("taken")], ["views_taken_total", "_total"]),
        (vec![View::of("views_taken_total").drop_label("cards")], ["cards", "`card`"]),
        (vec![View::of("views_taken_total").buckets(one())], ["views_taken_total", "no buckets"]),
        (vec![View::of("sizes").drop_label("card")], ["sizes", "quantiles"]),
        (vec![View::of("share_ratio").drop_label("card")], ["share_ratio", "shares"]),
        (vec![View::of("mine"), View::of("mine").rename("x")], ["mine", "another view"]),
        (vec![View::of("mine").rename("build_info")], ["build_info", "taken"]),
        (
            vec![View::of("mine").rename("views_used_items_sum")],
            ["`views_used_items_sum`", "`views_used_items`"],
        ),
        (vec![View::of("operations_in_flight").rename("mine")], ["operations_in_flight", "`mine`"]),
        // Families that are there only later, of the library's own.
        (vec![View::of("http_server_active_requests").rename("mine")], ["http_server", "`mine`"]),
        (vec![View::of("resource_capacity").rename("resource_in_use")], ["resource_", "taken"]),
        (
            vec![View::of("queue_depth").rename("all"), View::of("queue_capacity").rename("all")],
            ["`all`", "taken"],
        ),
        (vec![View::of("queue_lag_seconds").drop_label("queue")], ["queue_lag_seconds", "times"]),
        (vec![View::of("http_server_open_streams").drop_label("x")], ["`http_route`, `stream`", "x"]),
        (vec![View::of("http_server_active_requests").rename("a b")], ["a b", "a-z"]),
    ] {
        let text = format!("{views:?}");
        let views = [View::of("views_taken_total").rename("half_total")]
            .into_iter()
            .filter(|_| !text.contains("views_taken_total"))
            .chain(views);
        let refused = viewed(&registry, views).expect_err(&text);
        let said = refused.to_string();
        assert!(refused.is_invalid() || refused.is_duplicate(), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    }
    assert!(!page(&registry, Format::Text).contains("half_total"));
    assert!(builder(&registry).build().is_ok());
}

#[test]
fn two_families_may_change_names() {
    let registry = Registry::new();
    let a = registry.gauge::<()>("a", "A.").unwrap();
    let views = [View::of("a").rename("b"), View::of("b").rename("a")];
    let _telemetry = viewed(&registry, views).unwrap();
    let b = registry.gauge::<()>("b", "B.").unwrap();
    a.set(1);
    b.set(2);
    let shown = lines(&registry, &["# HELP a ", "# HELP b ", "a 2", "b 1"]);
    assert_eq!(shown, ["# HELP a B.", "a 2", "# HELP b A.", "b 1"]);
    // What a view gave away is free, and what it took is not.
    let refused = registry.gauge::<()>("b", "Again.").unwrap_err();
    assert!(refused.is_duplicate(), "{refused}");
}

// Catches: a view of an unknown family that is refused, or forgotten; a warning about one that is the library's own.
#[test]
fn a_view_waits_for_its_family_and_says_so() {
    let late = |builder: Builder| {
        builder
            .view(View::of("late_total").rename("later_total"))
            .view(View::of("late").rename_label("card", "kind").drop_label("nothing"))
            .view(View::of("queue_depth").rename("depth"))
            .view(View::of("views_taken_total").rename("views_sold_total"))
    };
    let captured = Captured::with(late);
    let warned: Vec<String> = captured.lines().iter().map(|line| line["message"].to_string()).collect();
    let unseen: Vec<&String> = warned.iter().filter(|line| line.contains("so far")).collect();
    assert_eq!(unseen.len(), 2, "{warned:?}");
    assert!(unseen[0].contains("`late`") && unseen[1].contains("`late_total`"), "{unseen:?}");
    let registry = captured.telemetry().registry();
    registry.counter::<()>("late_total", "Late.").unwrap();
    let refused = registry.gauge::<ByCard>("late", "Late.").unwrap_err().to_string();
    assert!(refused.contains("no label `nothing`, but `card`"), "{refused}");
    let _queue = Queue::new(registry, "views", 1).unwrap();
    let text = page(registry, Format::Text);
    for line in ["later_total 0", "depth{queue=\"views\"} 0", "# TYPE views_sold_total counter"] {
        assert!(text.lines().any(|is| is == line), "{line}\n{text}");
    }
}

// Catches: a family of the library's own that views do not know, or not with all its labels. Then a line in
// `catalogue.rs` is missing.
#[test]
fn every_family_of_the_library_is_known_before_it_is_there() {
    for names in [HttpNames::OpenTelemetry, HttpNames::Classic] {
        let captured = Captured::with(|builder| builder.http_names(names));
        let telemetry = captured.telemetry();
        let registry = telemetry.registry();
        let _pool = (Usage::new(registry, "views", 1).unwrap(), Queue::new(registry, "views", 1).unwrap());
        let replica = observe_core::Replica::new(registry, "views").unwrap();
        replica.set(std::time::Duration::ZERO);
        let mut call = telemetry.genai("openai").unwrap().call("chat", "m").stream().start();
        call.chunk();
        call.chunk();
        call.response_model("m-1");
        call.input_tokens(1);
        call.fail("429");
        drop(call);
        let database = telemetry.database("sqlite").unwrap().namespace("views");
        let _ = database.query("select a from views").run(|| Err::<(), _>("in vain"));
        let _channel = observe_core::mpsc::channel::<()>(registry, "views", 1).unwrap();
        registry.scrapes().observe(1.0);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        collect::process(registry);
        collect::pressure(registry);
        collect::cgroup(registry);
        collect::host(registry);
        collect::runtime(registry, runtime.handle());
        let server = telemetry.http_server().response_sizes(true);
        server.expect_queue();
        server.expect_ready_wait();
        captured.run(|| {
            observe_core::Operation::builder("views").start().finish(Outcome::Ok);
            let request = HttpRequest::new("GET", "/").route("/").segment(Segment::of(Card::Debit));
            let mut operation = server.start(&request, &Context::new());
            operation.status(500);
            operation.response_bytes(1);
            operation.finish();
            server
                .start(&HttpRequest::new("POST", "/shop.Orders/Place").grpc(true), &Context::new())
                .finish();
            let client = captured.telemetry().http_client();
            let request = OutgoingRequest::new("GET", "http", "stock", "/").template("/");
            let mut call = client.start(&request);
            call.status(500);
            call.finish();
            client.start(&request.grpc(true)).finish();
        });
        let page = page(registry, Format::Text);
        let own = |name: &str| !name.starts_with("views_");
        let mut families: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut family = "";
        for line in page.lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                family = head.split(' ').next().unwrap();
                families.entry(family).or_default();
            } else if let Some((_, labels)) = line.split_once('{').filter(|_| !line.starts_with('#')) {
                let labels = labels.split(',').filter_map(|label| label.split('=').next());
                let labels = labels.filter(|label| !["le", "quantile"].contains(label)).map(str::to_owned);
                families.entry(family).or_default().extend(labels);
            }
        }
        families.retain(|name, _| own(name));
        assert!(families.len() > 20, "{families:?}");
        let views = families.iter().map(|(name, labels)| {
            let mut labels = labels.clone();
            labels.sort();
            labels.dedup();
            labels.iter().fold(View::of(*name), |view, label| view.rename_label(label, format!("{label}_x")))
        });
        let views: Vec<View> = views.collect();
        let none = Registry::new();
        let captured = Captured::with(|builder| {
            views.into_iter().fold(builder.http_names(names).registry(none), Builder::view)
        });
        let told: Vec<String> = captured.lines().iter().map(|line| line["message"].to_string()).collect();
        assert!(!told.iter().any(|line| line.contains("so far")), "{told:?}");
    }
}

/// What a page shows of a family: the values by the labels.
fn values(registry: &Registry, sample: &str) -> BTreeMap<String, f64> {
    let rows = lines(registry, &[&format!("{sample}{{")]);
    let rows = rows.iter().filter_map(|row| row.strip_prefix(sample)?.rsplit_once(' '));
    rows.map(|(labels, value)| (labels.to_owned(), value.parse().unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    // Catches: any series that is lost, counted twice, or added to another.
    #[test]
    fn dropped_labels_are_summed_over(
        recorded in proptest::collection::vec((0..2_usize, "[a-e]", any::<bool>(), 0..40_u64), 0..100),
        drops in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let registry = Registry::new();
        let names = [("card", drops.0), ("branch", drops.1), ("retried", drops.2)];
        let dropped = names.iter().filter(|(_, drop)| *drop).map(|(name, _)| *name);
        let view = |of: &str| dropped.clone().fold(View::of(of), View::drop_label);
        let views = [view("jobs_total"), view("held"), view("items")];
        let _telemetry = viewed(&registry, views).unwrap();
        let jobs = registry.counter::<Labels>("jobs_total", "Jobs.").unwrap();
        let held: std::sync::Arc<Family<Labels, Gauge>> = registry.gauge("held", "Held.").unwrap();
        let items = registry.histogram::<Labels>("items", "Items.", Buckets::new(&[10.0, 20.0])).unwrap();
        let mut model: BTreeMap<String, [u64; 3]> = BTreeMap::new();
        for (card, branch, retried, value) in recorded {
            let labels = Labels { card: CARDS[card], branch: branch.as_str().into(), retried };
            jobs.with(labels).add(value);
            held.with(labels).add(-(value as i64));
            items.with(labels).observe(value as f64);
            // As the family itself has them: past the limit it is `_OTHER`.
            let texts = [Card::text(labels.card.code()), Branch::text(labels.branch.code()), if retried { "true" } else { "false" }];
            let left = names.iter().zip(texts).filter(|((_, drop), _)| !drop);
            let left: Vec<String> = left.map(|((name, _), text)| format!("{name}=\"{text}\"")).collect();
            let sums = model.entry(left.join(",")).or_default();
            sums[0] += value;
            sums[1] += u64::from(value <= 10);
            sums[2] += 1;
        }
        let all = drops == (true, true, true);
        let shown = |sample: &str, le: &str| -> BTreeMap<String, f64> {
            if all && le.is_empty() {
                let line = page(&registry, Format::Text);
                let value = line.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
                return value.map(|value| (String::new(), value.parse().unwrap())).into_iter().collect();
            }
            let rows = values(&registry, sample).into_iter();
            let rows = rows.filter(|(labels, _)| labels.contains(le));
            rows.map(|(labels, value)| (labels.replace(le, "").trim_matches(['{', '}', ',']).to_owned(), value)).collect()
        };
        let expected = |at: usize, sign: f64| -> BTreeMap<String, f64> {
            model.iter().map(|(labels, sums)| (labels.clone(), sign * sums[at] as f64)).collect()
        };
        prop_assert_eq!(shown("jobs_total", ""), expected(0, 1.0));
        prop_assert_eq!(shown("held", ""), expected(0, -1.0));
        prop_assert_eq!(shown("items_sum", ""), expected(0, 1.0));
        prop_assert_eq!(shown("items_count", ""), expected(2, 1.0));
        prop_assert_eq!(shown("items_bucket", "le=\"10.0\""), expected(1, 1.0));
    }
}

#[test]
fn a_summary_s_other_names_leave_its_quantiles() {
    let registry = Registry::new();
    let sizes: std::sync::Arc<Family<ByCard, Summary>> =
        registry.summary("sizes", "Sizes.", Window::new(Duration::from_secs(60))).unwrap();
    sizes.with(ByCard { card: Card::Credit }).observe(3.0);
    let _telemetry = viewed(&registry, [View::of("sizes").rename_label("card", "kind")]).unwrap();
    let shown = values(&registry, "sizes");
    assert_eq!(shown.len(), 10, "{shown:?}");
    let middle = shown["{kind=\"credit\",quantile=\"0.5\"}"];
    assert!((2.9..3.1).contains(&middle), "{middle}");
    assert_eq!(values(&registry, "sizes_count")["{kind=\"credit\"}"], 1.0);
}
