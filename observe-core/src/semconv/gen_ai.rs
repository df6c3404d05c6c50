//! Calls to models (OpenTelemetry semantic conventions for generative AI, in development; as of November 2026).

/// How many tokens a call took, by `gen_ai_token_type`.
pub const CLIENT_TOKEN_USAGE: &str = "gen_ai_client_token_usage";
/// How long calls took.
pub const CLIENT_OPERATION_DURATION_SECONDS: &str = "gen_ai_client_operation_duration_seconds";
/// How long until the first chunk of a stream.
pub const CLIENT_OPERATION_TIME_TO_FIRST_CHUNK_SECONDS: &str =
    "gen_ai_client_operation_time_to_first_chunk_seconds";
/// How long from one chunk to the next.
pub const CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK_SECONDS: &str =
    "gen_ai_client_operation_time_per_output_chunk_seconds";

/// What is done: `chat`, `embeddings`, `text_completion` and so on.
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
/// The label of the same.
pub const OPERATION_NAME_LABEL: &str = "gen_ai_operation_name";
/// Who does it: `anthropic`, `openai`, `aws.bedrock` and so on.
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The label of the same.
pub const PROVIDER_NAME_LABEL: &str = "gen_ai_provider_name";
/// The model that is asked for.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// The label of the same.
pub const REQUEST_MODEL_LABEL: &str = "gen_ai_request_model";
/// The most tokens that the answer may have.
pub const REQUEST_MAX_TOKENS: &str = "gen_ai.request.max_tokens";
/// Whether the answer comes in chunks.
pub const REQUEST_STREAM: &str = "gen_ai.request.stream";
/// The model that answered.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// The label of the same.
pub const RESPONSE_MODEL_LABEL: &str = "gen_ai_response_model";
/// The answer's own id.
pub const RESPONSE_ID: &str = "gen_ai.response.id";
/// How long until the first chunk, in seconds.
pub const RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// The tokens of the input, those of a cache among them.
pub const USAGE_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// The tokens of the output.
pub const USAGE_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// The tokens of the input that came from a cache.
pub const USAGE_CACHE_READ_INPUT_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
/// The tokens of the input that went into a cache.
pub const USAGE_CACHE_CREATION_INPUT_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
/// The label that tells `input` from `output`.
pub const TOKEN_TYPE_LABEL: &str = "gen_ai_token_type";
/// A type of token.
pub const INPUT: &str = "input";
/// A type of token.
pub const OUTPUT: &str = "output";
