//! What a span is to the rest of the world.

/// What an operation is to the rest of the world (OpenTelemetry, "SpanKind").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Work of its own.
    #[default]
    Internal,
    /// It answers a request.
    Server,
    /// It makes a request and waits for the answer.
    Client,
    /// It hands a message on.
    Producer,
    /// It works on a message.
    Consumer,
}

impl Kind {
    /// Every kind, in the order of their codes.
    pub(crate) const ALL: [Kind; 5] =
        [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];

    /// Its name in lower case, as in `otel.kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Internal => "internal",
            Kind::Server => "server",
            Kind::Client => "client",
            Kind::Producer => "producer",
            Kind::Consumer => "consumer",
        }
    }

    /// The kind of this name, in either case; anything else is `Internal`.
    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name)).unwrap_or_default()
    }
}
