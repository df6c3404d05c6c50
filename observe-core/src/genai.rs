//! Calls to models that generate: rate, errors and duration, their tokens, and how long the first chunk took.
//!
//! Made by [`Telemetry::genai`](crate::Telemetry::genai). It knows no provider's client: what it needs is what the answer
//! says of its usage.

mod call;
mod metrics;

pub use call::{GenAiCall, GenAiOperation};

use crate::error::{Error, Kind};
use crate::hub::Hub;
use crate::registry::Registry;
use metrics::{GenAiMetrics, Provider};
use std::fmt;
use std::sync::Arc;

/// Observes the calls to models of one provider. Cheap to clone.
///
/// A call hangs below what is running when it starts, and is a span with OpenTelemetry's attributes of generative AI. Its
/// duration goes to `gen_ai_client_operation_duration_seconds`, its tokens to `gen_ai_client_token_usage`. What is asked,
/// and what is answered, is never recorded, nor is the text of an error.
///
/// ```
/// use observe_core::Telemetry;
///
/// # struct Usage { input_tokens: u64, output_tokens: u64 }
/// # struct Answer { model: String, usage: Usage }
/// # struct Client;
/// # impl Client {
/// #     async fn ask(&self, _: &str) -> Result<Answer, std::io::Error> {
/// #         Ok(Answer { model: "m-1-20261101".to_owned(), usage: Usage { input_tokens: 1, output_tokens: 2 } })
/// #     }
/// # }
/// # let client = Client;
/// let telemetry = Telemetry::builder("support").build()?;
/// let models = telemetry.genai("anthropic")?;
/// # let _ = async {
/// let answer = models.call("chat", "m-1").observe(client.ask("Is my parcel on its way?"), |call, answer| match answer {
///     Ok(answer) => {
///         call.response_model(&answer.model);
///         call.input_tokens(answer.usage.input_tokens);
///         call.output_tokens(answer.usage.output_tokens);
///     }
///     Err(_) => call.fail("overloaded"), // a name of a closed set
/// });
/// # answer.await
/// # };
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone)]
pub struct GenAi {
    hub: Arc<Hub>,
    metrics: Arc<GenAiMetrics>,
    provider: Provider,
}

impl GenAi {
    pub(crate) fn new(hub: &Arc<Hub>, registry: &Registry, provider: &str) -> Result<Self, Error> {
        if provider.is_empty() {
            return Err(Error::new(
                Kind::Invalid,
                "a provider of models has a name: `anthropic`, `openai`, …",
            ));
        }
        let metrics = registry.shared(GenAiMetrics::new, GenAiMetrics::all)?;
        Ok(Self { hub: Arc::clone(hub), metrics, provider: Provider::from(provider) })
    }

    /// A call of this operation (`chat`, `embeddings`, `text_completion`, …: `gen_ai.operation.name`), a name of the code's
    /// making, to this model. At most 256 models are kept apart: a client may name one.
    pub fn call<'a>(&'a self, operation: &'static str, model: &'a str) -> GenAiCall<'a> {
        GenAiCall::new(self, operation, model)
    }
}

impl fmt::Debug for GenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenAi").field("provider", &self.provider).finish_non_exhaustive()
    }
}
