//! Operations opened by hand.

use super::{Operation, Parent};
use crate::context::{Context, SpanContext};
use crate::door::callsite;
use crate::fields::Fields;
use crate::function::{DependencyName, Measure, OperationName};
use crate::hub::Hub;
use crate::record::Kind;
use crate::request::Value;
use crate::semconv;
use crate::span::Otel;
use std::fmt;
use std::sync::Arc;
use tracing_core::Level;

/// Describes an operation: [`Operation::builder`].
///
/// Its duration goes to `operation_duration_seconds{operation,outcome}`, the number of those under way to
/// `operations_in_flight{operation}`.
#[must_use = "an operation begins with `start`"]
pub struct OperationBuilder<'a> {
    name: &'static str,
    hub: Option<&'a Arc<Hub>>,
    kind: Kind,
    parent: Option<&'a Context>,
    trusted: bool,
    linked: bool,
    links: Vec<SpanContext>,
    attributes: Fields,
    dependency: Option<&'static str>,
}

impl<'a> OperationBuilder<'a> {
    pub(crate) fn new(name: &'static str, hub: Option<&'a Arc<Hub>>) -> Self {
        Self {
            name,
            hub,
            kind: Kind::Internal,
            parent: None,
            trusted: false,
            linked: false,
            links: Vec::new(),
            attributes: Fields::new(),
            dependency: None,
        }
    }

    /// What it is to the rest of the world. Defaults to [`Kind::Internal`].
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Hangs it below a context from elsewhere, a message's for example; below an empty one it starts a new
    /// trace. Defaults to what is running here.
    pub fn parent<'b>(self, parent: &'b Context) -> OperationBuilder<'b>
    where
        'a: 'b,
    {
        OperationBuilder { parent: Some(parent), ..self }
    }

    /// Whether who sent the [parent](Self::parent) is trusted: then the trace is kept where the sender keeps it (its
    /// sampled flag), and what its `tracestate` says of sampling counts. Defaults to `false`: the trace goes on, but
    /// decides nothing here.
    pub fn trusted(mut self, trusted: bool) -> Self {
        self.trusted = trusted;
        self
    }

    /// Starts a trace of its own, with a link to what it would hang below: for work that outlives what asked for it.
    /// The baggage and the correlation id go along; the `tracestate` does not. Defaults to hanging below.
    ///
    /// ```
    /// use observe_core::Operation;
    /// use observe_core::context::Context;
    ///
    /// Operation::builder("place order").start().run(|| {
    ///     let asked = Context::current().span().unwrap();
    ///     Operation::builder("rebuild index").linked().start().run(|| {
    ///         assert_ne!(Context::current().span().unwrap().trace_id, asked.trace_id);
    ///     });
    /// });
    /// ```
    pub fn linked(mut self) -> Self {
        self.linked = true;
        self
    }

    /// Points to other spans: a batch to that of each of its messages. A context without a span is passed over. The
    /// first link of an outermost operation is on its line, too. May be said again. Defaults to none.
    pub fn links<'c>(mut self, to: impl IntoIterator<Item = &'c Context>) -> Self {
        self.links.extend(to.into_iter().filter_map(Context::span));
        self
    }

    /// Says more of its span, and of every line in it: a name of the code's making, and what is too various for a
    /// label. Cut beyond 16 KiB; all together are at most 20 KiB.
    pub fn attribute(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        value.into().write(name, &mut self.attributes);
        self
    }

    /// It is a call to this dependency ([`Kind::Client`]): its duration goes to
    /// `dependency_duration_seconds{dependency,operation,outcome}` instead. A name of the code's making.
    pub fn dependency(mut self, dependency: &'static str) -> Self {
        self.kind = Kind::Client;
        self.dependency = Some(dependency);
        self
    }

    /// Starts it.
    pub fn start(self) -> Operation {
        let Self { name, hub, kind, parent, trusted, linked, mut links, attributes, dependency } = self;
        let operation = OperationName::from(name);
        let measure = match dependency {
            None => Measure::Operation(operation, kind),
            Some(dependency) => Measure::Dependency(DependencyName::from(dependency), operation, kind),
        };
        let apart = linked.then(|| {
            let mut context = parent.cloned().unwrap_or_else(Context::current);
            links.splice(..0, context.take_span());
            context
        });
        let parent = apart.as_ref().or(parent);
        let parent = parent.map_or(Parent::Current, if trusted { Parent::Trusted } else { Parent::Context });
        let kind = kind.as_str();
        let callsite = callsite!(
            semconv::span::TARGET,
            Level::INFO,
            "operation",
            "otel.name",
            "otel.kind",
            "otel.status_code"
        );
        let operation = Operation::open(parent, hub, false, measure, Some(callsite), || {
            tracing::info_span!(
                target: semconv::span::TARGET,
                "operation",
                otel.name = name,
                otel.kind = kind,
                otel.status_code = tracing::field::Empty,
            )
        });
        if let Some(span) = operation.open_span() {
            if !attributes.is_empty() {
                span.extend(&attributes, &Otel::default());
            }
            for to in links {
                span.link(to);
            }
            #[cfg(feature = "test-util")]
            span.show(|_| ());
        }
        operation
    }
}

impl fmt::Debug for OperationBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
