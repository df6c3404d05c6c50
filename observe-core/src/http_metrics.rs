//! The metrics of HTTP servers (OpenTelemetry semantic conventions, "HTTP metrics"): labels and families.
//!
//! Everything a client can choose is bounded: a method is one of a list or `_OTHER`, a route is what matched,
//! and of those there are at most as many as the limit says.

mod active;
mod classic;
mod client;
mod grpc;
mod segment;
mod status;
mod stream;

pub use self::classic::HttpNames;
pub(crate) use self::client::{ClientLabels, ClientMetrics, ServerAddress, ServerPort, UrlTemplate};
pub(crate) use self::grpc::{GrpcStatus, RpcCall, RpcClientLabels, RpcLabels, answered_calls, made_calls};
pub use self::segment::Segment;
pub(crate) use self::status::Status;
pub use self::stream::StreamKind;
pub(crate) use self::stream::{OpenStreamLabels, StreamLabels};

use self::active::Active;
use crate::error::Error;
use crate::label::own::label_set;
use crate::label::{LabelId, LabelSet, LabelValue, OpenSet};
use crate::metric::{AnyFamily, Buckets, Family, Gauge, HotHistogram};
use crate::outcome::Outcome;
use crate::registry::Registry;
use crate::semconv::http as names;
use std::sync::{Arc, OnceLock};

/// The methods of RFC 9110 and RFC 5789, and `QUERY`.
const KNOWN_METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];

/// More known methods than this are not kept apart, whatever the variable says.
const MAX_METHODS: u32 = 64;
/// How many routes are kept apart, unless told otherwise.
const DEFAULT_MAX_ROUTES: u32 = 1_000;
/// How many routes can be kept apart.
const MAX_ROUTES: u32 = 10_000;
/// How many error types are kept apart: the 5xx, our own, and what services declare.
const MAX_ERROR_TYPES: u32 = 1_000;

/// The most series of a family that has all of a request's labels.
const MAX_SERIES: u32 = 10_000;

static METHODS: OpenSet = OpenSet::new(MAX_METHODS);
static ROUTES: OnceLock<OpenSet> = OnceLock::new();
static ERROR_TYPES: OpenSet = OpenSet::new(MAX_ERROR_TYPES);

/// An open label around a set of texts; the empty text leaves it out. Where the conventions themselves say
/// `_OTHER`, it is no overflow and not counted as one.
macro_rules! open {
    ($(#[$doc:meta])* $name:ident, $max:expr, $texts:expr, other is overflow: $overflow:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name(LabelId);

        #[diagnostic::do_not_recommend]
        impl LabelValue for $name {
            const CARDINALITY: u32 = OpenSet::cardinality($max);
            const OTHER: Option<u32> = Some(LabelId::OTHER.code());
            const EMPTY: Option<u32> = Some(LabelId::EMPTY.code());

            #[inline]
            fn code(self) -> u32 {
                self.0.code()
            }

            fn text(code: u32) -> &'static str {
                $texts.text(LabelId::from_code(code))
            }

            #[inline]
            fn is_other(self) -> bool {
                $overflow && self.0.is_other()
            }
        }
    };
}

open!(
    /// A known method, or `_OTHER`.
    Method,
    MAX_METHODS,
    METHODS,
    other is overflow: false
);
open!(
    /// The matched route, or none.
    Route,
    MAX_ROUTES,
    routes(),
    other is overflow: true
);
open!(
    /// Why a request did not do what it was asked, or nothing.
    ErrorType,
    MAX_ERROR_TYPES,
    ERROR_TYPES,
    other is overflow: false
);

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        METHODS.text(self.0)
    }

    /// What stands for it in the names of spans: [`names::UNKNOWN_METHOD`] for an unknown one.
    pub(crate) fn name(self) -> &'static str {
        if self.0.is_other() { names::UNKNOWN_METHOD } else { self.as_str() }
    }
}

impl Route {
    pub(crate) const NONE: Route = Route(LabelId::EMPTY);

    /// `_OTHER` past the limit.
    pub(crate) fn of(route: &str) -> Self {
        Self(routes().intern(route))
    }

    pub(crate) fn as_str(self) -> &'static str {
        routes().text(self.0)
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl ErrorType {
    pub(crate) const NONE: ErrorType = ErrorType(LabelId::EMPTY);

    /// A failure without a name.
    pub(crate) const OTHER: ErrorType = ErrorType(LabelId::OTHER);

    pub(crate) fn of(kind: &'static str) -> Self {
        Self(ERROR_TYPES.intern(kind))
    }

    pub(crate) fn as_str(self) -> &'static str {
        ERROR_TYPES.text(self.0)
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// What it is when all is over.
    pub(crate) fn at_end(self, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Panicked => Self::of(names::PANICKED),
            Outcome::Cancelled => Self::of(names::CANCELLED),
            Outcome::Error if self.is_none() => Self::OTHER,
            Outcome::Ok | Outcome::Error => self,
        }
    }
}

