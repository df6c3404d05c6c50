//! Panics, told: one line for each, and why the operation failed that it ended.
//!
//! The hook runs wherever something panicked: in a user's `Debug`, in this library, while a lock is held, on a thread
//! that is being torn down. So it takes no lock that this thread may hold, runs no code of others but the previous
//! hook, last, and what it cannot get at once it leaves out. A panic in a panic hook aborts the process.

use crate::catch::{is_caught, is_mute};
use crate::current;
use crate::fields::{Fields, Text};
use crate::hub::Hub;
use crate::record::{Entry, EventRecord, LogRecord};
use crate::semconv::log::{PANIC_LOCATION, PANIC_TARGET, THREAD_NAME};
use crate::span::OpenSpan;
use std::panic::{self, PanicHookInfo};
use std::thread;
use std::time::Duration;
use tracing_core::Level;

/// How long a panic that ends the process waits for its line.
const PATIENCE: Duration = Duration::from_millis(250);

/// The thread that the process ends with.
const MAIN: &str = "main";

/// How the texts of panics begin that do not unwind but abort (`core::panicking`). Whether one does is not said
/// otherwise, as of Rust 1.95.
const ABORTING: [&str; 3] =
    ["panic in a destructor during cleanup", "panic in a function that cannot unwind", "unsafe precondition"];

/// Sets the hook, in front of the one that is there. `note` is told in words of each panic that nobody of ours copes
/// with, and takes no lock; `flush` waits until the log is written, at most so long. `false`: it cannot be set, this
/// thread is panicking.
pub(crate) fn install(
    note: impl Fn(&str) + Send + Sync + 'static,
    flush: impl Fn(Duration) + Send + Sync + 'static,
) -> bool {
    if thread::panicking() {
        return false;
    }
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !is_mute() {
            tell(panic);
            if !is_caught() {
                note(&described(panic));
            }
            if ends_process(panic) {
                flush(PATIENCE);
            }
        }
        previous(panic);
    }));
    true
}

/// 1. Why it failed is handed to the operation, unless somebody of ours copes with it. 2. The line.
fn tell(panic: &PanicHookInfo<'_>) {
    let mut message = Text::new();
    message.set(text(panic));
    if !is_caught() {
        let cause = message.plain().into_owned();
        current::with_operation(|span| {
            if let Some(trace) = span.trace() {
                trace.try_tell(|told| told.cause.gather(Some(span.id), cause));
            }
        });
    }

    message.set_formatted(format_args!("panicked: {}", text(panic)));
    let mut fields = Fields::new();
    if let Some(location) = panic.location() {
        fields.display(PANIC_LOCATION, location);
    }
    if let Some(name) = thread::current().name() {
        fields.str(THREAD_NAME, name);
    }
    if current::with_span(|span| log_in(span, &message, &fields)).is_none() {
        current::with_hub(|hub| log(hub, record(hub, &message, &fields)));
    }
}

/// What happened, and where.
fn described(panic: &PanicHookInfo<'_>) -> String {
    let mut words = Text::new();
    words.set(text(panic));
    let words = words.plain();
    panic.location().map_or_else(|| words.to_string(), |location| format!("{words} ({location})"))
}

fn text<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("a value that is no text")
}

fn log_in(span: &OpenSpan, message: &Text, fields: &Fields) {
    let Some(trace) = span.trace() else { return };
    let hub = &trace.hub;
    if trace.is_recorded() {
        let tick = hub.clock.now();
        let event = EventRecord {
            span_id: span.id,
            unix_nanos: hub.clock.unix_nanos(tick),
            level: Level::ERROR,
            target: PANIC_TARGET,
            message: message.escaped(),
            fields: fields.as_str(),
        };
        trace.panicked(&Entry::Event(event), tick);
    }
    let span_context = Some(trace.span_context(span.id));
    trace.with_correlation_id(|correlation_id| {
        span.try_with_fields(|span| {
            log(hub, LogRecord { span_context, correlation_id, span, ..record(hub, message, fields) });
        });
    });
}

fn record<'a>(hub: &Hub, message: &'a Text, event: &'a Fields) -> LogRecord<'a> {
    LogRecord {
        unix_nanos: hub.clock.unix_nanos(hub.clock.now()),
        level: Level::ERROR,
        target: PANIC_TARGET,
        message,
        span_context: None,
        correlation_id: None,
        span: None,
        event,
        callsite: 0,
    }
}

fn log(hub: &Hub, record: LogRecord<'_>) {
    if hub.tells_panics() {
        hub.sink.log(&record);
    }
}

/// As far as it can be told: a thread's panic ends the thread, the main one's the process.
fn ends_process(panic: &PanicHookInfo<'_>) -> bool {
    let aborts = ABORTING.iter().any(|start| text(panic).starts_with(start));
    cfg!(panic = "abort") || aborts || thread::current().name() == Some(MAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::filter::Filter;
    use crate::hub::Parts;
    use crate::operation::Operation;
    use crate::outcome::Outcome;
    use crate::record::Sink;

    use crate::span::Otel;

    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Arc, Mutex};

    #[derive(Default)]
    struct Messages(Mutex<Vec<String>>);

    impl Sink for Messages {
        fn log(&self, record: &LogRecord<'_>) {
            let fields = record.span.map(Fields::as_str);
            self.0.lock().unwrap().push(format!("{}{fields:?}", record.message.escaped()));
        }

        fn render(&self, _: &LogRecord<'_>, _: &mut Vec<u8>) {
            unreachable!("nothing is held back");
        }

        fn write(&self, _: Level, _: &[u8], _: u64) {
            unreachable!("nothing is held back");
        }
    }

    // Mutations caught: `lock` instead of `try_lock`, in each of the two (this test never ends); `with` that borrows.
    #[test]
    fn a_panic_under_a_lock_of_this_thread_ends() {
        let sink = Arc::new(Messages::default());
        let hub = Arc::new(Hub::new(Parts {
            sink: Arc::clone(&sink) as Arc<dyn Sink>,
            filter: Filter::default(),
            ..Parts::detached()
        }));
        assert!(install(|_| (), |_| ()));
        let scope = current::push_scope(hub);
        let operation = Operation::builder("locked").start();
        let guard = operation.enter();
        let span = current::span().unwrap();
        let mut late = Fields::new();
        late.u64("late", 1);
        span.extend(&late, &Otel::default());
        let panics = |f: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
        panics(&|| span.trace().unwrap().tell(|_| panic!("under told")));
        panics(&|| span.with_fields(|_| panic!("under late")));
        panics(&|| current::with_span(|_| panic!("under the stack")).unwrap());
        drop(guard);
        operation.finish(Outcome::Error);
        current::pop(scope);
        let told = sink.0.lock().unwrap();
        // Where the stack cannot be read nobody knows whose it was.
        let expected = [r#"panicked: under toldSome(",\"late\":1")"#, "panicked: under lateNone"];
        assert_eq!(told[..2], expected);
        assert!(told[2].starts_with("locked failed") && told.len() == 3, "{told:?}");
    }
}
