//! Which traces are kept.
//!
//! One rule for every process: the low 56 bits of the trace id are its randomness, and a trace is in the
//! baseline when they reach a threshold. Every process of ours with the same ratio therefore keeps the
//! same traces, and a baseline trace is whole.

mod callsites;
mod rate;

pub(crate) use callsites::CallsiteRates;
pub(crate) use rate::KeepRate;

use crate::error::{Error, Kind};
use crate::outcome::Outcome;
use crate::record::Keep;
use crate::semconv;
use std::fmt;
use std::time::Duration;

pub(crate) const RANDOMNESS: u64 = 1 << 56;

/// Which traces are kept. Metrics are never sampled.
///
/// Defaults to [`Sampling::tail`] of 1 %: traces with a failure, slow ones, those that an objective
/// ([`Slo`](crate::slo::Slo)) calls bad, and one in a hundred of the rest.
///
/// A trace that is marked is kept whatever is chosen here: by [`keep`](crate::keep), or by the sampled flag of a caller
/// that is trusted. The flag of others does not count: a client could ask for anything. The share is chosen by the
/// trace id, the same in every process with the same share, and the flag that is sent on (and stands on the lines) says
/// whether the trace is in it, or is known to be kept for another reason.
///
/// Failures and slow traces are kept up to a rate for each kind of error: see
/// [`Builder::keep_rate`](crate::Builder::keep_rate).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// A trace is in the baseline when its randomness is at least this.
    threshold: u64,
    /// Whether failures and slow traces are kept whatever their randomness.
    tail: bool,
    /// From which randomness on the baseline of a collector is that samples behind this process.
    behind: Option<u64>,
}

impl Sampling {
    /// Keeps every trace.
    #[must_use]
    pub const fn always() -> Self {
        Self::in_process(0, false)
    }

    /// Keeps every trace, since a tier of collectors behind this process decides, which sees all of a trace: it keeps
    /// failures, slow traces, and this share, 0 to 1, of the rest. The share, and what is slow, go into the collector's
    /// configuration that is [generated](crate::generate); to this process it is [`always`](Sampling::always).
    ///
    /// It is one or the other: a process that keeps only its own choice in front of such a tier breaks the traces that the
    /// tier would have kept.
    ///
    /// # Errors
    /// When `share` is not between 0 and 1.
    pub fn collector(share: f64) -> Result<Self, Error> {
        Ok(Self { behind: Some(threshold(share)?), ..Self::always() })
    }

    const fn in_process(threshold: u64, tail: bool) -> Self {
        Self { threshold, tail, behind: None }
    }

    /// Keeps none but those that are marked.
    #[must_use]
    pub const fn never() -> Self {
        Self::in_process(RANDOMNESS, false)
    }

    /// Keeps this share of the traces, 0 to 1, those that are marked, and nothing for any other reason.
    ///
    /// # Errors
    /// When `share` is not between 0 and 1.
    pub fn ratio(share: f64) -> Result<Self, Error> {
        Ok(Self::in_process(threshold(share)?, false))
    }

    /// Keeps failures, slow traces, those that an objective calls bad, and this share, 0 to 1, of the rest.
    ///
    /// # Errors
    /// When `share` is not between 0 and 1.
    pub fn tail(share: f64) -> Result<Self, Error> {
        Ok(Self::in_process(threshold(share)?, true))
    }

    /// What the variables `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say (OpenTelemetry, "General SDK
    /// Configuration"): `always_on`, `always_off` or `traceidratio` with a share, each also behind `parentbased_`, which
    /// makes no difference here; and, of our own, `tail` with a share. Without one `tail` has 0.01, and the others have 1.
    ///
    /// A share that cannot be read counts for nothing, as the specification has it, and is told.
    ///
    /// # Errors
    /// When the name is none of these.
    pub(crate) fn named(name: &str, share: Option<&str>) -> Result<(Self, Option<Error>), Error> {
        let share = share.map(str::trim).filter(|text| !text.is_empty());
        let read = |default: f64, make: fn(f64) -> Result<Self, Error>| {
            let asked = share.map(|text| text.parse().ok().and_then(|share| make(share).ok()).ok_or(text));
            match asked {
                Some(Ok(sampling)) => Ok((sampling, None)),
                Some(Err(text)) => {
                    let name = semconv::OTEL_TRACES_SAMPLER_ARG;
                    let text =
                        format!("{name} `{text}`: is a number between 0 and 1; it is taken for {default}");
                    Ok((make(default)?, Some(Error::new(Kind::Invalid, text))))
                }
                None => Ok((make(default)?, None)),
            }
        };
        match name.trim().strip_prefix("parentbased_").unwrap_or(name.trim()) {
            "always_on" => Ok((Self::always(), None)),
            "always_off" => Ok((Self::never(), None)),
            "traceidratio" => read(1.0, Self::ratio),
            "tail" => read(0.01, Self::tail),
            other => {
                let text = format!(
                    "{} `{other}`: is `always_on`, `always_off`, `traceidratio`, one of these behind `parentbased_`, or `tail`",
                    semconv::OTEL_TRACES_SAMPLER,
                );
                Err(Error::new(Kind::Invalid, text))
            }
        }
    }

