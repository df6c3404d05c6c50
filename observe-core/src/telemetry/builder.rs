//! What a telemetry is made of, and by whose word.

mod make;

use super::Telemetry;
use super::decide::Door;
use super::exports::Asked;
use crate::burn_watch::OnBurn;
use crate::clock::Clock;
use crate::context::Propagator;
use crate::error::Error;
use crate::export::json::LogFormat;
#[cfg(feature = "otlp")]
use crate::export::otlp::Otlp;
#[cfg(feature = "subscriber")]
use crate::export::output::EachLine;
use crate::export::output::LogOutput;
use crate::export::queue::QueueLimits;
use crate::export::snapshot::SnapshotLimits;
use crate::filter::Filter;
use crate::http_metrics::HttpNames;
use crate::log_sampling::LogSampling;
use crate::metric::View;
use crate::recorder::RecorderLimits;
use crate::redaction::Redaction;
use crate::registry::Registry;
use crate::sampling::Sampling;
use crate::slo::{Alerting, Burn, Slo};
use crate::traces::TraceLimits;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Describes a telemetry: [`Telemetry::builder`].
#[must_use = "a builder does nothing until `install` or `build`"]
pub struct Builder {
    service: String,
    version: String,
    revision: String,
    clock: Clock,
    sampling: Option<Sampling>,
    slow: Duration,
    trace_limits: TraceLimits,
    keep_rate: u32,
    recorder: RecorderLimits,
    still_running: Option<Duration>,
    snapshots: Option<PathBuf>,
    snapshot_limits: SnapshotLimits,
    filter: Option<Filter>,
    log_sampling: Option<LogSampling>,
    hold_back: Option<Filter>,
    #[cfg(all(unix, feature = "signal"))]
    signals: crate::signals::Wishes,
    redaction: Option<Redaction>,
    format: Option<LogFormat>,
    project: Option<String>,
    output: LogOutput,
    limits: QueueLimits,
    lines: bool,
    correlation_header: Option<String>,
    propagators: Option<Vec<Propagator>>,
    registry: Option<Registry>,
    views: Vec<View>,
    http_names: HttpNames,
    panic_hook: bool,
    exports: Asked,
    trace_file: Option<PathBuf>,
    slos: Vec<Slo>,
    alerting: Alerting,
    on_burn: Option<OnBurn>,
    #[cfg(feature = "opentelemetry")]
    opentelemetry_context: bool,
}

impl Builder {
    pub(super) fn new(service: String) -> Self {
        Self {
            service,
            version: String::new(),
            revision: String::new(),
            clock: Clock::system(),
            sampling: None,
            slow: Duration::from_secs(1),
            trace_limits: TraceLimits::default(),
            keep_rate: 100,
            recorder: RecorderLimits::default(),
            still_running: Some(Duration::from_secs(30)),
            snapshots: None,
            snapshot_limits: SnapshotLimits::default(),
            filter: None,
            log_sampling: None,
            hold_back: None,
            #[cfg(all(unix, feature = "signal"))]
            signals: crate::signals::Wishes::default(),
            redaction: None,
            format: None,
            project: None,
            output: LogOutput::default(),
            limits: QueueLimits::default(),
            lines: true,
            correlation_header: None,
            propagators: None,
            registry: None,
            views: Vec::new(),
            http_names: HttpNames::default(),
            panic_hook: true,
            exports: Asked::default(),
            trace_file: None,
            slos: Vec::new(),
            alerting: Alerting::new(),
            on_burn: None,
            #[cfg(feature = "opentelemetry")]
            opentelemetry_context: false,
        }
    }

