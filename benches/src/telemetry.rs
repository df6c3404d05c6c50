//! The one telemetry of the bench, as `install()` makes it, but for the writer.

use observe_core::Telemetry;
use std::io;
use std::sync::LazyLock;

static INSTALLED: LazyLock<Telemetry> = LazyLock::new(|| {
    Telemetry::builder("bench").version("1.0.0").log_writer(io::sink()).install().expect("it is the first")
});

/// The installed telemetry.
pub(crate) fn installed() -> &'static Telemetry {
    &INSTALLED
}
