//! Nothing is allocated for a recording, nor by a scrape beyond its output.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use observe_core::context::{SpanId, TraceId};
use observe_core::label::{LabelId, LabelSet, LabelValue, OpenSet, Shape, digit};
use observe_core::metric::{Buckets, Exemplar, NativeBuckets, Window};
use observe_core::{Format, Outcome, Registry};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; only a number of this thread is changed.
#[allow(unsafe_code, reason = "an allocator that counts cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `run` allocates on this thread.
fn allocations(run: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

static TENANTS: OpenSet = OpenSet::new(10);

#[derive(Clone, Copy)]
struct Labels {
    tenant: LabelId,
    outcome: Outcome,
}

impl LabelSet for Labels {
    const NAMES: &'static [&'static str] = &["tenant", "outcome"];
    const SHAPE: &'static [Shape] = &[Shape::of::<Tenant>(), Shape::of::<Outcome>()];

    fn index(self) -> u64 {
        u64::from(self.tenant.code()) * 4 + u64::from(self.outcome.code())
    }

    fn overflow(self) -> u32 {
        u32::from(self.tenant.is_other())
    }

    fn text(index: u64, label: usize) -> &'static str {
        let code = digit(Self::SHAPE, index, label);
        if label == 0 { TENANTS.text(LabelId::from_code(code)) } else { Outcome::text(code) }
    }
}

#[derive(Clone, Copy)]
struct Tenant;

impl LabelValue for Tenant {
    const CARDINALITY: u32 = OpenSet::cardinality(10);
    const OTHER: Option<u32> = Some(LabelId::OTHER.code());

    fn code(self) -> u32 {
        0
    }

    fn text(_: u32) -> &'static str {
        ""
    }
}

#[derive(Clone, Copy)]
struct Closed(bool);

impl LabelSet for Closed {
    const NAMES: &'static [&'static str] = &["closed"];
    const SHAPE: &'static [Shape] = &[Shape::of::<bool>()];

    fn index(self) -> u64 {
        u64::from(self.0)
    }

    fn overflow(self) -> u32 {
        0
    }

    fn text(index: u64, _: usize) -> &'static str {
        bool::text(index as u32)
    }
}

// Catches: a text, a key or a cell made for each look-up, also past the limit; a scrape that builds anything
// for a series.
#[test]
fn nothing_is_allocated_after_the_first_touch() {
    let registry = Registry::new();
    let closed = registry.counter::<Closed>("closed_total", "Help.").unwrap();
    let open = registry.counter::<Labels>("open_total", "Help.").unwrap();
    let waits = registry.histogram::<Labels>("wait_seconds", "Help.", Buckets::SECONDS).unwrap();
    let hot = registry.hot_counter::<Labels>("hot_total", "Help.").unwrap();
    let hot_waits = registry.hot_histogram::<Labels>("hot_wait_seconds", "Help.", Buckets::SECONDS).unwrap();
    let native = registry.native_histogram::<Labels>("native_seconds", "H.", NativeBuckets::new()).unwrap();
    let both = Buckets::SECONDS.and_native(NativeBuckets::new());
    let both = registry.hot_histogram::<Labels>("both_seconds", "Help.", both).unwrap();
    let sizes = registry.summary::<Closed>("size_bytes", "Help.", Window::MINUTE).unwrap();
    let share = registry.gauge_f64::<Closed>("share_ratio", "Help.").unwrap();
    let tenants: Vec<String> = (0..50).map(|i| format!("tenant {i}")).collect();
    let exemplar = Exemplar {
        value: 0.3,
        trace_id: TraceId::from_hex(b"0123456789abcdef0123456789abcdef").unwrap(),
        span_id: SpanId::from_hex(b"0123456789abcdef").unwrap(),
        unix_nanos: 1,
    };
    let record = || {
        for tenant in &tenants {
            let labels = Labels { tenant: TENANTS.intern(tenant), outcome: Outcome::Error };
            closed.with(Closed(true)).inc();
            open.with(labels).inc();
            waits.with(labels).observe(0.3);
            waits.with(labels).exemplify(&exemplar);
            hot.with(labels).inc();
            hot_waits.with(labels).observe(0.3);
            hot_waits.with(labels).exemplify(&exemplar);
            (1..100).for_each(|value| native.with(labels).observe(f64::from(value) / 7.0));
            (1..100).for_each(|value| both.with(labels).observe(f64::from(value) / 7.0));
            native.with(labels).exemplify(&exemplar);
            sizes.with(Closed(false)).observe(1.0);
            share.with(Closed(false)).add(0.5);
        }
    };
    record();
    assert_eq!(allocations(record), 0, "recording");

    let mut out = Vec::new();
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        registry.encode(format, &mut out);
        out.clear();
        assert_eq!(allocations(|| registry.encode(format, &mut out)), 0, "{format:?}");
        assert!(out.len() > 1_000);
        out.clear();
    }
}
