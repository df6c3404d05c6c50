//! Libraries that are instrumented with the opentelemetry API are in the same trace, where that is asked for.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::context::{Baggage, Context, SpanContext, TraceState};
use observe_core::testing::Captured;
use observe_core::{Operation, Sampling};
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context as Api, KeyValue};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};

/// A library, and where its spans go.
struct Library {
    provider: SdkTracerProvider,
    exported: InMemorySpanExporter,
}

impl Library {
    fn new() -> Self {
        let exported = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exported.clone()).build();
        Self { provider, exported }
    }

    fn tracer(&self) -> SdkTracer {
        self.provider.tracer("library")
    }

    /// Does something, as a span of its own.
    fn work(&self, name: &'static str) {
        self.tracer().start(name).end();
    }

    fn span(&self, name: &str) -> SpanData {
        let spans = self.exported.get_finished_spans().unwrap();
        spans.into_iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}"))
    }
}

fn following(sampling: Sampling) -> Captured {
    Captured::with(|builder| builder.opentelemetry_context(true).sampling(sampling))
}

fn here() -> SpanContext {
    Context::current().span().unwrap()
}

/// What the API takes for current: trace, span, flags.
fn api() -> (String, String, u8) {
    Api::map_current(|current| {
        let span = current.span();
        let span = span.span_context();
        (span.trace_id().to_string(), span.span_id().to_string(), span.trace_flags().to_u8())
    })
}

fn of(span: SpanContext) -> (String, String, u8) {
    (span.trace_id.to_string(), span.span_id.to_string(), span.flags.bits())
}

// Mutations caught: a context that is not attached, in any of the ways to be inside; that stays when the operation is
// left; that is another operation's, one that ended among them.
#[test]
fn it_follows_operations_in_and_out() {
    let captured = following(Sampling::always());
    let library = Library::new();
    captured.run(|| {
        let nothing = api();
        let outer = Operation::builder("outer").start();
        {
            let _entered = outer.enter();
            assert_eq!(api(), of(here()));
            let around = api();
            library.work("in outer");
            Operation::builder("inner").start().run(|| {
                assert_eq!(api(), of(here()));
                assert_ne!(api(), around);
                library.work("in inner");
            });
            assert_eq!(api(), around);
        }
        assert_eq!(api(), nothing);
        // In the place of those that ended.
        for _ in 0..3 {
            Operation::builder("again").start().run(|| assert_eq!(api(), of(here())));
        }
    });
    for name in ["outer", "inner"] {
        let (ours, theirs) = (captured.span(name), library.span(&format!("in {name}")));
        assert_eq!(theirs.span_context.trace_id().to_string(), ours.trace_id().to_string());
        assert_eq!(theirs.parent_span_id.to_string(), ours.span_id().to_string());
        assert!(!theirs.parent_span_is_remote);
    }
}

// Mutation caught: a task or a thread that has our context and not the API's.
#[test]
fn it_follows_to_other_tasks_and_threads() {
    let captured = following(Sampling::always());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(captured.scope(async {
        let job = async {
            let expected = of(here());
            let task = observe_core::spawn(async {
                tokio::task::yield_now().await;
                api()
            });
            assert_eq!(task.await.unwrap(), expected);
            assert_eq!(observe_core::spawn_blocking(api).await.unwrap(), expected);
            tokio::task::yield_now().await;
            assert_eq!(api(), expected);
        };
        Operation::builder("job").start().instrument(job).await;
    }));
}

// Mutation caught: state or baggage left out.
#[test]
fn state_and_baggage_go_along() {
    let captured = following(Sampling::never());
    let mut context = Context::new();
    context.set_span(Some(SpanContext::root()));
    context.set_tracestate(TraceState::parse([b"rojo=1".as_slice()]).0);
    context.set_baggage(Baggage::parse([b"shop=north%20side;closed;owner=me".as_slice()]).0);
    captured.telemetry().operation("job").parent(&context).start().run(|| {
        let current = Api::current();
        assert_eq!(current.span().span_context().trace_state().header(), "rojo=1");
        assert!(!current.span().span_context().is_sampled());
        let (value, properties) = current.baggage().get_with_metadata("shop").unwrap();
        assert_eq!((value.as_str(), properties.as_str()), ("north side", "closed;owner=me"));
    });
}

