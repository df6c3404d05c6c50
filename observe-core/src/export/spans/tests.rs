//! Storms, slow exporters, broken exporters.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::context::{SpanId, TraceFlags, TraceId, TraceState};
use crate::error::Error;
use crate::export::assemble::Assembly;
use crate::outcome::Outcome;
use crate::record::{Entries, Entry, EventRecord, Keep, Kind, SpanRecord, TraceHead, TraceRecord, TraceSink};
use tracing_core::Level;

const PATIENCE: Duration = Duration::from_secs(30);

/// A trace of so many spans, each of which has a line in it.
fn trace(spans: u32, keep: Keep) -> TraceRecord {
    let mut entries = Entries::new();
    for _ in 0..spans {
        let id = SpanId::random();
        let (level, message, fields) = (Level::INFO, "line", r#","n":1"#);
        entries.push(&Entry::Event(EventRecord {
            span_id: id,
            unix_nanos: 1,
            level,
            target: "tests",
            message,
            fields,
        }));
        entries.push(&Entry::Span(SpanRecord {
            id,
            parent: None,
            is_local_root: true,
            kind: Kind::Server,
            outcome: Outcome::Ok,
            start: 1,
            end: 2,
            name: "span",
            target: "tests",
            fields: "",
            end_fields: "",
        }));
    }
    let (trace_id, flags, tracestate) = (TraceId::random(), TraceFlags::SAMPLED, TraceState::new());
    TraceRecord { head: TraceHead { trace_id, flags, tracestate, keep, probability: 1.0 }, entries, spans }
}

/// What the exporter got, and how it answers.
#[derive(Default)]
struct Desk {
    seen: Mutex<Seen>,
    changed: Condvar,
    made: AtomicUsize,
}

#[derive(Default)]
struct Seen {
    /// Spans of each batch that was taken, and when each attempt was made.
    taken: Vec<usize>,
    attempts: Vec<Instant>,
    replies: Vec<Reply>,
    otherwise: Option<Reply>,
}

#[derive(Clone)]
enum Reply {
    Answer(Answer),
    Hang,
    Panic,
}

impl Desk {
    fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.seen.lock().unwrap().replies.extend(replies);
    }

    fn always(&self, reply: Option<Reply>) {
        self.seen.lock().unwrap().otherwise = reply;
    }

    fn spans(&self) -> u64 {
        self.seen.lock().unwrap().taken.iter().sum::<usize>() as u64
    }

    fn attempts(&self) -> Vec<Instant> {
        self.seen.lock().unwrap().attempts.clone()
    }

    fn wait_for(&self, attempts: usize) {
        let seen = self.seen.lock().unwrap();
        let waiting = |seen: &mut Seen| seen.attempts.len() < attempts;
        assert!(!self.changed.wait_timeout_while(seen, PATIENCE, waiting).unwrap().1.timed_out());
    }
}

struct Scripted(Arc<Desk>);

impl Exporter for Scripted {
    type Span = SpanId;
    type Batch = usize;

    fn target(&self) -> &str {
        "tests"
    }

    fn read(&self, trace: &TraceRecord, take: &mut dyn FnMut(SpanId)) -> u64 {
        let Assembly { spans, events, links } = Assembly::of(trace.entries.iter());
        spans.iter().for_each(|span| take(span.record.id));
        (events.len() + links.len()) as u64
    }

    fn weight(&self, _: &SpanId) -> usize {
        100
    }

    fn pack(&self, spans: Vec<SpanId>) -> usize {
        spans.len()
    }

    async fn send(&self, batch: &usize) -> Answer {
        let reply = {
            let mut seen = self.0.seen.lock().unwrap();
            seen.attempts.push(Instant::now());
            self.0.changed.notify_all();
            let next = if seen.replies.is_empty() { None } else { Some(seen.replies.remove(0)) };
            next.or_else(|| seen.otherwise.clone()).unwrap_or(Reply::Answer(Answer::TAKEN))
        };
        match reply {
            Reply::Hang => std::future::pending().await,
            Reply::Panic => panic!("on purpose"),
            Reply::Answer(answer) => {
                if let Answer::Taken { rejected, .. } = &answer {
                    self.0.seen.lock().unwrap().taken.push(batch - *rejected as usize);
                }
                answer
            }
        }
    }
}

