//! From the request that is answered by an upgrade to the task that has the connection.

use crate::clock::Tick;
use crate::context::{Context, SpanContext};
use crate::fields::Fields;
use crate::http_metrics::{Method, OpenStreamLabels};
use crate::hub::Hub;
use crate::sync::{AtomicU64, Mutex, MutexGuard};
use std::sync::{Arc, PoisonError};

/// A stream that has begun, by what its request knew.
pub(crate) struct Begun {
    pub(crate) hub: Arc<Hub>,
    pub(crate) method: Method,
    pub(crate) labels: OpenStreamLabels,
    /// The request.
    pub(crate) link: SpanContext,
    /// What the request carried, its span left out.
    pub(crate) context: Context,
    pub(crate) fields: Fields,
    pub(crate) start: Tick,
}

/// Between whoever asked for the stream and the request that begins it. It may come to nothing on either side, in
/// either order.
#[derive(Default)]
pub(crate) struct Handover {
    state: Mutex<State>,
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
}

#[derive(Default)]
enum State {
    /// The request is not answered yet, or was not answered so.
    #[default]
    Asked,
    /// It has begun, and is counted as open.
    Given(Begun),
    /// It was taken, or nobody waits any more.
    Over,
}

impl Handover {
    /// The stream begins. Nobody waits for it: then there is none.
    pub(crate) fn give(&self, begun: Begun) {
        let hub = Arc::clone(&begun.hub);
        let open = hub.http().open_streams.with(begun.labels);
        // Before it can be taken, so that the count is never below 0.
        open.inc();
        let mut state = self.lock();
        if matches!(*state, State::Asked) {
            *state = State::Given(begun);
        } else {
            drop(state);
            open.dec();
        }
    }

    /// The stream, once it has begun.
    pub(crate) fn take(&self) -> Option<Begun> {
        let mut state = self.lock();
        if matches!(*state, State::Given(_)) { Self::close(&mut state) } else { None }
    }

    /// The stream, if it has begun; if not, it will not.
    pub(crate) fn end(&self) -> Option<Begun> {
        Self::close(&mut self.lock())
    }

    /// Whether somebody still waits for it to begin.
    pub(crate) fn is_asked(&self) -> bool {
        matches!(*self.lock(), State::Asked)
    }

    fn close(state: &mut State) -> Option<Begun> {
        match std::mem::replace(state, State::Over) {
            State::Given(begun) => Some(begun),
            State::Asked | State::Over => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