    /// The service's version (`service.version`, and in `build_info`). Defaults to none.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// The revision that was built, a commit's hash for example (in `build_info`). Defaults to none.
    pub fn revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = revision.into();
        self
    }

    /// Where time comes from. Defaults to the system's clocks.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Which traces are kept. Defaults to what the variables `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say
    /// (`always_on`, `always_off`, `traceidratio`, also behind `parentbased_`; `tail`), else to failures, slow ones, and
    /// 1 % of the rest.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = Some(sampling);
        self
    }

    /// From which duration on a request or job is slow, so that its trace is kept. Defaults to one second.
    pub fn slow(mut self, slow: Duration) -> Self {
        self.slow = slow;
        self
    }

    /// How many traces a second are kept because they failed or were slow, of each kind of error: an outage does not
    /// send out everything. Those beyond it are kept only if they are in the baseline, and counted in
    /// `observe_traces_total{decision="limited"}`. Defaults to 100; `u32::MAX` for no limit.
    pub fn keep_rate(mut self, per_second: u32) -> Self {
        self.keep_rate = per_second;
        self
    }

    /// How much the flight recorder remembers of what happened lately. Defaults to 32 MiB and 5 minutes; 0 bytes for
    /// nothing.
    pub fn recorder(mut self, limits: RecorderLimits) -> Self {
        self.recorder = limits;
        self
    }

    /// The folder that snapshots of the flight recorder are written into: see [`Telemetry::snapshot`]. It is made if it
    /// is not there; only this user may look into it then. Each panic asks for one (of the two installs, unless there
    /// is no panic hook). Defaults to what the variable `OBSERVE_SNAPSHOTS` says, which [`build`](Builder::build) does
    /// not read, else to none.
    pub fn snapshots(mut self, folder: impl Into<PathBuf>) -> Self {
        self.snapshots = Some(folder.into());
        self
    }

    /// How often snapshots are taken, and how many are kept. Defaults to one a minute for each reason, after two at
    /// once, and to 10 of together 256 MiB.
    pub fn snapshot_limits(mut self, limits: SnapshotLimits) -> Self {
        self.snapshot_limits = limits;
        self
    }

    /// How much of the traces that are under way is held back until it is known whether they are kept. Defaults to
    /// 10,000 spans and 1 MiB a trace, 10,000 traces, 64 MiB in all.
    pub fn trace_limits(mut self, limits: TraceLimits) -> Self {
        self.trace_limits = limits;
        self
    }

    /// From which duration on a request that is in flight is told of, once, by a line (`WARN`, target
    /// `observe::in_flight`): it may never end. It is looked for each quarter of the limit, ten times a second to once
    /// a minute. `None`: never. Defaults to 30 seconds.
    pub fn still_running(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.still_running = limit.into();
        self
    }

    /// Which lines and spans are recorded, where the variable `RUST_LOG` does not say. Defaults to `info`, also
    /// behind `telemetry.layer()` (feature `subscriber`).
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Which lines of requests are written. Defaults to all of them.
    pub fn log_sampling(mut self, sampling: LogSampling) -> Self {
        self.log_sampling = Some(sampling);
        self
    }

    /// Lines of requests that this filter lets through and [`filter`](Builder::filter) does not are held back until their
    /// request has ended, and written if its trace is kept: the debug lines of what failed, say, by
    /// `"debug".parse()?`. At most 256 KiB of a request and 32 MiB of all; what finds no room is counted in
    /// `observe_dropped_total{signal="log",reason="held_full"}`. A process that is killed takes them along. They go to the
    /// flight recorder at once. Defaults to none: making such lines costs what making lines costs.
    pub fn hold_back(mut self, filter: Filter) -> Self {
        self.hold_back = Some(filter);
        self
    }

    /// Has this signal (`SIGUSR1`, say) begin the debug mode ([`Levels::debug`](crate::Levels::debug)), and end it if it had
    /// begun. Its number is of the platform's making: `signal_hook::consts`, `libc`. Defaults to none.
    #[cfg(all(unix, feature = "signal"))]
    pub fn debug_signal(mut self, signal: i32) -> Self {
        self.signals.debug = Some(signal);
        self
    }

    /// Has this signal (`SIGUSR2`, say) take a snapshot ([`Telemetry::snapshot`]). Defaults to none.
    #[cfg(all(unix, feature = "signal"))]
    pub fn snapshot_signal(mut self, signal: i32) -> Self {
        self.signals.snapshot = Some(signal);
        self
    }

    /// Which fields are told as `[redacted]`, by their names. It is one setting for the process: a second telemetry that asks
    /// for something else is refused, one that asks for nothing takes what is set. Defaults to [`Redaction::new`]: passwords,
    /// tokens, cookies, card numbers and their like.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = Some(redaction);
        self
    }

    /// Adds each kept trace to this file, as a line: an `ExportTraceServiceRequest` of OTLP in JSON, which OpenTelemetry's
    /// tools read. For development, together with [`Sampling::always`] perhaps: nobody cuts the file off, which is made
    /// for this user only unless it is there. Defaults to none.
    ///
    /// ```
    /// # let path = std::env::temp_dir().join(format!("traces-{}.jsonl", std::process::id()));
    /// use observe_core::{Sampling, Telemetry};
    /// use std::time::Duration;
    ///
    /// let telemetry =
    ///     Telemetry::builder("checkout").sampling(Sampling::always()).traces_to_file(&path).build()?;
    /// telemetry.run(|| telemetry.operation("charge").start().run(|| ()));
    /// telemetry.shutdown(Duration::from_secs(5))?;
    /// assert!(std::fs::read_to_string(&path)?.contains(r#""name":"charge""#));
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn traces_to_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.trace_file = Some(path.into());
        self
    }

    /// How lines are written. Defaults to what the variable `OBSERVE_LOG` says (`json`, `otel`, `ecs`, `gcp` or
    /// `pretty`), else JSON.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// The project at Google Cloud whose traces the lines name, for [`LogFormat::GoogleCloud`]. Defaults to what the
    /// variable `GOOGLE_CLOUD_PROJECT` says, else to none: traces are then looked for in the project that has the lines.
    pub fn google_cloud_project(mut self, id: impl Into<String>) -> Self {
        self.project = Some(id.into());
        self
    }

    /// Where lines are written, by a thread of its own: it may block and fail. The last of this and of the three below
    /// counts. Defaults to standard output.
    ///
    /// A line that could not be written whole is counted as lost; what there is of it already is ended by a line feed
    /// before the next one.
    pub fn log_writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.output = LogOutput::Writer(Box::new(writer));
        self
    }

    /// Writes lines to standard error. Defaults to standard output.
    pub fn log_stderr(mut self) -> Self {
        self.output = LogOutput::Stderr;
        self
    }

    /// Writes lines to the end of this file, which is made if it is not there; that it cannot be opened is an error of
    /// what comes last ([`install`](Builder::install)). Nobody cuts it off: one that is to be rotated is copied and
    /// emptied (`copytruncate`), or written by [`log_make_writer`](Builder::log_make_writer). Defaults to standard output.
    pub fn log_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.output = LogOutput::File(path.into());
        self
    }

    /// Writes each line to a writer of its own, made by this: files that roll, say (`tracing-appender`). It is called by the
    /// thread that writes, and may block and fail. Defaults to standard output.
    ///
    /// Lines wait in the queue of this telemetry, which counts what it drops; an output with a queue of its own
    /// (`tracing_appender::non_blocking`) is never slow, and so that queue's losses are the ones that count, which nobody is
    /// told of.
    #[cfg(feature = "subscriber")]
    pub fn log_make_writer<M>(mut self, make: M) -> Self
    where
        M: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + 'static,
    {
        self.output = LogOutput::Writer(Box::new(EachLine(make)));
        self
    }

    /// How many lines may wait to be written. Defaults to 8,192 lines and 8 MiB.
    pub fn log_queue(mut self, limits: QueueLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Writes no lines at all: somebody else does. That leaves out the lines of requests and of failed operations, too,
    /// which are no `tracing` events. Defaults to writing them.
    pub fn without_log(mut self) -> Self {
        self.lines = false;
        self
    }

    /// Exports kept traces by OTLP. Defaults to what the variables `OTEL_TRACES_EXPORTER` and
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` ask for ([`build`](Builder::build) reads neither), else to exporting none. The
    /// variable `OTEL_SDK_DISABLED` wins over it.
    #[cfg(feature = "otlp")]
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.exports.otlp = Some(otlp);
        self
    }

    /// Pushes metrics by OTLP, every minute unless told otherwise, when [flushed](Telemetry::flush), and a last time at
    /// the [shutdown](Telemetry::shutdown); for a service that nobody scrapes. Defaults to what the variables
    /// `OTEL_METRICS_EXPORTER` and `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` ask for ([`build`](Builder::build) reads
    /// neither), else to pushing none. The variable `OTEL_SDK_DISABLED` wins over it.
    ///
    /// Families have OpenTelemetry's names there: `http.server.request.duration`, `orders` for `orders_total`.
    #[cfg(feature = "otlp")]
    pub fn otlp_metrics(mut self, otlp: Otlp) -> Self {
        self.exports.metrics = Some(otlp);
        self
    }

    /// Writes kept traces to standard output, for people: in development. Defaults to what `OTEL_TRACES_EXPORTER` asks
    /// for, else to not.
    #[cfg(feature = "otlp")]
    pub fn console_spans(mut self) -> Self {
        self.exports.console = true;
        self
    }

    /// The header of the correlation id. Defaults to `X-Correlation-ID`.
    pub fn correlation_header(mut self, name: impl Into<String>) -> Self {
        self.correlation_header = Some(name.into());
        self
    }

    /// By which headers contexts go: the first that names a span wins when one is read, all are written. Defaults to
    /// what the variable `OTEL_PROPAGATORS` says (`tracecontext`, `baggage`, `b3`, `b3multi`, `datadog`, `xray`, with
    /// commas between them, or `none`), else to [`Propagator::TraceContext`] and [`Propagator::Baggage`].
    pub fn propagators(mut self, propagators: impl IntoIterator<Item = Propagator>) -> Self {
        self.propagators = Some(propagators.into_iter().collect());
        self
    }

    /// The registry that its metrics live in. Defaults to a new one that has every `#[metric] static`
    /// ([`Registry::with_statics`]). One of [`Registry::new`] has none, nor the metrics of functions, dependencies and
    /// operations.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Shows a family of metrics otherwise than it was declared: under another name, without a label, in other buckets, or
    /// not at all. For the library's own as for yours, those of statics, of the registry and of collectors; may be said
    /// again, once for each family. Defaults to none.
    ///
    /// A family that no one has declared so far may come later: the view waits for it, and a warning says so.
    pub fn view(mut self, view: View) -> Self {
        self.views.push(view);
        self
    }

    /// Under which names the metrics of HTTP requests are shown. Defaults to OpenTelemetry's. Views go by the
    /// names that are chosen here.
    pub fn http_names(mut self, names: HttpNames) -> Self {
        self.http_names = names;
        self
    }

    /// Adds a service level objective. May be said again, up to 200 times. Defaults to none.
    ///
    /// Where its budget is spent faster than one of its rules allows, a line says so (`WARN`); if it is a rule that pages
    /// somebody, or the fastest, a snapshot of the flight recorder is taken, too, where there is a folder for it, and
    /// [`on_burn`](Builder::on_burn) is called.
    pub fn slo(mut self, slo: Slo) -> Self {
        self.slos.push(slo);
        self
    }

    /// Who is told when an objective is missed, how urgently, and where to read on: for the rules that are generated.
    /// Defaults to [`Alerting::new`].
    pub fn alerting(mut self, alerting: Alerting) -> Self {
        self.alerting = alerting;
        self
    }

    /// Calls this when the budget of an objective begins to be spent faster than a rule that pages somebody, or the fastest,
    /// allows: to shed load, say. Once, until it has been slower again; on a thread of its own, within a sixtieth of the rule's short
    /// window. A panic of it is caught. Defaults to nothing.
    pub fn on_burn(mut self, call: impl Fn(&Burn) + Send + Sync + 'static) -> Self {
        self.on_burn = Some(Box::new(call));
        self
    }

    /// Whether the opentelemetry API's own current context follows ours, so that a library that is instrumented with it
    /// joins the same trace; and is read where nothing of ours is running, so that an operation hangs below what that
    /// library began. Defaults to `false`.
    ///
    /// It follows operations (requests, annotated functions, those by hand), not the spans of `tracing` in them, and
    /// takes their baggage along. What the API says is trusted: it is this process's own. Where that library's spans go
    /// is for the provider that you give to it.
    #[cfg(feature = "opentelemetry")]
    pub fn opentelemetry_context(mut self, follow: bool) -> Self {
        self.opentelemetry_context = follow;
        self
    }

    /// Sets no panic hook: panics are told by whatever told them before, and a request that panicked does not say
    /// why. Defaults to a hook, set by [`install`](Builder::install) and
    /// [`install_without_subscriber`](Builder::install_without_subscriber): each panic is one line (`ERROR`, target
    /// `observe::panic`), and the `error.message` of the operation that it ended.
    ///
    /// The hook that was there is called after it; the standard library's writes to standard error.
    pub fn without_panic_hook(mut self) -> Self {
        self.panic_hook = false;
        self
    }

    /// Makes it the process's own: sets `tracing`'s global subscriber and the `log` crate's logger, and serves all
    /// code that is in no [`scope`](Telemetry::scope).
    ///
    /// # Errors
    ///
    /// If a telemetry or another subscriber is installed already ([`Error::is_already_installed`]; to join a
    /// subscriber of your own, see [`install_without_subscriber`](Builder::install_without_subscriber)), a
    /// setting breaks a rule, a name of the library's own is taken in the registry, or the thread that writes
    /// lines cannot be started.
    pub fn install(self) -> Result<Telemetry, Error> {
        self.make(Door::Subscriber)
    }

    /// Makes it the process's own, but leaves `tracing`'s global subscriber to you: add
    /// `telemetry.layer()` (feature `subscriber`) to it.
    ///
    /// # Errors
    ///
    /// As [`install`](Builder::install), but for the subscriber.
    pub fn install_without_subscriber(self) -> Result<Telemetry, Error> {
        self.make(Door::Layer)
    }

    /// Makes a telemetry that touches nothing global, and does not read `RUST_LOG`: see [`scope`](Telemetry::scope),
    /// also for what is the process's all the same.
    ///
    /// # Errors
    ///
    /// If a setting breaks a rule, a name of the library's own is taken in the registry, or the thread that
    /// writes lines cannot be started.
    pub fn build(self) -> Result<Telemetry, Error> {
        self.make(Door::Scope)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("service", &self.service).finish_non_exhaustive()
    }
}
