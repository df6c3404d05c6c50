//! The rules that declarations keep.

use super::{Alerting, Indicator, Slo, Source, promql_duration};
use crate::error::{Error, Kind};
use std::collections::BTreeSet;
use std::time::Duration;

/// How many objectives a service has at most.
const MAX_SLOS: usize = 200;
/// How long a name is at most, in bytes.
const MAX_NAME: usize = 64;
/// The shortest and the longest period.
const SHORTEST: Duration = Duration::from_secs(3600);
const LONGEST: Duration = Duration::from_secs(400 * 24 * 3600);
/// The strictest objective, in percent: of a smaller budget rates would be divided by what is rounded to nothing.
const STRICTEST: f64 = 99.999_999;
/// What the rules replace in the queries of an external objective.
pub(crate) const WINDOW: &str = "$window";

/// Whether objectives keep the rules. Answers what still makes sense and is probably not meant.
///
/// # Errors
///
/// The first rule that is broken, by name ([`Error::is_invalid`]), or a name that is there twice
/// ([`Error::is_duplicate`]).
pub(crate) fn check(slos: &[Slo], alerting: &Alerting) -> Result<Vec<String>, Error> {
    let mut names = BTreeSet::new();
    if slos.len() > MAX_SLOS {
        let text = format!("{} SLOs: a service has at most {MAX_SLOS}", slos.len());
        return Err(Error::new(Kind::Invalid, text));
    }
    for slo in slos {
        if let Some(fault) = slo.fault() {
            return Err(Error::new(Kind::Invalid, format!("SLO `{}`: {fault}", slo.name)));
        }
        if !names.insert(slo.name.as_str()) {
            return Err(Error::new(
                Kind::Duplicate,
                format!("SLO `{}`: there are two of this name", slo.name),
            ));
        }
    }
    for (which, severity) in alerting.severities() {
        if !is_label(severity.label()) {
            let text = format!(
                "alerting: the label `{}` of {which} has other characters than letters, digits, `_` and `-`",
                severity.label(),
            );
            return Err(Error::new(Kind::Invalid, text));
        }
        if let Some(url) = severity.webhook_url().filter(|url| !is_web_address(url)) {
            let text = format!(
                "alerting: the webhook `{url}` of {which} is no address that begins with http:// or https://"
            );
            return Err(Error::new(Kind::Invalid, text));
        }
    }
    Ok(slos.iter().flat_map(Slo::warnings).collect())
}

impl Slo {
    /// Which rule it breaks.
    fn fault(&self) -> Option<String> {
        self.fault_of_name()
            .or_else(|| fault_of_percent("its objective", self.objective))
            .or_else(|| self.fault_of_contract())
            .or_else(|| self.fault_of_times())
            .or_else(|| self.fault_of_scope())
            .or_else(|| self.fault_of_queries())
    }

    fn fault_of_name(&self) -> Option<String> {
        (self.name.len() > MAX_NAME || !is_label(&self.name)).then(|| {
            format!(
                "its name has 1 to {MAX_NAME} letters, digits, `_` and `-`, and begins with a letter or a digit: it is a \
                 label, and the name of a file"
            )
        })
    }

    fn fault_of_contract(&self) -> Option<String> {
        let sla = self.sla?;
        fault_of_percent("its SLA", sla).or_else(|| {
            (sla >= self.objective).then(|| {
                let objective = self.objective;
                format!("its SLA of {sla} % is not looser than its objective of {objective} %: nobody would be told before it is broken")
            })
        })
    }

    fn fault_of_times(&self) -> Option<String> {
        if !(SHORTEST..=LONGEST).contains(&self.period) {
            let (least, most) = (promql_duration(SHORTEST), promql_duration(LONGEST));
            return Some(format!("its window of {:?} is not between {least} and {most}", self.period));
        }
        (self.threshold() == Some(Duration::ZERO))
            .then(|| "its threshold is 0: nothing is that fast".to_owned())
    }

