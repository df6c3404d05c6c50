//! Which route a request matched.

use http::{Extensions, HeaderMap, Method, Request, Uri, Version};
use std::sync::Arc;

/// What stands before a request's body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URI, as the layers around this one left it.
    pub uri: &'a Uri,
    /// The protocol's version.
    pub version: Version,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What the layers around this one know.
    pub extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    /// The path as the client sent it, without the query, also where a router took a prefix away.
    #[must_use]
    pub fn path(&self) -> &'a str {
        #[cfg(feature = "axum")]
        if let Some(original) = self.extensions.get::<axum::extract::OriginalUri>() {
            return original.path();
        }
        self.uri.path()
    }
}

/// Names the route of a request: the template that matched (`/users/{id}`), never the path.
///
/// A function from a head to a text of the program's own is one:
///
/// ```
/// use observe_core::Telemetry;
/// use observe_tower::{ObserveLayer, RequestHead};
///
/// let telemetry = Telemetry::builder("orders").build()?;
/// let layer = ObserveLayer::new(&telemetry).route(|head: &RequestHead<'_>| {
///     head.uri.path().starts_with("/orders/").then_some("/orders/{id}")
/// });
/// # let _ = layer;
/// # Ok::<(), observe_core::Error>(())
/// ```
pub trait RouteOf: Send + Sync + 'static {
    /// The route, or `None` if nothing matched: then the label is left out.
    fn route<'a>(&self, head: &RequestHead<'a>) -> Option<&'a str>;
}

impl<F> RouteOf for F
where
    F: Fn(&RequestHead<'_>) -> Option<&'static str> + Send + Sync + 'static,
{
    fn route<'a>(&self, head: &RequestHead<'a>) -> Option<&'a str> {
        self(head)
    }
}

/// Where a layer has its routes from.
#[derive(Clone)]
pub(crate) enum Routes {
    /// From nowhere: handlers may name them.
    #[cfg_attr(feature = "axum", expect(dead_code, reason = "with axum its matched path is the default"))]
    Unknown,
    /// From axum's router, which stands around the layer.
    #[cfg(feature = "axum")]
    MatchedPath,
    /// From whom the user named.
    Named(Arc<dyn RouteOf>),
}

impl Routes {
    #[inline]
    pub(crate) fn of<'a>(&self, head: &RequestHead<'a>) -> Option<&'a str> {
        match self {
            Routes::Unknown => None,
            #[cfg(feature = "axum")]
            Routes::MatchedPath => {
                head.extensions.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str)
            }
            Routes::Named(routes) => routes.route(head),
        }
    }

    /// Whether it is worth a warning when no request has a route: nobody was named who says that there is none.
    pub(crate) fn is_expected(&self) -> bool {
        !matches!(self, Routes::Named(_))
    }
}

#[cfg_attr(
    not(feature = "axum"),
    allow(clippy::derivable_impls, reason = "with axum there is another default")
)]
impl Default for Routes {
    fn default() -> Self {
        #[cfg(feature = "axum")]
        return Routes::MatchedPath;
        #[cfg(not(feature = "axum"))]
        Routes::Unknown
    }
}
