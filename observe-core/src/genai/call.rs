//! A call to a model, from its description to its one end.

use super::GenAi;
use super::metrics::{ByErrorType, ByTokenType, GenAiMetrics, Model, ModelLabels, OperationName, TokenType};
use crate::clock::{Clock, Tick};
use crate::door::{callsite, tell_others};
use crate::fields::{Fields, Key, cut, key};
use crate::function::Measure;
use crate::http_metrics::ErrorType;
use crate::operation::{End, Judged, Operation, below_current};
use crate::outcome::Outcome;
use crate::pool::Shared;
use crate::record::Kind;
use crate::scratch::{self, Scratch};
use crate::semconv::{gen_ai as names, span as keys};
use crate::slo::Named;
use std::fmt::{self, Write as _};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tracing_core::Level;

const OPERATION_NAME: Key = key!(names::OPERATION_NAME);
const PROVIDER_NAME: Key = key!(names::PROVIDER_NAME);
const REQUEST_MODEL: Key = key!(names::REQUEST_MODEL);
const REQUEST_MAX_TOKENS: Key = key!(names::REQUEST_MAX_TOKENS);
const RESPONSE_MODEL: Key = key!(names::RESPONSE_MODEL);
const RESPONSE_ID: Key = key!(names::RESPONSE_ID);
const INPUT_TOKENS: Key = key!(names::USAGE_INPUT_TOKENS);
const OUTPUT_TOKENS: Key = key!(names::USAGE_OUTPUT_TOKENS);
const CACHE_READ: Key = key!(names::USAGE_CACHE_READ_INPUT_TOKENS);
const CACHE_CREATION: Key = key!(names::USAGE_CACHE_CREATION_INPUT_TOKENS);
const ERROR_TYPE: Key = key!(keys::ERROR_TYPE);

/// The longest name of a model, or id of an answer, on a span, in bytes; a longer one is cut.
const MAX_NAME: usize = 256;

/// Describes a call: [`GenAi::call`].
#[must_use = "a call begins with `start` or `observe`"]
#[derive(Debug)]
pub struct GenAiCall<'a> {
    genai: &'a GenAi,
    operation: &'static str,
    model: &'a str,
    max_tokens: Option<u64>,
    is_stream: bool,
}

impl<'a> GenAiCall<'a> {
    pub(super) fn new(genai: &'a GenAi, operation: &'static str, model: &'a str) -> Self {
        Self { genai, operation, model, max_tokens: None, is_stream: false }
    }

    /// The most tokens that the answer may have (`gen_ai.request.max_tokens`): on the span. Defaults to none.
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// The answer comes in chunks (`gen_ai.request.stream`). Defaults to one that comes whole.
    pub fn stream(mut self) -> Self {
        self.is_stream = true;
        self
    }

    /// Makes the call, and has `read` say what the answer tells of its model and its tokens, or which failure it is. An
    /// error is a failure in any case. Dropped before its end, the call was cancelled.
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub async fn observe<T, E>(
        self,
        call: impl Future<Output = Result<T, E>>,
        read: impl FnOnce(&mut GenAiOperation, &Result<T, E>),
    ) -> Result<T, E> {
        let mut operation = self.start();
        let mut call = pin!(call);
        let answer = poll_fn(|cx| operation.within(|| call.as_mut().poll(cx))).await;
        read(&mut operation, &answer);
        if answer.is_err() {
            operation.failed = true;
        }
        operation.finish();
        answer
    }