// Mutations caught: a foreign context that is not read, or that is read though something of ours is running; a trace
// that the library keeps and this process does not.
#[test]
fn what_the_library_began_goes_on() {
    let captured = following(Sampling::never());
    let library = Library::new();
    captured.run(|| {
        let theirs = Api::current_with_span(library.tracer().start("theirs"));
        let theirs = theirs.with_baggage([KeyValue::new("shop", "north side")]);
        let _attached = theirs.attach();
        let current = api();
        Operation::builder("below").start().run(|| {
            let context = Context::current();
            assert_eq!(context.span().unwrap().trace_id.to_string(), current.0);
            assert!(context.span().unwrap().flags.is_sampled());
            assert_eq!(context.baggage().get("shop").as_deref(), Some("north side"));
            let _again = Api::current_with_span(library.tracer().start("in between")).attach();
            Operation::builder("ours is running").start().run(|| ());
        });
        assert_eq!(api(), current);
    });
    let below = captured.span("below");
    library.provider.force_flush().unwrap();
    let theirs = library.span("theirs");
    assert_eq!(below.parent().unwrap().to_string(), theirs.span_context.span_id().to_string());
    assert_eq!(captured.span("ours is running").parent(), Some(below.span_id()));
}

// Mutation caught: a telemetry that does so unasked.
#[test]
fn by_default_it_does_not() {
    let captured = Captured::new();
    let library = Library::new();
    let nothing = api();
    captured.run(|| {
        Operation::builder("job").start().run(|| assert_eq!(api(), nothing));
        let _attached = Api::current_with_span(library.tracer().start("theirs")).attach();
        Operation::builder("another").start().run(|| assert_ne!(here().trace_id.to_string(), api().0));
    });
    assert_eq!(captured.span("another").parent(), None);
}

// Mutation caught: values, or the wish to be left alone, hidden by what is attached.
#[test]
fn what_is_around_stays() {
    #[derive(Debug, PartialEq)]
    struct Mine(u32);
    let captured = following(Sampling::always());
    let _attached = Api::current_with_value(Mine(7)).with_telemetry_suppressed().attach();
    captured.run(|| {
        Operation::builder("job").start().run(|| {
            assert!(Api::map_current(|current| current.get::<Mine>() == Some(&Mine(7))));
            assert!(Api::is_current_telemetry_suppressed());
            assert_eq!(api(), of(here()));
        });
    });
}

// Mutation caught: the API's own panic let through, in a place where it refuses.
#[test]
fn where_it_cannot_follow_the_work_goes_on() {
    let captured = following(Sampling::always());
    captured.run(|| {
        let operation = Operation::builder("job").start();
        assert_eq!(Api::map_current(|_| operation.run(|| 7)), 7);
    });
    assert_eq!(captured.span("job").outcome(), Some(observe_core::Outcome::Ok));
}

#[cfg(feature = "macros")]
#[observe_core::observed]
async fn annotated() -> (SpanContext, (String, String, u8)) {
    tokio::task::yield_now().await;
    (here(), api())
}

// Mutation caught: a way to be inside that takes another path.
#[cfg(feature = "macros")]
#[test]
fn it_follows_requests_and_annotated_functions() {
    let captured = following(Sampling::always());
    let request = observe_core::http_server::HttpRequest::new("GET", "/");
    let mut request = captured.telemetry().http_server().start(&request, &Context::new());
    request.within(|| assert_eq!(api(), of(here())));
    request.finish();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (own, seen) = runtime.block_on(captured.scope(annotated()));
    assert_eq!(seen, of(own));
}
