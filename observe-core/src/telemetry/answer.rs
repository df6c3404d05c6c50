//! One answer from a thread to a task.

use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Holds one answer until it is asked for.
pub(super) struct Answer<T>(Mutex<State<T>>);

struct State<T> {
    answer: Option<T>,
    waker: Option<Waker>,
}

impl<T> Default for Answer<T> {
    fn default() -> Self {
        Self(Mutex::new(State { answer: None, waker: None }))
    }
}

impl<T> Answer<T> {
    /// Gives the answer and wakes who waits for it.
    pub(super) fn give(&self, answer: T) {
        let waker = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.answer = Some(answer);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the answer, or leaves word whom to wake. No code of others runs under the lock: wakers are cloned, woken and
    /// dropped outside.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<T> {
        let own = waker.clone();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(answer) = state.answer.take() else {
            let before = state.waker.replace(own);
            drop(state);
            drop(before);
            return Poll::Pending;
        };
        drop(state);
        Poll::Ready(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::task::Wake;
    use std::thread;
    use std::time::Duration;

    /// Asks for the answer when it goes.
    struct Asks(Arc<Answer<u8>>);

    impl Wake for Asks {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Asks {
        fn drop(&mut self) {
            let _ = self.0.poll(Waker::noop());
        }
    }

    // Mutation caught: a waker that is dropped, or cloned, under the lock.
    #[test]
    fn a_waker_may_ask_as_it_goes() {
        let (sender, done) = channel();
        thread::spawn(move || {
            let answer = Arc::new(Answer::default());
            let asks = Waker::from(Arc::new(Asks(Arc::clone(&answer))));
            assert!(answer.poll(&asks).is_pending());
            drop(asks);
            // Its last clone goes for the next one.
            assert!(answer.poll(Waker::noop()).is_pending());
            answer.give(7);
            sender.send(answer.poll(Waker::noop()) == Poll::Ready(7)).unwrap();
        });
        assert_eq!(done.recv_timeout(Duration::from_secs(30)), Ok(true));
    }
}