fn limits(spans: usize, batch: usize) -> SpanLimits {
    SpanLimits { spans, batch, delay: Duration::from_millis(20), ..SpanLimits::default() }
}

fn start(limits: SpanLimits) -> (SpanQueue, Arc<Desk>) {
    let desk = Arc::<Desk>::default();
    let making = Arc::clone(&desk);
    let make = move || {
        making.made.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Error>(Scripted(Arc::clone(&making)))
    };
    (SpanQueue::start("tests", limits, make).unwrap(), desk)
}

fn later(why: &str) -> Reply {
    Reply::Answer(Answer::failed(why))
}

/// What was handed in is delivered or counted, exactly, and no room is kept.
fn balanced(queue: &SpanQueue, desk: &Desk, handed_in: u64) {
    let stats = queue.stats();
    assert_eq!(stats.delivered(), desk.spans());
    assert_eq!(stats.delivered() + stats.lost(), handed_in, "{stats:?}");
    assert_eq!((queue.len(), queue.bytes()), (0, 0));
}

// Mutations caught: a batch larger than it may be; a last batch that is left.
#[test]
fn spans_go_in_batches() {
    let (queue, desk) = start(limits(1000, 10));
    queue.take(trace(25, Keep::Baseline));
    queue.take(trace(3, Keep::Baseline));
    queue.shutdown(PATIENCE).unwrap();
    let taken = desk.seen.lock().unwrap().taken.clone();
    // The second trace may come too late for the third batch.
    assert!([&[10, 10, 8][..], &[10, 10, 5, 3]].contains(&&taken[..]), "{taken:?}");
    balanced(&queue, &desk, 28);
}

// Mutation caught: a batch that is never full, since failures alone may fill the queue.
#[test]
fn a_batch_is_at_most_half_of_the_queue() {
    let hour = Duration::from_secs(3_600);
    let (queue, desk) = start(SpanLimits { delay: hour, ..limits(100, 100) });
    for _ in 0..50 {
        queue.take(trace(1, Keep::Baseline));
    }
    desk.wait_for(1);
}

// Mutations caught: waiting for the delay though there is enough; not waiting for it; a delay that never ends.
#[test]
fn a_batch_goes_when_it_is_full_or_old() {
    let hour = Duration::from_secs(3_600);
    let (queue, desk) = start(SpanLimits { delay: hour, ..limits(1000, 10) });
    for _ in 0..9 {
        queue.take(trace(1, Keep::Baseline));
    }
    thread::sleep(Duration::from_millis(50));
    assert_eq!(desk.attempts().len(), 0);
    queue.take(trace(1, Keep::Baseline));
    desk.wait_for(1);

    let (queue, desk) = start(limits(1000, 10));
    queue.take(trace(1, Keep::Baseline));
    desk.wait_for(1);
    queue.flush(PATIENCE).unwrap();
    balanced(&queue, &desk, 1);
}

// Mutations caught: a quarter that is not reserved, or for all; a refused trace that keeps its room, or is not counted.
#[test]
fn a_full_queue_drops_the_newest_and_a_failure_last() {
    let (queue, desk) = start(limits(100, 100));
    desk.always(Some(Reply::Hang));
    for _ in 0..90 {
        queue.take(trace(1, Keep::Baseline));
    }
    assert_eq!((queue.len(), queue.stats().dropped(SpanLoss::QueueFull)), (75, 15));
    for _ in 0..30 {
        queue.take(trace(1, Keep::Failure));
    }
    assert_eq!((queue.len(), queue.stats().dropped(SpanLoss::QueueFull)), (100, 20));
    assert!(queue.shutdown(Duration::ZERO).unwrap_err().is_io());
    assert_eq!(queue.stats().dropped(SpanLoss::Shutdown), 100);
    queue.take(trace(1, Keep::Failure));
    balanced(&queue, &desk, 121);
}

