//! From the request to the task that has its connection: `handover.rs`.

use std::sync::Arc;

use crate::clock::{Clock, Tick};
use crate::context::{Context, SpanContext};
use crate::fields::Fields;
use crate::http_metrics::{Method, OpenStreamLabels};
use crate::hub::Hub;
use crate::sync::{explore, spawn};

#[allow(dead_code, reason = "the library uses what the models do not")]
#[path = "../../../observe-core/src/handover.rs"]
mod shipped;

use shipped::{Begun, Handover};

fn begun(hub: &Arc<Hub>) -> Begun {
    Begun {
        hub: Arc::clone(hub),
        method: Method,
        labels: OpenStreamLabels,
        link: SpanContext::root(),
        context: Context::new(),
        fields: Fields::default(),
        start: Tick::default(),
    }
}

/// The request begins a stream while its task takes it, and while nobody waits any more: one has it, or nobody, and it is
/// counted as open for as long as somebody has.
/// Mutations caught: the state looked at under one lock and changed under another, by who gives; a stream that
/// nobody waits for left counted as open.
pub fn a_stream_is_had_by_one() {
    explore(|| {
        let (hub, handover) = (Arc::new(Hub::new(Clock::system())), Arc::new(Handover::default()));
        let giver = {
            let (hub, handover) = (Arc::clone(&hub), Arc::clone(&handover));
            spawn(move || handover.give(begun(&hub)))
        };
        let taker = {
            let handover = Arc::clone(&handover);
            spawn(move || handover.take().is_some())
        };
        let ended = handover.end().is_some();
        let taken = taker.join().unwrap();
        giver.join().unwrap();
        assert!(!(taken && ended));
        assert_eq!(hub.http().open_streams.0.get(), i64::from(taken || ended));
        assert!(handover.take().is_none() && handover.end().is_none());
    });
}
