//! What a layer was told, and whether it stands where it should.

use crate::carrier::Told;
use crate::classify::Classify;
use crate::peer::Peer;
use crate::route::{RequestHead, Routes};
use http::HeaderName;
use observe_core::http_server::{HttpServer, Scheme, Segment};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Shared by all services of a layer.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) server: HttpServer,
    pub(crate) routes: Routes,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) told: Told,
    pub(crate) classify: Option<Arc<dyn Classify>>,
    pub(crate) place: Arc<Place>,
    pub(crate) excluded: Vec<Exclusion>,
    pub(crate) trusted: Option<Predicate>,
    pub(crate) debug_header: Option<HeaderName>,
    pub(crate) segments: Option<SegmentOf>,
    pub(crate) peer: Peer,
}

pub(crate) type Predicate = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;
pub(crate) type SegmentOf = Arc<dyn Fn(&RequestHead<'_>) -> Segment + Send + Sync>;

#[derive(Clone)]
pub(crate) enum Exclusion {
    Named(Box<str>),
    If(Predicate),
}

impl Settings {
    /// Whether it is still to be seen that a router stands around the layer.
    #[inline]
    pub(crate) fn watches_place(&self) -> bool {
        self.routes.is_expected() && self.place.is_open()
    }

    pub(crate) fn trusts(&self, head: &RequestHead<'_>) -> bool {
        self.trusted.as_ref().is_some_and(|is_trusted| is_trusted(head))
    }

    /// Whether a request asks for its trace to be kept: the header is there, and says neither `0` nor `false`.
    pub(crate) fn asks_to_keep(&self, head: &RequestHead<'_>) -> bool {
        let value = self.debug_header.as_ref().and_then(|name| head.headers.get(name));
        value.is_some_and(|value| !matches!(value.as_bytes().trim_ascii(), b"" | b"0" | b"false"))
    }

    /// The segment of a request; [`Segment::OTHER`] where the user's function panics: a request is not to fail by a label.
    pub(crate) fn segment(&self, head: &RequestHead<'_>) -> Segment {
        let Some(segment_of) = &self.segments else { return Segment::NONE };
        catch_unwind(AssertUnwindSafe(|| segment_of(head))).unwrap_or_else(|panic| {
            // What was thrown is the user's too, and may panic as it is freed.
            if let Err(again) = catch_unwind(AssertUnwindSafe(move || drop(panic))) {
                mem::forget(again);
            }
            Segment::OTHER
        })
    }

    pub(crate) fn excludes(&self, head: &RequestHead<'_>, route: Option<&str>) -> bool {
        self.excluded.iter().any(|exclusion| match exclusion {
            Exclusion::Named(name) => route == Some(name) || head.path() == &**name,
            Exclusion::If(is_excluded) => is_excluded(head),
        })
    }
}

/// Watches whether a layer stands where routes are known.
#[derive(Default)]
pub(crate) struct Place(AtomicU32);

#[cfg(feature = "axum")]
const NO_ROUTE: &str = "the layer saw no matched route in its first hundred good answers: apply it with \
                        `Router::layer`, below the routes, or say how routes are named with `ObserveLayer::route`";
#[cfg(not(feature = "axum"))]
const NO_ROUTE: &str = "the layer saw no route in its first hundred good answers: build `observe-tower` with its \
                        feature `axum`, or say how routes are named with `ObserveLayer::route`";

impl Place {
    const GOOD: u32 = u32::MAX;
    /// After so many good answers without a route it is told.
    const PATIENCE: u32 = 100;

    /// Whether that is not known yet.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed) < Self::PATIENCE
    }

    /// Takes note of a good answer.
    pub(crate) fn note(&self, has_route: bool, server: &HttpServer) {
        if has_route {
            self.0.store(Self::GOOD, Ordering::Relaxed);
        } else if self.is_open() && self.0.fetch_add(1, Ordering::Relaxed) == Self::PATIENCE - 1 {
            server.warn(NO_ROUTE);
        }
    }
}
