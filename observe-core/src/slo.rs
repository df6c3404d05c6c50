//! Service level objectives: what a service promises, declared in code.
//!
//! An event (a request, a call, an operation) is judged when it ends, in process and at the exact threshold, and counted in
//! `slo_events_total` and `slo_bad_events_total`. Alert rules, dashboards and documents are generated from the same
//! declarations.

mod about;
mod alerting;
mod burn;
mod burn_rule;
mod check;
mod duration;
mod event;
mod judge;
mod live;
mod metrics;
mod propose;
mod slos;
mod windows;

pub use self::alerting::{Alerting, Severity};
pub use self::burn::{Burn, BurnRate};
pub use self::burn_rule::{BurnPair, BurnRule};
pub use self::event::{Exclusion, SloEvent, Verdict};
pub use self::propose::Proposal;
pub use self::slos::Maintenance;

pub(crate) use self::about::About;
pub(crate) use self::check::{WINDOW, check};
pub(crate) use self::duration::promql_duration;
pub(crate) use self::live::LiveSlo;
pub(crate) use self::metrics::SloMetrics;
pub(crate) use self::propose::propose;
pub(crate) use self::slos::{Named, Slos};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Over how long an objective is meant, unless it says otherwise.
const DEFAULT_PERIOD: Duration = Duration::from_secs(30 * 24 * 3600);

/// A service level objective: which share of which events is to be good, over a rolling window.
///
/// Objectives are percentages: `99.9`. Without a scope ([`route`](Slo::route) and the others) it is about all requests
/// that this service answers.
///
/// ```
/// use observe_core::Telemetry;
/// use observe_core::slo::Slo;
/// use std::time::Duration;
///
/// let telemetry = Telemetry::builder("checkout")
///     .slo(Slo::availability("charge", 99.9).route("/charge"))
///     .slo(Slo::latency("charge-fast", 99.0, Duration::from_millis(500)).route("/charge"))
///     .build()?;
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "an objective counts when it is given to `Builder::slo`"]
pub struct Slo {
    name: String,
    objective: f64,
    period: Duration,
    indicator: Indicator,
    source: Source,
    /// Scopes that cannot both be meant.
    clash: Option<String>,
    to_end: bool,
    excludes_client_errors: bool,
    sla: Option<f64>,
    about: About,
    pages_on: Option<Vec<BurnPair>>,
}

/// What makes an event good.
#[derive(Clone)]
pub(crate) enum Indicator {
    /// It did not fail; and where there is a threshold, it was no later than that.
    Availability { within: Option<Duration> },
    /// It was no later than the threshold.
    Latency { within: Duration },
    /// The service's own word.
    Judged(Arc<dyn Fn(&SloEvent<'_>) -> Verdict + Send + Sync>),
    /// Whoever records it says so.
    ByHand,
    /// It is counted by somebody else.
    External { total: String, bad: String },
}

/// Which events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Requests that this service answers.
    Requests(Requests),
    /// Requests to this host.
    Calls(String),
    /// Calls to this dependency, by annotated functions or by hand.
    Dependency(String),
    /// Calls of this annotated function.
    Function(String),
    /// Operations by hand of this name.
    Operation(String),
    /// Those that are recorded by hand.
    ByHand,
    /// None of this process.
    External,
}

/// Of the requests that a service answers those that are meant; what is empty does not choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    pub(crate) routes: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) segments: Vec<String>,
    pub(crate) rpc_methods: Vec<String>,
}

/// Making one.
impl Slo {
    fn new(name: impl Into<String>, objective: f64, indicator: Indicator, source: Source) -> Self {
        Self {
            name: name.into(),
            objective,
            period: DEFAULT_PERIOD,
            indicator,
            source,
            clash: None,
            to_end: false,
            excludes_client_errors: false,
            sla: None,
            about: About::default(),
            pages_on: None,
        }
    }

    /// So many percent of the events are not to fail: of requests, no status of 500 and above, no declared failure, no
    /// panic.
    ///
    /// A client that went away before it had an answer is not counted, unless there is a threshold
    /// ([`within`](Slo::within)) and it had waited longer than that.
    pub fn availability(name: impl Into<String>, objective: f64) -> Self {
        let indicator = Indicator::Availability { within: None };
        Self::new(name, objective, indicator, Source::Requests(Requests::default()))
    }

