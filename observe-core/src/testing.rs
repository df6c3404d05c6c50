//! Testing what a service observes (feature `test-util`).
//!
//! A [`Captured`] is a telemetry of a test's own, and what it was told: lines, spans, metrics. It touches nothing
//! global, so tests run beside each other. What it finds wrong it shows: a failed assertion prints what was there
//! instead.
//!
//! ```
//! use observe_core::testing::Captured;
//! use observe_core::{Operation, Outcome};
//!
//! let captured = Captured::new();
//! captured.run(|| {
//!     let order = Operation::builder("place order").start();
//!     order.run(|| tracing::info!(order.id = 7, "order placed"));
//! });
//!
//! assert_eq!(captured.line("order placed")["order.id"], 7);
//! assert_eq!(captured.span("place order").outcome(), Some(Outcome::Ok));
//! let counted = "operation_duration_seconds_count{operation=\"place order\",outcome=\"ok\"}";
//! assert_eq!(captured.metric(counted), 1.0);
//! ```

mod lines;
mod metrics;
mod spans;

pub use lines::Lines;
pub use metrics::Metrics;
pub use spans::{Span, Spans};

use crate::export::json::LogFormat;
use crate::export::prometheus::Format;
use crate::sampling::Sampling;
use crate::semconv::log::MESSAGE;
use crate::telemetry::{Builder, Scoped, Telemetry};
use crate::watch::Watch;
use serde_json::Value;
use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long reading waits for lines that are on their way.
const PATIENCE: Duration = Duration::from_secs(10);

/// A telemetry of a test's own, and what it was told.
///
/// What is to be seen runs in it: [`run`](Captured::run) or [`scope`](Captured::scope) around the code of the test,
/// and [`telemetry`](Captured::telemetry) for what takes one (the tower layer). Tasks that are spawned meanwhile take
/// it along by [`in_current_operation`](crate::ObserveFuture::in_current_operation).
///
/// The `log` crate's logger is set by [`install`](Builder::install) alone, the process's own panic hook by that and
/// [`install_without_subscriber`](Builder::install_without_subscriber).
#[derive(Clone)]
pub struct Captured {
    telemetry: Telemetry,
    written: Written,
    watch: Arc<Watch>,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    /// A telemetry of the service `test`, with the defaults of every other.
    ///
    /// # Panics
    ///
    /// If the thread that writes lines cannot be started.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// A telemetry with settings of its own: a filter, a [manual clock](crate::clock::ManualClock), a registry
    /// without the program's statics. Where lines are written, and that they are JSON, is settled. No trace is in the baseline,
    /// unless a sampling is set: a test has the same outcome each time.
    ///
    /// ```
    /// use observe_core::clock::ManualClock;
    /// use observe_core::testing::Captured;
    /// use observe_core::{Operation, Outcome};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let captured = Captured::with(|builder| builder.clock(clock.clone()));
    /// captured.run(|| {
    ///     let order = Operation::builder("slow order").start();
    ///     clock.advance(Duration::from_secs(3));
    ///     order.finish(Outcome::Ok);
    /// });
    /// assert_eq!(captured.span("slow order").duration(), Some(Duration::from_secs(3)));
    /// ```
    ///
    /// # Panics
    ///
    /// If [`build`](Builder::build) refuses them.
    #[must_use]
    #[track_caller]
    pub fn with(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let written = Written::default();
        // By its random id one trace of a hundred would be in the baseline, and say so to whoever is called.
        let sampling = Sampling::tail(0.0).unwrap_or_default();
        let builder = settings(Telemetry::builder("test").sampling(sampling));
        let built = builder.log_writer(written.clone()).log_format(LogFormat::Json).build();
        let telemetry = built.unwrap_or_else(|error| panic!("no telemetry: {error}"));
        let watch = Arc::clone(telemetry.hub().watch.get_or_init(Arc::default));
        Self { telemetry, written, watch }
    }

    /// The telemetry.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Runs a closure in it: [`Telemetry::run`].
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        self.telemetry.run(f)
    }

    /// Runs a future in it: [`Telemetry::scope`].
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        self.telemetry.scope(future)
    }

    /// Every line so far.
    ///
    /// # Panics
    ///
    /// If they are not written within ten seconds.
    #[must_use]
    #[track_caller]
    pub fn lines(&self) -> Lines {
        Lines::read(&self.text())
    }

    /// The same as they were written.
    ///
    /// # Panics
    ///
    /// As [`lines`](Captured::lines).
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> String {
        if let Err(error) = self.telemetry.flush(PATIENCE) {
            // After a shutdown all is written, or was told to be lost.
            assert!(!error.is_timeout(), "{error}");
        }
        let bytes = self.written.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The one line with this message.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one: with all that are there.
    #[must_use]
    #[track_caller]
    pub fn line(&self, message: &str) -> Value {
        self.lines().with(MESSAGE, message).one().clone()
    }

    /// Every span so far: those of operations, and those of `tracing` that the filter lets through.
    #[must_use]
    pub fn spans(&self) -> Spans {
        Spans::new(self.watch.seen())
    }

    /// The one span of this name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one: with all that are there.
    #[must_use]
    #[track_caller]
    pub fn span(&self, name: &str) -> Span {
        self.spans().named(name).one().clone()
    }

    /// All metrics as they are now. Those of the program's statics are shared with every test of the process: see
    /// [`Metrics::since`].
    #[must_use]
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        let mut page = Vec::new();
        self.telemetry.registry().encode(Format::Text, &mut page);
        Metrics::read(&String::from_utf8_lossy(&page))
    }

    /// What a metric is now: [`Metrics::value`].
    ///
    /// # Panics
    ///
    /// If there is no such series: with those that are there.
    #[must_use]
    #[track_caller]
    pub fn metric(&self, selector: &str) -> f64 {
        self.metrics().value(selector)
    }
}

impl Default for Captured {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured").finish_non_exhaustive()
    }
}
