//! The ends that items go in by.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::sync::mpsc as inner;
use tokio::sync::mpsc::error::{SendError, TrySendError};

use super::super::queue::{Queue, Reason};
use super::{Item, Room};

/// Puts items into a bounded channel: [`tokio::sync::mpsc::Sender`], observed.
pub struct Sender<T> {
    inner: inner::Sender<Item<T>>,
    queue: Queue,
    room: Room,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), queue: self.queue.clone(), room: self.room.clone() }
    }
}

impl<T> Sender<T> {
    pub(super) fn new(inner: inner::Sender<Item<T>>, queue: Queue, room: Room) -> Self {
        Self { inner, queue, room }
    }

    /// Sends an item; waits for room if need be. Cancelled, the item was not sent.
    ///
    /// # Errors
    ///
    /// If the receiver is gone or closed the channel: counted as rejected.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self.reserve().await {
            Ok(permit) => {
                permit.send(value);
                Ok(())
            }
            Err(SendError(())) => Err(SendError(value)),
        }
    }

    /// Sends an item if there is room.
    ///
    /// # Errors
    ///
    /// If there is none, or as [`send`](Sender::send): counted as rejected.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        match self.try_reserve() {
            Ok(permit) => {
                permit.send(value);
                Ok(())
            }
            Err(TrySendError::Full(())) => Err(TrySendError::Full(value)),
            Err(TrySendError::Closed(())) => Err(TrySendError::Closed(value)),
        }
    }

    /// Sends an item from code that is not async. While it waits for room the item counts as in the queue already.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send).
    ///
    /// # Panics
    ///
    /// In async code, if there is no room: there it would hold up the thread.
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        let item = Item { value, ticket: self.queue.enqueued() };
        let sent = match self.inner.try_send(item) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(item)) => Err(SendError(item)),
            Err(TrySendError::Full(item)) => {
                let _waiting = self.room.wait();
                self.inner.blocking_send(item)
            }
        };
        sent.map_err(|SendError(item)| {
            self.queue.refused(Reason::Closed);
            SendError(item.value)
        })
    }

    /// Waits for room, and keeps it for one item.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send).
    pub async fn reserve(&self) -> Result<Permit<'_, T>, SendError<()>> {
        let mut reserve = pin!(self.inner.reserve());
        let reserved = match poll_fn(|cx| Poll::Ready(reserve.as_mut().poll(cx))).await {
            Poll::Ready(reserved) => reserved,
            Poll::Pending => {
                let _waiting = self.room.wait();
                reserve.await
            }
        };
        match reserved {
            Ok(inner) => Ok(Permit { inner, queue: &self.queue }),
            Err(closed) => {
                self.queue.refused(Reason::Closed);
                Err(closed)
            }
        }
    }

    /// Keeps room for one item, if there is any.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Sender::try_send).
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.inner.try_reserve().map(|inner| Permit { inner, queue: &self.queue }).inspect_err(|refused| {
            self.queue.refused(match refused {
                TrySendError::Full(()) => Reason::Full,
                TrySendError::Closed(()) => Reason::Closed,
            });
        })
    }

    /// Ends when the receiver is gone or closed the channel.
    pub async fn closed(&self) {
        self.inner.closed().await;
    }

    /// Whether the receiver is gone or closed the channel.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// For how many more items there is room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// For how many items there is room when it is empty.
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// Room for one item: given back when it is dropped.
pub struct Permit<'a, T> {
    inner: inner::Permit<'a, Item<T>>,
    queue: &'a Queue,
}

impl<T> Permit<'_, T> {
    /// Sends it.
    pub fn send(self, value: T) {
        self.inner.send(Item { value, ticket: self.queue.enqueued() });
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// Puts items into a channel without limit: [`tokio::sync::mpsc::UnboundedSender`], observed.
pub struct UnboundedSender<T> {
    inner: inner::UnboundedSender<Item<T>>,
    queue: Queue,
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), queue: self.queue.clone() }
    }
}

impl<T> UnboundedSender<T> {
    pub(super) fn new(inner: inner::UnboundedSender<Item<T>>, queue: Queue) -> Self {
        Self { inner, queue }
    }

    /// Sends an item.
    ///
    /// # Errors
    ///
    /// If the receiver is gone or closed the channel: counted as rejected.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.inner.send(Item { value, ticket: self.queue.enqueued() }).map_err(|SendError(item)| {
            self.queue.refused(Reason::Closed);
            SendError(item.value)
        })
    }

    /// Ends when the receiver is gone or closed the channel.
    pub async fn closed(&self) {
        self.inner.closed().await;
    }

    /// Whether the receiver is gone or closed the channel.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedSender").field("queue", &self.queue).finish_non_exhaustive()
    }
}
