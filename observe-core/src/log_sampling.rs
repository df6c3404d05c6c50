//! Which lines of a request are written.

use crate::clock::Tick;
use crate::error::{Error, Kind};
use crate::filter::Filter;
use crate::sampling::{CallsiteRates, RANDOMNESS, Sampling, threshold_of};
use crate::semconv::log as names;
use crate::sync::{AtomicU64, AtomicUsize, Ordering};
use tracing_core::Level;

/// What the lines of one request that are held back may take, in bytes.
const REQUEST_BYTES: usize = 256 * 1024;
/// What those of all requests may take.
const TOTAL_BYTES: usize = 32 * 1024 * 1024;
/// Further rules are refused: each line walks over them.
const MAX_RULES: usize = 100;

/// Which lines of requests are written: those of requests whose trace is kept, and of the others a share.
///
/// Always written are warnings and errors, lines outside requests, lines with the target `audit` (or below it), and all
/// lines of a request that is kept. Of the rest this share, the same for all lines of a request with one share: it goes by
/// the trace id, as the baseline of [`Sampling`](crate::Sampling) does. A line that stands for others says for how many,
/// itself included: `"sampled":100`.
///
/// A request's lines are held back until it is known whether it is kept: at its end, mostly. A process that is killed
/// takes them along.
///
/// ```
/// use observe_core::{LogSampling, Telemetry};
/// use tracing::Level;
///
/// let telemetry = Telemetry::builder("checkout")
///     .log_sampling(
///         LogSampling::rest(0.1)             // of requests that are not kept, one in ten tells all
///             .level(Level::DEBUG, 0.0)      // but what is below INFO
///             .route("/health", 0.0)
///             .target("hyper", 0.01)
///             .per_callsite(100),            // and no line of the code more than 100 times a second
///     )
///     .build()?;
/// # let _ = telemetry;
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it counts when it is given to `Builder::log_sampling`"]
pub struct LogSampling {
    /// A line is written when the trace's randomness is at least this.
    rest: f64,
    levels: Vec<(Level, f64)>,
    targets: Vec<(String, f64)>,
    routes: Vec<(String, f64)>,
    per_callsite: u32,
}

impl LogSampling {
    /// Of requests that are not kept the lines of this share, 0 to 1, are written.
    pub fn rest(share: f64) -> Self {
        let (levels, targets, routes) = (Vec::new(), Vec::new(), Vec::new());
        Self { rest: share, levels, targets, routes, per_callsite: u32::MAX }
    }

    /// Another share for lines of this level. Where several rules fit a line, the smallest share counts.
    pub fn level(mut self, level: Level, share: f64) -> Self {
        self.levels.push((level, share));
        self
    }

    /// Another share for lines whose target begins with this.
    pub fn target(mut self, prefix: impl Into<String>, share: f64) -> Self {
        self.targets.push((prefix.into(), share));
        self
    }

    /// Another share for the lines of requests of this route.
    pub fn route(mut self, route: impl Into<String>, share: f64) -> Self {
        self.routes.push((route.into(), share));
        self
    }

    /// At most so many a second of each call site, of requests that are not kept. Defaults to no limit. Each
    /// route's request lines have such a rate, too. Beyond 1,024 call sites further ones share one.
    pub fn per_callsite(mut self, per_second: u32) -> Self {
        self.per_callsite = per_second;
        self
    }

    fn fault(&self) -> Option<String> {
        let named = self.levels.iter().map(|(level, share)| (format!("level {level}"), *share));
        let targets = self.targets.iter().map(|(target, share)| (format!("target `{target}`"), *share));
        let routes = self.routes.iter().map(|(route, share)| (format!("route `{route}`"), *share));
        let all =
            std::iter::once(("the rest".to_owned(), self.rest)).chain(named).chain(targets).chain(routes);
        let rules: Vec<_> = all.collect();
        if rules.len() > MAX_RULES {
            return Some(format!("{} rules: at most {MAX_RULES}", rules.len()));
        }
        let (what, share) = rules.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share))?;
        Some(format!("the share {share} of {what} must be between 0 and 1"))
    }
}

