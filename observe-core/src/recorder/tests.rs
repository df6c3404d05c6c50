use super::recent::RecentLine;
use super::*;
use crate::clock::{Clock, ManualClock};
use crate::context::{SpanId, TraceFlags, TraceId};
use crate::counting::{allocations, held};
use crate::fields::{Fields, Text};
use crate::outcome::Outcome;
use crate::record::{Entries, Entry, Keep, Kind, SpanRecord};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::thread;

fn trace_id(number: u64) -> TraceId {
    TraceId::from_bytes(u128::from(number + 1).to_be_bytes()).unwrap()
}

fn span_id(number: u64) -> SpanId {
    SpanId::from_bytes((number + 1).to_be_bytes()).unwrap()
}

fn head(number: u64, at: Tick) -> Head {
    Head { trace_id: trace_id(number), flags: TraceFlags::NONE, kept: None, is_early: false, at }
}

fn push_span(entries: &mut Entries, number: u64, fields: &str) {
    entries.push(&Entry::Span(SpanRecord {
        id: span_id(number),
        parent: None,
        is_local_root: true,
        kind: Kind::Server,
        outcome: Outcome::Ok,
        start: number,
        end: number,
        name: "GET /",
        target: "tests",
        fields,
        end_fields: "",
    }));
}

fn entries(number: u64, size: usize) -> Entries {
    let mut entries = Entries::new();
    push_span(&mut entries, number, &"x".repeat(size));
    entries
}

fn recorder(bytes: usize) -> Recorder {
    Recorder::new(RecorderLimits { bytes, ..RecorderLimits::default() }).unwrap()
}

fn all(recorder: &Recorder, now: Tick) -> Recent {
    recorder.recent(now)
}

proptest! {
    #[test]
    fn noise_is_no_record(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = head::Record::read(&bytes);
    }
}

