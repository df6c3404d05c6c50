//! A telemetry, wired from what its builder was told.

use super::Builder;
use crate::catalogue;
use crate::context::Propagation;
use crate::error::{Error, Kind};
use crate::export::json::{JsonLines, LogOptions, Service};
use crate::function;
use crate::http_metrics::HttpNames;
use crate::hub::{Hub, Nowhere, Parts};
use crate::levels::Levels;
use crate::log_sampling::LogRules;
use crate::panics;
use crate::record::Sink;
use crate::recorder::Recorder;
use crate::redaction::Redaction;
use crate::registry::Registry;
use crate::sampling::KeepRate;
use crate::semconv;
use crate::slo::{self, SloMetrics, Slos};
use crate::subscriber::LogBridge;
use crate::telemetry::decide::{
    Door, decide_filter, decide_format, decide_project, decide_propagators, decide_sampling, is_disabled,
    listed,
};
use crate::telemetry::drain::Overdue;
use crate::telemetry::inspect::Made;
use crate::telemetry::itself::Itself;
use crate::telemetry::snapshots::Wanted;
use crate::telemetry::watches::Watches;
use crate::telemetry::{Inner, Telemetry};
use crate::traces::Traces;
use std::sync::Arc;
use std::time::Duration;
use tracing::dispatcher;
use tracing_core::Level;