    fn fault_of_scope(&self) -> Option<String> {
        if let Some(setter) = &self.clash {
            return Some(format!(
                "`{setter}` does not go with what else it says: it is about requests (by route, method, segment, \
                 rpc_method), or about one host, dependency, function or operation; events by hand and external ones \
                 have no scope, and `within` belongs to an availability"
            ));
        }
        let empty = match &self.source {
            Source::Requests(requests) => {
                let all = [&requests.routes, &requests.methods, &requests.segments, &requests.rpc_methods];
                all.into_iter().flatten().any(String::is_empty)
            }
            Source::Calls(name)
            | Source::Dependency(name)
            | Source::Function(name)
            | Source::Operation(name) => name.is_empty(),
            Source::ByHand | Source::External => false,
        };
        if empty {
            return Some("an empty name chooses nothing".to_owned());
        }
        let Source::Requests(requests) = &self.source else { return None };
        let bare = requests.routes.iter().find(|route| !route.starts_with('/'))?;
        Some(format!("its route `{bare}` does not begin with `/`: a route is written as the router has it"))
    }

    fn fault_of_queries(&self) -> Option<String> {
        let Indicator::External { total, bad } = &self.indicator else { return None };
        for (which, query) in [("all events", total), ("bad events", bad)] {
            if !query.contains(&format!("[{WINDOW}]")) {
                return Some(format!("its query of {which} does not look back over `[{WINDOW}]`: `{query}`"));
            }
        }
        None
    }

    /// What is probably not meant.
    fn warnings(&self) -> Vec<String> {
        let rules = self.burn_rules();
        let silent = rules.iter().filter(|rule| !rule.can_fire());
        silent
            .map(|rule| {
                let (long, short) = (promql_duration(rule.long), promql_duration(rule.short));
                format!(
                    "SLO `{}`: the alert over {long} and {short} can never fire, since {} × {} % of bad events are more \
                     than all; it is left out",
                    self.name,
                    rule.factor,
                    self.error_budget() * 100.0,
                )
            })
            .collect()
    }
}

/// An absolute address by HTTP.
fn is_web_address(url: &str) -> bool {
    let is_ours = |scheme: &http::uri::Scheme| {
        *scheme == http::uri::Scheme::HTTP || *scheme == http::uri::Scheme::HTTPS
    };
    url.parse::<http::Uri>().is_ok_and(|url| url.scheme().is_some_and(is_ours) && url.host().is_some())
}

