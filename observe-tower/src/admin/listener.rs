//! The listener, and the thread and the runtime that are the service's own.

use super::connections::{Connections, Held, Place};
use super::history::SLOT_TIME;
use super::refusal::Rule;
use super::service;
use super::state::State;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use observe_core::Error;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

/// So many connections beyond those that are answered are told that there are too many. What is beyond is closed.
const REFUSED_CONNECTIONS: usize = 8;
/// How long a head may take to come, and how long a connection may idle.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection lives at most.
const CONNECTION_TIME: Duration = Duration::from_secs(600);
/// The longest head of a request, in bytes.
const HEAD_MAX: usize = 16 * 1024;
/// How long nothing is accepted after that failed, as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The most threads that views are made on, beside the service's own.
const VIEW_THREADS: usize = 4;

/// A listener that is open, until this is dropped.
pub(super) struct Listener {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Serves on a thread of its own.
    ///
    /// # Errors
    ///
    /// If there is no thread, or no runtime to be had.
    pub(super) fn start(listener: std::net::TcpListener, state: Arc<State>) -> Result<Self, Error> {
        let failed = |source| Error::of_io("the admin service cannot be started", source);
        let address = listener.local_addr().map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        // The runtime is made and dropped where nothing else runs: whoever starts this may be in another one.
        let (tell, told) = mpsc::sync_channel(1);
        let run = move || match Served::new(listener, state) {
            Ok(served) => {
                let _ = tell.send(Ok(()));
                served.until(stopped);
            }
            Err(error) => {
                let _ = tell.send(Err(error));
            }
        };
        let thread = thread::Builder::new().name("observe-admin".to_owned()).spawn(run).map_err(failed)?;
        let started = told.recv().unwrap_or_else(|_| Err(io::Error::other("its thread ended")));
        started.map_err(failed)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It waits for nobody: views that are being made are left alone.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What runs on the thread.
struct Served {
    runtime: Runtime,
}

impl Served {
    fn new(listener: std::net::TcpListener, state: Arc<State>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(VIEW_THREADS)
            .thread_name("observe-admin-view")
            .build()?;
        let listener = {
            let _within = runtime.enter();
            TcpListener::from_std(listener)?
        };
        // The first slot begins with the service.
        state.sample();
        runtime.spawn(sample(Arc::clone(&state)));
        runtime.spawn(accept(listener, state));
        Ok(Self { runtime })
    }

    fn until(self, stopped: oneshot::Receiver<()>) {
        let _ = self.runtime.block_on(stopped);
        self.runtime.shutdown_background();
    }
}

/// Fills the history.
async fn sample(state: Arc<State>) {
    let mut pace = interval_at(Instant::now() + SLOT_TIME, SLOT_TIME);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        state.sample();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let open = Connections::default();
    let refused = Arc::new(Semaphore::new(REFUSED_CONNECTIONS));
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let own = Arc::clone(&state);
        if let Some(place) = open.open() {
            let end_by = place.end_by();
            end_by(tokio::spawn(serve(stream, peer, Some(place), own)).abort_handle());
        } else if let Ok(refused) = Arc::clone(&refused).try_acquire_owned() {
            tokio::spawn(async move {
                serve(stream, peer, None, own).await;
                drop(refused);
            });
        } else {
            state.count(Rule::Connections);
        }
    }
}

/// `place`: none if it is to be told that there are too many.
async fn serve(stream: TcpStream, peer: SocketAddr, place: Option<Place>, state: Arc<State>) {
    let is_full = place.is_none();
    let service = service_fn(move |request| {
        let (state, busy) = (Arc::clone(&state), place.as_ref().map(Place::busy));
        async move {
            let answer = service::answer(&state, peer, is_full, request).await;
            Ok::<_, Infallible>(answer.map(|body| Held::new(body, busy)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_MAX)
        .keep_alive(!is_full)
        .serve_connection(TokioIo::new(stream), service);
    // However it ends: who asked has gone, or asks again.
    let _ = timeout(CONNECTION_TIME, connection).await;
}
