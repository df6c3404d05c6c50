//! The roof: the telemetry of a service, wired from its parts. It decides nothing.

mod answer;
#[cfg(feature = "metrics")]
mod bridge;
mod builder;
mod decide;
mod drain;
mod exports;
mod inspect;
mod itself;
#[cfg(feature = "subscriber")]
mod layer;
mod objectives;
mod scope;
mod snapshots;
mod watches;

pub use builder::Builder;
pub use inspect::{Inspect, RecorderState};
pub use objectives::{SloEvents, SloStatus};
pub use scope::Scoped;

use crate::audit::Audit;
use crate::context::{Context, Extract, Inject};
use crate::db::Database;
use crate::error::Error;
use crate::export::json::JsonLines;
use crate::export::snapshot::Snapshots;
use crate::filter::Filter;
use crate::genai::GenAi;
use crate::http_client::HttpClient;
use crate::http_server::HttpServer;
use crate::hub::Hub;
use crate::levels::Levels;
use crate::operation::OperationBuilder;
use crate::readiness::Readiness;
use crate::registry::Registry;
use crate::subscriber::{Subscriber, Witness};
use exports::Exports;
use inspect::Made;
use std::fmt;
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;
use tracing::Dispatch;
use watches::Watches;

/// Everything that a service observes, and the ways out. Cloned freely: clones are one telemetry.
///
/// [`install`](Builder::install) makes it the process's own; [`build`](Builder::build) touches nothing global, for
/// tests that run beside each other: see [`scope`](Telemetry::scope).
///
/// When the last clone is dropped without [`shutdown`](Telemetry::shutdown), kept traces and the log are given up to a
/// second each to be delivered.
#[derive(Clone)]
#[must_use = "the log is closed when the last of a telemetry is dropped"]
pub struct Telemetry {
    inner: Arc<Inner>,
}

struct Inner {
    hub: Arc<Hub>,
    /// Our subscriber, made when it is needed first: `tracing` asks every one that exists about every callsite, and
    /// behind a layer it is another's word that counts.
    dispatch: OnceLock<Door>,
    lines: Option<Arc<JsonLines>>,
    exports: Exports,
    readiness: Readiness,
    /// The requests that were still running at the end were told of.
    unfinished_told: Once,
    snapshots: Option<Arc<Snapshots>>,
    levels: Levels,
    made: Made,
    _watches: Watches,
}

struct Door {
    dispatch: Dispatch,
    /// Keeps `tracing` from taking the only subscriber for the global one.
    _witness: Option<Dispatch>,
}

impl Door {
    fn new(hub: &Arc<Hub>, witness: Option<Dispatch>) -> Self {
        Self { dispatch: Dispatch::new(Subscriber::new(Arc::clone(hub))), _witness: witness }
    }
}

impl Telemetry {
    /// Starts to describe the telemetry of a service of this name (`service.name`).
    ///
    /// ```
    /// use observe_core::Telemetry;
    ///
    /// let telemetry = Telemetry::builder("checkout").version("1.2.3").build()?;
    /// telemetry.shutdown(std::time::Duration::from_secs(5))?;
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    pub fn builder(service_name: impl Into<String>) -> Builder {
        Builder::new(service_name.into())
    }

    /// The registry that a scrape reads. It has every `#[metric] static`, unless [`Builder::registry`] was given one
    /// without (use [`Registry::with_statics`]).
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.inner.hub.registry
    }

    /// What the metrics of this telemetry's registry cost now, and what a label would: see [`Audit`].
    #[must_use]
    pub fn audit(&self) -> Audit {
        self.registry().audit()
    }

    /// Opens an operation by hand. Its name is of the code's making, never a client's: it is a metric label.
    pub fn operation(&self, name: &'static str) -> OperationBuilder<'_> {
        OperationBuilder::new(name, Some(&self.inner.hub))
    }

    /// Observes the requests of an HTTP server: what `observe_tower::ObserveLayer` builds on, for servers that are
    /// no tower service.
    #[must_use]
    pub fn http_server(&self) -> HttpServer {
        HttpServer::new(&self.inner.hub)
    }

    /// Observes the requests that this service makes: what `observe_tower::ObserveClientLayer` builds on, for clients
    /// that are no tower service.
    #[must_use]
    pub fn http_client(&self) -> HttpClient {
        HttpClient::new(&self.inner.hub)
    }

    /// Observes the calls to a database of this system (`db.system.name`: `postgresql`, `sqlite`, `redis`, …), whose SQL is
    /// read as that one does.
    ///
    /// # Errors
    ///
    /// If the registry has another family of the name ([`Error::is_duplicate`]), or the system has none
    /// ([`Error::is_invalid`]).
    pub fn database(&self, system: &str) -> Result<Database, Error> {
        Database::new(&self.inner.hub, self.registry(), system)
    }

    /// Observes the calls to models of this provider (`gen_ai.provider.name`: `anthropic`, `openai`, `aws.bedrock`, …).
    ///
    /// # Errors
    ///
    /// If the registry has another family of one of the names ([`Error::is_duplicate`]), or the provider has none
    /// ([`Error::is_invalid`]).
    pub fn genai(&self, provider: &str) -> Result<GenAi, Error> {
        GenAi::new(&self.inner.hub, self.registry(), provider)
    }

    /// Reads the context that a carrier (headers of a request, of a message) brings; what is malformed is
    /// left out and counted in `observe_context_rejected_total{header,reason}`.
    pub fn extract(&self, carrier: &(impl Extract + ?Sized)) -> Context {
        self.inner.hub.extract(carrier)
    }

    /// Writes a context to a carrier: nearly always [`Context::current`].
    pub fn inject(&self, context: &Context, carrier: &mut (impl Inject + ?Sized)) {
        self.inner.hub.inject(context, carrier);
    }

    /// Changes which lines and spans are recorded, while the process runs: [`Levels::set`].
    pub fn set_filter(&self, filter: Filter) {
        self.inner.levels.set(filter);
    }

    /// Which lines and spans are recorded, to be changed while the process runs, also for a while.
    #[must_use]
    pub fn levels(&self) -> Levels {
        self.inner.levels.clone()
    }
}

impl Telemetry {
    pub(crate) fn hub(&self) -> &Hub {
        &self.inner.hub
    }
}

impl Inner {
    fn new(
        hub: Arc<Hub>,
        lines: Option<Arc<JsonLines>>,
        exports: Exports,
        snapshots: Option<Arc<Snapshots>>,
        levels: Levels,
        made: Made,
        watches: Watches,
    ) -> Self {
        let unfinished_told = Once::new();
        let (dispatch, readiness) = (OnceLock::new(), Readiness::default());
        Self {
            hub,
            dispatch,
            lines,
            exports,
            readiness,
            unfinished_told,
            snapshots,
            levels,
            made,
            _watches: watches,
        }
    }

    /// Our subscriber, for scopes.
    fn dispatch(&self) -> &Dispatch {
        &self.dispatch.get_or_init(|| Door::new(&self.hub, Some(Dispatch::new(Witness)))).dispatch
    }

    /// Our subscriber, to be the process's own.
    fn global_dispatch(&self) -> &Dispatch {
        &self.dispatch.get_or_init(|| Door::new(&self.hub, None)).dispatch
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The queue may outlive this: a process's own telemetry never ends, and a recorded trace is kept for the next.
        let patience = Duration::from_secs(1);
        let _ = self.exports.flush(patience);
        if let Some(lines) = &self.lines {
            let _ = lines.flush(patience);
        }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}
