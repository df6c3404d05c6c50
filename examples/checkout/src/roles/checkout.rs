//! The service that customers talk to.

use crate::args::Args;
use crate::banner::Peers;
use crate::client::Client;
use crate::error::{Failure, ShopError};
use crate::feed::{Feed, answer};
use crate::order::{NewOrder, Order};
use crate::receipts::Receipts;
use crate::roles::Role;
use crate::shop::Shop;
use crate::shutdown::Shutdown;
use crate::store::Store;
use crate::{load, objectives, platform, server};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use http::StatusCode;
use observe_core::{ObserveFuture as _, StreamGuard, Telemetry};
use serde::Deserialize;
use std::error::Error;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Runs until it is time to end; then finishes requests, orders and receipts, in this order.
pub(crate) async fn run(
    listener: TcpListener,
    args: &Args,
    peers: &Peers,
    telemetry: &Telemetry,
    shutdown: Shutdown,
) -> Result<(), Box<dyn Error>> {
    let temporary;
    let folder = match &args.data {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            folder.as_path()
        }
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path()
        }
    };
    let (shop, worker) = open(folder, peers, telemetry, &shutdown).await?;
    let load = tokio::spawn(load::run(listener.local_addr()?, args.load, shutdown.clone()));
    server::serve(listener, app(shop, telemetry), shutdown).await?;
    load.await?;
    // Orders in progress, and open WebSockets, hold the shop, and with it the queue: the worker ends after the last of them.
    worker.await?;
    Ok(())
}

/// Makes all that has metrics, and generates what is made of them and of the objectives. Nothing is served.
pub(crate) fn generate(args: &Args, asked: &[OsString]) -> Result<(), Box<dyn Error>> {
    if !matches!(args.role, None | Some(Role::Checkout)) {
        return Err("objectives are declared by the role checkout alone".into());
    }
    let telemetry =
        objectives::declare(Telemetry::builder(Role::Checkout.name()), args.slo_period).build()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    platform::observe(&telemetry, runtime.handle());
    runtime.block_on(async {
        let (folder, nowhere) = (tempfile::tempdir()?, SocketAddr::from(([127, 0, 0, 1], 0)));
        let peers = Peers { payment: nowhere, inventory: nowhere };
        let shutdown = Shutdown::listen(args, &telemetry)?;
        let (shop, _) = open(folder.path(), &peers, &telemetry, &shutdown).await?;
        let _app = app(shop, &telemetry);
        Ok(observe_core::generate::run(&telemetry, asked)?)
    })
}

/// What it takes to sell something, and the worker that ends after it.
async fn open(
    folder: &std::path::Path,
    peers: &Peers,
    telemetry: &Telemetry,
    shutdown: &Shutdown,
) -> Result<(Shop, JoinHandle<()>), Box<dyn Error>> {
    let store = Store::open(folder, telemetry).await?;
    let (receipts, worker) = Receipts::start(store.clone(), telemetry)?;
    let shop = Shop {
        payment: Client::new(peers.payment, telemetry),
        inventory: Client::new(peers.inventory, telemetry),
        store,
        receipts,
        feed: Feed::new(shutdown.clone()),
    };
    Ok((shop, worker))
}

fn app(shop: Shop, telemetry: &Telemetry) -> Router {
    let routes = Router::new()
        .route("/charge", post(charge))
        .route("/orders/{id}", get(order))
        .route("/events", get(events))
        .route("/ws", any(ws))
        .route("/fail", get(fail))
        .route("/panic", get(panic))
        .with_state(Arc::new(shop));
    server::app(routes, telemetry)
}

async fn charge(
    State(shop): State<Arc<Shop>>,
    Json(new): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), ShopError> {
    new.validate().map_err(ShopError::Invalid)?;
    // What requests can be told apart by, also by who is no label: in the log, and in the admin service.
    observe_core::annotate("payment.method", new.method.name());
    observe_core::annotate("order.customer", new.customer.as_str());
    // A task of its own: what was begun is finished, also when the client goes away.
    let placed = tokio::spawn(async move { shop.place(&new).await }.in_current_operation()).await;
    let order = placed.unwrap_or(Err(ShopError::Lost))?;
    Ok((StatusCode::CREATED, Json(order)))
}

async fn order(State(shop): State<Arc<Shop>>, Path(id): Path<i64>) -> Result<Json<Order>, ShopError> {
    let order = shop.store.find_order(id).await.map_err(ShopError::Store)?;
    order.map(Json).ok_or(ShopError::NoSuchOrder)
}

/// Orders as they are placed, until the client leaves or the service ends.
async fn events(State(shop): State<Arc<Shop>>) -> impl IntoResponse {
    shop.feed.events()
}

/// Asked for an order's number, it answers with the order; `bye` ends it.
async fn ws(State(shop): State<Arc<Shop>>, upgrade: WebSocketUpgrade) -> Response {
    // The connection outlives this request: so its task has the guard.
    let stream = StreamGuard::take();
    let bytes = stream.meter();
    upgrade.on_upgrade(|socket| stream.instrument(async move { answer(socket, &shop, &bytes).await }))
}

/// `?how=error` answers 500, `?how=declared` 200 and yet is a failure; without it all is well.
#[derive(Deserialize)]
struct Fail {
    how: Option<How>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    Error,
    Declared,
}

async fn fail(Query(fail): Query<Fail>) -> Result<&'static str, ShopError> {
    match fail.how {
        Some(How::Error) => Err(ShopError::Simulated),
        Some(How::Declared) => {
            observe_core::fail(Failure::Simulated);
            Ok("this is a failure, whatever the status says\n")
        }
        None => Ok("nothing failed: try ?how=error or ?how=declared\n"),
    }
}

/// `?now=true` panics.
#[derive(Deserialize)]
struct Panic {
    #[serde(default)]
    now: bool,
}

async fn panic(Query(panic): Query<Panic>) -> &'static str {
    assert!(!panic.now, "it was asked to panic");
    "no panic: try ?now=true\n"
}
