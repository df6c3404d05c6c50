//! Connections to a collector by HTTP: straight to it, or by the proxy that the environment names.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::tls::Tls;
use crate::error::Error;

type BoxError = Box<dyn StdError + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// To the collector, by TLS if its address says so.
pub(super) type Connector = HttpsConnector<Route>;
/// To a proxy, by TLS if its address says so.
type ToProxy = HttpsConnector<HttpConnector>;

/// What the bytes for a collector go through, below its own TLS.
#[derive(Clone)]
pub(super) enum Route {
    Direct(HttpConnector),
    /// The proxy sends the requests on.
    Forward(Uri, ToProxy),
    /// The proxy passes on bytes, of which it understands none.
    Tunnel(Tunnel<ToProxy>),
}

/// Connections to the collector, and what the proxy wants to hear with each request, if it is one that sees them.
///
/// # Errors
///
/// If what the certificates' files have cannot be used.
pub(super) fn connector(collector: &Uri, tls: &Tls) -> Result<(Connector, Option<HeaderValue>), Error> {
    let is_https = |uri: &Uri| uri.scheme() == Some(&Scheme::HTTPS);
    let proxy = Matcher::from_system().intercept(collector);
    let is_needed = is_https(collector) || proxy.as_ref().is_some_and(|proxy| is_https(proxy.uri()));
    let config = Arc::new(tls.config(is_needed)?);
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let to_proxy = |http| ToProxy::from((http, Arc::<ClientConfig>::clone(&config)));
    let (route, authorization) = match proxy {
        None => (Route::Direct(http), None),
        Some(proxy) if is_https(collector) => {
            let tunnel = Tunnel::new(proxy.uri().clone(), to_proxy(http));
            let tunnel = match proxy.basic_auth() {
                Some(authorization) => tunnel.with_auth(authorization.clone()),
                None => tunnel,
            };
            (Route::Tunnel(tunnel), None)
        }
        Some(proxy) => (Route::Forward(proxy.uri().clone(), to_proxy(http)), proxy.basic_auth().cloned()),
    };
    Ok((Connector::from((route, config)), authorization))
}

impl Service<Uri> for Route {
    type Response = Routed;
    type Error = BoxError;
    type Future = BoxFuture<Routed>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Route::Direct(http) => http.poll_ready(cx).map_err(Into::into),
            Route::Forward(_, to_proxy) => to_proxy.poll_ready(cx),
            Route::Tunnel(tunnel) => tunnel.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, collector: Uri) -> BoxFuture<Routed> {
        match self {
            Route::Direct(http) => {
                let connecting = http.call(collector);
                Box::pin(async move { Ok(Routed { io: connecting.await?.into(), is_forwarded: false }) })
            }
            Route::Forward(proxy, to_proxy) => {
                let connecting = to_proxy.call(proxy.clone());
                Box::pin(async move { Ok(Routed { io: connecting.await?, is_forwarded: true }) })
            }
            Route::Tunnel(tunnel) => {
                let connecting = tunnel.call(collector);
                Box::pin(async move { Ok(Routed { io: connecting.await?, is_forwarded: false }) })
            }
        }
    }
}

/// A connection, and whether it ends at a proxy that sends requests on: that is told the collector's whole address.
pub(super) struct Routed {
    io: MaybeHttpsStream<TokioIo<TcpStream>>,
    is_forwarded: bool,
}

impl Connection for Routed {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.is_forwarded)
    }
}

impl Read for Routed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl Write for Routed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }
}
