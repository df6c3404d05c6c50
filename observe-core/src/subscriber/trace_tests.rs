//! What becomes of spans: here, where everything that makes them is below.

use crate::clock::{Clock, ManualClock};
use crate::context::{Context, SpanId, TraceFlags};
use crate::counting;
use crate::current;
use crate::filter::Filter;
use crate::function::{Function, Measure};
use crate::hub::{Hub, Parts};
use crate::operation::{Operation, OperationBuilder, Parent};
use crate::outcome::Outcome;
use crate::record::{Entry, EventRecord, Keep, Kind, TraceRecord, TraceSink};
use crate::recorder::{Recorder, RecorderLimits};
use crate::request::{discard, keep};
use crate::sampling::{KeepRate, Sampling};
use crate::subscriber::Subscriber;
use crate::traces::{Cut, TraceLimits, Traces};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Taken(Mutex<Vec<TraceRecord>>);

impl TraceSink for Taken {
    fn take(&self, trace: TraceRecord) {
        self.0.lock().unwrap().push(trace);
    }
}

struct World {
    hub: Arc<Hub>,
    clock: ManualClock,
    taken: Arc<Taken>,
}

impl World {
    fn new(sampling: Sampling, limits: TraceLimits) -> Self {
        Self::with_rate(sampling, limits, 100)
    }

    fn with_rate(sampling: Sampling, limits: TraceLimits, rate: u32) -> Self {
        Self::recording(sampling, limits, rate, None)
    }

    fn recording(
        sampling: Sampling,
        limits: TraceLimits,
        rate: u32,
        recorder: Option<Arc<Recorder>>,
    ) -> Self {
        let (clock, taken) = (ManualClock::new(), Arc::new(Taken::default()));
        let hub = Arc::new(Hub::new(Parts {
            clock: Clock::from(clock.clone()),
            sampling,
            slow: Duration::from_secs(1),
            traces: Traces::new(Some(taken.clone()), recorder, limits, KeepRate::per_second(rate)),
            filter: "trace".parse::<Filter>().unwrap(),
            ..Parts::detached()
        }));
        Self { hub, clock, taken }
    }

    fn tail() -> Self {
        Self::new(Sampling::tail(0.0).unwrap(), TraceLimits::default())
    }

    /// A local root of a new trace.
    fn root(&self) -> Operation {
        Operation::open(
            Parent::Context(&Context::new()),
            Some(&self.hub),
            false,
            Measure::Function(&ROOT),
            None,
            tracing::Span::none,
        )
    }

    /// The traces that were handed over since.
    fn take(&self) -> Vec<TraceRecord> {
        std::mem::take(&mut self.taken.0.lock().unwrap())
    }

    fn cuts(&self) -> u64 {
        Cut::ALL.iter().map(|cut| self.hub.traces.count(*cut)).sum()
    }
}

static ROOT: Function = Function::new("root").without_metrics();
static CHILD: Function = Function::new("child").without_metrics().dependency("store");

fn within<R>(operation: &Operation, f: impl FnOnce() -> R) -> R {
    let _inside = operation.enter();
    f()
}

fn child() -> Operation {
    Operation::open(Parent::Current, None, false, Measure::Function(&CHILD), None, tracing::Span::none)
}

fn id(operation: &Operation) -> SpanId {
    operation.context().span().unwrap().span_id
}

fn spans(trace: &TraceRecord) -> Vec<SpanId> {
    trace.entries.iter().filter_map(|entry| entry.ended()).collect()
}