// Mutations caught: bytes that are not counted; a large trace that never finds room, or always.
#[test]
fn bytes_are_bounded_too() {
    let large = trace(200, Keep::Baseline);
    let bytes = large.bytes() * 4;
    let (queue, desk) = start(SpanLimits { bytes, ..limits(100, 100) });
    desk.always(Some(Reply::Hang));
    queue.take(large.clone());
    assert_eq!(queue.len(), 200, "it found an empty queue");
    queue.take(large);
    assert_eq!(queue.stats().dropped(SpanLoss::QueueFull), 200);
    let _ = queue.shutdown(Duration::ZERO);
    balanced(&queue, &desk, 400);

    let (queue, desk) = start(SpanLimits { bytes, ..limits(1 << 20, 1 << 20) });
    desk.always(Some(Reply::Hang));
    let mut handed_in = 0;
    while queue.stats().dropped(SpanLoss::QueueFull) == 0 {
        queue.take(trace(10, Keep::Baseline));
        handed_in += 10;
        assert!(queue.bytes() <= bytes / 4 * 3, "{}", queue.bytes());
    }
    let _ = queue.shutdown(Duration::ZERO);
    balanced(&queue, &desk, handed_in);
}

// Mutations caught: a batch that is dropped at its first failure, counted twice, or sent again after it was taken; no
// pause between attempts.
#[test]
fn what_fails_is_tried_again() {
    let (queue, desk) = start(limits(1000, 100));
    desk.next([later("one"), later("two")]);
    queue.take(trace(5, Keep::Baseline));
    desk.wait_for(3);
    queue.flush(PATIENCE).unwrap();
    let attempts = desk.attempts();
    assert_eq!(attempts.len(), 3);
    assert!(attempts[1] - attempts[0] >= Duration::from_millis(50), "{attempts:?}");
    assert_eq!(queue.stats().attempts(Attempt::Again), 2);
    assert_eq!(queue.stats().attempts(Attempt::Taken), 1);
    balanced(&queue, &desk, 5);
}

// Mutation caught: the collector's wish that is not waited for, by this batch or by the next.
#[test]
fn a_collector_is_left_alone_when_it_asks_for_it() {
    let wait = Some(Duration::from_millis(400));
    let (queue, desk) = start(SpanLimits { give_up: Duration::from_millis(10), ..limits(1000, 1) });
    desk.next([Reply::Answer(Answer::Later { wait, why: "busy".to_owned() })]);
    queue.take(trace(2, Keep::Baseline));
    // The loss may have been before the flush.
    let _ = queue.flush(PATIENCE);
    let attempts = desk.attempts();
    assert_eq!(attempts.len(), 2, "the first batch was given up, the second one waited");
    assert!(attempts[1] - attempts[0] >= Duration::from_millis(400), "{attempts:?}");
    assert_eq!(queue.stats().dropped(SpanLoss::Expired), 1);
    balanced(&queue, &desk, 2);
}

// Mutations caught: trying for ever; rejected spans counted as delivered; a loss that a flush keeps to itself.
#[test]
fn each_end_of_a_batch_is_counted() {
    // Nothing goes before the flush.
    let (delay, give_up) = (Duration::from_secs(3_600), Duration::from_millis(120));
    let (queue, desk) = start(SpanLimits { delay, give_up, ..limits(1000, 100) });
    let why = || "no".to_owned();
    desk.next([Reply::Answer(Answer::Refused(why()))]);
    queue.take(trace(1, Keep::Baseline));
    let error = queue.flush(PATIENCE).unwrap_err();
    assert!(error.is_io() && error.to_string().contains("1 spans were not delivered (no)"), "{error}");

    desk.next([Reply::Answer(Answer::Taken { rejected: 2, why: why() })]);
    queue.take(trace(10, Keep::Baseline));
    queue.flush(PATIENCE).unwrap_err();

    desk.always(Some(later("down")));
    queue.take(trace(3, Keep::Baseline));
    queue.flush(PATIENCE).unwrap_err();
    desk.always(None);
    queue.take(trace(4, Keep::Baseline));
    queue.flush(PATIENCE).unwrap();

    let stats = queue.stats();
    let dropped = [SpanLoss::Refused, SpanLoss::Rejected, SpanLoss::Expired].map(|loss| stats.dropped(loss));
    assert_eq!(dropped, [1, 2, 3]);
    let ended = [Attempt::Refused, Attempt::Partial, Attempt::Expired, Attempt::Taken];
    assert_eq!(ended.map(|attempt| stats.attempts(attempt)), [1; 4]);
    balanced(&queue, &desk, 18);
}

