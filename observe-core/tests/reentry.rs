//! Code of others that comes back to us from within: it ends, and so do we. What it says there is kept, or a line says that
//! it is not. What formatting may log to a depth of its own is in `subscriber_installed`; here it has none. One telemetry is
//! installed for the process: a scope of `tracing`'s own would keep whatever comes back from it out.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

mod subscriber_support;

use observe_core::label::{LabelSet, LabelValue, Shape};
use observe_core::metric::{Counter, Family};
use observe_core::{Collect, Format, Operation, Registry, Telemetry};
use serde_json::Value;
use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use subscriber_support::{Lines, captured};
use tracing::info;

static INSTALLED: LazyLock<(Telemetry, Lines)> = LazyLock::new(|| {
    // A hook that logs, in front of which ours is set.
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        info!(%panic, "told by a hook");
        previous(panic);
    }));
    let (builder, lines) = captured();
    (builder.filter("info".parse().unwrap()).install().unwrap(), lines)
});

/// What a scrape of it says.
fn page(registry: &Registry) -> String {
    let mut page = Vec::new();
    registry.encode(Format::Text, &mut page);
    String::from_utf8(page).unwrap()
}

/// The lines so far with these words as their message.
fn lines(message: &str) -> Vec<Value> {
    let (telemetry, lines) = &*INSTALLED;
    telemetry.flush(Duration::from_secs(10)).unwrap();
    lines.read().into_iter().filter(|line| line["message"] == message).collect()
}

/// Logs itself whenever it is formatted.
struct Endless;

impl fmt::Debug for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!(value = ?Endless, "endless");
        Operation::builder("endless").start().run(|| log::info!("endless, by log: {:?}", Endless));
        f.write_str("formatted")
    }
}

// Mutation caught: formatting within formatting to any depth (the stack overflows, which ends the process).
#[test]
fn a_value_that_logs_itself_comes_to_an_end() {
    LazyLock::force(&INSTALLED);
    info!(value = ?Endless, "endless");
    let lines = lines("endless");
    let of = |text: &str| lines.iter().filter(|line| line["value"] == text).count();
    // Each line is there, and says what was not formatted.
    let (formatted, nested) = (of("formatted"), of("<nested>"));
    assert!(
        formatted > 0 && nested > 0 && formatted + nested == lines.len(),
        "{formatted} {nested} {}",
        lines.len()
    );
}

/// Panics when it is formatted.
struct Rude;

impl fmt::Display for Rude {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("rude, and told of")
    }
}

// Mutations caught: a hook that is called under a lock of the line that is being formatted (this test never ends); a line
// that is lost with the value that panicked.
#[test]
fn a_panic_hook_may_log_while_a_line_is_formatted() {
    LazyLock::force(&INSTALLED);
    Operation::builder("around").start().run(|| info!(value = %Rude, "rude"));
    let told = lines("told by a hook");
    let told: Vec<_> =
        told.iter().filter(|line| line["panic"].as_str().unwrap().contains("and told of")).collect();
    let rude = lines("rude");
    assert_eq!((told.len(), rude.len()), (1, 1));
    assert_eq!((&rude[0]["value"], &told[0]["trace_id"]), (&"<panicked>".into(), &rude[0]["trace_id"]));
}

/// Does everything to the telemetry that may wait for something.
struct Busy;

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (telemetry, _) = &*INSTALLED;
        telemetry.levels().set_target("busy", tracing::level_filters::LevelFilter::INFO).unwrap();
        telemetry.flush(Duration::from_secs(10)).unwrap();
        let page = page(telemetry.registry());
        write!(f, "{}", page.contains("observe_queue_length"))
    }
}

// Mutation caught: formatting under a lock of the filter, of the queue or of the registry (this test never ends).
#[test]
fn a_value_may_change_levels_flush_and_scrape() {
    LazyLock::force(&INSTALLED);
    info!(value = ?Busy, "busy");
    assert_eq!(lines("busy")[0]["value"], "true");
}

