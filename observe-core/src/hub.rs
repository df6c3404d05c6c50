//! What operations report to: one for each telemetry.

use crate::catalogue;
use crate::clock::Clock;
use crate::context::{Context, ContextHeader, Extract, Inject, Propagation, Rejected, TraceState, ot};
use crate::error::Error;
use crate::fields::{Fields, Text};
use crate::filter::Filter;
use crate::http_metrics::{
    ClientMetrics, HttpMetrics, HttpNames, Later, RequestLabels, RpcClientLabels, RpcLabels, answered_calls,
    made_calls,
};
use crate::label::own::label_set;
use crate::label::{LabelSet, LabelValue};
use crate::log_sampling::LogRules;
use crate::metric::{AnyFamily, Counter, Family, HotHistogram};
use crate::record::{LogRecord, Sink};
use crate::registry::Registry;
use crate::sampling::Sampling;
use crate::semconv;
use crate::slo::Slos;
use crate::traces::Traces;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tracing_core::{Level, LevelFilter};

/// The wired parts of a telemetry that the edges use. Built by the roof.
pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) sampling: Sampling,
    /// From which duration on a local root is slow.
    pub(crate) slow: Duration,
    pub(crate) propagation: Propagation,
    /// What a trace in the baseline hands on that came without anything to hand on.
    pub(crate) in_baseline: Context,
    /// Whether the opentelemetry API's own current context follows ours.
    #[cfg(feature = "opentelemetry")]
    pub(crate) follows: bool,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) traces: Traces,
    pub(crate) slos: Arc<Slos>,
    pub(crate) log_rules: LogRules,
    /// Spans that were not recorded because too many were open.
    pub(crate) spans_refused: AtomicU64,
    rejected: Arc<Family<RejectedLabels, Counter>>,
    filter: RwLock<Arc<Filters>>,
    /// How many levels of the library's own target pass, so that an operation's end takes no lock.
    own_levels: AtomicUsize,
    /// Whether panics are told.
    panics: AtomicBool,
    /// How many levels pass for every target, and for any.
    all_levels: AtomicUsize,
    any_levels: AtomicUsize,
    /// Names the filter: no other of this process has the number.
    filter_serial: AtomicU64,
    http: OnceLock<HttpMetrics>,
    http_client: OnceLock<ClientMetrics>,
    /// The service's name, and under which names its requests are shown.
    pub(crate) service: String,
    pub(crate) http_names: HttpNames,
    /// A test that looks on.
    #[cfg(feature = "test-util")]
    pub(crate) watch: OnceLock<Arc<crate::watch::Watch>>,
}

/// What is heard, and what of it is written.
#[derive(Default)]
struct Filters {
    heard: Filter,
    /// Where it is not all that is heard.
    written: Option<Filter>,
}

/// What a hub is made of.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) sampling: Sampling,
    pub(crate) slow: Duration,
    pub(crate) propagation: Propagation,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) traces: Traces,
    pub(crate) slos: Arc<Slos>,
    pub(crate) log_rules: LogRules,
    pub(crate) filter: Filter,
    pub(crate) service: String,
    pub(crate) http_names: HttpNames,
}

impl Parts {
    /// Those of a hub that writes no line and that nobody scrapes.
    pub(crate) fn detached() -> Self {
        Self {
            clock: Clock::system(),
            registry: Registry::new(),
            sampling: Sampling::default(),
            slow: Duration::MAX,
            propagation: Propagation::default(),
            sink: Arc::new(Nowhere),
            traces: Traces::nowhere(),
            slos: Arc::default(),
            log_rules: LogRules::default(),
            filter: Filter::from(LevelFilter::OFF),
            service: String::new(),
            http_names: HttpNames::default(),
        }
    }
}

static INSTALLED: OnceLock<Arc<Hub>> = OnceLock::new();

