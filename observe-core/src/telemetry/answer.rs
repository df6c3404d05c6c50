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

    /// Takes the answer, or leaves word whom to wake.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<T> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                state.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }
}
