//! Views that are made on other threads: so many at once, and for as long as somebody waits.

use super::refusal::{Refusal, Rule};
use serde_json::Value;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long is waited for a place. What waits is no job of the runtime's yet, and leaves nothing behind when its client goes.
const PLACE_TIME: Duration = Duration::from_secs(2);

/// Whoever asked, as far as it can be told on another thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Asker(Option<Weak<()>>);

impl Asker {
    /// Whether nobody reads what is made.
    pub(super) fn has_left(&self) -> bool {
        self.0.as_ref().is_some_and(|waits| waits.strong_count() == 0)
    }
}

/// Makes a view in one of these places, which it holds until it is done, also when nobody waits any more.
pub(super) async fn aside(
    places: &Arc<Semaphore>,
    make: impl FnOnce(Asker) -> Result<Value, Refusal> + Send + 'static,
) -> Result<Value, Refusal> {
    let Ok(Ok(place)) = timeout(PLACE_TIME, Arc::clone(places).acquire_owned()).await else {
        let text = format!(
            "as many views are being made as there may be, and none was ready within {} s",
            PLACE_TIME.as_secs()
        );
        return Err(Refusal::new(Rule::Busy, text));
    };
    let waits = Arc::new(());
    let asker = Asker(Some(Arc::downgrade(&waits)));
    let made = tokio::task::spawn_blocking(move || {
        let _place = place;
        make(asker)
    });
    let made = made.await;
    drop(waits);
    made.unwrap_or_else(|_| Err(Refusal::new(Rule::Failed, "what was to be read could not be")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Instant;

    fn places() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(2))
    }

    // Mutation caught: a view that panics taken for one that asks again, or for nothing.
    #[tokio::test]
    async fn a_view_that_cannot_be_made_is_said_to_have_failed() {
        let made = aside(&places(), |_| std::panic::resume_unwind(Box::new("planned"))).await;
        assert_eq!(made.unwrap_err().rule, Rule::Failed);
    }

    // Mutations caught: a job given to the runtime before it has a place: it is made for nobody; a place that is not given back.
    #[tokio::test(start_paused = true)]
    async fn who_leaves_while_waiting_leaves_nothing_behind() {
        let (places, made) = (places(), Arc::new(AtomicUsize::new(0)));
        let held = Arc::clone(&places).acquire_many_owned(2).await.unwrap();
        let count = |made: &Arc<AtomicUsize>| {
            let made = Arc::clone(made);
            move |_| {
                made.fetch_add(1, Ordering::SeqCst);
                Ok(Value::Null)
            }
        };
        for _ in 0..200 {
            let asked = aside(&places, count(&made));
            assert!(timeout(Duration::from_millis(30), asked).await.is_err());
        }
        // Who stays is told.
        let start = tokio::time::Instant::now();
        assert_eq!(aside(&places, count(&made)).await.unwrap_err().rule, Rule::Busy);
        assert_eq!(start.elapsed(), PLACE_TIME);
        drop(held);
        for _ in 0..3 {
            aside(&places, count(&made)).await.unwrap();
        }
        assert_eq!(made.load(Ordering::SeqCst), 3);
    }

    // Mutation caught: one that left taken for one that waits, or the other way round.
    #[tokio::test]
    async fn it_can_be_told_that_whoever_asked_has_left() {
        let (places, (begun, begins), (told, tells)) = (places(), mpsc::channel(), mpsc::channel());
        let make = move |asker: Asker| {
            begun.send(asker.has_left()).unwrap();
            let end = Instant::now() + Duration::from_secs(30);
            while !asker.has_left() && Instant::now() < end {
                std::thread::yield_now();
            }
            told.send(asker.has_left()).unwrap();
            Ok(Value::Null)
        };
        let waits = tokio::spawn(async move { aside(&places, make).await });
        let begun = tokio::task::spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
        assert!(!begun);
        waits.abort();
        assert!(tokio::task::spawn_blocking(move || tells.recv().unwrap()).await.unwrap());
        assert!(!Asker::default().has_left());
    }
}