    /// Begins it, below what is running on this thread.
    pub fn start(self) -> GenAiOperation {
        let Self { genai, operation, model, max_tokens, is_stream } = self;
        let labels = ModelLabels {
            operation: OperationName::from(operation),
            provider: genai.provider,
            request_model: Model::from(model),
            response_model: Model::from(""),
        };
        let mut span = below_current(Some(&genai.hub), false);
        if let Some(own) = Shared::get_mut(&mut span) {
            let fields = own.fields_mut();
            fields.key_str(OPERATION_NAME, operation);
            fields.key_str(PROVIDER_NAME, labels.provider.as_str());
            if !model.is_empty() {
                fields.key_str(REQUEST_MODEL, cut(model, MAX_NAME));
            }
            if let Some(tokens) = max_tokens {
                fields.key_u64(REQUEST_MAX_TOKENS, tokens);
            }
            if is_stream {
                fields.bool(names::REQUEST_STREAM, true);
            }
        }
        let name = Name(labels);
        let (clock, start) = (genai.hub.clock.clone(), genai.hub.clock.now());
        let callsite = callsite!(
            keys::TARGET,
            Level::INFO,
            "model",
            "otel.name",
            "otel.kind",
            "otel.status_code",
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.request.model",
            "error.type"
        );
        let operation = Operation::open_on(span, callsite, || {
            tracing::info_span!(
                target: keys::TARGET,
                "model",
                otel.name = %name,
                otel.kind = "client",
                otel.status_code = tracing::field::Empty,
                gen_ai.operation.name = operation,
                gen_ai.provider.name = labels.provider.as_str(),
                gen_ai.request.model = labels.request_model.as_str(),
                "error.type" = tracing::field::Empty,
            )
        });
        #[cfg(feature = "test-util")]
        if let Some(span) = operation.open_span() {
            span.show(|seen| seen.name = name.to_string());
        }
        GenAiOperation {
            operation,
            metrics: Arc::clone(&genai.metrics),
            labels,
            clock,
            start,
            last_chunk: None,
            said: Said::default(),
            failed: false,
            error_type: ErrorType::NONE,
        }
    }
}

/// What the answer told of itself.
#[derive(Debug, Default)]
struct Said {
    model: Option<String>,
    id: Option<String>,
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_creation: Option<u64>,
    first_chunk: Option<Duration>,
}

/// A call to a model that has begun.
///
/// It ends exactly once: by [`finish`](GenAiOperation::finish), or when it is dropped: as panicked when it unwound, else
/// as cancelled, which is no failure. The tokens that were said by then count either way: they were used, and are paid for.
///
/// ```
/// # use observe_core::Telemetry;
/// # let telemetry = Telemetry::builder("support").build()?;
/// # let models = telemetry.genai("openai")?;
/// # let chunks = ["Yes", ", it", " is."];
/// let mut call = models.call("chat", "m-1").stream().start(); // lives in the stream
/// call.input_tokens(17);
/// for chunk in chunks {
///     call.chunk();
///     call.add_output_tokens(1);
/// }
/// call.finish(); // or dropped: cancelled
/// # Ok::<(), observe_core::Error>(())
/// ```
#[must_use = "a call that is dropped at once is recorded as cancelled"]
pub struct GenAiOperation {
    operation: Operation,
    metrics: Arc<GenAiMetrics>,
    labels: ModelLabels,
    clock: Clock,
    start: Tick,
    last_chunk: Option<Tick>,
    said: Said,
    failed: bool,
    error_type: ErrorType,
}

