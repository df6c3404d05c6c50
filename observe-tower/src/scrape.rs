//! The scrape service: the metrics of a registry, over HTTP.

use crate::negotiate::{self, Coding};
use crate::next_scrape::{Delivery, NextScrape, Pages};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use observe_core::metric::{Family, Histogram};
use observe_core::{Format, Registry, Telemetry};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;
use tower_service::Service;

/// Answers a scrape: `GET` and `HEAD`, whatever the path.
///
/// The format is the Prometheus text format 0.0.4, or OpenMetrics 1.0.0 for a scraper whose `Accept` prefers
/// it, as Prometheus' does; or the protobuf format for one that asks for it, as Prometheus does with native histograms on.
/// The last two show exemplars, and the last alone has native histograms. The body is compressed when `Accept-Encoding`
/// names gzip. Other methods are answered with 405. The answer is made at once, in the call.
///
/// A layer around it does not record the scrape: being scraped is not traffic. How long answering took is in
/// `observe_scrape_duration_seconds`.
///
/// It is cheap to clone, and clones share what they learn about the size of the page. What a page says is
/// public to whoever can reach it: mount it where that is right, or give it a listener of its own.
///
/// # In axum
///
/// ```
/// use axum::Router;
/// use observe_core::Telemetry;
/// use observe_tower::ScrapeService;
///
/// let telemetry = Telemetry::builder("checkout").build()?;
/// let app: Router = Router::new().route_service("/metrics", ScrapeService::new(&telemetry));
/// # Ok::<(), observe_core::Error>(())
/// ```
///
/// # On a listener of its own, with hyper
///
/// ```
/// use hyper_util::{rt::TokioIo, service::TowerToHyperService};
/// use observe_core::Telemetry;
/// use observe_tower::ScrapeService;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::net::{TcpListener, TcpStream};
///
/// async fn serve(listener: TcpListener, scrape: ScrapeService) -> std::io::Result<()> {
///     loop {
///         let (stream, _) = listener.accept().await?;
///         let scrape = TowerToHyperService::new(scrape.clone());
///         let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), scrape);
///         tokio::spawn(connection);
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = Telemetry::builder("checkout").build()?;
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// tokio::spawn(serve(listener, ScrapeService::new(&telemetry)));
///
/// let mut client = TcpStream::connect(address).await?;
/// client.write_all(b"GET /metrics HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").await?;
/// let mut page = String::new();
/// client.read_to_string(&mut page).await?;
/// assert!(page.starts_with("HTTP/1.1 200 OK"));
/// assert!(page.contains("content-type: text/plain; version=0.0.4; charset=utf-8"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ScrapeService {
    registry: Registry,
    durations: Arc<Family<(), Histogram>>,
    sizes: Arc<Sizes>,
    pages: Pages,
}

/// The bytes of the last page: what to allocate for the next one.
#[derive(Debug, Default)]
struct Sizes {
    plain: AtomicUsize,
    gzip: AtomicUsize,
}

impl ScrapeService {
    /// Serves what a telemetry's registry has: its own metrics, and every `#[metric] static` unless it was given a
    /// registry without (use [`Registry::with_statics`]).
    #[must_use]
    pub fn new(telemetry: &Telemetry) -> Self {
        Self::of(telemetry.registry())
    }

    /// Serves a registry of one's own.
    #[must_use]
    pub fn of(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            durations: registry.scrapes(),
            sizes: Arc::default(),
            pages: Pages::default(),
        }
    }

    fn answer(&self, method: &Method, headers: &HeaderMap) -> Response<ScrapeBody> {
        let head = match *method {
            Method::GET => false,
            Method::HEAD => true,
            _ => return not_allowed(),
        };
        let start = Instant::now();
        let delivery = (!head).then(|| self.pages.begin());
        let format = negotiate::format(values(headers, ACCEPT));
        let (page, coding) = self.page(format, negotiate::coding(values(headers, ACCEPT_ENCODING)));
        let mut response = Response::new(ScrapeBody::EMPTY);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(page.len()));
        if coding == Coding::Gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(delivery) = delivery {
            *response.body_mut() = ScrapeBody { page: Bytes::from(page), delivery: Some(delivery) };
        }
        self.durations.observe_duration(start.elapsed());
        response
    }

    /// The page, and how it is coded.
    fn page(&self, format: Format, coding: Coding) -> (Vec<u8>, Coding) {
        let mut plain = buffer(&self.sizes.plain);
        self.registry.encode(format, &mut plain);
        self.sizes.plain.store(plain.len(), Ordering::Relaxed);
        if coding == Coding::Gzip {
            let mut gzip = GzEncoder::new(buffer(&self.sizes.gzip), Compression::fast());
            // Writing to memory does not fail; if it did, the page as it is would still be right.
            if let Ok(gzip) = gzip.write_all(&plain).and_then(|()| gzip.finish()) {
                self.sizes.gzip.store(gzip.len(), Ordering::Relaxed);
                return (gzip, Coding::Gzip);
            }
        }
        (plain, Coding::Identity)
    }
}

impl ScrapeService {
    /// Waits for the next scrape: until a page that is begun from now on was handed over to its connection, whoever
    /// asked for it. At the end of a process, so that the last of its metrics are seen: see the guide on the end of a
    /// service. Nobody may come any more: give it a timeout.
    ///
    /// ```
    /// use observe_core::Telemetry;
    /// use observe_tower::ScrapeService;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), observe_core::Error> {
    /// let telemetry = Telemetry::builder("checkout").build()?;
    /// let scrape = ScrapeService::new(&telemetry);
    /// // ... and its clone on `/metrics`. In a service: a little more than the scraper's interval.
    /// let seen = tokio::time::timeout(Duration::from_millis(1), scrape.next_scrape()).await;
    /// assert!(seen.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn next_scrape(&self) -> NextScrape {
        self.pages.next()
    }
}

/// Room for a page that grew a little.
fn buffer(last: &AtomicUsize) -> Vec<u8> {
    let last = last.load(Ordering::Relaxed);
    Vec::with_capacity(last.saturating_add(last / 16).saturating_add(1_024))
}

fn values(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

fn not_allowed() -> Response<ScrapeBody> {
    let mut response = Response::new(ScrapeBody::EMPTY);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}

impl<B> Service<Request<B>> for ScrapeService {
    type Response = Response<ScrapeBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The request of a layer around this: being scraped is not traffic.
        observe_core::discard();
        ready(Ok(self.answer(request.method(), request.headers())))
    }
}

/// The page of a scrape: one frame of known length.
#[derive(Debug)]
pub struct ScrapeBody {
    page: Bytes,
    /// It is told when the page was taken.
    delivery: Option<Delivery>,
}

impl ScrapeBody {
    const EMPTY: ScrapeBody = ScrapeBody { page: Bytes::new(), delivery: None };
}

impl Body for ScrapeBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(delivery) = self.delivery.take() {
            delivery.taken();
        }
        let page = std::mem::take(&mut self.page);
        Poll::Ready(if page.is_empty() { None } else { Some(Ok(Frame::data(page))) })
    }

    fn is_end_stream(&self) -> bool {
        self.page.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.page.len() as u64)
    }
}