fn routes() -> &'static OpenSet {
    ROUTES.get_or_init(|| OpenSet::new(DEFAULT_MAX_ROUTES))
}

/// Sets how many routes are kept apart in this process. `false`: too late, one was seen.
pub(crate) fn limit_routes(max: u32) -> bool {
    ROUTES.set(OpenSet::new(max.clamp(1, MAX_ROUTES))).is_ok()
}

/// How the request came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear, as far as this process sees.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The text of the label `url_scheme`: `http`, `https`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

#[diagnostic::do_not_recommend]
impl LabelValue for Scheme {
    const CARDINALITY: u32 = 2;

    #[inline]
    fn code(self) -> u32 {
        self as u32
    }

    fn text(code: u32) -> &'static str {
        if code == 0 { Scheme::Http.as_str() } else { Scheme::Https.as_str() }
    }
}

/// The version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
    /// HTTP/3
    Http3,
}

impl HttpVersion {
    /// The version as the `http` crate knows it; `None` for one that no label has.
    #[must_use]
    pub fn of(version: http::Version) -> Option<Self> {
        match version {
            http::Version::HTTP_10 => Some(HttpVersion::Http10),
            http::Version::HTTP_11 => Some(HttpVersion::Http11),
            http::Version::HTTP_2 => Some(HttpVersion::Http2),
            http::Version::HTTP_3 => Some(HttpVersion::Http3),
            _ => None,
        }
    }

    /// The text of the label `network_protocol_version`: `1.0`, `1.1`, `2`, `3`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            HttpVersion::Http10 => "1.0",
            HttpVersion::Http11 => "1.1",
            HttpVersion::Http2 => "2",
            HttpVersion::Http3 => "3",
        }
    }
}

#[diagnostic::do_not_recommend]
impl LabelValue for HttpVersion {
    const CARDINALITY: u32 = 4;

    #[inline]
    fn code(self) -> u32 {
        self as u32
    }

    fn text(code: u32) -> &'static str {
        let all = [HttpVersion::Http10, HttpVersion::Http11, HttpVersion::Http2, HttpVersion::Http3];
        all.get(code as usize).map_or("", |version| version.as_str())
    }
}

label_set!(pub(crate) RequestLabels {
    method: Method = names::REQUEST_METHOD_LABEL,
    scheme: Scheme = names::SCHEME_LABEL,
    route: Route = names::ROUTE_LABEL,
    status: Status = names::STATUS_LABEL,
    error_type: ErrorType = names::ERROR_TYPE_LABEL,
    version: Option<HttpVersion> = names::VERSION_LABEL,
    segment: Segment = names::SEGMENT_LABEL,
});

/// The families of one telemetry, and the methods it knows.
pub(crate) struct HttpMetrics {
    pub(crate) duration: Arc<Family<RequestLabels, HotHistogram>>,
    active: Active,
    pub(crate) queue: Later<()>,
    pub(crate) ready_wait: Later<()>,
    pub(crate) stream_duration: Arc<Family<StreamLabels, HotHistogram>>,
    pub(crate) open_streams: Arc<Family<OpenStreamLabels, Gauge>>,
    pub(crate) request_size: Later<RequestLabels>,
    pub(crate) response_size: Later<RequestLabels>,
    pub(crate) calls: Later<RpcLabels>,
    pub(crate) methods: Methods,
}

impl HttpMetrics {
    /// Registers the families. What a registry refuses is recorded all the same, unseen, and told.
    pub(crate) fn register(
        registry: &Registry,
        service: &str,
        chosen: HttpNames,
        mut refused: impl FnMut(&Error),
    ) -> Self {
        let duration = Arc::new(
            Family::hot_histogram(
                names::SERVER_REQUEST_DURATION_SECONDS,
                "How long HTTP requests took, from their head to the end of the answer's body.",
                Buckets::SECONDS,
            )
            .max_series(MAX_SERIES),
        );
        let active = Active::new(chosen);
        let requests = active.shown(service, &duration);
        let stream_duration = Arc::new(stream::durations());
        let open_streams = Arc::new(stream::open());
        let streams: [Arc<dyn AnyFamily>; 2] = [stream_duration.clone(), open_streams.clone()];
        for family in requests.into_iter().chain(streams) {
            if let Err(error) = registry.register_all(&[family]) {
                refused(&error);
            }
        }
        Self {
            duration,
            active,
            stream_duration,
            open_streams,
            queue: Later::default(),
            ready_wait: Later::default(),
            request_size: Later::default(),
            response_size: Later::default(),
            calls: Later::default(),
            methods: Methods::known(),
        }
    }

    /// How many requests like this one are in flight.
    #[inline]
    pub(crate) fn active(&self, labels: &RequestLabels) -> &Gauge {
        self.active.of(labels)
    }

    /// How long requests waited in front of the service.
    pub(crate) fn queue_family() -> Family<(), HotHistogram> {
        let help = "How long requests waited before this service had them, as trusted proxies say.";
        Family::hot_histogram(names::SERVER_QUEUE_DURATION_SECONDS, help, Buckets::SECONDS)
    }

