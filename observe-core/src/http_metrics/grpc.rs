//! Remote procedure calls by gRPC: their labels and families.
//!
//! What a client can choose is bounded here, too: a method is a label once this service has answered it in a way that
//! only the method itself can.

use super::{ClientLabels, ErrorType, ServerAddress, ServerPort};
use crate::fields::{Fields, Key, key};
use crate::label::own::label_set;
use crate::label::{LabelId, LabelValue, OpenSet};
use crate::metric::{Buckets, Family, HotHistogram};
use crate::outcome::Outcome;
use crate::semconv::{http as names, http_client as client, rpc};

const SYSTEM: Key = key!(rpc::SYSTEM);
const METHOD: Key = key!(rpc::METHOD);
const STATUS: Key = key!(rpc::STATUS);

/// How many methods that are answered are kept apart, and how many that are called.
const MAX_RPC_METHODS: u32 = 1_000;

/// The side of a call that this process is on.
#[derive(Debug)]
struct Side {
    /// The methods that are known.
    methods: OpenSet,
    /// Whether a status is a failure.
    fails_by: fn(GrpcStatus) -> bool,
}

static ANSWERED: Side =
    Side { methods: OpenSet::new(MAX_RPC_METHODS), fails_by: GrpcStatus::is_servers_failure };
static CALLED: Side =
    Side { methods: OpenSet::new(MAX_RPC_METHODS), fails_by: GrpcStatus::is_callers_failure };

/// A method with its service, `shop.Orders/Place`, or `_OTHER`.
macro_rules! method {
    ($name:ident, $side:ident) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name(LabelId);

        #[diagnostic::do_not_recommend]
        impl LabelValue for $name {
            const CARDINALITY: u32 = OpenSet::cardinality(MAX_RPC_METHODS);
            const OTHER: Option<u32> = Some(LabelId::OTHER.code());
            const EMPTY: Option<u32> = Some(LabelId::EMPTY.code());

            #[inline]
            fn code(self) -> u32 {
                self.0.code()
            }

            fn text(code: u32) -> &'static str {
                $side.methods.text(LabelId::from_code(code))
            }
        }
    };
}

method!(AnsweredMethod, ANSWERED);
method!(CalledMethod, CALLED);

/// The status of a call ("Status codes and their use in gRPC"), or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GrpcStatus(u8);

/// By their numbers.
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl GrpcStatus {
    pub(crate) const NONE: GrpcStatus = GrpcStatus(0);
    pub(crate) const CANCELLED: GrpcStatus = GrpcStatus::of(1);
    const UNKNOWN: GrpcStatus = GrpcStatus::of(2);

    const fn of(number: u8) -> Self {
        Self(number + 1)
    }

    /// The value of `grpc-status`. What is no status is `UNKNOWN`.
    pub(crate) fn read(value: &[u8]) -> Self {
        let number = str::from_utf8(value).ok().and_then(|value| value.parse().ok());
        number.filter(|number| usize::from(*number) < STATUSES.len()).map_or(Self::UNKNOWN, Self::of)
    }

    /// What an answer of HTTP is that does not say ("HTTP to gRPC Status Code Mapping").
    pub(crate) fn of_http(status: Option<u16>) -> Self {
        match status {
            Some(400) => Self::of(13),
            Some(401) => Self::of(16),
            Some(403) => Self::of(7),
            Some(404) => Self::of(12),
            Some(429 | 502 | 503 | 504) => Self::of(14),
            _ => Self::UNKNOWN,
        }
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Empty for none.
    pub(crate) fn as_str(self) -> &'static str {
        <Self as LabelValue>::text(u32::from(self.0))
    }

    /// Whether it is a failure of who answers: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE,
    /// DATA_LOSS (semantic conventions, "gRPC").
    pub(crate) fn is_servers_failure(self) -> bool {
        matches!(self.number(), Some(2 | 4 | 12 | 13 | 14 | 15))
    }

    /// Whether it is a failure for who called: all but OK.
    pub(crate) fn is_callers_failure(self) -> bool {
        !matches!(self.number(), None | Some(0))
    }

    /// Whether only the method itself answers so: what stands before it may refuse, be busy, give up or not know the
    /// method, whatever was asked for.
    fn is_of_the_method(self) -> bool {
        matches!(self.number(), Some(0 | 3 | 5 | 6 | 9 | 10 | 11 | 15))
    }

    fn number(self) -> Option<u8> {
        self.0.checked_sub(1)
    }
}

#[diagnostic::do_not_recommend]
impl LabelValue for GrpcStatus {
    const CARDINALITY: u32 = STATUSES.len() as u32 + 1;
    const EMPTY: Option<u32> = Some(0);

    #[inline]
    fn code(self) -> u32 {
        u32::from(self.0)
    }