    /// So many percent of the events are to take no longer than `threshold`: of requests until the head of the answer,
    /// unless [`to_end`](Slo::to_end) says otherwise.
    ///
    /// An event that failed, or whose client went away, says nothing about speed and is not counted; unless it had taken
    /// longer than the threshold by then: that is bad.
    pub fn latency(name: impl Into<String>, objective: f64, threshold: Duration) -> Self {
        let indicator = Indicator::Latency { within: threshold };
        Self::new(name, objective, indicator, Source::Requests(Requests::default()))
    }

    /// So many percent of the events are to be good by the service's own judgement. It runs at the end of each event, on
    /// the thread that ends it: it is short, and does not block. Where it panics, the event is not counted, and that is
    /// (`judge_panicked`).
    ///
    /// ```
    /// use observe_core::slo::{Slo, Verdict};
    ///
    /// let searches = Slo::judged("search", 99.0, |event| match event.status {
    ///     Some(404) => Verdict::Good,
    ///     Some(429) => Verdict::Bad,
    ///     _ if event.outcome.is_failure() => Verdict::Bad,
    ///     _ => Verdict::Good,
    /// });
    /// # let _ = searches;
    /// ```
    pub fn judged(
        name: impl Into<String>,
        objective: f64,
        judge: impl Fn(&SloEvent<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let indicator = Indicator::Judged(Arc::new(judge));
        Self::new(name, objective, indicator, Source::Requests(Requests::default()))
    }

    /// So many percent of the events are to be good that are recorded by hand:
    /// [`Telemetry::slo_events`](crate::Telemetry::slo_events).
    pub fn events(name: impl Into<String>, objective: f64) -> Self {
        Self::new(name, objective, Indicator::ByHand, Source::ByHand)
    }

    /// What is measured elsewhere, at a load balancer or in a browser: rules and panels are made for it, nothing is counted
    /// here. The two queries are PromQL for how many events a second there are, and bad ones, without labels; each looks
    /// back over `[$window]`, which the rules replace.
    ///
    /// ```
    /// use observe_core::slo::Slo;
    ///
    /// let edge = Slo::external(
    ///     "edge",
    ///     99.95,
    ///     "sum(rate(lb_requests_total[$window]))",
    ///     r#"sum(rate(lb_requests_total{code=~"5.."}[$window]))"#,
    /// );
    /// # let _ = edge;
    /// ```
    pub fn external(
        name: impl Into<String>,
        objective: f64,
        total: impl Into<String>,
        bad: impl Into<String>,
    ) -> Self {
        let indicator = Indicator::External { total: total.into(), bad: bad.into() };
        Self::new(name, objective, indicator, Source::External)
    }
}

/// Which events are meant. Said again, routes, methods, segments and methods of gRPC are added up; of the others there
/// is one.
impl Slo {
    /// Requests that matched this route, as the router writes it: `/users/{id}`.
    pub fn route(mut self, route: impl Into<String>) -> Self {
        self.requests("route", |requests| requests.routes.push(route.into()));
        self
    }

    /// Requests of this method: `POST`.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.requests("method", |requests| requests.methods.push(method.into()));
        self
    }

    /// Requests of this part of the callers: the text of the label `segment`
    /// ([`Segment`](crate::http_server::Segment)).
    pub fn segment(mut self, segment: impl Into<String>) -> Self {
        self.requests("segment", |requests| requests.segments.push(segment.into()));
        self
    }

    /// Calls by gRPC of this method: `shop.Orders/Place`.
    pub fn rpc_method(mut self, method: impl Into<String>) -> Self {
        self.requests("rpc_method", |requests| requests.rpc_methods.push(method.into()));
        self
    }

    /// Requests to this host (the label `server_address`), by the client layer. Capital letters do not count.
    pub fn server_address(mut self, host: impl Into<String>) -> Self {
        self.only("server_address", Source::Calls(host.into().to_ascii_lowercase()));
        self
    }

    /// Calls to this dependency: `#[observed(dependency = "…")]`, or by hand.
    pub fn dependency(mut self, name: impl Into<String>) -> Self {
        self.only("dependency", Source::Dependency(name.into()));
        self
    }

    /// Calls of this `#[observed]` function, by the name that its metric has: `checkout::shop::place`.
    pub fn function(mut self, name: impl Into<String>) -> Self {
        self.only("function", Source::Function(name.into()));
        self
    }

    /// Operations by hand of this name: [`Telemetry::operation`](crate::Telemetry::operation).
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.only("operation", Source::Operation(name.into()));
        self
    }

    fn requests(&mut self, setter: &str, add: impl FnOnce(&mut Requests)) {
        match &mut self.source {
            Source::Requests(requests) => add(requests),
            _ => self.clash = Some(setter.to_owned()),
        }
    }

    fn only(&mut self, setter: &str, source: Source) {
        match &self.source {
            Source::Requests(requests) if *requests == Requests::default() => self.source = source,
            _ => self.clash = Some(setter.to_owned()),
        }
    }
}