/// Letters, digits, `_`, `-`; the first is a letter or a digit.
fn is_label(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn fault_of_percent(what: &str, percent: f64) -> Option<String> {
    if percent > 1.0 && percent <= STRICTEST {
        return None;
    }
    Some(if percent > STRICTEST && percent < 100.0 {
        format!("{what} is {percent} %: of more than {STRICTEST} % nothing can be reckoned")
    } else if percent == 100.0 {
        format!("{what} is 100 %, which leaves no budget: nothing may ever fail")
    } else if percent > 0.0 && percent <= 1.0 {
        let meant = (percent * 1e12).round() / 1e10;
        format!("{what} is {percent}: it is a percentage; is {meant} meant?")
    } else {
        format!("{what} is {percent}: it is a percentage, above 1 and below 100")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::{Severity, Verdict};

    fn fault(slo: Slo) -> String {
        let error = check(&[slo], &Alerting::new()).unwrap_err();
        assert!(error.is_invalid());
        error.to_string()
    }

    // Mutations caught: a bound that is let through, and with it a budget of 0; a hint for what is no share.
    #[test]
    fn objectives_are_percentages() {
        for good in [1.1, 50.0, 99.9, 99.999_99, 99.999_999] {
            assert!(check(&[Slo::availability("charge", good)], &Alerting::new()).is_ok(), "{good}");
        }
        assert!(fault(Slo::availability("charge", 0.999)).ends_with("is 99.9 meant?"));
        assert!(fault(Slo::availability("charge", 1.0)).ends_with("is 100 meant?"));
        assert!(fault(Slo::availability("charge", 100.0)).contains("leaves no budget"));
        for strict in [99.999_999_9, 99.999_999_999_999] {
            assert!(
                fault(Slo::availability("charge", strict)).contains("of more than 99.999999 %"),
                "{strict}"
            );
        }
        for bad in [0.0, -3.0, 100.1, f64::NAN, f64::INFINITY] {
            assert!(fault(Slo::availability("charge", bad)).contains("above 1 and below 100"), "{bad}");
        }
    }

    #[test]
    fn an_error_names_the_objective_and_the_rule() {
        let second = Duration::from_secs(1);
        let charge = || Slo::availability("charge", 99.9);
        for (slo, rule) in [
            (charge().sla(99.9), "not looser"),
            (charge().sla(0.99), "is 99 meant?"),
            (charge().window(second), "between 1h and 400d"),
            (charge().window(Duration::from_secs(401 * 86_400)), "between 1h and 400d"),
            (charge().within(Duration::ZERO), "its threshold is 0"),
            (Slo::latency("charge", 99.0, Duration::ZERO), "its threshold is 0"),
            (Slo::latency("charge", 99.0, second).within(second), "`within` does not go"),
            (charge().route("/a").function("a::b"), "`function` does not go"),
            (charge().dependency("db").route("/a"), "`route` does not go"),
            (charge().dependency("db").dependency("cache"), "`dependency` does not go"),
            (Slo::events("charge", 99.0).method("GET"), "`method` does not go"),
            (charge().route("charge"), "does not begin with `/`"),
            (charge().segment(""), "an empty name"),
            (charge().operation(""), "an empty name"),
            (Slo::external("charge", 99.0, "up", "up[$window]"), "all events does not look back"),
            (Slo::external("charge", 99.0, "a[$window]", "b[5m]"), "bad events does not look back"),
        ] {
            let text = fault(slo);
            assert!(text.starts_with("SLO `charge`: ") && text.contains(rule), "{text}");
        }
        for name in ["", "a b", "-a", "../a", "a.b", "ä", &"x".repeat(65)] {
            assert!(
                fault(Slo::judged(name, 99.0, |_| Verdict::Good)).contains("its name has 1 to 64"),
                "{name}"
            );
        }
    }

    #[test]
    fn two_of_one_name_are_refused() {
        let two = [Slo::availability("charge", 99.9), Slo::events("charge", 99.0)];
        let error = check(&two, &Alerting::new()).unwrap_err();
        assert!(error.is_duplicate());
        assert_eq!(error.to_string(), "SLO `charge`: there are two of this name");
    }

    #[test]
    fn what_can_never_fire_is_said() {
        let said = check(&[Slo::availability("charge", 90.0)], &Alerting::new()).unwrap();
        assert_eq!(
            said,
            [
                "SLO `charge`: the alert over 1h and 5m can never fire, since 14.4 × 10 % of bad events are more than all; \
              it is left out"
            ]
        );
        assert!(check(&[Slo::availability("charge", 99.9)], &Alerting::new()).unwrap().is_empty());
    }

    #[test]
    fn severities_are_labels() {
        let alerting = Alerting::new().ticket(Severity::new("not urgent"));
        let error = check(&[], &alerting).unwrap_err();
        assert!(error.to_string().starts_with("alerting: the label `not urgent` of ticket"), "{error}");
        for url in ["pager.example.org/x", "ftp://pager.example.org", "/x", "http://"] {
            let alerting = Alerting::new().page(Severity::new("page").webhook(url));
            let error = check(&[], &alerting).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("alerting: the webhook `{url}` of page")),
                "{error}"
            );
        }
        let alerting = Alerting::new().page(Severity::new("page").webhook("https://pager.example.org/x"));
        assert!(check(&[], &alerting).is_ok());
    }
}