impl Hub {
    /// Wires the parts. Nobody sees it yet: see [`expose`](Hub::expose).
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            clock,
            registry,
            sampling,
            slow,
            propagation,
            sink,
            traces,
            slos,
            log_rules,
            filter,
            service,
            http_names,
        } = parts;
        let mut in_baseline = Context::new();
        in_baseline.set_tracestate(ot::with_threshold(&TraceState::new(), sampling.threshold()));
        let hub = Self {
            clock,
            registry,
            sampling,
            slow,
            propagation,
            in_baseline,
            #[cfg(feature = "opentelemetry")]
            follows: false,
            sink,
            traces,
            slos,
            log_rules,
            spans_refused: AtomicU64::new(0),
            rejected: Arc::new(rejected_contexts()),
            filter: RwLock::default(),
            own_levels: AtomicUsize::new(0),
            panics: AtomicBool::new(false),
            all_levels: AtomicUsize::new(0),
            any_levels: AtomicUsize::new(0),
            filter_serial: AtomicU64::new(0),
            http: OnceLock::new(),
            http_client: OnceLock::new(),
            service,
            http_names,
            #[cfg(feature = "test-util")]
            watch: OnceLock::new(),
        };
        hub.set_filter(filter.clone(), &filter);
        hub
    }

    /// With the opentelemetry API's own current context following ours, or not.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn followed(self, follows: bool) -> Self {
        Self { follows, ..self }
    }

    /// Makes this hub the one that code without a context of its own reports to. `false`: there is one already.
    pub(crate) fn install(self: &Arc<Self>) -> bool {
        INSTALLED.set(Arc::clone(self)).is_ok()
    }

    /// Whether there is one.
    pub(crate) fn is_installed() -> bool {
        INSTALLED.get().is_some()
    }

    /// The installed hub, else one that writes no line and that nobody scrapes: contexts, and the metrics that
    /// are statics, work all the same.
    pub(crate) fn installed_or_detached() -> &'static Arc<Self> {
        static DETACHED: LazyLock<Arc<Hub>> = LazyLock::new(|| Arc::new(Hub::new(Parts::detached())));
        INSTALLED.get().unwrap_or_else(|| &DETACHED)
    }

    /// Whether a registry has room for the names of a telemetry's own metrics, those included that come with the
    /// first server or client.
    ///
    /// # Errors
    ///
    /// If one of them is taken.
    pub(crate) fn examine(registry: &Registry, http_names: HttpNames) -> Result<(), Error> {
        catalogue::of_telemetry(http_names == HttpNames::Classic)
            .try_for_each(|entry| registry.examine(entry.name, entry.kind))
    }

    /// Shows its metrics in its registry: the last step, since nothing takes it back.
    ///
    /// # Errors
    ///
    /// If a name of theirs was taken since [`examine`](Hub::examine).
    pub(crate) fn expose(&self) -> Result<(), Error> {
        self.registry.register::<Family<_, _>>(Arc::clone(&self.rejected)).map(drop)
    }

    /// The most verbose level that is heard.
    pub(crate) fn max_level(&self) -> LevelFilter {
        self.filters().heard.max_level()
    }

    fn filters(&self) -> Arc<Filters> {
        Arc::clone(&self.filter.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is written, and with it what is heard. Panics are told unless the base, too, which holds where nothing is
    /// raised, silences them: a raised directive that names their target raises nothing, and is to lower nothing.
    /// Whoever caches answers is to be told after it.
    pub(crate) fn set_filter(&self, filter: Filter, base: &Filter) {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let own = LEVELS.iter().filter(|level| filter.enabled(**level, semconv::log::OWN_TARGET)).count();
        let panics = [base, &filter].iter().any(|one| one.spares(Level::ERROR, semconv::log::PANIC_TARGET));
        let filters = match self.log_rules.held() {
            None => Filters { heard: filter, written: None },
            Some(held) => Filters { heard: filter.or(held), written: Some(filter) },
        };
        let (all, any) = (filters.heard.min_level(), filters.heard.max_level());
        let mut current = self.filter.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, Arc::new(filters));
        self.own_levels.store(own, Ordering::Relaxed);
        self.panics.store(panics, Ordering::Relaxed);
        self.all_levels.store(LEVELS.iter().filter(|level| **level <= all).count(), Ordering::Relaxed);
        self.any_levels.store(LEVELS.iter().filter(|level| **level <= any).count(), Ordering::Relaxed);
        self.filter_serial.store(SERIAL.fetch_add(1, Ordering::Relaxed), Ordering::Release);
        drop((current, before));
    }

    /// Whether events and spans of this level and target are recorded. Takes a lock only once for each thread and
    /// filter, and none where the level alone decides.
    pub(crate) fn hears(&self, level: Level, target: &str) -> bool {
        let rank = rank(level);
        if rank <= self.all_levels.load(Ordering::Relaxed) {
            return true;
        }
        if rank > self.any_levels.load(Ordering::Relaxed) {
            return false;
        }
        self.known(|filters| filters.heard.enabled(level, target))
    }

    /// Whether a line that is heard is written when it comes; else it is only held back.
    pub(crate) fn writes(&self, level: Level, target: &str) -> bool {
        self.log_rules.held().is_none()
            || self.known(|filters| {
                filters.written.as_ref().is_none_or(|written| written.enabled(level, target))
            })
    }

    /// The filters, by what this thread remembers of them.
    fn known(&self, ask: impl Fn(&Filters) -> bool) -> bool {
        thread_local! {
            static KNOWN: RefCell<(u64, Arc<Filters>)> = RefCell::new((0, Arc::default()));
        }
        let serial = self.filter_serial.load(Ordering::Acquire);
        let known = KNOWN.try_with(|known| {
            let mut known = known.try_borrow_mut().ok()?;
            if known.0 != serial {
                *known = (serial, self.filters());
            }
            Some(ask(&known.1))
        });
        known.ok().flatten().unwrap_or_else(|| ask(&self.filters()))
    }

    /// Whether lines of the library's own target (of operations, and about itself) pass at this level.
    pub(crate) fn passes(&self, level: Level) -> bool {
        rank(level) <= self.own_levels.load(Ordering::Relaxed)
    }

    /// Whether lines about panics pass. Takes no lock: the panic may have come while one was held.
    pub(crate) fn tells_panics(&self) -> bool {
        self.panics.load(Ordering::Relaxed)
    }

    /// Writes a line about the library itself, if the filter lets it through.
    pub(crate) fn say(&self, level: Level, text: &str) {
        if self.passes(level) {
            self.insist(level, text);
        }
    }

    /// Writes a line about the library itself, whatever the filter says: it may be the filter that is wrong.
    pub(crate) fn insist(&self, level: Level, text: &str) {
        let mut message = Text::new();
        message.set(text);
        let tick = self.clock.now();
        self.sink.log(&LogRecord {
            unix_nanos: self.clock.unix_nanos(tick),
            level,
            target: semconv::log::OWN_TARGET,
            message: &message,
            span_context: None,
            correlation_id: None,
            span: None,
            event: &Fields::new(),
            callsite: 0,
        });
    }

    /// The metrics of HTTP servers, registered with the first that is asked for.
    pub(crate) fn http(&self) -> &HttpMetrics {
        self.http.get_or_init(|| {
            let refused = |error: &Error| self.say(Level::WARN, &error.to_string());
            HttpMetrics::register(&self.registry, &self.service, self.http_names, refused)
        })
    }

    /// How long requests and calls took that were answered so far, where there was one.
    pub(crate) fn answered(&self) -> [Option<&dyn AnyFamily>; 2] {
        let http = self.http.get();
        let calls = http.and_then(|http| http.calls.seen());
        [http.map(|http| &*http.duration as &dyn AnyFamily), calls.map(|calls| calls as &dyn AnyFamily)]
    }

    /// The metrics of HTTP clients, registered with the first that is asked for.
    pub(crate) fn http_client(&self) -> &ClientMetrics {
        self.http_client.get_or_init(|| {
            ClientMetrics::register(&self.registry, |error| self.say(Level::WARN, &error.to_string()))
        })
    }

    /// How long requests waited in front of this service.
    pub(crate) fn http_queue(&self) -> &Family<(), HotHistogram> {
        self.later(&self.http().queue, HttpMetrics::queue_family)
    }

    /// How long what a layer wraps was waited for.
    pub(crate) fn http_ready_wait(&self) -> &Family<(), HotHistogram> {
        self.later(&self.http().ready_wait, HttpMetrics::ready_wait_family)
    }

    /// How much of requests' bodies was read.
    pub(crate) fn http_request_size(&self) -> &Family<RequestLabels, HotHistogram> {
        self.later(&self.http().request_size, HttpMetrics::request_size_family)
    }

    /// How much of answers' bodies was sent.
    pub(crate) fn http_response_size(&self) -> &Family<RequestLabels, HotHistogram> {
        self.later(&self.http().response_size, HttpMetrics::response_size_family)
    }

    /// How long calls took that were answered here.
    pub(crate) fn rpc_server(&self) -> &Family<RpcLabels, HotHistogram> {
        self.later(&self.http().calls, answered_calls)
    }

    /// How long calls to others took.
    pub(crate) fn rpc_client(&self) -> &Family<RpcClientLabels, HotHistogram> {
        self.later(&self.http_client().calls, made_calls)
    }

    fn later<'a, L: LabelSet>(
        &self,
        later: &'a Later<L>,
        make: fn() -> Family<L, HotHistogram>,
    ) -> &'a Family<L, HotHistogram> {
        later.get(&self.registry, make, |error| self.say(Level::WARN, &error.to_string()))
    }

    /// Counts what was refused.
    pub(crate) fn reject(&self, header: ContextHeader, reason: Rejected) {
        self.rejected.with(RejectedLabels { header, reason }).inc();
    }

    /// Reads a context, and counts what was refused of it.
    pub(crate) fn extract(&self, carrier: &(impl Extract + ?Sized)) -> Context {
        let extracted = Context::extract(carrier, &self.propagation);
        for (header, reason) in extracted.rejected.iter() {
            self.reject(header, reason);
        }
        extracted.context
    }

    /// Writes a context.
    pub(crate) fn inject(&self, context: &Context, carrier: &mut (impl Inject + ?Sized)) {
        context.inject(carrier, &self.propagation);
    }
}

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// How many levels are at least as severe.
fn rank(level: Level) -> usize {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        _ => 5,
    }
}

