//! A service that tells all that it can of its clients, and logs what they say: HTTP/1 and HTTP/2, gRPC, streams, bodies
//! without end, handlers that never answer, fail and panic in the client's words.
//!
//! `hostile-exposed COLLECTOR FOLDER`: kept traces go to the one, snapshots to the other.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::{IntoResponse, Sse, sse::Event};
use axum::routing::{any, get, post, post_service};
use futures_util::{Stream, stream};
use grpc::{orders::Orders, proto::OrdersServer};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, Request, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::{server::conn::auto, service::TowerToHyperService};
use observe_core::label::LabelValue;
use observe_core::{Otlp, RecorderLimits, Sampling, Telemetry, observed};
use observe_tower::{ObserveLayer, RequestHead, RequestSizeLayer, ScrapeService};
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (collector, folder) =
        (arguments.next().ok_or("which collector?")?, arguments.next().ok_or("where?")?);
    std::panic::set_hook(Box::new(|_| ()));
    let mut recorder = RecorderLimits::default();
    recorder.bytes = 1024 * 1024;
    let telemetry = Telemetry::builder("exposed")
        .sampling(Sampling::always())
        .otlp(Otlp::http().endpoint(collector))
        .recorder(recorder)
        .snapshots(folder)
        .install()?;
    observe_core::collect::process(telemetry.registry());

    let (public, private) =
        (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    let mut stderr = std::io::stderr();
    writeln!(stderr, "exposed http://{}\nmetrics http://{}", public.local_addr()?, private.local_addr()?)?;
    let scrape = Router::new().route_service("/metrics", ScrapeService::new(&telemetry));
    tokio::spawn(async move { axum::serve(private, scrape).await });

    let app = app(&telemetry);
    let mut terminated = signal(SignalKind::terminate())?;
    loop {
        let (stream, peer) = tokio::select! {
            accepted = public.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => continue,
            },
            _ = terminated.recv() => break,
        };
        let app = app.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.map(Body::new)
        });
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            // A client that broke off is none of the server's affairs.
            let _ = server
                .serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(app))
                .await;
        });
    }
    telemetry.snapshot()?;
    telemetry.shutdown_async(Duration::from_secs(20)).await?;
    Ok(())
}

fn app(telemetry: &Telemetry) -> Router {
    let layer = ObserveLayer::new(telemetry)
        .trust_if(|head| head.headers.contains_key("x-by-proxy"))
        .debug_header(HeaderName::from_static("x-keep"))
        .peer_address(|head: &RequestHead<'_>| head.extensions.get::<SocketAddr>().map(SocketAddr::ip))
        .client_address(true)
        .user_agent(true)
        .response_sizes(true)
        .trace_response(true)
        .echo_trace_id(true);
    Router::new()
        .route("/hello/{name}", any(hello))
        .route("/mirror/{name}", any(mirror))
        .route("/echo", post(echo))
        .route("/big", get(big))
        .route("/stuck", any(stuck))
        .route("/reset", any(stuck))
        .route("/drip", get(drip))
        .route("/events", get(events))
        .route("/fails/{why}", any(fails))
        .route("/panics/{why}", any(panics))
        .route("/shop.Orders/{method}", post_service(OrdersServer::new(Orders)))
        .layer(RequestSizeLayer::new())
        .layer(layer)
        .layer(CatchPanicLayer::custom(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
}

/// In a message, in a field, by `Debug`, on the request's line: whatever the client says.
async fn hello(Path(name): Path<String>) -> String {
    observe_core::annotate("name", name.as_str());
    let span = tracing::info_span!("saying", who = name);
    span.in_scope(|| tracing::info!(name, debugged = ?name, "hello {name}"));
    greeting(&name).await
}

#[observed(fields(name))]
async fn greeting(name: &str) -> String {
    format!("{} bytes\n", name.len())
}

/// Says that it is what the client says that it is: a call by gRPC, for one.
async fn mirror(headers: HeaderMap) -> HeaderMap {
    headers.get(CONTENT_TYPE).map(|value| (CONTENT_TYPE, value.clone())).into_iter().collect()
}

async fn echo(body: Bytes) -> Bytes {
    tracing::info!(body = %String::from_utf8_lossy(&body), "echoed");
    body
}

/// More than sockets hold back.
async fn big() -> Body {
    let piece = Bytes::from_static(&[b'x'; 64 * 1024]);
    Body::from_stream(stream::iter((0..512).map(move |_| Ok::<_, Infallible>(piece.clone()))))
}

async fn stuck() -> &'static str {
    std::future::pending().await
}

fn drops() -> impl Stream<Item = &'static str> {
    stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some(("drop", ()))
    })
}

async fn drip() -> Body {
    use futures_util::StreamExt as _;
    Body::from_stream(drops().map(Ok::<_, Infallible>))
}

async fn events() -> impl IntoResponse {
    use futures_util::StreamExt as _;
    Sse::new(drops().map(|drop| Ok::<_, Infallible>(Event::default().data(drop))))
}

#[derive(Clone, Copy, LabelValue)]
enum Failure {
    Asked,
}

/// What the client says is wrong.
#[derive(Debug)]
struct Said(String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Said {}

async fn fails(Path(why): Path<String>) -> StatusCode {
    if try_it(Said(why)).await.is_err() {
        observe_core::fail(Failure::Asked);
    }
    StatusCode::SERVICE_UNAVAILABLE
}

#[observed(dependency = "client")]
async fn try_it(said: Said) -> Result<(), Said> {
    Err(said)
}

async fn panics(Path(why): Path<String>) -> StatusCode {
    panic!("{why}");
}