    /// Whether a trace of this randomness (56 bits) is in the baseline: known from its first span on, the same in every
    /// process.
    #[must_use]
    pub(crate) fn is_baseline(self, randomness: u64) -> bool {
        randomness >= self.threshold
    }

    /// From which randomness on a trace is in the baseline, as others are told; `None`: no trace is.
    pub(crate) fn threshold(self) -> Option<u64> {
        (self.threshold < RANDOMNESS).then_some(self.threshold)
    }

    /// Whether failures are kept whatever their randomness.
    pub(crate) fn keeps_failures(self) -> bool {
        self.tail
    }

    /// With which probability a trace like one that is kept for this reason is kept.
    pub(crate) fn probability(self, keep: Keep) -> f64 {
        match keep {
            Keep::Baseline => share_of(self.threshold),
            Keep::Failure | Keep::Slow | Keep::Marked | Keep::Objective => 1.0,
        }
    }

    /// The share that a collector behind this process keeps without a reason.
    pub(crate) fn share_behind(self) -> Option<f64> {
        self.behind.map(tidy_share_of)
    }

    /// The decision at the end of a local root. `slow` is the limit from which on a trace is slow.
    #[must_use]
    pub(crate) fn decide(self, facts: &Facts, slow: Duration) -> Option<Keep> {
        if facts.marked {
            return Some(Keep::Marked);
        }
        if self.tail {
            if facts.failed || facts.outcome.is_failure() {
                return Some(Keep::Failure);
            }
            if facts.duration >= slow {
                return Some(Keep::Slow);
            }
            if facts.unmet {
                return Some(Keep::Objective);
            }
        }
        facts.baseline.then_some(Keep::Baseline)
    }
}

/// What the decision is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) baseline: bool,
    pub(crate) marked: bool,
    /// A span below the local root failed.
    pub(crate) failed: bool,
    /// An objective calls it, or something in it, bad.
    pub(crate) unmet: bool,
    pub(crate) outcome: Outcome,
    pub(crate) duration: Duration,
}

impl fmt::Display for Sampling {
    /// `tail 0.01`, `ratio 0.5`, `always`, `never`, `collector 0.01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(behind) = self.behind {
            return write!(f, "collector {}", tidy_share_of(behind));
        }
        let share = tidy_share_of(self.threshold);
        match (self.tail, self.threshold) {
            (true, _) => write!(f, "tail {share}"),
            (false, 0) => f.write_str("always"),
            (false, RANDOMNESS) => f.write_str("never"),
            (false, _) => write!(f, "ratio {share}"),
        }
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self::in_process(threshold_of(0.01), true)
    }
}

fn threshold(share: f64) -> Result<u64, Error> {
    if (0.0..=1.0).contains(&share) {
        Ok(threshold_of(share))
    } else {
        Err(Error::new(Kind::Invalid, format!("sampling ratio {share}: must be between 0 and 1")))
    }
}

fn share_of(threshold: u64) -> f64 {
    (RANDOMNESS - threshold) as f64 / RANDOMNESS as f64
}

/// A threshold is a whole number: the share that it was made of is the nearest short one.
fn tidy_share_of(threshold: u64) -> f64 {
    (share_of(threshold) * 1e9).round() / 1e9
}

