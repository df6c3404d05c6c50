//! A bounded queue that nobody waits at.

use std::collections::VecDeque;

use super::{Mutex, MutexGuard, PoisonError};

/// What crossbeam's promises, by a lock.
pub(crate) struct ArrayQueue<T> {
    room: usize,
    inside: Mutex<VecDeque<T>>,
}

impl<T> ArrayQueue<T> {
    pub(crate) fn new(room: usize) -> Self {
        Self { room, inside: Mutex::new(VecDeque::new()) }
    }

    fn inside(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, value: T) -> Result<(), T> {
        let mut inside = self.inside();
        if inside.len() == self.room {
            return Err(value);
        }
        inside.push_back(value);
        Ok(())
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.inside().pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.inside().len()
    }
}
