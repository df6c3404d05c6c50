//! The objectives of one telemetry, and which of them an event is of.

use super::live::LiveSlo;
use super::{Alerting, Burn, Requests, Slo, SloEvent, Source};
use crate::clock::Tick;
use crate::http_metrics::{Route, RpcCall, ServerAddress};
use crate::label::LabelValue;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// After so many events of others, one that had none is told of: it is probably written otherwise.
const SILENT_AFTER: u64 = 1_000;

/// The objectives of one telemetry.
#[derive(Default)]
pub(crate) struct Slos {
    service: String,
    alerting: Alerting,
    all: Vec<Arc<LiveSlo>>,
    /// The places of those about requests, by route: made with the first request, when the limit of routes is settled.
    requests: Vec<usize>,
    by_route: OnceLock<ByRoute>,
    /// The places of those about anything else that is judged here.
    named: Vec<usize>,
    wants_head: bool,
}

/// What an event that is no request is known by; what it is not is empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named<'a> {
    pub(crate) function: &'a str,
    pub(crate) dependency: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) server_address: &'a str,
}

impl Slos {
    pub(crate) fn new(service: &str, slos: Vec<Slo>, alerting: Alerting, now: Tick) -> Self {
        let all: Vec<_> = slos.into_iter().map(|slo| Arc::new(LiveSlo::new(slo, &alerting, now))).collect();
        for live in &all {
            // They have their places, however many others come before; and a method also where none of its calls is answered.
            match live.declared().source() {
                Source::Calls(host) => drop(ServerAddress::from(&**host)),
                Source::Requests(requests) => {
                    requests.rpc_methods.iter().for_each(|method| RpcCall::expect(method));
                }
                _ => {}
            }
        }
        let places = |wanted: fn(&Source) -> bool| {
            let places = all.iter().enumerate().filter(|(_, live)| wanted(live.declared().source()));
            places.map(|(place, _)| place).collect()
        };
        Self {
            service: service.to_owned(),
            requests: places(|source| matches!(source, Source::Requests(_))),
            named: places(|source| {
                !matches!(source, Source::Requests(_) | Source::ByHand | Source::External)
            }),
            by_route: OnceLock::new(),
            wants_head: all.iter().any(|live| live.declared().wants_head()),
            alerting,
            all,
        }
    }

    pub(crate) fn service(&self) -> &str {
        &self.service
    }

    pub(crate) fn alerting(&self) -> &Alerting {
        &self.alerting
    }

    /// What was declared, in its order.
    pub(crate) fn declared(&self) -> impl Iterator<Item = &Slo> {
        self.all.iter().map(|live| live.declared())
    }

    /// Those that are counted here.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &Arc<LiveSlo>> {
        self.all.iter().filter(|live| !live.declared().is_external())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<LiveSlo>> {
        self.counted().find(|live| live.declared().name() == name)
    }

    /// Whether any is about requests.
    #[inline]
    pub(crate) fn are_about_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Whether any is about what has a name.
    #[inline]
    pub(crate) fn are_about_named(&self) -> bool {
        !self.named.is_empty()
    }

    /// Whether any wants to know when the head of an answer was there.
    #[inline]
    pub(crate) fn want_head(&self) -> bool {
        self.wants_head
    }

    /// Judges a request that was answered here. Answers whether it was bad for any.
    pub(crate) fn judge_request(&self, route: Route, event: &SloEvent<'_>) -> bool {
        let by_route = self.by_route.get_or_init(|| ByRoute::new(&self.all, &self.requests));
        any_bad(by_route.each(route, event), event)
    }

    /// Judges what is no request. Answers whether it was bad for any.
    pub(crate) fn judge_named(&self, named: Named<'_>, event: &SloEvent<'_>) -> bool {
        let lives = self.named.iter().filter_map(|place| self.all.get(*place));
        let lives = lives.filter(|live| match live.declared().source() {
            Source::Function(name) => name == named.function,
            Source::Dependency(name) => name == named.dependency,
            Source::Operation(name) => name == named.operation,
            Source::Calls(host) => host == named.server_address,
            Source::Requests(_) | Source::ByHand | Source::External => false,
        });
        any_bad(lives, event)
    }

    /// How often [`look`](Slos::look) wants to be called; `None` if never.
    pub(crate) fn pace(&self) -> Option<Duration> {
        self.counted().filter_map(|live| live.pace()).min()
    }

    /// Notes what was counted by now. Answers which budgets have begun to be spent faster than their rules allow, and
    /// whether each rule pages somebody.
    pub(crate) fn look(&self, now: Tick) -> Vec<(Burn, bool)> {
        self.counted().flat_map(|live| live.look(now)).collect()
    }

    /// What had no event while others had a thousand, in words; each once.
    pub(crate) fn silent(&self) -> Vec<String> {
        let requests = self.by_route.get().map_or(0, |by_route| by_route.requests.load(Ordering::Relaxed));
        let mut told: Vec<String> = if requests >= SILENT_AFTER {
            self.by_route.get().into_iter().flat_map(ByRoute::silent).collect()
        } else {
            Vec::new()
        };
        let events = self.counted().map(|live| live.counts().events).max().unwrap_or(0).max(requests);
        for live in self.counted() {
            let what = match live.declared().source() {
                Source::Function(name) => format!("function `{name}`"),
                Source::Dependency(name) => format!("dependency `{name}`"),
                Source::Operation(name) => format!("operation `{name}`"),
                Source::Calls(host) => format!("host `{host}`"),
                Source::Requests(scope) => match scope.in_words() {
                    // A route alone is told above.
                    Some(what) if requests >= SILENT_AFTER => what,
                    _ => continue,
                },
                Source::ByHand | Source::External => continue,
            };
            if events >= SILENT_AFTER
                && live.is_silent()
                && !live.is_silence_told.swap(true, Ordering::Relaxed)
            {
                told.push(format!(
                    "SLO `{}`: the {what} had no event, while others had {SILENT_AFTER}: is it named so?",
                    live.declared().name(),
                ));
            }
        }
        told
    }

