//! The metrics of streams.

use super::Route;
use crate::label::LabelValue;
use crate::label::own::label_set;
use crate::metric::{Buckets, Family, Gauge, HotHistogram};
use crate::outcome::Outcome;
use crate::semconv::http as names;
use crate::semconv::metric::OUTCOME;

/// What goes on after its request has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamKind {
    /// Server-sent events: an answer of the type `text/event-stream` whose length is not known.
    Sse,
    /// A connection that was upgraded to WebSocket.
    WebSocket,
    /// A connection that was upgraded to something else.
    Upgrade,
    /// A tunnel: `CONNECT`. Over HTTP/2, a WebSocket is one (RFC 8441).
    Connect,
}

impl StreamKind {
    const ALL: [StreamKind; 4] =
        [StreamKind::Sse, StreamKind::WebSocket, StreamKind::Upgrade, StreamKind::Connect];

    /// The text of the label `stream`: `sse`, `websocket`, `upgrade`, `connect`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            StreamKind::Sse => "sse",
            StreamKind::WebSocket => "websocket",
            StreamKind::Upgrade => "upgrade",
            StreamKind::Connect => "connect",
        }
    }
}

#[diagnostic::do_not_recommend]
impl LabelValue for StreamKind {
    const CARDINALITY: u32 = StreamKind::ALL.len() as u32;

    #[inline]
    fn code(self) -> u32 {
        self as u32
    }

    fn text(code: u32) -> &'static str {
        StreamKind::ALL.get(code as usize).map_or("", |stream| stream.as_str())
    }
}

label_set!(pub(crate) StreamLabels {
    route: Route = names::ROUTE_LABEL,
    stream: StreamKind = names::STREAM,
    outcome: Outcome = OUTCOME,
});
label_set!(pub(crate) OpenStreamLabels {
    route: Route = names::ROUTE_LABEL,
    stream: StreamKind = names::STREAM,
});

/// From a tenth of a second to a day.
const STREAM_SECONDS: Buckets =
    Buckets::new(&[0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0]);

pub(super) fn durations() -> Family<StreamLabels, HotHistogram> {
    let help = "How long streams lived, from the head of their request's answer to their end.";
    Family::hot_histogram(names::SERVER_STREAM_DURATION_SECONDS, help, STREAM_SECONDS)
}

pub(super) fn open() -> Family<OpenStreamLabels, Gauge> {
    let help = "Streams that are open: server-sent events, WebSockets and other upgrades, tunnels.";
    Family::gauge(names::SERVER_OPEN_STREAMS, help)
}