/// Logs and records while it writes.
struct Chatty(Lines, &'static Family<(), Counter>);

impl Write for Chatty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.inc();
        info!("from within the output");
        log::info!("from within the output, by log");
        Operation::builder("from within the output").start().run(|| info!("operated in the output"));
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        info!("from within the flush");
        Ok(())
    }
}

// Mutation caught: a worker that is not mute: each line makes another, for ever.
#[test]
fn an_output_that_logs_tells_only_what_it_was_given() {
    static WRITES: Family<(), Counter> = Family::counter("writes_total", "Writes.");
    LazyLock::force(&INSTALLED);
    let lines_of = Lines::default();
    let output = Chatty(lines_of.clone(), &WRITES);
    let telemetry = Telemetry::builder("chatty").log_writer(output).build().unwrap();
    telemetry.run(|| info!("given"));
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let given: Vec<_> = lines_of.read().into_iter().map(|line| line["message"].clone()).collect();
    assert_eq!(given.iter().filter(|message| **message == "given").count(), 1, "{given:?}");
    assert!(given.iter().all(|message| !message.as_str().unwrap().contains("the output")), "{given:?}");
    for message in ["from within the output", "from within the flush", "operated in the output"] {
        assert_eq!(lines(message).len(), 0, "{message}");
    }
    assert!(WRITES.get() > 0);
}

// Mutations caught: collectors asked, or families listed, under the registry's lock (this test never ends); collectors
// asked by one of them (the stack overflows).
#[test]
fn a_collector_may_register_log_and_scrape() {
    LazyLock::force(&INSTALLED);
    let registry = Registry::new();
    let own = registry.clone();

    let asked = AtomicU64::new(0);
    registry.collector(move |out: &mut Collect<'_>| {
        let asked = asked.fetch_add(1, Ordering::Relaxed) + 1;
        if asked == 1 {
            own.counter::<()>("born_total", "Born in a scrape.").unwrap().inc();
            info!(page = page(&own), "scraped within a scrape");
        }
        out.gauge("asked", "How often.", &[], asked);
    });
    let (first, second) = (page(&registry), page(&registry));
    assert!(first.contains("asked 1\n") && second.contains("asked 2\n"), "{first}{second}");
    assert!(second.contains("born_total 1\n"), "{second}");
    let within = lines("scraped within a scrape");
    assert_eq!(within.len(), 1);
    let page = within[0]["page"].as_str().unwrap();
    assert!(page.contains("born_total 1\n") && !page.contains("asked"), "{page}");
}

thread_local! { static IS_TOLD: Cell<bool> = const { Cell::new(false) }; }

static CALLS: Family<ByCaller, Counter> = Family::counter("calls_total", "Calls.");

/// A label whose text logs, and records in the family that asks for it.
#[derive(Clone, Copy)]
struct Caller(u32);

impl LabelValue for Caller {
    const CARDINALITY: u32 = 3;
    const OTHER: Option<u32> = Some(0);

    fn code(self) -> u32 {
        self.0
    }

    fn text(code: u32) -> &'static str {
        if !IS_TOLD.replace(true) {
            info!("a label was asked for");
            CALLS.with(ByCaller(Caller(2))).inc();
        }
        ["_OTHER", "one", "two"][code as usize]
    }
}

#[derive(Clone, Copy)]
struct ByCaller(Caller);

impl LabelSet for ByCaller {
    const NAMES: &'static [&'static str] = &["caller"];
    const SHAPE: &'static [Shape] = &[Shape::of::<Caller>()];

    fn index(self) -> u64 {
        u64::from(self.0.code())
    }

    fn overflow(self) -> u32 {
        u32::from(self.0.is_other())
    }

    fn text(index: u64, _: usize) -> &'static str {
        Caller::text(u32::try_from(index).unwrap())
    }
}

// Mutation caught: a label's text asked for under the lock of births (this test never ends).
#[test]
fn a_label_may_record_in_its_own_family() {
    LazyLock::force(&INSTALLED);
    CALLS.with(ByCaller(Caller(1))).inc();
    assert_eq!([1, 2].map(|caller| CALLS.with(ByCaller(Caller(caller))).get()), [1, 1]);
    assert_eq!(lines("a label was asked for").len(), 1);
}