/// `share` is between 0 and 1, and 2^56 is exact in an f64.
pub(crate) fn threshold_of(share: f64) -> u64 {
    RANDOMNESS - (share * RANDOMNESS as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::TraceId;

    fn facts() -> Facts {
        Facts {
            baseline: false,
            marked: false,
            failed: false,
            unmet: false,
            outcome: Outcome::Ok,
            duration: Duration::from_millis(1),
        }
    }

    const SLOW: Duration = Duration::from_millis(500);

    #[test]
    fn the_ends_of_the_scale() {
        for _ in 0..100 {
            let randomness = TraceId::random().randomness();
            assert!(Sampling::always().is_baseline(randomness));
            assert!(
                Sampling::collector(0.01).unwrap().is_baseline(randomness),
                "the choice is the collector's"
            );
            assert!(!Sampling::never().is_baseline(randomness));
            assert!(Sampling::ratio(1.0).unwrap().is_baseline(randomness));
            assert!(!Sampling::ratio(0.0).unwrap().is_baseline(randomness));
        }
    }

    #[test]
    fn a_share_is_kept() {
        let sampling = Sampling::ratio(0.25).unwrap();
        let kept = (0..40_000).filter(|_| sampling.is_baseline(TraceId::random().randomness())).count();
        // 40,000 draws at 1/4: six standard deviations are 520.
        assert!((9_480..=10_520).contains(&kept), "{kept}");
    }

    #[test]
    fn ratios_that_are_none() {
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Sampling::ratio(bad).unwrap_err().is_invalid());
            assert!(Sampling::tail(bad).unwrap_err().is_invalid());
            assert!(Sampling::collector(bad).unwrap_err().is_invalid());
        }
    }

    // Mutations caught: a share that is taken for another's default; a name that is taken for the default in silence.
    #[test]
    fn variables_name_it() {
        let named = |name, share| {
            Sampling::named(name, share).map(|(sampling, told)| (sampling.to_string(), told.is_some()))
        };
        for (name, share, expected, told) in [
            ("always_on", None, "always", false),
            ("parentbased_always_on", Some("0.5"), "always", false),
            ("always_off", None, "never", false),
            (" traceidratio ", Some(" 0.25 "), "ratio 0.25", false),
            ("parentbased_traceidratio", None, "always", false),
            ("traceidratio", Some("half"), "always", true),
            ("tail", None, "tail 0.01", false),
            ("tail", Some("0.125"), "tail 0.125", false),
            ("tail", Some("2"), "tail 0.01", true),
        ] {
            assert_eq!(named(name, share).unwrap(), (expected.to_owned(), told), "{name}");
        }
        for name in ["jaeger_remote", ""] {
            assert!(named(name, None).unwrap_err().is_invalid(), "{name}");
        }
    }

    #[test]
    fn tail_keeps_what_matters() {
        let tail = Sampling::tail(0.0).unwrap();
        assert_eq!(tail.decide(&facts(), SLOW), None);
        assert_eq!(tail.decide(&Facts { failed: true, ..facts() }, SLOW), Some(Keep::Failure));
        assert_eq!(tail.decide(&Facts { outcome: Outcome::Panicked, ..facts() }, SLOW), Some(Keep::Failure));
        assert_eq!(tail.decide(&Facts { outcome: Outcome::Cancelled, ..facts() }, SLOW), None);
        assert_eq!(tail.decide(&Facts { duration: SLOW, ..facts() }, SLOW), Some(Keep::Slow));
        assert_eq!(tail.decide(&Facts { unmet: true, ..facts() }, SLOW), Some(Keep::Objective));
        assert_eq!(tail.decide(&Facts { unmet: true, failed: true, ..facts() }, SLOW), Some(Keep::Failure));
        assert_eq!(tail.decide(&Facts { marked: true, ..facts() }, SLOW), Some(Keep::Marked));
        assert_eq!(tail.decide(&Facts { baseline: true, ..facts() }, SLOW), Some(Keep::Baseline));
    }

    #[test]
    fn ratio_keeps_nothing_for_other_reasons() {
        let ratio = Sampling::ratio(0.0).unwrap();
        assert_eq!(ratio.decide(&Facts { failed: true, ..facts() }, SLOW), None);
        assert_eq!(ratio.decide(&Facts { duration: SLOW, ..facts() }, SLOW), None);
        assert_eq!(ratio.decide(&Facts { unmet: true, ..facts() }, SLOW), None);
    }
}
