//! Server-sent events: what came in each slot of the history, for pages that are open.

use super::history::History;
use super::json;
use super::overview;
use super::refusal::{Refusal, Rule};
use super::state::State;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};

/// The most that listen at once.
const LISTENERS: usize = 8;
/// The most events that wait for one who reads slowly. What comes then is left out.
const WAITING: usize = 4;
/// After so many events, about ten minutes, a listener is to come again.
const EVENTS: u32 = 290;

/// The first that is sent: when to come again.
const HELLO: &str = "retry: 2000\n\n";

/// Those who listen.
#[derive(Default)]
pub(super) struct Listeners(Mutex<Vec<Open>>);

struct Open {
    sender: Sender<Bytes>,
    /// How many events it still gets.
    left: u32,
}

impl Listeners {
    /// One more.
    pub(super) fn open(&self) -> Result<Receiver<Bytes>, Refusal> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|listener| !listener.sender.is_closed());
        if open.len() >= LISTENERS {
            return Err(Refusal::new(Rule::Listeners, "as many listen as there may be"));
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        // It has room.
        let _ = sender.try_send(Bytes::from_static(HELLO.as_bytes()));
        open.push(Open { sender, left: EVENTS });
        Ok(receiver)
    }

    /// Tells them; `make` is called only if there is one.
    pub(super) fn tell(&self, make: impl FnOnce() -> Value) {
        let is_heard = {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|listener| listener.left > 0 && !listener.sender.is_closed());
            !open.is_empty()
        };
        if !is_heard {
            return;
        }
        let event = Bytes::from(format!("event: tick\ndata: {}\n\n", make()));
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain_mut(|listener| {
            listener.left = listener.left.saturating_sub(1);
            !matches!(listener.sender.try_send(event.clone()), Err(TrySendError::Closed(_)))
        });
    }
}

/// What came in the last slot.
pub(super) fn tick(state: &State) -> Value {
    let (oldest, count) = state.inspect.in_flight(1);
    let filter = state.telemetry.levels().filter().to_string();
    let slos = overview::slos(state);
    let history = state.history();
    let slot = history.slots.back();
    json!({
        "now": json::time(state.unix_nanos()),
        "start": slot.map(|slot| json::time(slot.start_unix_nanos)),
        "seconds": slot.map(|slot| slot.seconds),
        "in_flight": count,
        "oldest_ms": oldest.first().map(|request| json::duration_ms(request.running)),
        "total": overview::total(&history, 1),
        "routes": routes(&history),
        "heat": overview::heat_of(&history, 1, |_| true).pop(),
        "slos": slos,
        "filter": filter,
    })
}

/// The rows that had a request.
fn routes(history: &History) -> Vec<Value> {
    let Some(slot) = history.slots.back() else { return Vec::new() };
    let rows = slot.rows.iter().filter_map(|(number, counted)| Some((history.rows.get(*number)?, counted)));
    rows.map(|(row, counted)| {
        let mut members = Map::new();
        members.insert("kind".to_owned(), row.kind.as_str().into());
        members.insert("method".to_owned(), row.method.as_str().into());
        members.insert("route".to_owned(), row.route.as_str().into());
        members.extend(overview::figures(history.bounds(row.kind), counted, slot.seconds));
        members.into()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: listeners without end; one that left keeping its place; something made for nobody; events without
    // end for who does not read, or for one listener.
    #[test]
    fn listeners_are_bounded_and_nothing_is_made_for_nobody() {
        let listeners = Listeners::default();
        listeners.tell(|| panic!("nobody listens"));
        let mut open: Vec<_> = (0..LISTENERS).map(|_| listeners.open().ok().unwrap()).collect();
        assert_eq!(listeners.open().err().unwrap().rule, Rule::Listeners);
        open.truncate(1);
        open.push(listeners.open().ok().unwrap());
        for number in 0..10 {
            listeners.tell(|| json!({"n": number}));
        }
        let read = |receiver: &mut Receiver<Bytes>| {
            let mut read = Vec::new();
            while let Ok(event) = receiver.try_recv() {
                read.push(String::from_utf8(event.to_vec()).unwrap());
            }
            read
        };
        let events = read(&mut open[0]);
        assert_eq!(events.len(), WAITING);
        assert_eq!(events[..2], [HELLO.to_owned(), "event: tick\ndata: {\"n\":0}\n\n".to_owned()]);
        for _ in 0..EVENTS {
            read(&mut open[0]);
            listeners.tell(|| json!({}));
        }
        assert!(read(&mut open[0]).is_empty() && open[0].is_closed());
        open.clear();
        listeners.tell(|| panic!("nobody listens any more"));
    }
}
