//! Settings that the code and the environment both have a word on, and whose word counts.

use crate::context::{Propagation, Propagator};
use crate::error::Error;
use crate::export::json::LogFormat;
use crate::filter::Filter;
use crate::sampling::Sampling;
use crate::semconv;

/// How a telemetry stands to `tracing`'s own global subscriber.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Ours is it.
    Subscriber,
    /// It is the user's, and has our layer.
    Layer,
    /// Nothing global is touched.
    Scope,
}

/// A setting, and by whose word it is what it is.
pub(super) struct Decided<T> {
    pub(super) value: T,
    pub(super) by: &'static str,
}

/// The operator's word wins over the code's.
pub(super) fn decide_filter(
    asked: Option<String>,
    code: Option<Filter>,
    door: Door,
) -> (Decided<Filter>, Vec<Error>) {
    let asked = asked.filter(|_| door != Door::Scope);
    let (asked, complaints) = asked.map_or((None, Vec::new()), |text| Filter::read(&text));
    let decided = match (asked, code) {
        (Some(value), _) => Decided { value, by: "RUST_LOG" },
        (None, Some(value)) => Decided { value, by: "code" },
        (None, None) => Decided { value: Filter::default(), by: "default" },
    };
    (decided, complaints)
}

/// The code's word wins over the variable's, which has colours where they can be seen. What the variable says that is
/// no format is told.
pub(super) fn decide_format(
    asked: Option<String>,
    code: Option<LogFormat>,
    colour: bool,
) -> (Decided<LogFormat>, Option<String>) {
    let asked = asked.unwrap_or_default();
    let read = match asked.trim() {
        "" => Ok(None),
        "json" => Ok(Some(LogFormat::Json)),
        "otel" => Ok(Some(LogFormat::OpenTelemetry)),
        "ecs" => Ok(Some(LogFormat::Ecs)),
        "gcp" => Ok(Some(LogFormat::GoogleCloud)),
        "pretty" => Ok(Some(LogFormat::Pretty { colour })),
        other => Err(format!("OBSERVE_LOG `{other}`: is `json`, `otel`, `ecs`, `gcp` or `pretty`")),
    };
    let (asked, misread) = match read {
        Ok(asked) => (asked, None),
        Err(text) => (None, Some(text)),
    };
    let decided = match (code, asked) {
        (Some(value), _) => Decided { value, by: "code" },
        (None, Some(value)) => Decided { value, by: "OBSERVE_LOG" },
        (None, None) => Decided { value: LogFormat::Json, by: "default" },
    };
    (decided, misread)
}

/// The code's word wins over the variable's. An empty one is none.
pub(super) fn decide_project(asked: Option<String>, code: Option<String>) -> Option<String> {
    let is_one = |project: &String| !project.trim().is_empty();
    code.filter(is_one).or(asked.filter(is_one)).map(|project| project.trim().to_owned())
}

/// The code's word wins over the variable's. What the variable says that is no propagator is told.
pub(super) fn decide_propagators(
    asked: Option<String>,
    code: Option<Vec<Propagator>>,
) -> (Decided<Vec<Propagator>>, Vec<Error>) {
    let (asked, complaints) = Propagation::read(&asked.unwrap_or_default());
    let decided = match (code, asked) {
        (Some(value), _) => Decided { value, by: "code" },
        (None, Some(value)) => Decided { value, by: semconv::OTEL_PROPAGATORS },
        (None, None) => Decided { value: Propagation::default().in_order().to_vec(), by: "default" },
    };
    (decided, complaints)
}

/// The code's word wins over the variable's. What the variable says that is no sampling is told.
pub(super) fn decide_sampling(
    asked: Option<String>,
    share: Option<&str>,
    code: Option<Sampling>,
) -> (Decided<Sampling>, Option<Error>) {
    let asked = asked.filter(|name| !name.trim().is_empty());
    let (asked, misread) = match asked.map(|name| Sampling::named(&name, share)).transpose() {
        Ok(Some((asked, misread))) => (Some(asked), misread),
        Ok(None) => (None, None),
        Err(error) => (None, Some(error)),
    };
    let decided = match (code, asked) {
        (Some(value), _) => Decided { value, by: "code" },
        (None, Some(value)) => Decided { value, by: semconv::OTEL_TRACES_SAMPLER },
        (None, None) => Decided { value: Sampling::default(), by: "default" },
    };
    (decided, misread)
}

/// Whether `OTEL_SDK_DISABLED` says that nothing is to leave the process but lines.
pub(super) fn is_disabled(asked: Option<String>) -> bool {
    asked.is_some_and(|asked| asked.trim().eq_ignore_ascii_case("true"))
}

