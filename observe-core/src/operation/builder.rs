//! Operations opened by hand.

use super::{Operation, Parent};
use crate::context::Context;
use crate::function::{DependencyName, Measure, OperationName};
use crate::hub::Hub;
use crate::record::Kind;
use crate::semconv;
use std::fmt;
use std::sync::Arc;

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
    dependency: Option<&'static str>,
}

impl<'a> OperationBuilder<'a> {
    pub(crate) fn new(name: &'static str, hub: Option<&'a Arc<Hub>>) -> Self {
        Self { name, hub, kind: Kind::Internal, parent: None, dependency: None }
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

    /// It is a call to this dependency ([`Kind::Client`]): its duration goes to
    /// `dependency_duration_seconds{dependency,operation,outcome}` instead. A name of the code's making.
    pub fn dependency(mut self, dependency: &'static str) -> Self {
        self.kind = Kind::Client;
        self.dependency = Some(dependency);
        self
    }

    /// Starts it.
    pub fn start(self) -> Operation {
        let operation = OperationName::from(self.name);
        let measure = match self.dependency {
            None => Measure::Operation(operation, self.kind),
            Some(dependency) => Measure::Dependency(DependencyName::from(dependency), operation, self.kind),
        };
        let (name, kind) = (self.name, self.kind.as_str());
        Operation::open(
            self.parent.map_or(Parent::Current, Parent::Context),
            self.hub,
            false,
            measure,
            || {
                tracing::info_span!(
                    target: semconv::span::TARGET,
                    "operation",
                    otel.name = name,
                    otel.kind = kind,
                    otel.status_code = tracing::field::Empty,
                )
            },
        )
    }
}

impl fmt::Debug for OperationBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
