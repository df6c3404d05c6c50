//! Who is told, how urgently, and where to read on: declared once for all alerts of a service.

use super::{BurnPair, Slo};
use std::time::Duration;

/// What `{name}` in [`Alerting::runbooks`] stands for.
const NAME: &str = "{name}";

/// Who is told, how urgently, and where to read on: [`Builder::alerting`](crate::Builder::alerting).
///
/// ```
/// use observe_core::slo::{Alerting, BurnPair, Severity};
/// use std::time::Duration;
///
/// let alerting = Alerting::new()
///     .owner("team-shop")
///     .runbooks("https://wiki.example.org/runbooks/{name}")
///     .dashboard("https://grafana.example.org/d/checkout")
///     .page(Severity::new("page").level("SEV1").response(Duration::from_secs(5 * 60)))
///     .pages_on([BurnPair::Hour, BurnPair::SixHours]);
/// # let _ = alerting;
/// ```
#[derive(Clone, Debug)]
#[must_use = "it counts when it is given to `Builder::alerting`"]
pub struct Alerting {
    owner: Option<String>,
    runbooks: Option<String>,
    dashboard: Option<String>,
    page: Severity,
    ticket: Severity,
    pages_on: Vec<BurnPair>,
}

impl Alerting {
    /// Nobody in particular; the severities `page` and `ticket`; a page for what would spend 2 % of the budget in an
    /// hour.
    pub fn new() -> Self {
        Self {
            owner: None,
            runbooks: None,
            dashboard: None,
            page: Severity::new("page").level("SEV2").response(Duration::from_secs(15 * 60)),
            ticket: Severity::new("ticket").level("SEV3").response(Duration::from_secs(24 * 3600)),
            pages_on: vec![BurnPair::Hour],
        }
    }

    /// Who is responsible: the label `owner`. Defaults to none.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Where runbooks are: `{name}` stands for the name of the objective or, where there is none, of the alert. Defaults to
    /// none.
    pub fn runbooks(mut self, url: impl Into<String>) -> Self {
        self.runbooks = Some(url.into());
        self
    }

    /// The dashboard's address. Defaults to none.
    pub fn dashboard(mut self, url: impl Into<String>) -> Self {
        self.dashboard = Some(url.into());
        self
    }

    /// How a page is named and how fast somebody answers. Defaults to `page`, SEV2, 15 minutes.
    pub fn page(mut self, severity: Severity) -> Self {
        self.page = severity;
        self
    }

    /// How a ticket is named and how fast somebody answers. Defaults to `ticket`, SEV3, a day.
    pub fn ticket(mut self, severity: Severity) -> Self {
        self.ticket = severity;
        self
    }

    /// Which burn rates page somebody; the others open a ticket. Defaults to [`BurnPair::Hour`].
    pub fn pages_on(mut self, pairs: impl IntoIterator<Item = BurnPair>) -> Self {
        self.pages_on = pairs.into_iter().collect();
        self
    }

    pub(crate) fn severity(&self, pages: bool) -> &Severity {
        if pages { &self.page } else { &self.ticket }
    }

    pub(crate) fn pages(&self, slo: &Slo, pair: BurnPair) -> bool {
        slo.pages_on.as_ref().unwrap_or(&self.pages_on).contains(&pair)
    }

    /// Who is responsible for an objective, or for what belongs to none.
    pub(crate) fn owner_of<'a>(&'a self, slo: Option<&'a Slo>) -> Option<&'a str> {
        slo.and_then(|slo| slo.about.owner.as_deref()).or(self.owner.as_deref())
    }

    /// The dashboard of an objective, or of what belongs to none.
    pub(crate) fn dashboard_of<'a>(&'a self, slo: Option<&'a Slo>) -> Option<&'a str> {
        slo.and_then(|slo| slo.about.dashboard.as_deref()).or(self.dashboard.as_deref())
    }

    /// The runbook of an objective.
    pub(crate) fn runbook_of(&self, slo: &Slo) -> Option<String> {
        slo.about.runbook.clone().or_else(|| self.runbook_named(&slo.name))
    }

    /// The runbook of an alert that belongs to no objective.
    pub(crate) fn runbook_named(&self, name: &str) -> Option<String> {
        self.runbooks.as_ref().map(|url| url.replace(NAME, name))
    }

    /// The two, with what each is.
    pub(super) fn severities(&self) -> [(&'static str, &Severity); 2] {
        [("page", &self.page), ("ticket", &self.ticket)]
    }
}

impl Default for Alerting {
    fn default() -> Self {
        Self::new()
    }
}

/// How urgent an alert is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it counts when it is given to `Alerting::page` or `Alerting::ticket`"]
pub struct Severity {
    label: String,
    level: Option<String>,
    response: Option<Duration>,
    webhook: Option<String>,
}

impl Severity {
    /// By the label `severity` that alerts have, by which Alertmanager routes them.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), level: None, response: None, webhook: None }
    }

    /// As the organisation numbers it: `SEV2`. Defaults to none.
    pub fn level(mut self, level: impl Into<String>) -> Self {
        self.level = Some(level.into());
        self
    }

    /// How soon somebody is to look. Defaults to none.
    pub fn response(mut self, response: Duration) -> Self {
        self.response = Some(response);
        self
    }

    /// Where Alertmanager sends alerts of this severity, in the `alertmanager.yaml` that is generated: an address by HTTP that
    /// takes its webhooks. It is no secret: it stands in that file. Defaults to a placeholder,
    /// `http://127.0.0.1:9095/` and the label.
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.webhook = Some(url.into());
        self
    }

    /// The value of the label `severity`.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn webhook_url(&self) -> Option<&str> {
        self.webhook.as_deref()
    }

    pub(crate) fn level_name(&self) -> Option<&str> {
        self.level.as_deref()
    }

    pub(crate) fn response_time(&self) -> Option<Duration> {
        self.response
    }
}