/// How it is judged.
impl Slo {
    /// An availability that also has a threshold: an event is good if it neither fails nor takes longer.
    pub fn within(mut self, threshold: Duration) -> Self {
        match &mut self.indicator {
            Indicator::Availability { within } => *within = Some(threshold),
            _ => self.clash = Some("within".to_owned()),
        }
        self
    }

    /// Over how long it is meant, rolling. Defaults to 30 days. At least an hour, at most 400 days.
    ///
    /// Under 14 days the windows of the alerts are shortened with it: over 12 hours, what is 1 h and 5 min else is 60 s and
    /// 5 s.
    pub fn window(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// Judges how long a request took by the end of its answer's body. Defaults to the head.
    pub fn to_end(mut self) -> Self {
        self.to_end = true;
        self
    }

    /// Does not count answers of 400 to 499. Defaults to counting them as what they are: no failures of the service.
    pub fn exclude_client_errors(mut self) -> Self {
        self.excludes_client_errors = true;
        self
    }

    /// What is promised to customers by contract, in percent: looser than the objective. Defaults to none.
    pub fn sla(mut self, percent: f64) -> Self {
        self.sla = Some(percent);
        self
    }

    /// Which burn rates page somebody; the others open a ticket. Defaults to what
    /// [`Alerting::pages_on`] says.
    pub fn pages_on(mut self, pairs: impl IntoIterator<Item = BurnPair>) -> Self {
        self.pages_on = Some(pairs.into_iter().collect());
        self
    }
}

/// What people are told of it: in its alerts and its documents.
impl Slo {
    /// Who is responsible. Defaults to [`Alerting::owner`].
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.about.owner = Some(owner.into());
        self
    }

    /// The address of its runbook. Defaults to what [`Alerting::runbooks`] makes of its name.
    pub fn runbook(mut self, url: impl Into<String>) -> Self {
        self.about.runbook = Some(url.into());
        self
    }

    /// The address of a dashboard. Defaults to [`Alerting::dashboard`].
    pub fn dashboard(mut self, url: impl Into<String>) -> Self {
        self.about.dashboard = Some(url.into());
        self
    }

    /// What it means to people when it is missed: `Customers cannot pay.`
    pub fn impact(mut self, impact: impl Into<String>) -> Self {
        self.about.impact = Some(impact.into());
        self
    }

    /// A likely cause. May be said again.
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.about.causes.push(cause.into());
        self
    }

    /// What to do first. May be said again.
    pub fn first_action(mut self, action: impl Into<String>) -> Self {
        self.about.first_actions.push(action.into());
        self
    }
}

/// What was declared.
impl Slo {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The objective, in percent.
    #[must_use]
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// The share of the events that may be bad: 0.001 for 99.9 %.
    #[must_use]
    pub fn error_budget(&self) -> f64 {
        // Without what the difference of two such numbers has behind the twelfth digit.
        ((100.0 - self.objective) * 1e10).round() / 1e12
    }

    /// Over how long it is meant.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// From when on an event is late, if that is judged.
    #[must_use]
    pub fn threshold(&self) -> Option<Duration> {
        match self.indicator {
            Indicator::Availability { within } => within,
            Indicator::Latency { within } => Some(within),
            _ => None,
        }
    }

    pub(crate) fn indicator(&self) -> &Indicator {
        &self.indicator
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Whether the time to the head of an answer is asked for.
    pub(crate) fn wants_head(&self) -> bool {
        let may = matches!(self.source, Source::Requests(_) | Source::Calls(_));
        may && !self.to_end && (self.threshold().is_some() || matches!(self.indicator, Indicator::Judged(_)))
    }

    /// Whether answers of 400 to 499 do not count.
    pub(crate) fn leaves_client_errors_out(&self) -> bool {
        self.excludes_client_errors
    }

    /// The promise by contract, in percent.
    pub(crate) fn contract(&self) -> Option<f64> {
        self.sla
    }

    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// Whether it is judged by the end of a request's body.
    pub(crate) fn is_to_end(&self) -> bool {
        self.to_end
    }

    pub(crate) fn is_external(&self) -> bool {
        self.source == Source::External
    }
}

impl fmt::Debug for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slo")
            .field("name", &self.name)
            .field("objective", &self.objective)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