fn rejected_contexts() -> Family<RejectedLabels, Counter> {
    Family::counter(
        semconv::own::CONTEXT_REJECTED_TOTAL,
        "Headers of incoming contexts that were not taken, by header and reason.",
    )
}

/// Takes nothing, and counts nothing: for code without a telemetry, and for a telemetry without a log.
pub(crate) struct Nowhere;

impl Sink for Nowhere {
    fn log(&self, _: &LogRecord<'_>) {}

    fn render(&self, _: &LogRecord<'_>, _: &mut Vec<u8>) {}

    fn write(&self, _: Level, _: &[u8], _: u64) {}
}

label_set!(RejectedLabels {
    header: ContextHeader = semconv::own::HEADER,
    reason: Rejected = semconv::own::REASON,
});

#[diagnostic::do_not_recommend]
impl LabelValue for ContextHeader {
    const CARDINALITY: u32 = ContextHeader::ALL.len() as u32;

    fn code(self) -> u32 {
        self as u32
    }

    fn text(code: u32) -> &'static str {
        ContextHeader::ALL.get(code as usize).map_or("", |header| header.as_str())
    }
}

#[diagnostic::do_not_recommend]
impl LabelValue for Rejected {
    const CARDINALITY: u32 = Rejected::ALL.len() as u32;

    fn code(self) -> u32 {
        self as u32
    }

    fn text(code: u32) -> &'static str {
        Rejected::ALL.get(code as usize).map_or("", |reason| reason.as_str())
    }
}
