//! The admin service, over its own listener.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod changes;
mod figures;
mod page;
mod refusals;
mod slices;
mod support;
mod views;
