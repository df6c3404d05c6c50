//! The layer around reqwest's client.

use super::layer::UrlTemplate;
use super::service::{ClientAfter, ObserveClientService};
use crate::future::ResponseFuture;
use ::reqwest::{Body, Error, Request, Response, ResponseBuilderExt, Url};
use http::response::Parts;
use observe_core::http_client::{HttpClientOperation, OutgoingRequest};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_service::Service;

/// Around `reqwest::Client`: requests are built by the client, and sent through this.
///
/// ```
/// use observe_core::Telemetry;
/// use observe_tower::ObserveClientLayer;
/// use tower::{Layer, Service, ServiceExt};
///
/// # async fn call() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = Telemetry::builder("orders").build()?;
/// let client = reqwest::Client::new();
/// let observed = ObserveClientLayer::new(&telemetry).layer(client.clone());
///
/// let request = client.get("http://stock.internal/items/17").build()?;
/// let answer = observed.oneshot(request).await?.text().await?;
/// # Ok(())
/// # }
/// ```
///
/// A request's extensions are reqwest's own here: the template of its path is what
/// [`url_template`](crate::ObserveClientLayer::url_template) says, and [`AttemptsLayer`](crate::AttemptsLayer) numbers nothing.
///
/// What the client does by itself, following redirects and sending again, is one request here, by the name it was
/// asked under.
impl<S> Service<Request> for ObserveClientService<S>
where
    S: Service<Request, Response = Response, Error = Error>,
{
    type Response = Response;
    type Error = Error;
    type Future = ReqwestFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let url = request.url();
        let mut outgoing = OutgoingRequest::new(
            request.method().as_str(),
            url.scheme(),
            url.authority(),
            path_and_query(url),
        );
        if let Some(UrlTemplate(template)) = self.settings.template {
            outgoing = outgoing.template(template);
        }
        let mut operation = self.settings.client.start(&outgoing);
        operation.inject(request.headers_mut());
        let after = ClientAfter::new(&self.settings);
        let future = operation.within(|| self.inner.call(request));
        ReqwestFuture { future: ResponseFuture::new(future, operation, after) }
    }
}

pin_project! {
    /// A request of reqwest's client under way: see [`ResponseFuture`](crate::ResponseFuture).
    #[must_use = "futures do nothing unless polled"]
    pub struct ReqwestFuture<F> {
        #[pin]
        future: ResponseFuture<F, HttpClientOperation>,
    }
}

impl<F: Future<Output = Result<Response, Error>>> Future for ReqwestFuture<F> {
    type Output = Result<Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (answer, operation, after) = ready!(self.project().future.poll_answer(cx));
        Poll::Ready(match answer {
            Ok(response) => {
                let url = response.url().clone();
                let (mut parts, body) =
                    after.answered(operation, http::Response::from(response)).into_parts();
                keep_url(&mut parts, url);
                Ok(http::Response::from_parts(parts, Body::wrap(body)).into())
            }
            Err(error) => {
                after.failed(operation, &error);
                Err(error)
            }
        })
    }
}

fn path_and_query(url: &Url) -> &str {
    let text = url.as_str().split('#').next().unwrap_or_default();
    let behind_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
    behind_scheme.strip_prefix(url.authority()).unwrap_or_default()
}

/// Becoming a plain response and back, reqwest's loses its URL.
fn keep_url(parts: &mut Parts, url: Url) {
    if let Ok(with_url) = http::Response::builder().url(url).body(()) {
        parts.extensions.extend(with_url.into_parts().0.extensions);
    }
}

impl<F> fmt::Debug for ReqwestFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestFuture").field("future", &self.future).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_what_follows_the_authority() {
        for (url, expected) in [
            ("http://ada:secret@stock:81/a/b?c=d#e", "/a/b?c=d"),
            ("https://stock", "/"),
            ("http://stock/?a#b?c", "/?a"),
            ("data:text/plain,a", ""),
        ] {
            assert_eq!(path_and_query(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