    /// Begins maintenance of all, or of one.
    pub(crate) fn maintain(&self, one: Option<&LiveSlo>) -> Maintenance {
        let counters = match one {
            Some(live) => vec![Arc::clone(live.maintained())],
            None => self.counted().map(|live| Arc::clone(live.maintained())).collect(),
        };
        for counter in &counters {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Maintenance { counters }
    }
}

/// While it lives, events are excluded instead of judged (`slo_excluded_events_total{reason="maintenance"}`):
/// [`Telemetry::maintenance`](crate::Telemetry::maintenance).
#[derive(Debug)]
#[must_use = "maintenance ends when this is dropped"]
pub struct Maintenance {
    counters: Vec<Arc<AtomicUsize>>,
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        for counter in &self.counters {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The objectives about requests, by route.
struct ByRoute {
    /// By the route's number: the places in `chosen`.
    routes: Vec<Vec<usize>>,
    chosen: Vec<Chosen>,
    /// Those of every route.
    everywhere: Vec<Arc<LiveSlo>>,
    /// How many requests there were, up to [`SILENT_AFTER`].
    requests: AtomicU64,
}

/// A route that an objective is about.
struct Chosen {
    live: Arc<LiveSlo>,
    route: String,
    /// A request came, or somebody was told that none did.
    is_settled: AtomicBool,
}

impl ByRoute {
    fn new(all: &[Arc<LiveSlo>], requests: &[usize]) -> Self {
        let mut by_route = Self {
            routes: Vec::new(),
            chosen: Vec::new(),
            everywhere: Vec::new(),
            requests: AtomicU64::new(0),
        };
        for live in requests.iter().filter_map(|place| all.get(*place)) {
            let Source::Requests(requests) = live.declared().source() else { continue };
            if requests.routes.is_empty() {
                by_route.everywhere.push(Arc::clone(live));
            }
            // Each once: an event counts once.
            for route in requests.routes.iter().collect::<BTreeSet<_>>() {
                by_route.choose(live, route);
            }
        }
        by_route
    }

    fn choose(&mut self, live: &Arc<LiveSlo>, text: &str) {
        let route = Route::of(text);
        // Past the limit of routes it could not be told from others: then it stays silent, which is told.
        if !route.is_other() {
            let number = route.code() as usize;
            if self.routes.len() <= number {
                self.routes.resize_with(number + 1, Vec::new);
            }
            if let Some(places) = self.routes.get_mut(number) {
                places.push(self.chosen.len());
            }
        }
        let (live, is_settled) = (Arc::clone(live), AtomicBool::new(false));
        self.chosen.push(Chosen { live, route: text.to_owned(), is_settled });
    }

    /// Those that a request is of.
    fn each<'a>(&'a self, route: Route, event: &'a SloEvent<'_>) -> impl Iterator<Item = &'a Arc<LiveSlo>> {
        if self.requests.load(Ordering::Relaxed) < SILENT_AFTER {
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
        let places = self.routes.get(route.code() as usize).map_or(&[][..], Vec::as_slice);
        let chosen = places.iter().filter_map(|place| self.chosen.get(*place)).map(|chosen| {
            if !chosen.is_settled.load(Ordering::Relaxed) {
                chosen.is_settled.store(true, Ordering::Relaxed);
            }
            &chosen.live
        });
        chosen.chain(&self.everywhere).filter(|live| is_meant(live.declared().source(), event))
    }

    fn silent(&self) -> impl Iterator<Item = String> {
        let silent = self.chosen.iter().filter(|chosen| !chosen.is_settled.swap(true, Ordering::Relaxed));
        silent.map(|chosen| {
            // What else it says is not looked at before there are requests.
            chosen.live.is_silence_told.store(true, Ordering::Relaxed);
            format!(
                "SLO `{}`: its route `{}` had no request, while others had {SILENT_AFTER}: is it written as the router has it?",
                chosen.live.declared().name(),
                chosen.route,
            )
        })
    }
}

impl Requests {
    /// What chooses among the requests of a route, if anything does.
    fn in_words(&self) -> Option<String> {
        let all =
            [("method", &self.methods), ("segment", &self.segments), ("method of gRPC", &self.rpc_methods)];
        let said = all.iter().filter(|(_, names)| !names.is_empty());
        let words: Vec<_> = said.map(|(what, names)| format!("{what} `{}`", names.join("`, `"))).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// Has each judge the event. Answers whether any calls it bad.
fn any_bad<'a>(lives: impl Iterator<Item = &'a Arc<LiveSlo>>, event: &SloEvent<'_>) -> bool {
    let mut bad = false;
    for live in lives {
        bad |= live.take(event);
    }
    bad
}

/// Whether the event is of those, its route left out.
fn is_meant(source: &Source, event: &SloEvent<'_>) -> bool {
    let Source::Requests(requests) = source else { return false };
    let chosen = |of: &[String], is: &str| of.is_empty() || of.iter().any(|one| one == is);
    chosen(&requests.methods, event.method)
        && chosen(&requests.segments, event.segment)
        && chosen(&requests.rpc_methods, event.rpc_method)
}