#[test]
fn a_trace_is_handed_over_whole_when_its_root_ends() {
    let world = World::new(Sampling::always(), TraceLimits::default());
    let root = world.root();
    let trace_id = root.context().span().unwrap().trace_id;
    let (root_id, child_id) = (id(&root), {
        let _inside = root.enter();
        let child = child();
        world.clock.advance(Duration::from_millis(3));
        let id = id(&child);
        child.fail("no such order");
        id
    });
    assert!(world.take().is_empty());
    world.clock.advance(Duration::from_millis(1));
    root.finish(Outcome::Ok);
    let [trace] = &world.take()[..] else { panic!("one trace") };
    assert_eq!((trace.head.trace_id, trace.spans), (trace_id, 2));
    assert_eq!(trace.head.flags, TraceFlags::from_bits(3));
    let entries: Vec<_> = trace.entries.iter().collect();
    let [Entry::Span(child), Entry::Span(root)] = entries[..] else { panic!("{entries:?}") };
    assert_eq!((child.id, child.parent, child.is_local_root), (child_id, Some(root_id), false));
    assert_eq!((child.name, child.kind, child.outcome), ("child", Kind::Client, Outcome::Error));
    assert_eq!(child.end - child.start, 3_000_000);
    assert!(child.end_fields.contains(r#","error.message":"no such order""#), "{}", child.end_fields);
    assert_eq!((root.id, root.parent, root.is_local_root), (root_id, None, true));
    assert_eq!((root.outcome, root.end - root.start), (Outcome::Ok, 4_000_000));
}

// Mutation caught: a link that is shown and not recorded.
#[test]
fn links_are_in_the_trace_of_the_span_that_has_them() {
    let world = World::new(Sampling::always(), TraceLimits::default());
    let messages = [world.root().context(), world.root().context()];
    world.take();
    let batch = OperationBuilder::new("batch", Some(&world.hub)).links(&messages).linked().start();
    let batch_id = id(&batch);
    batch.finish(Outcome::Ok);
    let [trace] = &world.take()[..] else { panic!("one trace") };
    let links = trace.entries.iter().filter_map(|entry| match entry {
        Entry::Link(link) if link.span_id == batch_id => Some(link.to),
        _ => None,
    });
    let expected: Vec<_> = messages.iter().filter_map(Context::span).collect();
    assert_eq!(links.collect::<Vec<_>>(), expected);
}

// Mutations caught: `decide` without `failed`, without `marked`, without the duration; a verdict made from the baseline.
#[test]
fn what_matters_is_kept_and_says_why() {
    let world = World::tail();
    let reason = |f: &dyn Fn(&Operation), outcome| {
        let root = world.root();
        f(&root);
        root.finish(outcome);
        world.take().first().map(|trace| trace.head.keep)
    };
    assert_eq!(reason(&|_| (), Outcome::Ok), None);
    assert_eq!(reason(&|_| (), Outcome::Cancelled), None);
    assert_eq!(reason(&|_| (), Outcome::Error), Some(Keep::Failure));
    assert_eq!(
        reason(&|root| within(root, || child().finish(Outcome::Panicked)), Outcome::Ok),
        Some(Keep::Failure)
    );
    assert_eq!(reason(&|root| within(root, keep), Outcome::Ok), Some(Keep::Marked));
    assert_eq!(reason(&|_| world.clock.advance(Duration::from_secs(1)), Outcome::Ok), Some(Keep::Slow));
    assert_eq!(reason(&|root| within(root, discard), Outcome::Error), None);
}

// Mutation caught: `Late` handed over whatever the verdict, or never.
#[test]
fn what_ends_after_its_root_follows_the_verdict() {
    let world = World::tail();
    for (outcome, late) in [(Outcome::Ok, 0), (Outcome::Error, 1)] {
        let root = world.root();
        let (first, second) = within(&root, || (child(), child()));
        root.finish(outcome);
        assert_eq!(world.take().len(), late);
        let expected = [id(&first), id(&second)];
        // Failing now changes nothing any more.
        first.finish(Outcome::Error);
        second.finish(Outcome::Ok);
        let found: Vec<_> = world.take().iter().flat_map(spans).collect();
        assert_eq!(found, &expected[..2 * late]);
    }
}

// Mutation caught: `own_str` for every span; `fields` of a parent in its children.
#[test]
fn spans_of_tracing_lines_and_links_are_part_of_it() {
    let world = World::tail();
    let subscriber = Subscriber::new(Arc::clone(&world.hub));
    let scope = current::push_scope(Arc::clone(&world.hub));
    tracing::subscriber::with_default(subscriber, || {
        let other = tracing::info_span!("other");
        let root =
            tracing::info_span!("job", job = 7, otel.kind = "consumer", otel.name = tracing::field::Empty);
        root.record("otel.name", "the job");
        root.in_scope(|| {
            let step = tracing::debug_span!(target: "steps", "step", step = 1, otel.status_code = tracing::field::Empty);
            step.follows_from(&other);
            step.in_scope(|| tracing::info!(amount = 2.5, "half way"));
            step.record("otel.status_code", "ERROR");
        });
    });
    current::pop(scope);
    // `other` is a root of its own, and nobody's failure.
    let [trace] = &world.take()[..] else { panic!("one trace") };
    let entries: Vec<_> = trace.entries.iter().collect();
    let [Entry::Link(link), Entry::Event(event), Entry::Span(step), Entry::Span(job)] = entries[..] else {
        panic!("{entries:?}")
    };
    assert_eq!((step.name, step.target, step.outcome), ("step", "steps", Outcome::Error));
    assert_eq!((step.fields, step.parent), (r#","step":1"#, Some(job.id)));
    assert_eq!((job.name, job.kind, job.fields), ("the job", Kind::Consumer, r#","job":7"#));
    assert_eq!((link.span_id, event.span_id), (step.id, step.id));
    assert_ne!(link.to.trace_id, trace.head.trace_id);
    assert_eq!((event.message, event.fields), ("half way", r#","amount":2.5"#));
    assert_eq!(trace.head.keep, Keep::Failure);
}

// Mutations caught: a sampled flag that is sent before the rate is asked; a rate that is asked again at the end.
#[test]
fn callees_are_told_of_failures_up_to_the_rate() {
    let world = World::recording(Sampling::tail(0.0).unwrap(), TraceLimits::default(), 3, None);
    let mut told = 0;
    for _ in 0..50 {
        let root = world.root();
        within(&root, || child().finish(Outcome::Error));
        told += usize::from(root.context().span().unwrap().flags.is_sampled());
        root.finish(Outcome::Error);
    }
    assert_eq!((told, world.take().len(), world.hub.traces.limited()), (3, 3, 47));
}

// Mutations caught: `is_early` left out of what is recorded, so that all is there twice; an early look that empties the
// buffer; one that is never shown.
#[test]
fn what_happened_until_a_panic_can_be_seen_at_once() {
    let recorder = Arc::new(Recorder::new(RecorderLimits::default()).unwrap());
    let world = World::recording(Sampling::never(), TraceLimits::default(), 0, Some(Arc::clone(&recorder)));
    let seen = || {
        let recent = recorder.recent(world.hub.clock.now());
        let entries: Vec<_> = recent.traces.iter().flat_map(|trace| trace.entries.iter()).collect();
        let spans = entries.iter().filter(|entry| entry.ended().is_some()).count();
        (recent.traces.len(), spans, entries.len() - spans)
    };
    let root = world.root();
    within(&root, || child().finish(Outcome::Ok));
    assert_eq!(seen(), (0, 0, 0));
    let span = root.open_span().unwrap();
    let tick = world.hub.clock.now();
    let event = EventRecord {
        span_id: span.id,
        unix_nanos: 1,
        level: tracing_core::Level::ERROR,
        target: "observe::panic",
        message: "panicked: on purpose",
        fields: "",
    };
    span.trace().unwrap().panicked(&Entry::Event(event), tick);
    assert_eq!(seen(), (1, 1, 1));
    root.finish(Outcome::Panicked);
    assert_eq!(seen(), (1, 2, 1));
}

#[test]
fn a_line_at_error_keeps_its_trace() {
    let world = World::tail();
    let root = world.root();
    tracing::subscriber::with_default(Subscriber::new(Arc::clone(&world.hub)), || {
        within(&root, || tracing::warn!("not yet"));
        assert!(!root.context().span().unwrap().flags.is_sampled());
        within(&root, || tracing::error!("the disk is full"));
    });
    // What is called from now on is told.
    assert!(root.context().span().unwrap().flags.is_sampled());
    root.finish(Outcome::Ok);
    assert_eq!(world.take()[0].head.keep, Keep::Failure);
}

// Mutations caught: `try_add` without its limits, or counting nothing; no room for what failed.
#[test]
fn a_trace_that_is_too_large_is_cut_and_counted() {
    for limits in [
        TraceLimits { spans: 50, ..TraceLimits::default() },
        TraceLimits { bytes: 8 * 1024, ..TraceLimits::default() },
        TraceLimits { total_bytes: 4 * 1024, ..TraceLimits::default() },
    ] {
        let world = World::new(Sampling::tail(0.0).unwrap(), limits);
        let root = world.root();
        let failed = within(&root, || {
            for _ in 0..1_000 {
                child().finish(Outcome::Ok);
            }
            let last = child();
            let id = id(&last);
            last.finish(Outcome::Error);
            id
        });
        assert!(world.hub.traces.held_bytes() <= limits.total_bytes.min(limits.bytes));
        root.finish(Outcome::Ok);
        let kept: Vec<_> = world.take().iter().flat_map(spans).collect();
        assert_eq!(kept.len() as u64 + world.cuts(), 1_002);
        assert!(world.cuts() > 500);
        if limits.total_bytes > limits.bytes {
            assert!(kept.contains(&failed));
        }
    }
}

// Mutation caught: `settle` without the rate, or with one for all kinds; a refused trace that is in the baseline dropped.
#[test]
fn an_outage_does_not_hand_over_everything() {
    let world = World::tail();
    for _ in 0..5_000 {
        world.root().finish(Outcome::Error);
    }
    assert_eq!(world.take().len(), 100);
    assert_eq!(world.hub.traces.limited(), 4_900);
    let world = World::new(Sampling::tail(1.0).unwrap(), TraceLimits::default());
    for _ in 0..1_000 {
        world.root().finish(Outcome::Error);
    }
    let kept = |reason| world.hub.traces.kept(reason);
    assert_eq!((kept(Keep::Failure), kept(Keep::Baseline)), (100, 900));
    assert_eq!(world.take().len(), 1_000);
}

#[test]
fn traces_beyond_their_number_are_counted() {
    let world = World::new(Sampling::always(), TraceLimits { traces: 3, ..TraceLimits::default() });
    let roots: Vec<_> = (0..5).map(|_| world.root()).collect();
    for root in &roots {
        within(root, || child().finish(Outcome::Ok));
    }
    assert_eq!(world.hub.traces.count(Cut::TracesFull), 2);
    roots.into_iter().for_each(|root| root.finish(Outcome::Ok));
    let kept = world.take().iter().map(|trace| u64::from(trace.spans)).sum::<u64>();
    assert_eq!(kept + world.cuts(), 10);
}

// Mutations caught: `part` that never finds anything due, or hands over what is not kept; `take_ended` that drops the
// lines of the spans that are still open.
#[test]
fn a_job_of_hours_is_handed_over_in_parts() {
    let world = World::tail();
    let job = world.root();
    tracing::subscriber::with_default(Subscriber::new(Arc::clone(&world.hub)), || {
        within(&job, || tracing::info!("begun"));
    });
    let mut ended = Vec::new();
    for _ in 0..3_600 {
        world.clock.advance(Duration::from_secs(1));
        let step = within(&job, child);
        ended.push(id(&step));
        step.finish(Outcome::Ok);
        assert!(world.hub.traces.held_bytes() <= 4 * 1024);
    }
    let parts = world.take();
    assert!(parts.iter().all(|part| part.head.keep == Keep::Slow));
    let mut found: Vec<_> = parts.iter().flat_map(spans).collect();
    assert!(found.len() > 3_590);
    job.finish(Outcome::Ok);
    let [last] = &world.take()[..] else { panic!("the last part") };
    found.extend(spans(last));
    assert_eq!(found.split_off(3_600).len(), 1);
    assert_eq!(found, ended);
    assert!(last.entries.iter().any(|entry| matches!(entry, Entry::Event(_))));
    assert_eq!(world.hub.traces.kept(Keep::Slow), 1);
    assert_eq!(world.cuts(), 0);
}

// Mutations caught: memory that is not reserved, or reserved in name only; a buffer that grows beyond it.
#[test]
fn memory_is_what_it_may_be_and_is_given_back() {
    let total_bytes = 256 * 1024;
    let spent = |total_bytes| {
        let world =
            World::new(Sampling::tail(0.0).unwrap(), TraceLimits { total_bytes, ..TraceLimits::default() });
        let roots: Vec<_> = (0..500).map(|_| world.root()).collect();
        // What it takes to have spans is there from now on.
        within(&roots[0], || child().finish(Outcome::Ok));
        let before = counting::held();
        for root in &roots {
            within(root, || (0..20).for_each(|_| child().finish(Outcome::Ok)));
        }
        let spent = counting::held() - before;
        roots.into_iter().for_each(|root| root.finish(Outcome::Ok));
        assert!(world.hub.traces.held_bytes() <= total_bytes);
        spent
    };
    let nothing = spent(0);
    let all = spent(total_bytes) - nothing;
    let most = isize::try_from(total_bytes).unwrap();
    assert!((most / 2..=most + 1024).contains(&all), "{all} of {most} bytes, {nothing} without");
    assert!(nothing < 1024, "{nothing}");
}

proptest! {
    // Mutations caught: a span recorded by its operation and again by `tracing`; `reset` without its count.
    #[test]
    fn every_span_is_handed_over_once_or_counted_once(
        steps in prop::collection::vec((0u8..5, 0usize..8, 0usize..4), 1..60),
        keeps in any::<bool>(),
        spans_max in 1u32..40,
    ) {
        let sampling = if keeps { Sampling::always() } else { Sampling::never() };
        let world = World::new(sampling, TraceLimits { spans: spans_max, ..TraceLimits::default() });
        let mut opened = 0;
        let root = world.root();
        let mut open = vec![root];
        for (step, which, outcome) in steps {
            let which = which % open.len();
            match step {
                0..=2 => {
                    let below = within(&open[which], child);
                    open.push(below);
                    opened += 1;
                }
                _ if open.len() > 1 => {
                    let ending = open.remove(which);
                    if step == 3 { ending.finish(Outcome::ALL[outcome]) } else { drop(ending) }
                }
                _ => {}
            }
        }
        drop(open);
        let found: Vec<_> = world.take().iter().flat_map(spans).collect();
        let mut once = found.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), found.len());
        if keeps {
            prop_assert_eq!(found.len() as u64 + world.cuts(), opened + 1);
        } else {
            prop_assert!(found.is_empty());
        }
    }
}

// Mutation caught: a first memory that is larger than the limit.
#[test]
fn limits_may_be_smaller_than_a_buffers_first_memory() {
    for bytes in [0, 60, 100, 300, 511] {
        let world = World::new(Sampling::always(), TraceLimits { bytes, ..TraceLimits::default() });
        world.root().finish(Outcome::Ok);
        let handed_over: u32 = world.take().iter().map(|trace| trace.spans).sum();
        assert_eq!(u64::from(handed_over) + world.cuts(), 1, "{bytes}");
        assert!(world.hub.traces.held_bytes() <= bytes);
    }
}

// Mutation caught: one that is refused counted again whenever a part of it is due.
#[test]
fn a_long_trace_is_limited_once() {
    let world = World::with_rate(Sampling::tail(0.0).unwrap(), TraceLimits::default(), 0);
    let root = world.root();
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(10));
        within(&root, || (0..100).for_each(|_| drop(child())));
    }
    root.finish(Outcome::Ok);
    assert_eq!((world.take().len(), world.hub.traces.limited()), (0, 1));
}

// Mutation caught: memory that one thread keeps for its next traces, and that all others wait for in vain.
#[test]
fn what_a_thread_keeps_for_later_leaves_room_for_others() {
    for limits in [
        TraceLimits { traces: 8, ..TraceLimits::default() },
        TraceLimits { total_bytes: 8 * 512, ..TraceLimits::default() },
    ] {
        let world = World::new(Sampling::always(), limits);
        let (done, wait) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let traces: Vec<_> = (0..8).map(|_| world.root()).collect();
                traces.iter().for_each(|root| within(root, || drop(child())));
                drop(traces);
                done.wait();
                wait.wait();
            });
            done.wait();
            let before = world.cuts();
            let traces: Vec<_> = (0..3).map(|_| world.root()).collect();
            traces.iter().for_each(|root| within(root, || drop(child())));
            drop(traces);
            wait.wait();
            assert_eq!((before, world.cuts()), (0, 0), "{limits:?}");
        });
    }
}
