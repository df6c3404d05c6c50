//! The metrics of calls to models.

use crate::http_metrics::ErrorType;
use crate::label::LabelValue;
use crate::label::own::{label_set, open_label};
use crate::metric::{AnyFamily, Buckets, Family, Histogram, HotHistogram};
use crate::semconv::{gen_ai as names, http};
use std::sync::Arc;

open_label!(
    /// Who does it.
    pub(super) Provider, max 64);
open_label!(
    /// What is done.
    pub(super) OperationName, max 64);
open_label!(
    /// By which model.
    pub(super) Model, max 256);

label_set!(pub(super) ModelLabels {
    operation: OperationName = names::OPERATION_NAME_LABEL,
    provider: Provider = names::PROVIDER_NAME_LABEL,
    request_model: Model = names::REQUEST_MODEL_LABEL,
    response_model: Model = names::RESPONSE_MODEL_LABEL,
});
label_set!(pub(super) ByErrorType { error_type: ErrorType = http::ERROR_TYPE_LABEL });
label_set!(pub(super) ByTokenType { token_type: TokenType = names::TOKEN_TYPE_LABEL });

/// Which tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenType {
    Input,
    Output,
}

#[diagnostic::do_not_recommend]
impl LabelValue for TokenType {
    const CARDINALITY: u32 = 2;

    fn code(self) -> u32 {
        self as u32
    }

    fn text(code: u32) -> &'static str {
        if code == TokenType::Input as u32 { names::INPUT } else { names::OUTPUT }
    }
}

macro_rules! texts {
    ($($name:ident)+) => {$(
        impl $name {
            pub(super) fn as_str(self) -> &'static str {
                <Self as LabelValue>::text(self.code())
            }
        }
    )+};
}

texts!(Provider OperationName Model);

/// Of one registry.
#[derive(Debug)]
pub(super) struct GenAiMetrics {
    pub(super) duration: Arc<Family<(ModelLabels, ByErrorType), HotHistogram>>,
    pub(super) tokens: Arc<Family<(ModelLabels, ByTokenType), Histogram>>,
    pub(super) first_chunk: Arc<Family<ModelLabels, Histogram>>,
    pub(super) next_chunk: Arc<Family<ModelLabels, Histogram>>,
}

/// The bounds that the conventions ask for: of times, and of tokens.
const SECONDS: Buckets =
    Buckets::new(&[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]);
const TOKENS: Buckets = Buckets::new(&[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
]);

impl GenAiMetrics {
    pub(super) fn new() -> Self {
        Self {
            duration: Arc::new(Family::hot_histogram(
                names::CLIENT_OPERATION_DURATION_SECONDS,
                "How long calls to models took.",
                SECONDS,
            )),
            tokens: Arc::new(Family::histogram(
                names::CLIENT_TOKEN_USAGE,
                "How many tokens calls to models took.",
                TOKENS,
            )),
            first_chunk: Arc::new(Family::histogram(
                names::CLIENT_OPERATION_TIME_TO_FIRST_CHUNK_SECONDS,
                "How long until the first chunk of a stream came.",
                SECONDS,
            )),
            next_chunk: Arc::new(Family::histogram(
                names::CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK_SECONDS,
                "How long from one chunk of a stream to the next.",
                SECONDS,
            )),
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<dyn AnyFamily>> {
        vec![self.duration.clone(), self.tokens.clone(), self.first_chunk.clone(), self.next_chunk.clone()]
    }
}
