//! How is a server observed that is no tower service? Here it is actix-web; `observe.rs` is the whole middleware.
//!
//! What is easily done wrong:
//!
//! - The middleware that is wrapped last is the outermost. What is outside of it is not observed.
//! - The route is `match_pattern()`, never the path; nothing matched, it is none. `connection_info()` believes
//!   `X-Forwarded-Proto`, whoever sends it.
//! - An HTTP/1 client that goes away is not noticed while a handler works, and its request is no `cancelled` one, unless
//!   half-closed connections are refused: `h1_allow_half_closed(false)`.
//! - A request ends with its answer's body, not with the handler's future; but a body of no bytes is never polled, only
//!   dropped, as if the client had gone, and a stream of events is none of its affair. `HttpServerOperation::answered`
//!   knows.
//! - A handler's error is an answer that remembers it; one of a middleware is an `Err`, whose answer is made outside.
//! - A handler that panics takes its connection along: no answer, but a request all the same.
//! - What `web::block` and `rt::spawn` run is elsewhere: see `Current` and `ObserveFuture`.
//! - What actix refuses by itself, malformed heads for example, comes by no middleware, and is not counted.

mod observe;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, ResponseError, rt, web};
use futures_util::stream;
use observe::Observe;
use observe_core::{Current, Format, Telemetry, observed};
use std::io;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let telemetry = Telemetry::builder("actix").install()?;
    let observed = telemetry.clone();
    let app = move || {
        App::new()
            .app_data(web::Data::new(observed.clone()))
            .route("/orders/{id}", web::get().to(order))
            .route("/orders", web::get().to(export))
            .route("/events", web::get().to(events))
            .route("/metrics", web::get().to(metrics))
            .wrap(Observe::new(&observed))
    };
    rt::System::new().block_on(async {
        let server = HttpServer::new(app).workers(2).h1_allow_half_closed(false).bind(address)?;
        tracing::info!(addresses = ?server.addrs(), "listening");
        server.shutdown_timeout(5).run().await?; // until SIGTERM or Ctrl-C
        telemetry.shutdown_async(Duration::from_secs(5)).await?;
        Ok(())
    })
}

#[derive(Debug)]
enum OrderError {
    Unknown,
    Store,
}

impl std::fmt::Display for OrderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            OrderError::Unknown => "there is no such order",
            OrderError::Store => "the store does not answer",
        })
    }
}

impl ResponseError for OrderError {
    fn status_code(&self) -> StatusCode {
        match self {
            OrderError::Unknown => StatusCode::NOT_FOUND,
            OrderError::Store => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

async fn order(id: web::Path<u32>) -> Result<String, OrderError> {
    find(*id).await
}

#[observed(fields(order.id = id))]
async fn find(id: u32) -> Result<String, OrderError> {
    match id {
        0 => return Err(OrderError::Unknown),
        13 => panic!("nobody thought of order 13"),
        500 => return Err(OrderError::Store),
        4711 => rt::time::sleep(Duration::from_secs(60)).await,
        _ => {
            let read = || tracing::info!("read by another thread");
            web::block(Current::capture().wrap(read)).await.map_err(|_| OrderError::Store)?;
        }
    }
    Ok(format!("order {id}\n"))
}

async fn export() -> HttpResponse {
    let rows = (17..20).map(|id| Ok::<_, io::Error>(web::Bytes::from(format!("{id}\n"))));
    HttpResponse::Ok().streaming(stream::iter(rows))
}

async fn events() -> HttpResponse {
    let event = Ok::<_, io::Error>(web::Bytes::from_static(b"data: placed\n\n"));
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/event-stream")).streaming(stream::iter([event]))
}

async fn metrics(request: HttpRequest, telemetry: web::Data<Telemetry>) -> HttpResponse {
    observe_core::discard(); // being scraped is not traffic
    let accepted = request.headers().get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    let format = match accepted {
        Some(accepted) if accepted.contains("application/openmetrics-text") => Format::OpenMetrics,
        _ => Format::Text,
    };
    let mut page = Vec::new();
    telemetry.registry().encode(format, &mut page);
    HttpResponse::Ok().insert_header((CONTENT_TYPE, format.content_type())).body(page)
}
