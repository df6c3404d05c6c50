//! Connections that are open: so many at once, and the longest idle one makes room for another.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The most connections that are answered at once.
const CONNECTIONS: usize = 32;

/// Those that are open.
#[derive(Clone, Default)]
pub(super) struct Connections(Arc<Mutex<Vec<Arc<Connection>>>>);

/// One of them.
struct Connection {
    /// `None`: a request is being answered.
    idle_since: Mutex<Option<Instant>>,
    task: OnceLock<AbortHandle>,
}

/// The place of one, until this is dropped.
pub(super) struct Place {
    connections: Connections,
    connection: Arc<Connection>,
}

/// A request is being answered on one, until this is dropped: nobody takes its place.
pub(super) struct Busy(Arc<Connection>);

/// A body that is part of the answer: until it is read, or nobody reads it any more.
pub(super) struct Held<B> {
    body: B,
    _busy: Option<Busy>,
}

impl Connections {
    /// One more. Where as many are open as there may be, that which has idled longest is closed for it. `None`: something
    /// is being answered on each of them.
    pub(super) fn open(&self) -> Option<Place> {
        let mut open = self.lock();
        if open.len() >= CONNECTIONS {
            let idle = open.iter().enumerate().filter_map(|(at, one)| Some((one.idle_since()?, at)));
            let (_, at) = idle.min()?;
            if let Some(task) = open.remove(at).task.get() {
                task.abort();
            }
        }
        let idle_since = Mutex::new(Some(Instant::now()));
        let connection = Arc::new(Connection { idle_since, task: OnceLock::new() });
        open.push(Arc::clone(&connection));
        Some(Place { connections: self.clone(), connection })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn idle_since(&self) -> Option<Instant> {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idles(&self, since: Option<Instant>) {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

impl Place {
    /// What ends it when its place is needed.
    pub(super) fn end_by(&self) -> impl FnOnce(AbortHandle) + use<> {
        let connection = Arc::clone(&self.connection);
        move |task| {
            let _ = connection.task.set(task);
        }
    }

    /// A request came on it.
    pub(super) fn busy(&self) -> Busy {
        self.connection.idles(None);
        Busy(Arc::clone(&self.connection))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().retain(|one| !Arc::ptr_eq(one, &self.connection));
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.idles(Some(Instant::now()));
    }
}

impl<B> Held<B> {
    pub(super) fn new(body: B, busy: Option<Busy>) -> Self {
        Self { body, _busy: busy }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Held<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::{advance, timeout};

    // Mutations caught: one closed on which something is answered; the one that idles shortest; a place that is not given back.
    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_one_makes_room() {
        let connections = Connections::default();
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS {
            let place = connections.open().unwrap();
            let task = tokio::spawn(std::future::pending::<()>());
            place.end_by()(task.abort_handle());
            open.push((place, task));
            advance(Duration::from_millis(1)).await;
        }
        let mut busy: Vec<_> = open.iter().map(|(place, _)| place.busy()).collect();
        assert!(connections.open().is_none());
        // The third is free first, then the second.
        drop(busy.remove(2));
        advance(Duration::from_millis(1)).await;
        drop(busy.remove(1));
        let place = connections.open().unwrap();
        let ended = timeout(Duration::from_secs(1), &mut open[2].1).await.unwrap();
        assert!(ended.unwrap_err().is_cancelled());
        assert!(!open[1].1.is_finished() && !open[0].1.is_finished());
        assert_eq!(connections.lock().len(), CONNECTIONS);
        drop((place, open));
        assert_eq!(connections.lock().len(), 0);
    }
}
