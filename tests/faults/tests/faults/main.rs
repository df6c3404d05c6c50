//! What a service does when what is around it fails, and how it ends: `docs/faults.md` says what is promised.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

mod clock;
mod disk;
mod locks;
mod outputs;
mod panics;
mod processes;
mod shutdown;
mod terminated;