/// What is decided of lines, for one telemetry.
#[derive(Default)]
pub(crate) struct LogRules {
    sampling: Option<Shares>,
    /// Lines that it lets through are held back, though nobody wants them now.
    held: Option<Filter>,
    held_bytes: AtomicUsize,
    full: AtomicU64,
    left_out: AtomicU64,
}

/// The shares, as thresholds of a trace's randomness.
struct Shares {
    rest: u64,
    levels: Vec<(Level, u64)>,
    targets: Vec<(String, u64)>,
    routes: Vec<(String, u64)>,
    callsites: CallsiteRates,
}

/// No rule of its own.
pub(crate) const NO_RULE: u64 = u64::MAX;

impl LogRules {
    /// # Errors
    ///
    /// If a share is none ([`Error::is_invalid`]).
    pub(crate) fn new(sampling: Option<LogSampling>, held: Option<Filter>) -> Result<Self, Error> {
        if let Some(fault) = sampling.as_ref().and_then(LogSampling::fault) {
            return Err(Error::new(Kind::Invalid, format!("log sampling: {fault}")));
        }
        let shares = |sampling: LogSampling| Shares {
            rest: threshold_of(sampling.rest),
            levels: sampling.levels.iter().map(|(level, share)| (*level, threshold_of(*share))).collect(),
            targets: thresholds(sampling.targets),
            routes: thresholds(sampling.routes),
            callsites: CallsiteRates::per_second(sampling.per_callsite),
        };
        Ok(Self { sampling: sampling.map(shares), held, ..Self::default() })
    }

    /// What is probably not meant, since lines go the way of traces, and these are all kept, or not for their failures.
    pub(crate) fn unlikely(&self, sampling: Sampling) -> Option<String> {
        if !self.hold_any() {
            None
        } else if sampling.threshold() == Some(0) {
            Some(format!(
                "lines are sampled or held back, but every trace is kept (sampling {sampling}), so all of them are written"
            ))
        } else if !sampling.keeps_failures() {
            Some(format!(
                "lines are sampled or held back, but no trace is kept because it failed (sampling {sampling}), so those of \
                 failures are left out like others"
            ))
        } else {
            None
        }
    }

    /// Whether a request's lines may have to wait for its end.
    pub(crate) fn hold_any(&self) -> bool {
        self.sampling.is_some() || self.held.is_some()
    }

    /// What is held back beyond what is written.
    pub(crate) fn held(&self) -> Option<&Filter> {
        self.held.as_ref()
    }

    /// Whether a line of a request is sampled with it.
    pub(crate) fn samples(&self, level: Level, target: &str) -> bool {
        self.sampling.is_some() && level > Level::WARN && !is_audit(target)
    }

    /// From which randomness on a line like this one is written; [`NO_RULE`] where no rule names it.
    pub(crate) fn threshold(&self, level: Level, target: &str) -> u64 {
        let Some(shares) = &self.sampling else { return NO_RULE };
        let levels = shares.levels.iter().filter(|(of, _)| *of == level).map(|(_, share)| *share);
        let targets =
            shares.targets.iter().filter(|(of, _)| target.starts_with(of.as_str())).map(|(_, share)| *share);
        levels.chain(targets).max().unwrap_or(NO_RULE)
    }

    /// The same, with the route's rule and else the rest's.
    pub(crate) fn with_route(&self, threshold: u64, route: &str) -> u64 {
        let Some(shares) = &self.sampling else { return threshold };
        let routes = shares.routes.iter().filter(|(of, _)| of == route).map(|(_, share)| *share);
        let own = Some(threshold).filter(|threshold| *threshold != NO_RULE);
        routes.chain(own).max().unwrap_or(shares.rest)
    }

    /// Whether the call site has not had its lines yet; then how many of it were left out before.
    pub(crate) fn admits(&self, callsite: u64, tick: Tick) -> Option<u64> {
        self.sampling.as_ref().map_or(Some(0), |shares| shares.callsites.admits(callsite, tick))
    }

    /// Makes room for so many bytes more, where so many of the request are held already. `false`: there is none.
    pub(crate) fn reserve(&self, held: usize, more: usize) -> bool {
        if held.saturating_add(more) <= REQUEST_BYTES {
            let before = self.held_bytes.fetch_add(more, Ordering::Relaxed);
            if before.saturating_add(more) <= TOTAL_BYTES {
                return true;
            }
            self.held_bytes.fetch_sub(more, Ordering::Relaxed);
        }
        false
    }

