//! The end of an operation, for those who record it: its span, its duration, its line.

use crate::clock::Tick;
use crate::context::SpanContext;
use crate::fields::{Fields, Key, Member, Text, key, member};
use crate::function::Measure;
use crate::metric::{Exemplar, HotHistogram};
use crate::outcome::Outcome;
use crate::record::{Keep, Kind, LogRecord};
use crate::scratch::{self, Scratch};
use crate::semconv;
use crate::slo::{Named, SloEvent};
use crate::span::{Ended, OpenSpan};
use crate::trace::LocalTrace;
use std::time::Duration;
use tracing_core::Level;

/// What objectives judge of an operation.
pub(crate) struct Judged<'a> {
    pub(crate) trace: &'a LocalTrace,
    pub(crate) measure: &'a Measure,
    pub(crate) outcome: Outcome,
    pub(crate) start: Tick,
    pub(crate) duration: Duration,
}

/// Whether an objective calls an operation bad that is neither a request nor a call by HTTP.
pub(super) fn judge(judged: &Judged<'_>) -> bool {
    judged.by_name(judged.measure.named())
}

impl Judged<'_> {
    /// Whether an objective calls it bad that is about what has this name.
    pub(crate) fn by_name(&self, named: Named<'_>) -> bool {
        let slos = &self.trace.hub.slos;
        slos.are_about_named() && slos.judge_named(named, &SloEvent::new(self.outcome, self.duration))
    }
}

/// How an operation ended, for those who record it.
pub(crate) struct End<'a> {
    pub(crate) span: &'a OpenSpan,
    /// `None`: nobody has asked for it, so nobody but our own subscriber knows of it.
    pub(crate) tracing: Option<&'a tracing::Span>,
    pub(crate) trace: &'a LocalTrace,
    pub(crate) outcome: Outcome,
    pub(crate) tick: Tick,
    pub(crate) duration: Duration,
    /// Why the trace is kept, as far as it is known by now.
    pub(crate) keep: Option<Keep>,
    /// Why it failed, where it is no local root: that of a root is told by all below it.
    pub(super) cause: Option<String>,
}

impl End<'_> {
    /// Records the duration, with an exemplar when the trace is kept: any other's id would point nowhere.
    pub(crate) fn observe(&self, series: &HotHistogram) {
        series.observe_duration(self.duration);
        if self.keep.is_some() {
            series.exemplify(&Exemplar {
                value: self.duration.as_secs_f64(),
                trace_id: self.trace.trace_id,
                span_id: self.span.id,
                unix_nanos: self.trace.hub.clock.unix_nanos(self.tick),
            });
        }
    }

    /// Records its span, with what its end adds to the fields. It is what fixes whether the trace is kept.
    pub(crate) fn record(&self, name: &str, kind: Kind, fields: &Fields) {
        self.span.record(&Ended {
            name,
            target: semconv::span::TARGET,
            kind,
            outcome: self.outcome,
            tick: self.tick,
            fields: fields.as_str(),
            keep: self.keep,
        });
    }

    /// Writes a line about the operation to its telemetry's log.
    ///
    /// `of` is whose line it is, by its address, for rates; `None`: the request's itself.
    pub(crate) fn log(
        &self,
        of: Option<&'static str>,
        level: Level,
        target: &str,
        message: &Text,
        event: &Fields,
    ) {
        let callsite = of.map_or(0, |name| name.as_ptr().addr() as u64);
        let hub = &self.trace.hub;
        let unix_nanos = hub.clock.unix_nanos(self.tick);
        let span_context = Some(self.trace.span_context(self.span.id));
        self.trace.with_correlation_id(|correlation_id| {
            self.span.with_fields(|span| {
                self.trace.log(&LogRecord {
                    unix_nanos,
                    level,
                    target,
                    message,
                    span_context,
                    correlation_id,
                    span: Some(span),
                    event,
                    callsite,
                });
            });
        });
    }

    /// Adds what every operation's line says: the outcome, the duration and, where it failed, why.
    pub(crate) fn describe(&self, fields: &mut Fields) {
        const OK: Member = member!(semconv::span::OUTCOME, Outcome::Ok.as_str());
        const ERROR: Member = member!(semconv::span::OUTCOME, Outcome::Error.as_str());
        const CANCELLED: Member = member!(semconv::span::OUTCOME, Outcome::Cancelled.as_str());
        const PANICKED: Member = member!(semconv::span::OUTCOME, Outcome::Panicked.as_str());
        const DURATION_MS: Key = key!(semconv::span::DURATION_MS);
        fields.member(match self.outcome {
            Outcome::Ok => &OK,
            Outcome::Error => &ERROR,
            Outcome::Cancelled => &CANCELLED,
            Outcome::Panicked => &PANICKED,
        });
        fields.key_millis(DURATION_MS, self.duration);
        if let Some(cause) = &self.cause {
            fields.str(semconv::span::ERROR_MESSAGE, cause);
        }
        if !self.span.is_local_root {
            return;
        }
        if let Some(told) = self.trace.told() {
            // What was declared before a panic is not why it ended.
            if self.outcome == Outcome::Error
                && let Some(error_type) = told.error_type
            {
                fields.str(semconv::span::ERROR_TYPE, error_type);
            }
            if let Some(cause) = told.cause.told(self.outcome.is_failure()) {
                fields.str(semconv::span::ERROR_MESSAGE, cause);
            }
            if let Some(link) = told.link {
                point_to(link, fields);
            }
            told.waits.describe(fields);
            told.repeats.describe(fields);
            fields.extend(&told.annotations);
        }
    }
}

/// What is told of an operation that is no request: its span; and a line, when it failed and nobody above it will say
/// so, or when it is to be told of.
pub(super) fn tell(end: &End<'_>, measure: &Measure) {
    let level = if end.outcome.is_failure() && end.span.is_local_root {
        Some(Level::ERROR)
    } else {
        measure.told_when_ok().filter(|_| end.outcome == Outcome::Ok)
    };
    let level = level.filter(|level| end.trace.hub.passes(*level));
    // Nothing was said that its record does not say by itself.
    let is_plain = end.outcome == Outcome::Ok && (!end.span.is_local_root || end.trace.told().is_none());
    if level.is_none() && is_plain {
        return end.record(measure.name(), measure.kind(), &Fields::new());
    }
    scratch::with(|scratch| {
        let Scratch { message, fields, .. } = scratch;
        end.describe(fields);
        end.record(measure.name(), measure.kind(), fields);
        if let Some(level) = level {
            match end.outcome {
                Outcome::Ok => message.set(measure.name()),
                outcome => message.set_formatted(format_args!("{} {}", measure.name(), outcome.as_verb())),
            }
            end.log(Some(measure.name()), level, semconv::span::TARGET, message, fields);
        }
    });
}

/// The span that the trace points to instead of hanging below it.
fn point_to(link: SpanContext, fields: &mut Fields) {
    let (trace_id, span_id) = (link.trace_id.write_hex(), link.span_id.write_hex());
    for (name, id) in
        [(semconv::span::LINK_TRACE_ID, &trace_id[..]), (semconv::span::LINK_SPAN_ID, &span_id[..])]
    {
        fields.str(name, str::from_utf8(id).unwrap_or_default());
    }
}