pub(super) fn listed(propagators: &[Propagator]) -> String {
    let names: Vec<&str> = propagators.iter().map(|propagator| propagator.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(asked: &str, code: Option<&str>, door: Door) -> (String, &'static str, usize) {
        let code = code.map(|text| text.parse().unwrap());
        let (decided, complaints) = decide_filter(Some(asked.to_owned()), code, door);
        (decided.value.to_string(), decided.by, complaints.len())
    }

    // Mutation caught: an operator's word that cannot be read taken for `info`, which silences the code's.
    #[test]
    fn the_operator_wins_by_what_can_be_read() {
        for unreadable in ["", " , ", "x=loud", "x=loud,", "[a{b=1,c=2}]"] {
            let complaints = usize::from(unreadable.contains('='));
            let by_code = decided(unreadable, Some("debug"), Door::Subscriber);
            assert_eq!(by_code, ("debug".to_owned(), "code", complaints), "{unreadable}");
            let by_default = decided(unreadable, None, Door::Subscriber);
            assert_eq!(by_default, ("info".to_owned(), "default", complaints), "{unreadable}");
        }
        assert_eq!(decided("x=loud,warn", Some("debug"), Door::Layer), ("warn".to_owned(), "RUST_LOG", 1));
        assert_eq!(decided("warn", Some("debug"), Door::Scope), ("debug".to_owned(), "code", 0));
    }

    // Mutation caught: the variable before the code's word, or an unknown name in silence.
    #[test]
    fn propagators_are_the_code_s_then_the_variable_s() {
        let decided = |asked: &str, code: Option<&[Propagator]>| {
            let (decided, unknown) = decide_propagators(Some(asked.to_owned()), code.map(<[_]>::to_vec));
            (listed(&decided.value), decided.by, unknown.len())
        };
        let text = |text: &str| text.to_owned();
        assert_eq!(decided("b3,xray", None), (text("b3,xray"), "OTEL_PROPAGATORS", 0));
        assert_eq!(decided("b3,jaeger", None), (text("b3"), "OTEL_PROPAGATORS", 1));
        assert_eq!(decided("none", None), (text("none"), "OTEL_PROPAGATORS", 0));
        assert_eq!(decided("b3", Some(&[Propagator::XRay])), (text("xray"), "code", 0));
        assert_eq!(decided("", None), (text("tracecontext,baggage"), "default", 0));
        assert_eq!(decided("jaeger", None), (text("tracecontext,baggage"), "default", 1));
    }

    // Mutation caught: the variable before the code's word, or what it says in vain in silence.
    #[test]
    fn sampling_is_the_code_s_then_the_variable_s() {
        let decided = |asked: &str, code| {
            let (decided, misread) = decide_sampling(Some(asked.to_owned()), None, code);
            (decided.value, decided.by, misread.is_some())
        };
        assert_eq!(decided("always_on", None), (Sampling::always(), "OTEL_TRACES_SAMPLER", false));
        assert_eq!(decided("always_on", Some(Sampling::never())), (Sampling::never(), "code", false));
        assert_eq!(decided("sometimes", None), (Sampling::default(), "default", true));
        assert_eq!(decided(" ", None), (Sampling::default(), "default", false));
    }

    // Mutation caught: any word taken for `true`.
    #[test]
    fn only_true_disables() {
        let says = |text: &str| is_disabled(Some(text.to_owned()));
        assert!(says("true") && says(" TRUE "));
        assert!(!says("false") && !says("1") && !says("") && !is_disabled(None));
    }

    // Mutation caught: the variable before the code's word; an empty word taken for a project's id.
    #[test]
    fn the_project_is_the_code_s_then_the_variable_s() {
        let decided = |asked: &str, code: &str| {
            decide_project(Some(asked.to_owned()), Some(code.to_owned())).unwrap_or_default()
        };
        assert_eq!(decided("theirs", "ours"), "ours");
        assert_eq!(decided(" theirs ", " "), "theirs");
        assert_eq!(decide_project(Some(String::new()), None), None);
    }

    // Mutation caught: the variable before the code's word; a word that is no format passed over in silence.
    #[test]
    fn a_format_that_is_none_is_told() {
        let asked = |text: &str, code| {
            let (decided, misread) = decide_format(Some(text.to_owned()), code, false);
            (decided.value.to_string(), decided.by, misread.is_some())
        };
        assert_eq!(asked("human", None), ("json".to_owned(), "default", true));
        for format in ["otel", "ecs", "gcp", "pretty"] {
            assert_eq!(asked(format, None), (format.to_owned(), "OBSERVE_LOG", false));
        }
        assert_eq!(asked("pretty", Some(LogFormat::Json)), ("json".to_owned(), "code", false));
        assert_eq!(asked("", None), ("json".to_owned(), "default", false));
    }
}