// Mutations caught: a number at the wrong place, on either side; a part that makes a trace of its own; `kept` of the last
// part alone.
#[test]
fn what_is_recorded_is_there_and_parts_are_one_trace() {
    let recorder = recorder(1 << 20);
    let at = |nanos| Tick::from_nanos(nanos);
    let kept = Head { kept: Some((Keep::Marked, 0.25)), flags: TraceFlags::SAMPLED, ..head(1, at(5)) };
    recorder.record(&head(2, at(4)), entries(2, 10).as_bytes(), false);
    recorder.record(&kept, entries(1, 10).as_bytes(), true);
    recorder.record(&head(1, at(7)), entries(3, 20).as_bytes(), false);
    let (mut message, mut fields) = (Text::new(), Fields::new());
    message.set("a \"line\"");
    fields.u64("n", 7);
    let line = LogRecord {
        callsite: 0,
        unix_nanos: 9,
        level: Level::DEBUG,
        target: "tests",
        message: &message,
        span_context: None,
        correlation_id: None,
        span: None,
        event: &fields,
    };
    recorder.record_line(&line, at(6));
    recorder.record_line(&LogRecord { callsite: 0, unix_nanos: 8, level: Level::ERROR, ..line }, at(6));

    let recent = all(&recorder, at(7));
    let heads: Vec<_> = recent.traces.iter().map(|trace| trace.head).collect();
    assert_eq!(heads, [head(2, at(4)), Head { kept: kept.kept, ..head(1, at(7)) }]);
    let spans: Vec<_> = recent.traces[1].entries.iter().collect();
    let expected = [entries(1, 10), entries(3, 20)];
    assert_eq!(spans, expected.iter().flat_map(Entries::iter).collect::<Vec<_>>());
    let texts = |line: &RecentLine| (line.unix_nanos, line.level, line.target.clone());
    let told: Vec<_> = recent.lines.iter().map(texts).collect();
    assert_eq!(told, [(8, Level::ERROR, "tests".to_owned()), (9, Level::DEBUG, "tests".to_owned())]);
    assert_eq!((&*recent.lines[0].message, &*recent.lines[0].fields), (r#"a \"line\""#, r#","n":7"#));

    assert_eq!(recorder.trace(at(7), trace_id(2)).unwrap().head.trace_id, trace_id(2));
    assert!(recorder.trace(at(7), trace_id(3)).is_none());
    // Lines of no trace are not copied for it.
    assert!(recorder.copy(at(7), Some(trace_id(2))).lines.is_empty());
}

// Mutation caught: an age that is not looked at when records are read.
#[test]
fn what_is_older_than_its_age_is_not_there() {
    let manual = ManualClock::new();
    let clock = Clock::from(manual.clone());
    let recorder = recorder(1 << 20);
    recorder.record(&head(1, clock.now()), entries(1, 10).as_bytes(), true);
    manual.advance(Duration::from_secs(5 * 60));
    recorder.record(&head(2, clock.now()), entries(2, 10).as_bytes(), false);
    assert_eq!(all(&recorder, clock.now()).traces.len(), 2);
    manual.advance(Duration::from_nanos(1));
    assert_eq!(all(&recorder, clock.now()).traces[0].head.trace_id, trace_id(2));
}

// Mutation caught: a failure recorded with the others.
#[test]
fn chatter_does_not_push_a_failure_out() {
    let recorder = recorder(256 * 1024);
    recorder.record(&head(0, Tick::default()), entries(0, 100).as_bytes(), true);
    for number in 1..20_000 {
        recorder.record(&head(number, Tick::default()), entries(number, 100).as_bytes(), false);
    }
    let recent = all(&recorder, Tick::default());
    assert!(recent.traces.iter().any(|trace| trace.head.trace_id == trace_id(0)));
    // Most of what the usual ring has room for is there, and the newest.
    assert!(recent.traces.iter().any(|trace| trace.head.trace_id == trace_id(19_999)));
    let held: usize = recent.traces.iter().map(|trace| trace.entries.len()).sum();
    assert!((100 * 1024..192 * 1024).contains(&held), "{held}");
    assert_eq!(recorder.lost(Loss::Busy), 0);
}

// Mutations caught: a part without bound; its beginning kept instead of its end.
#[test]
fn a_giant_trace_keeps_its_end_and_leaves_the_others() {
    let recorder = recorder(1 << 20);
    recorder.record(&head(1, Tick::default()), entries(1, 100).as_bytes(), false);
    let mut giant = Entries::new();
    for number in 0..10_000 {
        push_span(&mut giant, number, &"x".repeat(100));
    }
    // Larger than any chunk.
    push_span(&mut giant, 10_000, &"x".repeat(500_000));
    push_span(&mut giant, 10_001, "");
    recorder.record(&head(2, Tick::default()), giant.as_bytes(), false);
    assert_eq!(recorder.lost(Loss::TooLarge), 1);
    for number in 0..3_000 {
        push_span(&mut giant, number, &"x".repeat(100));
    }
    recorder.record(&head(3, Tick::default()), giant.as_bytes(), false);
    assert_eq!(recorder.lost(Loss::TooLarge), 2);

    let recent = all(&recorder, Tick::default());
    let of = |number| recent.traces.iter().find(|trace| trace.head.trace_id == trace_id(number)).unwrap();
    assert_eq!(of(1).entries, entries(1, 100));
    let last = |trace: &RecentTrace| match trace.entries.iter().last() {
        Some(Entry::Span(span)) => span.start,
        other => panic!("{other:?}"),
    };
    assert_eq!(last(of(2)), 10_001);
    assert_eq!(last(of(3)), 2_999);
    let part = 3 * (1 << 20) / 4 / LARGEST_PART;
    assert!((part / 2..=part).contains(&of(3).entries.len()), "{}", of(3).entries.len());
}

// Mutations caught: memory that grows with each turn; a chunk of a stripe that is never put by.
#[test]
fn memory_is_bounded_and_nothing_is_allocated_once_it_is_had() {
    const BYTES: usize = 1 << 20;
    let before = held();
    let recorder = recorder(BYTES);
    let bound = |recorder: &Recorder| {
        let own = held() - before;
        // What is no chunk: the places, and the recorder itself.
        assert!(own <= BYTES.cast_signed() + 32 * 1024, "{own}");
        assert!(recorder.held() <= BYTES);
    };
    assert!(held() - before < 32 * 1024, "an idle one owns {}", held() - before);
    let one = entries(1, 1_000);
    for pinned in [false, true] {
        for number in 0..4_000 {
            recorder.record(&head(number, Tick::default()), one.as_bytes(), pinned);
            bound(&recorder);
        }
    }
    assert!(recorder.held() > BYTES * 3 / 4, "{}", recorder.held());
    let warm = allocations();
    for number in 0..4_000 {
        recorder.record(&head(number, Tick::default()), one.as_bytes(), number % 4 == 0);
    }
    assert_eq!(allocations() - warm, 0);
    bound(&recorder);
}

// Mutation caught: expired memory left alone while there is unused one: an idle service would come to own all.
#[test]
fn a_little_traffic_needs_little_memory() {
    let recorder = recorder(32 << 20);
    let one = entries(1, 1_000);
    for minute in 0..200 {
        for number in 0..500 {
            recorder.record(&head(number, Tick::from_nanos(minute * 60_000_000_000)), one.as_bytes(), false);
        }
    }
    // Five minutes of it are 2.7 MB.
    assert!(recorder.held() < 6 << 20, "{}", recorder.held());
}

// Mutations caught: a record written half; one shown twice when its chunk is put by meanwhile; one lost uncounted.
#[test]
fn a_storm_from_two_threads_leaves_whole_records() {
    const EACH: u64 = 30_000;
    let recorder = recorder(64 * 1024);
    let done = AtomicBool::new(false);
    let check = |recent: &Recent| {
        let mut sizes = HashMap::new();
        for trace in &recent.traces {
            // One entry for each: twice would be two.
            let [Entry::Span(span)] = trace.entries.iter().collect::<Vec<_>>()[..] else {
                panic!("{trace:?}")
            };
            assert_eq!(trace_id(span.start), trace.head.trace_id);
            assert_eq!(span.fields.len() as u64, span.start % 700);
            *sizes.entry(span.start % 2).or_insert(0) += 1;
        }
        sizes.len()
    };
    let rounds = thread::scope(|scope| {
        let writers = [0, 1].map(|odd| {
            let recorder = &recorder;
            scope.spawn(move || {
                for number in (0..EACH).map(|number| number * 2 + odd) {
                    let entries = entries(number, (number % 700) as usize);
                    recorder.record(&head(number, Tick::default()), entries.as_bytes(), number % 16 < 2);
                }
            })
        });
        let reader = scope.spawn(|| {
            let mut rounds = 0;
            while !done.load(Ordering::Relaxed) {
                check(&all(&recorder, Tick::default()));
                rounds += 1;
            }
            rounds
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(rounds > 0);
    let lost = recorder.lost(Loss::Busy);
    assert!(lost < EACH / 2, "{lost} of {} lost", 2 * EACH);
    assert_eq!(recorder.lost(Loss::TooLarge), 0);
    assert!(check(&all(&recorder, Tick::default())) > 0);
}

#[test]
fn no_bytes_are_no_recorder_and_few_are_a_few() {
    assert!(Recorder::new(RecorderLimits { bytes: 0, ..RecorderLimits::default() }).is_none());
    let least = recorder(1);
    assert_eq!(least.limits().bytes, BYTES_MIN);
    least.record(&head(1, Tick::default()), entries(1, 100).as_bytes(), true);
    assert_eq!(all(&least, Tick::default()).traces.len(), 1);
    for bytes in [BYTES_MIN, 100_000, 1 << 20, 32 << 20, BYTES_MAX] {
        let recorder = recorder(bytes);
        assert!(recorder.usual.capacity() + recorder.pinned.capacity() <= bytes, "{bytes}");
    }
}
