//! Why a request is refused.

use http::StatusCode;
use observe_core::label::{LabelSet, LabelValue};

/// The rule that a request breaks, as its answer names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, LabelValue)]
pub(super) enum Rule {
    #[label("parameter")]
    Parameter,
    #[label("json")]
    Json,
    #[label("levels")]
    Levels,
    #[label("token")]
    Token,
    #[label("host")]
    Host,
    #[label("origin")]
    Origin,
    #[label("capability")]
    Capability,
    #[label("path")]
    Path,
    #[label("trace")]
    Trace,
    #[label("method")]
    Method,
    #[label("body_time")]
    BodyTime,
    #[label("snapshots")]
    Snapshots,
    #[label("body_size")]
    BodySize,
    #[label("query_size")]
    QuerySize,
    #[label("content_type")]
    ContentType,
    #[label("limited")]
    Limited,
    #[label("failed")]
    Failed,
    #[label("connections")]
    Connections,
    #[label("busy")]
    Busy,
    #[label("listeners")]
    Listeners,
    #[label("collectors")]
    Collectors,
}

/// The labels of `observe_admin_refused_total`.
#[derive(Clone, Copy, LabelSet)]
pub(super) struct ByRule {
    pub(super) rule: Rule,
}

impl Rule {
    pub(super) fn as_str(self) -> &'static str {
        Self::text(self.code())
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Rule::Parameter | Rule::Json | Rule::Levels => StatusCode::BAD_REQUEST,
            Rule::Token => StatusCode::UNAUTHORIZED,
            Rule::Host | Rule::Origin | Rule::Capability => StatusCode::FORBIDDEN,
            Rule::Path | Rule::Trace => StatusCode::NOT_FOUND,
            Rule::Method => StatusCode::METHOD_NOT_ALLOWED,
            Rule::BodyTime => StatusCode::REQUEST_TIMEOUT,
            Rule::Snapshots => StatusCode::CONFLICT,
            Rule::BodySize => StatusCode::PAYLOAD_TOO_LARGE,
            Rule::QuerySize => StatusCode::URI_TOO_LONG,
            Rule::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Rule::Limited => StatusCode::TOO_MANY_REQUESTS,
            Rule::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Rule::Connections | Rule::Listeners | Rule::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Rule::Collectors => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// A request that is refused: by which rule, and in words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) rule: Rule,
    pub(super) message: String,
    /// The methods that there are, if it is the method.
    pub(super) allow: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(rule: Rule, message: impl Into<String>) -> Self {
        Self { rule, message: message.into(), allow: None }
    }

    pub(super) fn method(allow: &'static str) -> Self {
        let message = format!("this path answers {allow} alone");
        Self { allow: Some(allow), ..Self::new(Rule::Method, message) }
    }
}
