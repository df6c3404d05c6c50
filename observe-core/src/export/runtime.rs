//! The runtime of those who hand over to collectors.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Runtime};

use crate::catch::{catch, mute};
use crate::error::{Error, Kind};

/// Starts a worker on a thread of this name, and waits until it says whether it could make what it works with.
///
/// # Errors
///
/// If the thread cannot be started, or the worker says so.
pub(super) fn start_worker(
    name: &str,
    run: impl FnOnce(Sender<Result<(), Error>>) + Send + 'static,
) -> Result<Thread, Error> {
    let (ready, started) = mpsc::channel();
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || run(ready));
    let handle = spawned.map_err(|error| {
        Error::new(Kind::Io, format!("the thread `{name}` cannot be started")).caused_by(error)
    })?;
    started.recv().unwrap_or_else(|_| Err(Error::new(Kind::Io, format!("the thread `{name}` ended"))))?;
    Ok(handle.thread().clone())
}

/// A runtime whose threads are all marked as our own, and what is made in it. A panic is an error.
///
/// # Errors
///
/// If either cannot be made.
pub(super) fn with_own<T>(make: impl FnOnce() -> Result<T, Error>) -> Result<(Runtime, T), Error> {
    let made = catch(|| {
        let runtime =
            Builder::new_current_thread().enable_all().on_thread_start(mute).build().map_err(|error| {
                Error::new(Kind::Io, "the exporter's runtime cannot be started").caused_by(error)
            })?;
        let made = {
            let _inside = runtime.enter();
            make()?
        };
        Ok((runtime, made))
    });
    made.unwrap_or_else(|| Err(Error::new(Kind::Io, "making the exporter panicked")))
}