impl Builder {
    /// All that can be refused is refused before anything global is touched.
    pub(super) fn make(self, door: Door) -> Result<Telemetry, Error> {
        if door != Door::Scope && Hub::is_installed() {
            return Err(Error::new(
                Kind::AlreadyInstalled,
                "a telemetry is installed in this process already",
            ));
        }
        // All that can be refused is, before a thread is started.
        let propagation = match &self.correlation_header {
            Some(name) => Propagation::default().correlation_header(name)?,
            None => Propagation::default(),
        };
        let (propagators, unknown) =
            decide_propagators(std::env::var(semconv::OTEL_PROPAGATORS).ok(), self.propagators);
        let propagation = propagation.propagators(propagators.value);
        let registry = self.registry.unwrap_or_else(Registry::with_statics);
        // Their buckets are chosen before any of them counts.
        function::touch_families();
        let unseen = registry.view(self.views, catalogue::all(self.http_names == HttpNames::Classic))?;
        Hub::examine(&registry, self.http_names)?;
        let log_rules = LogRules::new(self.log_sampling, self.hold_back)?;
        let mut unlikely = slo::check(&self.slos, &self.alerting)?;
        let (filter, complaints) = decide_filter(std::env::var("RUST_LOG").ok(), self.filter, door);
        let (format, misread) =
            decide_format(std::env::var("OBSERVE_LOG").ok(), self.format, self.output.has_colour());
        let project =
            decide_project(std::env::var(semconv::google_cloud::GOOGLE_CLOUD_PROJECT).ok(), self.project);
        let (sampling, unsampled) = decide_sampling(
            std::env::var(semconv::OTEL_TRACES_SAMPLER).ok(),
            std::env::var(semconv::OTEL_TRACES_SAMPLER_ARG).ok().as_deref(),
            self.sampling,
        );
        unlikely.extend(log_rules.unlikely(sampling.value));
        self.redaction.map(Redaction::apply).transpose()?;
        let started = self.clock.unix_nanos(self.clock.now());
        let exports = self.exports.decide(door != Door::Scope)?;
        let service = match &exports.service {
            Some(service) if self.service.is_empty() => service.clone(),
            _ => self.service,
        };

        let overdue = Overdue::default();
        let lines = if self.lines {
            let version = Some(self.version.as_str()).filter(|version| !version.is_empty());
            Some(Arc::new(JsonLines::start(LogOptions {
                service: Service { name: &service, version, project: project.as_deref() },
                format: format.value,
                limits: self.limits,
                clock: self.clock.clone(),
                writer: self.output.open()?,
                look: self.still_running.map(|limit| overdue.look(limit)),
            })?))
        } else {
            None
        };
        let sink: Arc<dyn Sink> = match &lines {
            Some(lines) => Arc::clone(lines) as Arc<dyn Sink>,
            None => Arc::new(Nowhere),
        };
        let mut told = format!(
            "filter {} by {}; format {} by {}; propagators {} by {}; sampling {} by {}",
            filter.value,
            filter.by,
            format.value,
            format.by,
            listed(propagation.in_order()),
            propagators.by,
            sampling.value,
            sampling.by,
        );
        if let Some(spans) = exports.told() {
            told = format!("{told}; {spans}");
        }
        let (mut exports, unusable) = exports.start(&service, &self.version)?;
        let disabled = door != Door::Scope && is_disabled(std::env::var(semconv::otel::SDK_DISABLED).ok());
        if let Some(path) = self.trace_file.filter(|_| !disabled) {
            exports = exports.and_file(&path, &service, &self.version, &self.clock)?;
        }
        let slos = Arc::new(Slos::new(&service, self.slos, self.alerting, self.clock.now()));
        let recorder = Recorder::new(self.recorder).map(Arc::new);
        let hub = Hub::new(Parts {
            clock: self.clock,
            registry: registry.clone(),
            sampling: sampling.value,
            slow: self.slow,
            propagation,
            sink,
            traces: Traces::new(
                exports.sink(),
                recorder.clone(),
                self.trace_limits,
                KeepRate::per_second(self.keep_rate),
            ),
            slos: Arc::clone(&slos),
            log_rules,
            filter: filter.value.clone(),
            service,
            http_names: self.http_names,
        });
        #[cfg(feature = "opentelemetry")]
        let hub = hub.followed(self.opentelemetry_context);
        let hub = Arc::new(hub);
        overdue.belongs_to(&hub);
        exports.tell(&hub);
        function::touch_all();
        let (snapshots, unwritable) = Wanted {
            code: self.snapshots,
            operator: std::env::var_os(semconv::recorder::OBSERVE_SNAPSHOTS).filter(|_| door != Door::Scope),
            limits: self.snapshot_limits,
        }
        .start(recorder, &hub, &self.version)?;
        let itself = Itself {
            hub: Arc::downgrade(&hub),
            lines: lines.clone(),
            exports: exports.clone(),
            snapshots: snapshots.as_ref().map(|snapshots| Arc::clone(snapshots.stats())),
            version: self.version.clone(),
            revision: self.revision.clone(),
            started: started as f64 / 1e9,
        };
        let made = Made { version: self.version, revision: self.revision, unix_nanos: started };

        let (watches, unwatched) = Watches::burns(&hub, snapshots.as_ref(), self.on_burn);
        let levels = Levels::new(&hub, filter.value);
        #[cfg(all(unix, feature = "signal"))]
        let watches = watches.and_signals(self.signals, &hub, &levels, snapshots.as_ref())?;
        let inner = Arc::new(Inner::new(Arc::clone(&hub), lines, exports, snapshots, levels, made, watches));
        let mut complaints: Vec<String> = complaints.iter().map(Error::to_string).collect();
        complaints.extend(misread);
        complaints.extend(unsampled.as_ref().map(Error::to_string));
        complaints.extend(unlikely);
        complaints.extend(unwatched);
        complaints.extend(unwritable);
        complaints.extend(unusable);
        complaints.extend(unknown.iter().map(|error| format!("{}: {error}", semconv::OTEL_PROPAGATORS)));
        complaints.extend(unseen.iter().map(|name| {
            format!("view of metric `{name}`: nothing has this name so far; it counts for what comes")
        }));
        complaints.extend(registry.conflicts().iter().map(Error::to_string));
        if door == Door::Subscriber {
            dispatcher::set_global_default(inner.global_dispatch().clone()).map_err(|_| {
                let text = "another tracing subscriber is installed: add `telemetry.layer()` to it, and use \
                            `install_without_subscriber`";
                Error::new(Kind::AlreadyInstalled, text)
            })?;
            if LogBridge::install(&hub).is_err() {
                complaints
                    .push("records of the `log` crate go to another logger, which was there first".into());
            }
        }
        if door != Door::Scope {
            if !hub.install() {
                return Err(Error::new(
                    Kind::AlreadyInstalled,
                    "a telemetry is installed in this process already",
                ));
            }
            if self.panic_hook && !panics::install(inner.panic_note(), in_a_hurry(&inner)) {
                complaints.push("panics are not told: the thread that installs is panicking".into());
            }
            hub.say(Level::INFO, &format!("telemetry started: {told}"));
        }
        // What was refused above has left the registry as it was.
        hub.expose()?;
        registry.collector(itself);
        if slos.counted().next().is_some() {
            registry.collector(SloMetrics { slos, clock: hub.clock.clone() });
        }
        for complaint in complaints {
            hub.insist(Level::WARN, &complaint);
        }
        Ok(Telemetry { inner })
    }
}

/// How the log and a snapshot are brought out in a hurry.
fn in_a_hurry(inner: &Inner) -> impl Fn(Duration) + Send + Sync + 'static + use<> {
    let (lines, snapshots) = (inner.lines.clone(), inner.snapshots.clone());
    move |patience| {
        // Nobody is left to be told.
        let _ = snapshots.as_ref().map(|snapshots| snapshots.flush(patience));
        let _ = lines.as_ref().map(|lines| lines.flush(patience));
    }
}