    fn text(code: u32) -> &'static str {
        let number = code.checked_sub(1).and_then(|number| STATUSES.get(number as usize));
        number.copied().unwrap_or_default()
    }
}

/// The system: there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grpc;

#[diagnostic::do_not_recommend]
impl LabelValue for Grpc {
    const CARDINALITY: u32 = 1;

    #[inline]
    fn code(self) -> u32 {
        0
    }

    fn text(_: u32) -> &'static str {
        rpc::GRPC
    }
}

label_set!(pub(crate) RpcLabels {
    system: Grpc = rpc::SYSTEM_LABEL,
    method: AnsweredMethod = rpc::METHOD_LABEL,
    status: GrpcStatus = rpc::STATUS_LABEL,
    error_type: ErrorType = names::ERROR_TYPE_LABEL,
});
label_set!(pub(crate) RpcClientLabels {
    system: Grpc = rpc::SYSTEM_LABEL,
    method: CalledMethod = rpc::METHOD_LABEL,
    status: GrpcStatus = rpc::STATUS_LABEL,
    error_type: ErrorType = names::ERROR_TYPE_LABEL,
    address: ServerAddress = client::SERVER_ADDRESS_LABEL,
    port: ServerPort = client::SERVER_PORT_LABEL,
});

pub(crate) fn answered_calls() -> Family<RpcLabels, HotHistogram> {
    let help = "How long remote procedure calls took that were answered here.";
    Family::hot_histogram(rpc::SERVER_CALL_DURATION_SECONDS, help, Buckets::SECONDS)
}

pub(crate) fn made_calls() -> Family<RpcClientLabels, HotHistogram> {
    let help = "How long remote procedure calls to others took.";
    Family::hot_histogram(rpc::CLIENT_CALL_DURATION_SECONDS, help, Buckets::SECONDS)
}

/// A call while it lasts.
#[derive(Debug)]
pub(crate) struct RpcCall {
    side: &'static Side,
    method: LabelId,
    /// Its method, while that is none that is known.
    unknown: Option<Box<str>>,
    /// The status, as far as it is known.
    pub(crate) status: GrpcStatus,
}

impl RpcCall {
    /// One that came in, by its path: `/shop.Orders/Place`.
    pub(crate) fn received(path: &str) -> Self {
        let name = name(path);
        let known = name.and_then(|name| ANSWERED.methods.known(name));
        let unknown = name.filter(|_| known.is_none()).map(Box::from);
        let method = known.unwrap_or(LabelId::OTHER);
        Self { side: &ANSWERED, method, unknown, status: GrpcStatus::NONE }
    }

    /// Knows a method of this service from the start, by the code's word: `shop.Orders/Place`. Else it is known from its
    /// first answer on.
    pub(crate) fn expect(method: &str) {
        let _ = ANSWERED.methods.intern(method);
    }

    /// One that is made. Its method is the code's word.
    pub(crate) fn made(path: &str) -> Self {
        let method = name(path).map_or(LabelId::OTHER, |name| CALLED.methods.intern(name));
        Self { side: &CALLED, method, unknown: None, status: GrpcStatus::NONE }
    }

    fn method(&self) -> &'static str {
        self.side.methods.text(self.method)
    }

    /// What its span is called.
    pub(crate) fn name(&self) -> &'static str {
        if self.method.is_other() { rpc::GRPC } else { self.method() }
    }

    pub(crate) fn labels(&self, error_type: ErrorType) -> RpcLabels {
        RpcLabels { system: Grpc, method: AnsweredMethod(self.method), status: self.status, error_type }
    }

    pub(crate) fn client_labels(&self, labels: &ClientLabels) -> RpcClientLabels {
        let ClientLabels { address, port, error_type, .. } = *labels;
        let method = CalledMethod(self.method);
        RpcClientLabels { system: Grpc, method, status: self.status, error_type, address, port }
    }

    /// It is over, with this status of HTTP. Answers with the failure that it is, if its status says so.
    ///
    /// Where no status of its own came, HTTP's says it, unless it broke off (`has_failed`). One that was left was
    /// cancelled.
    pub(crate) fn settle(
        &mut self,
        outcome: Outcome,
        http_status: Option<u16>,
        has_failed: bool,
    ) -> Option<&'static str> {
        match outcome {
            Outcome::Ok if self.status.is_none() && !has_failed => {
                self.status = GrpcStatus::of_http(http_status);
            }
            Outcome::Cancelled if self.status.is_none() => self.status = GrpcStatus::CANCELLED,
            _ => {}
        }
        if outcome != Outcome::Ok {
            return None;
        }
        if self.status.is_of_the_method()
            && let Some(name) = self.unknown.take()
        {
            self.method = self.side.methods.intern(&name);
        }
        (self.side.fails_by)(self.status).then(|| self.status.as_str())
    }

    /// What its span, and every line within, say of it.
    pub(crate) fn describe(&self, fields: &mut Fields) {
        fields.key_str(SYSTEM, rpc::GRPC);
        if !self.method.is_other() {
            fields.key_str(METHOD, self.method());
        }
    }

    /// What is known of it at its end. Answers with the status, which may be empty.
    pub(crate) fn conclude(&self, fields: &mut Fields) -> &'static str {
        fields.key_str(METHOD, self.method());
        if !self.status.is_none() {
            fields.key_str(STATUS, self.status.as_str());
        }
        self.status.as_str()
    }
}

