//! The one telemetry of the bench, as `install()` makes it, but for the writer.

use observe_core::{Outcome, Telemetry};
use std::io;
use std::sync::LazyLock;

static INSTALLED: LazyLock<Telemetry> = LazyLock::new(|| {
    let builder = Telemetry::builder("bench").version("1.0.0").log_writer(io::sink());
    let telemetry = builder.install().expect("it is the first");
    // The flight recorder's memory is touched for the first time once in a process's life: not while it is measured.
    (0..200_000).for_each(|_| telemetry.operation("first").start().finish(Outcome::Ok));
    telemetry
});

/// The installed telemetry.
pub(crate) fn installed() -> &'static Telemetry {
    &INSTALLED
}
