//! The runtime of those who hand over to collectors.

use tokio::runtime::{Builder, Runtime};

use crate::catch::{catch, mute};
use crate::error::{Error, Kind};

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