/// The method with its service, if a path is one: two parts, neither of them empty.
fn name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    let (service, method) = name.split_once('/')?;
    (!service.is_empty() && !method.is_empty() && !method.contains('/')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: a number that is none taken for another; the sets of failures.
    #[test]
    fn statuses() {
        assert_eq!(GrpcStatus::read(b"0").as_str(), "OK");
        assert_eq!(GrpcStatus::read(b"16").as_str(), "UNAUTHENTICATED");
        for odd in [&b"17"[..], b"", b"-1", b"OK", b"300", b"\xff", b"99999999999999999999"] {
            assert_eq!(GrpcStatus::read(odd).as_str(), "UNKNOWN", "{odd:?}");
        }
        let all = || (0..17).map(GrpcStatus::of);
        let servers: Vec<_> =
            all().filter(|status| status.is_servers_failure()).map(GrpcStatus::as_str).collect();
        let expected =
            ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];
        assert_eq!(servers, expected);
        assert_eq!(all().filter(|status| !status.is_callers_failure()).count(), 1);
        assert!(!GrpcStatus::NONE.is_callers_failure() && GrpcStatus::NONE.as_str().is_empty());
        assert!(all().all(|status| LabelValue::code(status) < GrpcStatus::CARDINALITY));
    }

    // Mutations caught: a method that is learnt from any answer, or never; a path that is none.
    #[test]
    fn a_method_is_known_once_it_has_answered() {
        let ask = |path: &str, status: &[u8]| {
            let mut call = RpcCall::received(path);
            call.status = GrpcStatus::read(status);
            call.settle(Outcome::Ok, Some(200), false);
            call.method()
        };
        let refusals = [b"1".as_slice(), b"2", b"4", b"7", b"8", b"12", b"13", b"14", b"16"];
        for status in refusals {
            assert_eq!(ask("/tests.Known/Place", status), "_OTHER");
        }
        assert_eq!(ask("/tests.Known/Place", b"5"), "tests.Known/Place");
        for status in refusals {
            assert_eq!(ask("/tests.Known/Place", status), "tests.Known/Place");
        }
        for path in ["/", "", "/a", "/a/", "//b", "/a/b/c", "a/b", "*"] {
            assert_eq!(ask(path, b"0"), "_OTHER", "{path}");
        }
        // Who calls it does not make it known: it may hand on what others ask for.
        RpcCall::made("/tests.Known/Other");
        let mut unanswered = RpcCall::received("/tests.Known/Other");
        assert_eq!(unanswered.settle(Outcome::Ok, Some(404), false), Some("UNIMPLEMENTED"));
        assert_eq!(unanswered.method(), "_OTHER");
    }

    // Mutations caught: a cancellation or a body that broke off given a status that nobody said; a status that came
    // replaced by one that was not.
    #[test]
    fn without_a_status_it_is_what_http_says() {
        let end = |came: Option<&[u8]>, outcome, http_status, has_failed| {
            let mut call = RpcCall::made("/tests.Ends/Call");
            if let Some(came) = came {
                call.status = GrpcStatus::read(came);
            }
            let failure = call.settle(outcome, http_status, has_failed);
            (call.status.as_str(), failure)
        };
        let ok = Outcome::Ok;
        assert_eq!(end(Some(b"0"), ok, Some(200), false), ("OK", None));
        assert_eq!(end(Some(b"5"), ok, Some(200), false), ("NOT_FOUND", Some("NOT_FOUND")));
        assert_eq!(end(None, ok, Some(200), false), ("UNKNOWN", Some("UNKNOWN")));
        assert_eq!(end(None, ok, Some(503), false), ("UNAVAILABLE", Some("UNAVAILABLE")));
        assert_eq!(end(None, ok, Some(200), true), ("", None));
        assert_eq!(end(None, ok, None, true), ("", None));
        assert_eq!(end(None, Outcome::Cancelled, Some(200), false), ("CANCELLED", None));
        assert_eq!(end(Some(b"0"), Outcome::Cancelled, Some(200), false), ("OK", None));
        assert_eq!(end(None, Outcome::Panicked, None, false), ("", None));
    }
}