// Mutations caught: a worker that is not started again; a batch that is lost and not counted; what waited behind it lost,
// too; an exporter that is used after it panicked.
#[test]
fn a_worker_that_panics_is_started_again() {
    let (queue, desk) = start(limits(1000, 10));
    desk.next([Reply::Panic, Reply::Answer(Answer::TAKEN), Reply::Panic]);
    queue.take(trace(30, Keep::Baseline));
    queue.shutdown(PATIENCE).unwrap_err();
    assert_eq!(queue.stats().dropped(SpanLoss::Panicked), 20);
    assert_eq!(queue.stats().attempts(Attempt::Panicked), 2);
    assert_eq!(desk.made.load(Ordering::SeqCst), 3);
    balanced(&queue, &desk, 30);
}

// Mutations caught: a deadline that is not kept; what is left that is not counted, or not told.
#[test]
fn a_shutdown_gives_up_at_its_deadline() {
    for reply in [Reply::Hang, later("down")] {
        let (queue, desk) = start(limits(1000, 10));
        desk.always(Some(reply));
        queue.take(trace(25, Keep::Baseline));
        queue.take(trace(5, Keep::Baseline));
        let begun = Instant::now();
        let error = queue.shutdown(Duration::from_millis(200)).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(error.is_io() && error.to_string().contains("30 spans were not delivered"), "{error}");
        assert_eq!(queue.stats().dropped(SpanLoss::Shutdown), 30);
        balanced(&queue, &desk, 30);
        queue.shutdown(PATIENCE).unwrap();
    }
}

// Mutation caught: a flush that waits for the pause between two attempts, or for the delay.
#[test]
fn somebody_who_waits_is_not_kept_waiting() {
    let hour = Duration::from_secs(3_600);
    let (queue, desk) = start(SpanLimits { delay: hour, ..limits(1000, 10) });
    queue.take(trace(1, Keep::Baseline));
    queue.flush(PATIENCE).unwrap();
    assert_eq!(desk.spans(), 1);
    // After eight failures the pause is at least two and a half seconds.
    desk.next((0..8).map(|_| later("down")));
    queue.take(trace(1, Keep::Baseline));
    for attempt in 2..=8 {
        queue.shared_hurry();
        desk.wait_for(attempt);
    }
    let begun = Instant::now();
    for _ in 0..3 {
        let _ = queue.flush(Duration::from_millis(300));
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    balanced(&queue, &desk, 2);
}

// Mutation caught: a flush that is answered before what was accepted earlier is delivered.
#[test]
fn a_flush_in_an_outage_says_what_is_left() {
    let (queue, desk) = start(limits(1000, 10));
    desk.always(Some(later("connection refused")));
    queue.take(trace(7, Keep::Baseline));
    let error = queue.flush(Duration::from_millis(100)).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("7 are left (connection refused)"), "{error}");
    desk.always(None);
    queue.flush(PATIENCE).unwrap();
    balanced(&queue, &desk, 7);
}

// Mutation caught: a drop that does not wait.
#[test]
fn a_dropped_queue_delivers_what_it_has() {
    let (queue, desk) = start(SpanLimits { delay: PATIENCE, ..limits(1000, 10) });
    queue.take(trace(25, Keep::Baseline));
    drop(queue);
    assert_eq!(desk.spans(), 25);
}