impl GenAiOperation {
    /// Runs `f`, one poll of the call or of its stream, with the call as the current context. Marks it as panicked when `f`
    /// unwinds.
    pub fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.operation.within(f)
    }

    /// A chunk of the stream came: the first goes to `gen_ai_client_operation_time_to_first_chunk_seconds`, the time
    /// between two to `gen_ai_client_operation_time_per_output_chunk_seconds`.
    pub fn chunk(&mut self) {
        let now = self.clock.now();
        match self.last_chunk.replace(now) {
            Some(last) => self.metrics.next_chunk.with(self.labels).observe_duration(now.since(last)),
            None => {
                let waited = now.since(self.start);
                self.said.first_chunk = Some(waited);
                self.metrics.first_chunk.with(self.labels).observe_duration(waited);
            }
        }
    }

    /// The model that answers (`gen_ai.response.model`), where it says so.
    pub fn response_model(&mut self, model: &str) {
        self.labels.response_model = Model::from(model);
        self.said.model = Some(cut(model, MAX_NAME).to_owned());
    }

    /// The answer's own id (`gen_ai.response.id`): on the span.
    pub fn response_id(&mut self, id: &str) {
        self.said.id = Some(cut(id, MAX_NAME).to_owned());
    }

    /// The tokens of the input that are paid for, those of a cache among them. Said again, the last word counts.
    pub fn input_tokens(&mut self, tokens: u64) {
        self.said.input = Some(tokens);
    }

    /// The tokens of the output that are paid for. Said again, the last word counts: streams count up.
    pub fn output_tokens(&mut self, tokens: u64) {
        self.said.output = Some(tokens);
    }

    /// So many more tokens of the output came: for streams that never say how many.
    pub fn add_output_tokens(&mut self, tokens: u64) {
        self.said.output = Some(self.said.output.unwrap_or(0).saturating_add(tokens));
    }

    /// The tokens of the input that came from a cache: on the span.
    pub fn cache_read_tokens(&mut self, tokens: u64) {
        self.said.cache_read = Some(tokens);
    }

    /// The tokens of the input that went into a cache: on the span.
    pub fn cache_creation_tokens(&mut self, tokens: u64) {
        self.said.cache_creation = Some(tokens);
    }

    /// It failed: the label `error_type`, a name of a closed set (`timeout`, `overloaded`, `429`). The first one said stays.
    pub fn fail(&mut self, error_type: &'static str) {
        self.failed = true;
        if self.error_type.is_none() {
            self.error_type = ErrorType::of(error_type);
        }
    }

    /// Ends it. What unwound before stays panicked, whoever caught it.
    pub fn finish(mut self) {
        self.end(if self.operation.has_unwound() { Outcome::Panicked } else { Outcome::Ok });
    }

    /// The one end: see [`Operation::end`].
    fn end(&mut self, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Ok | Outcome::Cancelled if self.failed => Outcome::Error,
            outcome => outcome,
        };
        let Self { operation, metrics, labels, said, .. } = self;
        let error_type = self.error_type.at_end(outcome);
        let named = Named { dependency: labels.provider.as_str(), ..Named::default() };
        let judge = |judged: &Judged<'_>| judged.by_name(named);
        operation.end(outcome, error_type.as_str(), None, judge, |end, _: &Measure| {
            end.observe(metrics.duration.with((*labels, ByErrorType { error_type })));
            let tokens = [(TokenType::Input, said.input), (TokenType::Output, said.output)];
            for (token_type, tokens) in tokens {
                if let Some(tokens) = tokens {
                    metrics.tokens.with((*labels, ByTokenType { token_type })).observe_u64(tokens);
                }
            }
            if !error_type.is_none() {
                tell_others(end.tracing, |span| {
                    span.record(keys::ERROR_TYPE, error_type.as_str());
                });
            }
            report(end, *labels, error_type, said);
        });
    }
}

impl Drop for GenAiOperation {
    fn drop(&mut self) {
        self.end(self.operation.abandoned());
    }
}

impl fmt::Debug for GenAiOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenAiOperation").field("labels", &self.labels).finish_non_exhaustive()
    }
}

/// Its span; its line where nobody above it will say that it failed.
fn report(end: &End<'_>, labels: ModelLabels, error_type: ErrorType, said: &Said) {
    let is_told = end.outcome.is_failure() && end.span.is_local_root && end.trace.hub.passes(Level::ERROR);
    if !is_told && !end.trace.is_recorded() {
        return;
    }
    scratch::with(|scratch| {
        let Scratch { message, fields, target: name } = scratch;
        said.describe(fields);
        if !error_type.is_none() {
            fields.key_str(ERROR_TYPE, error_type.as_str());
        }
        end.describe(fields);
        // A `String` takes what it is given.
        let _ = write!(name, "{}", Name(labels));
        end.record(name, Kind::Client, fields);
        if is_told {
            message.set_formatted(format_args!("{name} {}", end.outcome.as_verb()));
            end.log(Some(keys::TARGET), Level::ERROR, keys::TARGET, message, fields);
        }
    });
}

impl Said {
    fn describe(&self, fields: &mut Fields) {
        for (key, text) in [(RESPONSE_MODEL, &self.model), (RESPONSE_ID, &self.id)] {
            if let Some(text) = text {
                fields.key_str(key, text);
            }
        }
        for (key, tokens) in [
            (INPUT_TOKENS, self.input),
            (OUTPUT_TOKENS, self.output),
            (CACHE_READ, self.cache_read),
            (CACHE_CREATION, self.cache_creation),
        ] {
            if let Some(tokens) = tokens {
                fields.key_u64(key, tokens);
            }
        }
        if let Some(waited) = self.first_chunk {
            fields.f64(names::RESPONSE_TIME_TO_FIRST_CHUNK, waited.as_secs_f64());
        }
    }
}

/// `{operation} {model}` (semantic conventions, "Inference").
struct Name(ModelLabels);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ModelLabels { operation, request_model, .. }) = self;
        f.write_str(operation.as_str())?;
        match request_model.as_str() {
            "" => Ok(()),
            model => write!(f, " {model}"),
        }
    }
}
