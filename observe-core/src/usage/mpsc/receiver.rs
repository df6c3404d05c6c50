//! The ends that items come out of.

use std::fmt;
use std::task::{Context, Poll};

use tokio::sync::mpsc as inner;
use tokio::sync::mpsc::error::TryRecvError;

use super::Item;

macro_rules! receiver {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<T> {
            inner: inner::$name<Item<T>>,
            /// What came out at once: empty between calls.
            batch: Vec<Item<T>>,
        }

        impl<T> $name<T> {
            pub(super) fn new(inner: inner::$name<Item<T>>) -> Self {
                Self { inner, batch: Vec::new() }
            }

            /// Takes the next item out; waits for it if need be. `None`: there will be none. Cancelled, none was taken.
            pub async fn recv(&mut self) -> Option<T> {
                self.inner.recv().await.map(Item::take)
            }

            /// Takes up to `limit` items out, to the end of `items`, and says how many: 0 if there will be none, or if the
            /// limit is 0. Cancelled, none was taken.
            pub async fn recv_many(&mut self, items: &mut Vec<T>, limit: usize) -> usize {
                let taken = self.inner.recv_many(&mut self.batch, limit).await;
                items.extend(self.batch.drain(..).map(Item::take));
                taken
            }

            /// Takes the next item out if there is one.
            ///
            /// # Errors
            ///
            /// If there is none now, or there will be none.
            pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
                self.inner.try_recv().map(Item::take)
            }

            /// Takes the next item out, in code that is not async.
            ///
            /// # Panics
            ///
            /// In async code.
            pub fn blocking_recv(&mut self) -> Option<T> {
                self.inner.blocking_recv().map(Item::take)
            }

            /// [`recv`](Self::recv) by hand: for streams.
            pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
                self.inner.poll_recv(cx).map(|item| item.map(Item::take))
            }

            /// Takes no more items in. Those that are in come out still.
            pub fn close(&mut self) {
                self.inner.close();
            }

            /// Whether it takes no more items in.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.inner.is_closed()
            }

            /// Whether there is no item in it.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.inner.is_empty()
            }

            /// How many items are in it.
            #[must_use]
            pub fn len(&self) -> usize {
                self.inner.len()
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("len", &self.len()).finish_non_exhaustive()
            }
        }
    };
}

receiver!(
    /// Takes items out of a bounded channel: [`tokio::sync::mpsc::Receiver`], observed.
    Receiver
);
receiver!(
    /// Takes items out of a channel without limit: [`tokio::sync::mpsc::UnboundedReceiver`], observed.
    UnboundedReceiver
);