    pub(crate) fn free(&self, bytes: usize) {
        self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A line found no room.
    pub(crate) fn count_full(&self) {
        self.full.fetch_add(1, Ordering::Relaxed);
    }

    /// A line was left out, as the rules say.
    pub(crate) fn count_left_out(&self) {
        self.left_out.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn full(&self) -> u64 {
        self.full.load(Ordering::Relaxed)
    }

    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

/// For how many lines one stands that is written from this threshold on.
pub(crate) fn stands_for(threshold: u64) -> u64 {
    let share = RANDOMNESS.saturating_sub(threshold).max(1);
    (RANDOMNESS + share / 2) / share
}

fn is_audit(target: &str) -> bool {
    target.strip_prefix(names::AUDIT_TARGET).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn thresholds(shares: Vec<(String, f64)>) -> Vec<(String, u64)> {
    shares.into_iter().map(|(of, share)| (of, threshold_of(share))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(sampling: LogSampling) -> LogRules {
        LogRules::new(Some(sampling), None).unwrap()
    }

    // Mutations caught: `audit` by its beginning alone; a warning that is sampled; a general rule before a strict one.
    #[test]
    fn the_strictest_rule_counts_and_some_lines_have_none() {
        let rules = rules(
            LogSampling::rest(0.5).level(Level::DEBUG, 0.25).target("hyper", 0.125).route("/health", 0.0),
        );
        for (level, target, sampled) in [
            (Level::WARN, "shop", false),
            (Level::ERROR, "shop", false),
            (Level::INFO, "audit", false),
            (Level::INFO, "audit::login", false),
            (Level::INFO, "auditorium", true),
            (Level::INFO, "shop", true),
        ] {
            assert_eq!(rules.samples(level, target), sampled, "{level} {target}");
        }
        let share = |level, target, route| {
            (RANDOMNESS - rules.with_route(rules.threshold(level, target), route)) as f64 / RANDOMNESS as f64
        };
        assert_eq!(share(Level::INFO, "shop", "/charge"), 0.5);
        assert_eq!(share(Level::DEBUG, "shop", "/charge"), 0.25);
        assert_eq!(share(Level::DEBUG, "hyper::proto", "/charge"), 0.125);
        assert_eq!(share(Level::DEBUG, "hyper::proto", "/health"), 0.0);
    }

    #[test]
    fn a_line_stands_for_as_many_as_its_share_says() {
        let of = |share| stands_for(threshold_of(share));
        assert_eq!([of(1.0), of(0.5), of(0.1), of(0.01), of(0.7)], [1, 2, 10, 100, 1]);
    }

    #[test]
    fn what_is_no_share_is_refused_by_name() {
        let fault =
            |sampling: LogSampling| LogRules::new(Some(sampling), None).map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            fault(LogSampling::rest(1.5)),
            "log sampling: the share 1.5 of the rest must be between 0 and 1"
        );
        assert!(fault(LogSampling::rest(0.5).route("/a", -1.0)).contains("of route `/a`"));
        assert!(fault(LogSampling::rest(0.5).level(Level::INFO, f64::NAN)).contains("of level INFO"));
        let many = (0..100).fold(LogSampling::rest(0.5), |sampling, n| sampling.target(n.to_string(), 0.5));
        assert_eq!(fault(many), "log sampling: 101 rules: at most 100");
    }

    // Mutation caught: room that is not given back when all have too little.
    #[test]
    fn room_is_bounded_for_each_and_for_all() {
        let rules = LogRules::default();
        assert!(!rules.reserve(REQUEST_BYTES - 10, 11) && rules.reserve(REQUEST_BYTES - 10, 10));
        let full = (0..).take_while(|_| rules.reserve(0, REQUEST_BYTES)).count();
        assert_eq!(full, TOTAL_BYTES / REQUEST_BYTES - 1);
        assert!(rules.held_bytes() <= TOTAL_BYTES);
        rules.free(REQUEST_BYTES);
        assert!(rules.reserve(0, REQUEST_BYTES));
    }
}