// Mutation caught: lines of a span that ended elsewhere, lost and not counted; a trace without a span that keeps its room.
#[test]
fn lines_without_their_span_are_counted() {
    let (queue, desk) = start(limits(1000, 10));
    let mut apart = trace(1, Keep::Baseline);
    let whole = std::mem::take(&mut apart.entries);
    for entry in whole.iter().filter(|entry| !matches!(entry, Entry::Span(_))) {
        apart.entries.push(&entry);
    }
    apart.spans = 0;
    queue.take(apart);
    queue.flush(PATIENCE).unwrap();
    assert_eq!(queue.stats().apart(), 1);
    balanced(&queue, &desk, 0);
}

// Mutation caught: "at once", or a moment that is past by our clock, taken at its word: a collector that is busy is asked
// in a circle.
#[test]
fn who_asks_to_be_tried_at_once_is_given_time() {
    let (queue, desk) = start(limits(1000, 10));
    let busy = Answer::Later { wait: Some(Duration::ZERO), why: "busy".to_owned() };
    desk.next(std::iter::repeat_n(Reply::Answer(busy), 3));
    queue.take(trace(1, Keep::Baseline));
    desk.wait_for(4);
    let attempts = desk.attempts();
    assert!(attempts.is_sorted_by(|one, next| *next - *one >= Duration::from_millis(50)), "{attempts:?}");
    queue.flush(PATIENCE).unwrap();
    balanced(&queue, &desk, 1);
}

// Mutation caught: lines that no span can be sent for, taking the room of spans: a chatty task whose request is over.
#[test]
fn lines_without_their_span_take_no_room() {
    let (queue, desk) = start(limits(100, 10));
    desk.always(Some(Reply::Hang));
    let span = trace(1, Keep::Baseline);
    let mut entries = Entries::new();
    span.entries.iter().filter(|entry| entry.ended().is_none()).for_each(|line| entries.push(&line));
    for _ in 0..1_000 {
        queue.take(TraceRecord { entries: entries.clone(), spans: 0, ..span.clone() });
    }
    assert_eq!((queue.len(), queue.bytes(), queue.stats().apart()), (0, 0, 1_000));
    queue.take(span);
    assert_eq!((queue.len(), queue.stats().dropped(SpanLoss::QueueFull)), (1, 0));
    let _ = queue.shutdown(Duration::ZERO);
    balanced(&queue, &desk, 1);
}

// Whatever happens meanwhile, nothing is lost that is not counted. Mutations caught: a load that is given back twice; a
// loss counted after its room is given back (`balanced` then comes too early).
#[test]
fn in_a_storm_every_span_is_delivered_or_counted() {
    let give_up = Duration::from_millis(30);
    let (queue, desk) = start(SpanLimits { delay: Duration::from_millis(1), give_up, ..limits(300, 64) });
    let refused = || Reply::Answer(Answer::Refused("no".to_owned()));
    let partly = || Reply::Answer(Answer::Taken { rejected: 1, why: String::new() });
    let busy =
        || Reply::Answer(Answer::Later { wait: Some(Duration::from_millis(3)), why: "busy".to_owned() });
    let round = || [later("down"), partly(), Reply::Panic, refused(), busy(), Reply::Answer(Answer::TAKEN)];
    desk.next((0..40).flat_map(|_| round()));
    let handed_in = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..4_u32 {
            let (queue, handed_in) = (&queue, &handed_in);
            scope.spawn(move || {
                for number in 0..2_000_u32 {
                    let spans = (number + thread) % 7;
                    let keep = if number % 5 == 0 { Keep::Failure } else { Keep::Baseline };
                    queue.take(trace(spans, keep));
                    handed_in.fetch_add(spans as usize, Ordering::SeqCst);
                    if number % 64 == 0 {
                        thread::sleep(Duration::from_millis(5));
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..10 {
                let _ = queue.flush(Duration::from_millis(20));
            }
        });
    });
    let _ = queue.shutdown(PATIENCE);
    let stats = queue.stats();
    for loss in [SpanLoss::QueueFull, SpanLoss::Refused, SpanLoss::Rejected, SpanLoss::Panicked] {
        assert!(stats.dropped(loss) > 0, "{loss:?} did not happen: {stats:?}");
    }
    assert!(stats.delivered() > 0, "{stats:?}");
    balanced(&queue, &desk, handed_in.into_inner() as u64);
}
