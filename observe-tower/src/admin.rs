//! The admin service: what a process knows about itself, as JSON, on a listener and a thread of its own.

mod about;
mod answer;
mod aside;
mod builder;
mod calls;
mod connections;
mod drops;
mod events;
mod exemplars;
mod figures;
mod guard;
mod history;
mod in_flight;
mod json;
mod labels;
mod levels;
mod listener;
mod overview;
mod page;
mod query;
mod reading;
mod refusal;
mod resources;
mod scalars;
mod service;
mod slice;
mod snapshots;
mod state;
mod token;
mod trace;
mod traces;
mod wanted;

pub use builder::AdminBuilder;

use listener::Listener;
use observe_core::Telemetry;
use std::fmt;
use std::net::SocketAddr;

/// The admin service of a telemetry, while it runs: what the process knows about itself, as JSON, on a listener of its
/// own. See [the guide](crate::guide::admin) for every view, its parameters and its limits, and for who may ask.
///
/// It has a thread and a runtime of its own, so it answers also when the application's is stuck. It ends when this is
/// dropped, or [stopped](Admin::stop). It goes on after [`Telemetry::shutdown`], as metrics do.
///
/// ```
/// use observe_core::Telemetry;
/// use observe_tower::Admin;
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
///
/// let telemetry = Telemetry::builder("checkout").build()?; // in a service: `install()`
/// let admin = Admin::builder(&telemetry).address(([127, 0, 0, 1], 0)).start()?;
///
/// let mut client = TcpStream::connect(admin.address())?;
/// client.write_all(b"GET /api/v1/about HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.contains(r#""service":"checkout""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the admin service ends when this is dropped"]
pub struct Admin {
    listener: Listener,
}

impl Admin {
    /// Starts to describe the admin service of this telemetry.
    pub fn builder(telemetry: &Telemetry) -> AdminBuilder {
        AdminBuilder::new(telemetry)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Ends it: it listens no more, and open connections are closed. Waits for its thread, which waits for nobody.
    pub fn stop(self) {
        drop(self);
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("address", &self.address()).finish_non_exhaustive()
    }
}