    /// How long what the layer wraps was waited for.
    pub(crate) fn ready_wait_family() -> Family<(), HotHistogram> {
        let help = "How long was waited until what the layer wraps could take a request, where it could not at once.";
        Family::hot_histogram(names::SERVER_READY_WAIT_SECONDS, help, Buckets::SECONDS)
    }

    /// How much of requests' bodies was read.
    pub(crate) fn request_size_family() -> Family<RequestLabels, HotHistogram> {
        let help = "Bytes of HTTP requests' bodies that the service read.";
        Family::hot_histogram(names::SERVER_REQUEST_BODY_SIZE_BYTES, help, Buckets::BYTES)
            .max_series(MAX_SERIES)
    }

    /// How much of answers' bodies was sent.
    pub(crate) fn response_size_family() -> Family<RequestLabels, HotHistogram> {
        let help = "Bytes of HTTP answers' bodies that were handed to the server.";
        Family::hot_histogram(names::SERVER_RESPONSE_BODY_SIZE_BYTES, help, Buckets::BYTES)
            .max_series(MAX_SERIES)
    }

    pub(crate) fn method(&self, method: &str) -> Method {
        self.methods.of(method)
    }
}

/// The methods that are known.
pub(crate) struct Methods(Vec<(&'static str, Method)>);

impl Methods {
    /// Those that the variable lists, else the usual ones.
    fn known() -> Self {
        Self(known_methods(&std::env::var(names::KNOWN_METHODS).unwrap_or_default()))
    }

    pub(crate) fn of(&self, method: &str) -> Method {
        let known = self.0.iter().find(|(known, _)| *known == method);
        known.map_or(Method(LabelId::OTHER), |(_, method)| *method)
    }
}

/// A family that is registered when it is asked for first.
pub(crate) struct Later<L: LabelSet>(OnceLock<Arc<Family<L, HotHistogram>>>);

impl<L: LabelSet> Default for Later<L> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<L: LabelSet> Later<L> {
    /// The family, if it was asked for.
    pub(crate) fn seen(&self) -> Option<&Family<L, HotHistogram>> {
        self.0.get().map(|family| &**family)
    }

    /// What the registry refuses is recorded all the same, unseen, and told.
    pub(crate) fn get(
        &self,
        registry: &Registry,
        make: impl FnOnce() -> Family<L, HotHistogram>,
        refused: impl FnOnce(&Error),
    ) -> &Family<L, HotHistogram> {
        self.0.get_or_init(|| {
            let family = Arc::new(make());
            if let Err(error) = registry.register::<Family<_, _>>(Arc::clone(&family)) {
                refused(&error);
            }
            family
        })
    }
}

/// The known methods: those listed, with commas between them and in the case they have, else the usual ones.
fn known_methods(listed: &str) -> Vec<(&'static str, Method)> {
    let know = |method: &str| {
        let method = Method(METHODS.intern(method));
        (!method.is_other()).then(|| (method.as_str(), method))
    };
    let listed: Vec<_> =
        listed.split(',').map(str::trim).filter(|method| !method.is_empty()).filter_map(know).collect();
    if listed.is_empty() { KNOWN_METHODS.iter().copied().filter_map(know).collect() } else { listed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::OTHER;

    // Catches: an unknown method that is interned, so that a client can fill the set.
    #[test]
    fn methods_are_known_or_other() {
        let metrics =
            HttpMetrics::register(&Registry::new(), "shop", HttpNames::default(), |error| panic!("{error}"));
        for method in KNOWN_METHODS {
            assert_eq!(metrics.method(method).as_str(), method);
            assert_eq!(metrics.method(method).name(), method);
        }
        let before = METHODS.len();
        for method in ["get", "BREW", "", "GETX"] {
            assert_eq!(metrics.method(method).as_str(), OTHER);
            assert_eq!(metrics.method(method).name(), "HTTP");
        }
        assert_eq!(METHODS.len(), before);
    }

    #[test]
    fn a_list_replaces_the_usual_methods() {
        let names = |listed| known_methods(listed).iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names("GET, BREW,,post"), ["GET", "BREW", "post"]);
        assert_eq!(names(" , "), KNOWN_METHODS);
    }

    #[test]
    fn every_status_reads_back() {
        for status in 0..=u16::MAX {
            let of = Status::of(status);
            let expected = (100..600).contains(&status).then_some(status);
            assert_eq!(of.code(), expected);
            assert_eq!(of.as_str(), expected.map(|status| status.to_string()).unwrap_or_default());
            assert!(LabelValue::code(of) < Status::CARDINALITY);
        }
    }

    // Catches: one telemetry's second registration taken for its own.
    #[test]
    fn a_name_that_is_taken_is_told() {
        let registry = Registry::new();
        let mut told = 0;
        HttpMetrics::register(&registry, "shop", HttpNames::default(), |_| told += 1);
        assert_eq!(told, 0);
        HttpMetrics::register(&registry, "shop", HttpNames::default(), |error| {
            told += i32::from(error.is_duplicate());
        });
        assert_eq!(told, 4);
    }
}
