//! The sink from end to end.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::clock::ManualClock;
use crate::context::SpanContext;
use crate::counting::allocations;
use crate::record::Correlation;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
struct Seen {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Allocations of the worker when it last wrote.
    allocations: Arc<AtomicU64>,
}

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.allocations.store(allocations(), Ordering::Relaxed);
        let mut seen = self.bytes.lock().unwrap();
        if seen.len() + bytes.len() <= seen.capacity() {
            seen.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seen {
    fn with_capacity(capacity: usize) -> Self {
        Seen { bytes: Arc::new(Mutex::new(Vec::with_capacity(capacity))), ..Seen::default() }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }
}

fn start(writer: Seen, format: LogFormat, lines: usize) -> JsonLines {
    let options = LogOptions {
        service: Service { name: "shop", version: None, project: None },
        format,
        limits: QueueLimits { lines, ..QueueLimits::default() },
        clock: ManualClock::new().into(),
        writer: Box::new(writer),
        look: None,
    };
    JsonLines::start(options).unwrap()
}

fn log(lines: &JsonLines, span: &Fields, message: &Text, event: &Fields) {
    lines.log(&LogRecord {
        callsite: 0,
        unix_nanos: 0,
        level: Level::INFO,
        target: "shop::pay",
        message,
        span_context: Some(SpanContext::root()),
        correlation_id: Some(Correlation::Given("7")),
        span: Some(span),
        event,
    });
}

// Mutations caught: `buffer` that always makes a new one; a `Text` made for each message; names escaped into a
// `String`; a batch made for each step.
#[test]
fn no_line_allocates_after_warm_up() {
    for format in [LogFormat::Json, LogFormat::OpenTelemetry, LogFormat::Ecs, LogFormat::GoogleCloud] {
        no_line_allocates(format);
    }
}

fn no_line_allocates(format: LogFormat) {
    let seen = Seen::with_capacity(0);
    let lines = start(seen.clone(), format, 1024);
    // As many buffers as are ever under way at once: how fast the worker is must not matter.
    let buffers: Vec<_> = (0..256).map(|_| lines.queue.buffer()).collect();
    for mut buffer in buffers {
        buffer.extend_from_slice(b"{}\n");
        assert!(lines.queue.push(Level::INFO, buffer));
    }
    lines.flush(PATIENCE).unwrap();
    let (mut outer, mut span, mut message, mut event) = <(Fields, Fields, Text, Fields)>::default();
    let mut counts = [(0, 0); 2];
    for count in &mut counts {
        let before = (allocations(), seen.allocations.load(Ordering::Relaxed));
        for index in 0..2_000_u64 {
            outer.clear();
            outer.str("http.route", "/charge");
            span.inherit(&outer);
            span.debug("user", &Some("x\n"));
            message.set_formatted(format_args!("payment {index} authorised"));
            event.clear();
            event.u64("order.id", index);
            event.f64("total", 2.5);
            event.str("user", "the innermost wins");
            event.bool("level", true);
            event.str("outcome", "ok");
            event.f64("duration_ms", 5.75);
            event.u64("a_b", index);
            event.u64("a.b", index);
            log(&lines, &span, &message, &event);
            if index % 200 == 0 {
                lines.flush(PATIENCE).unwrap();
            }
        }
        lines.flush(PATIENCE).unwrap();
        let after = (allocations(), seen.allocations.load(Ordering::Relaxed));
        *count = (after.0 - before.0, after.1 - before.1);
    }
    let [warming_up, warm] = counts;
    assert!(warming_up.0 > 0, "the counter does not count");
    assert_eq!(warm, (0, 0), "{format}");
    assert_eq!(lines.stats().dropped(Loss::QueueFull), 0);
}

#[test]
fn a_loss_is_told_in_the_form_of_the_other_lines() {
    let clock = Clock::from(ManualClock::new());
    let layout = Layout::new(LogFormat::Json, Service { name: "shop", version: None, project: None });
    let mut line = Vec::new();
    report(&layout, &clock, Loss::QueueFull, 17, &mut line);
    let expected = concat!(
        r#"{"timestamp":"1970-01-01T00:00:00.000000Z","level":"WARN","message":"log lines dropped","#,
        r#""target":"observe","service.name":"shop","dropped":17,"reason":"queue_full"}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(line).unwrap(), expected);
}

#[test]
fn lines_come_out_in_the_chosen_format() {
    for (format, expected) in [
        (LogFormat::Json, "\"trace_flags\":\"02\",\"correlation_id\":\"7\",\"a\":1}\n"),
        (
            LogFormat::OpenTelemetry,
            "\"TraceFlags\":\"02\",\"Attributes\":{\"correlation_id\":\"7\",\"a\":1}}\n",
        ),
        (LogFormat::Ecs, "\"http.request.id\":\"7\",\"labels\":{\"a\":1,\"trace_flags\":\"02\"}}\n"),
        (LogFormat::GoogleCloud, "trace_sampled\":false,\"correlation_id\":\"7\",\"a\":1}\n"),
        (LogFormat::Pretty { colour: false }, "00:00:00.000000 INFO  shop::pay: hello a=1 trace="),
    ] {
        let seen = Seen::with_capacity(1024);
        let lines = start(seen.clone(), format, 16);
        let (mut message, mut event) = <(Text, Fields)>::default();
        message.set("hello");
        event.u64("a", 1);
        log(&lines, &Fields::new(), &message, &event);
        lines.shutdown(PATIENCE).unwrap();
        assert!(seen.text().contains(expected), "{}", seen.text());
        assert_eq!(lines.queue_length(), 0);
    }
}
