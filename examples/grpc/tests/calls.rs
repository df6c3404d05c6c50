//! Every way a call can end, over TCP, with tonic on both sides: what the server and what the client say of it.

#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use grpc::orders::Orders;
use grpc::proto::{Order, OrdersClient, OrdersServer, Receipt};
use observe_core::testing::Captured;
use observe_core::{Format, Outcome};
use observe_tower::{ObserveClientLayer, ObserveClientService, ObserveLayer};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{self, Channel, Server};
use tonic::{Code, TimeoutExpired};
use tower::Layer;

type Client = OrdersClient<ObserveClientService<Channel>>;

/// A server and a client, each with a telemetry of its own.
struct World {
    server: Captured,
    client: Captured,
    orders: Client,
    address: SocketAddr,
}

fn orders(client: &Captured, address: SocketAddr) -> Client {
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let layer = ObserveClientLayer::new(client.telemetry())
        .server(address.ip().to_string(), address.port())
        .errors::<transport::Error>()
        .timeouts::<TimeoutExpired>();
    OrdersClient::new(layer.layer(channel))
}

impl World {
    async fn new() -> Self {
        let (server, client) = (Captured::new(), Captured::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Server::builder()
            .layer(ObserveLayer::new(server.telemetry()))
            .add_service(OrdersServer::new(Orders))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serving);
        let orders = orders(&client, address);
        Self { server, client, orders, address }
    }
}

/// Values of a metric that are not 0, by their labels.
fn series(captured: &Captured, metric: &str) -> BTreeMap<String, u64> {
    let mut page = Vec::new();
    captured.telemetry().registry().encode(Format::Text, &mut page);
    let page = String::from_utf8(page).unwrap();
    let rows =
        page.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{')?.rsplit_once("} "));
    rows.map(|(labels, value)| (labels.to_owned(), value.parse().unwrap())).filter(|(_, n)| *n != 0).collect()
}

/// What a server has counted, as soon as it has: it learns some time later that a client has left.
async fn answered(captured: &Captured) -> BTreeMap<String, u64> {
    for _ in 0..2_000 {
        let calls = series(captured, "rpc_server_call_duration_seconds_count");
        if !calls.is_empty() && series(captured, "http_server_active_requests").is_empty() {
            return calls;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nothing was counted");
}

fn labels(method: &str, status: &str, error_type: &str) -> String {
    let mut text = format!("rpc_system_name=\"grpc\",rpc_method=\"{method}\"");
    for (name, value) in [("rpc_response_status_code", status), ("error_type", error_type)] {
        if !value.is_empty() {
            text += &format!(",{name}=\"{value}\"");
        }
    }
    text
}

fn order(item: &str) -> Order {
    Order { item: item.to_owned(), quantity: 2 }
}

type Done = Pin<Box<dyn Future<Output = Result<(), Code>> + Send>>;

struct Case {
    name: &'static str,
    call: fn(Client) -> Done,
    /// What the client's code gets.
    gets: Result<(), Code>,
    /// Method, status and error type, and how it ended: as the server says.
    server: (&'static str, &'static str, &'static str, Outcome),
    /// And as the client says.
    client: (&'static str, &'static str, &'static str, Outcome),
}

fn place(item: &'static str) -> impl FnOnce(Client) -> Done {
    move |mut client| {
        Box::pin(async move { client.place(order(item)).await.map(drop).map_err(|status| status.code()) })
    }
}

const PLACE: &str = "shop.Orders/Place";
const WATCH: &str = "shop.Orders/Watch";
const IMPORT: &str = "shop.Orders/Import";
const TALK: &str = "shop.Orders/Talk";

#[allow(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    use Outcome::{Cancelled, Error, Ok as Well, Panicked};
    vec![
        Case {
            name: "one, one",
            call: |client| place("tea")(client),
            gets: Ok(()),
            server: (PLACE, "OK", "", Well),
            client: (PLACE, "OK", "", Well),
        },
        Case {
            name: "one, many",
            call: |mut client| {
                Box::pin(async move {
                    let receipts: Vec<_> = client.watch(order("tea")).await.unwrap().collect().await;
                    assert_eq!(receipts.len(), 2);
                    Ok(())
                })
            },
            gets: Ok(()),
            server: (WATCH, "OK", "", Well),
            client: (WATCH, "OK", "", Well),
        },
        Case {
            name: "many, one",
            call: |mut client| {
                Box::pin(async move {
                    let receipt = client.import(vec![order("tea"), order("bread")]).await.unwrap();
                    assert_eq!(receipt, Receipt { quantity: 4 });
                    Ok(())
                })
            },
            gets: Ok(()),
            server: (IMPORT, "OK", "", Well),
            client: (IMPORT, "OK", "", Well),
        },
        Case {
            name: "many, many",
            call: |mut client| {
                Box::pin(async move {
                    let receipts =
                        client.talk(vec![order("tea"), order("bread"), order("salt")]).await.unwrap();
                    assert_eq!(receipts.into_iter().filter(Result::is_ok).count(), 3);
                    Ok(())
                })
            },
            gets: Ok(()),
            server: (TALK, "OK", "", Well),
            client: (TALK, "OK", "", Well),
        },
        Case {
            name: "an answer that is no failure of the server",
            call: |client| place("not found")(client),
            gets: Err(Code::NotFound),
            server: (PLACE, "NOT_FOUND", "", Well),
            client: (PLACE, "NOT_FOUND", "NOT_FOUND", Error),
        },
        Case {
            name: "a failure",
            call: |client| place("internal")(client),
            gets: Err(Code::Internal),
            server: (PLACE, "INTERNAL", "INTERNAL", Error),
            client: (PLACE, "INTERNAL", "INTERNAL", Error),
        },
        Case {
            name: "a failure in the middle of a stream",
            call: |mut client| {
                Box::pin(async move {
                    let mut receipts = client.watch(order("breaks")).await.unwrap();
                    receipts.next().await.unwrap().unwrap();
                    receipts.next().await.unwrap().map(drop).map_err(|status| status.code())
                })
            },
            gets: Err(Code::Unavailable),
            server: (WATCH, "UNAVAILABLE", "UNAVAILABLE", Error),
            client: (WATCH, "UNAVAILABLE", "UNAVAILABLE", Error),
        },
        Case {
            name: "a failure among what is sent",
            call: |mut client| {
                Box::pin(async move {
                    let imported = client.import(vec![order("tea"), order("internal")]).await;
                    imported.map(drop).map_err(|status| status.code())
                })
            },
            gets: Err(Code::Internal),
            server: (IMPORT, "INTERNAL", "INTERNAL", Error),
            client: (IMPORT, "INTERNAL", "INTERNAL", Error),
        },
        Case {
            name: "a deadline that the server says",
            call: |client| place("deadline")(client),
            gets: Err(Code::DeadlineExceeded),
            server: (PLACE, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", Error),
            client: (PLACE, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", Error),
        },
        Case {
            // Tonic watches it on both sides: the channel gives up within the layer, the server around its own.
            name: "a deadline that passes",
            call: |mut client| {
                Box::pin(async move {
                    let mut request = tonic::Request::new(order("stuck"));
                    request.set_timeout(Duration::from_millis(100));
                    client.place(request).await.map(drop).map_err(|status| status.code())
                })
            },
            gets: Err(Code::Cancelled),
            server: (PLACE, "CANCELLED", "cancelled", Cancelled),
            client: (PLACE, "", "timeout", Error),
        },
        Case {
            name: "a call that is left",
            call: |client| {
                Box::pin(async move {
                    let patience = Duration::from_millis(100);
                    assert!(tokio::time::timeout(patience, place("stuck")(client)).await.is_err());
                    Ok(())
                })
            },
            gets: Ok(()),
            server: (PLACE, "CANCELLED", "cancelled", Cancelled),
            client: (PLACE, "CANCELLED", "cancelled", Cancelled),
        },
        Case {
            name: "a stream that is left",
            call: |mut client| {
                Box::pin(async move {
                    let mut receipts = client.watch(order("endless")).await.unwrap();
                    receipts.next().await.unwrap().unwrap();
                    Ok(())
                })
            },
            gets: Ok(()),
            server: (WATCH, "CANCELLED", "cancelled", Cancelled),
            client: (WATCH, "CANCELLED", "cancelled", Cancelled),
        },
        Case {
            name: "a method that there is not",
            call: |mut client| {
                Box::pin(async move {
                    let answer = client.unary("/shop.Orders/Steal", order("tea")).await;
                    answer.map(drop).map_err(|status| status.code())
                })
            },
            gets: Err(Code::Unimplemented),
            server: ("_OTHER", "UNIMPLEMENTED", "UNIMPLEMENTED", Error),
            client: ("shop.Orders/Steal", "UNIMPLEMENTED", "UNIMPLEMENTED", Error),
        },
        Case {
            name: "a service that there is not",
            call: |mut client| {
                Box::pin(async move {
                    let answer = client.unary("/bank.Vault/Open", order("tea")).await;
                    answer.map(drop).map_err(|status| status.code())
                })
            },
            gets: Err(Code::Unimplemented),
            server: ("_OTHER", "UNIMPLEMENTED", "UNIMPLEMENTED", Error),
            client: ("bank.Vault/Open", "UNIMPLEMENTED", "UNIMPLEMENTED", Error),
        },
        Case {
            name: "a panic",
            call: |client| place("panic")(client),
            gets: Err(Code::Cancelled),
            server: (PLACE, "", "panicked", Panicked),
            client: (PLACE, "", "connection_reset", Error),
        },
    ]
}

/// Keeps panics that are part of the test off the terminal.
fn expect_planned_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if !text.contains("planned") {
            usual(panic);
        }
    }));
}

// Mutations caught: trailers not read, or those of the head alone; the sets of failures; a status made up for one that was
// cancelled or broke off; a method that nobody knows made a label; HTTP's metric counted as well.
#[tokio::test]
async fn every_way_a_call_can_end() {
    expect_planned_panics();
    // Whatever a server has answered before, it knows.
    let mut known = World::new().await;
    known.orders.place(order("tea")).await.unwrap();
    drop(known.orders.watch(order("tea")).await.unwrap().collect::<Vec<_>>().await);
    known.orders.import(vec![order("tea")]).await.unwrap();
    known.orders.talk(vec![order("tea")]).await.unwrap();

    for case in cases() {
        let world = World::new().await;
        let gets = (case.call)(world.orders.clone()).await;
        assert_eq!(gets, case.gets, "{}", case.name);

        let (method, status, error_type, outcome) = case.server;
        let expected = BTreeMap::from([(labels(method, status, error_type), 1)]);
        assert_eq!(answered(&world.server).await, expected, "{}: the server", case.name);
        let name = if method == "_OTHER" { "grpc" } else { method };
        let request = world.server.spans().named(name).one().clone();
        assert_eq!(request.outcome(), Some(outcome), "{}: the server", case.name);
        let line = world.server.lines().with("target", "observe::request").one().clone();
        let told = if status.is_empty() { outcome.as_str() } else { status };
        assert_eq!(line["message"], format!("{name} {told}"), "{}", case.name);
        assert_eq!(line["rpc.method"], method, "{}", case.name);
        assert_eq!(line["level"], if outcome.is_failure() { "ERROR" } else { "INFO" }, "{}", case.name);

        let (method, status, error_type, outcome) = case.client;
        let place =
            format!(",server_address=\"{}\",server_port=\"{}\"", world.address.ip(), world.address.port());
        let expected = BTreeMap::from([(labels(method, status, error_type) + &place, 1)]);
        let called = series(&world.client, "rpc_client_call_duration_seconds_count");
        assert_eq!(called, expected, "{}: the client", case.name);
        let call = world.client.spans().named(method).one().clone();
        assert_eq!(call.outcome(), Some(outcome), "{}: the client", case.name);
        assert_eq!(series(&world.client, "http_client_active_requests"), BTreeMap::new(), "{}", case.name);

        // One trace, and each counted once.
        assert_eq!((request.trace_id(), request.parent()), (call.trace_id(), Some(call.span_id())));
        assert_eq!(series(&world.server, "http_server_request_duration_seconds_count"), BTreeMap::new());
        assert_eq!(series(&world.client, "http_client_request_duration_seconds_count"), BTreeMap::new());
    }
}

// Mutation caught: a label for each path that somebody asks for.
#[tokio::test]
async fn paths_that_nobody_answers_make_no_series() {
    let mut world = World::new().await;
    let paths: Vec<&'static str> =
        (0..300).map(|n| &*Box::leak(format!("/shop.Orders/Guess{n}").into_boxed_str())).collect();
    for path in paths {
        let status = world.orders.unary(path, order("tea")).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
    }
    let expected = BTreeMap::from([(labels("_OTHER", "UNIMPLEMENTED", "UNIMPLEMENTED"), 300)]);
    assert_eq!(answered(&world.server).await, expected);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failure_with_a_name() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = Captured::new();
    let status = orders(&client, gone).place(order("tea")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let called = series(&client, "rpc_client_call_duration_seconds_count");
    let [(labels, 1)] = &Vec::from_iter(called)[..] else { panic!("one call") };
    assert!(labels.contains("error_type=\"connection_refused\""), "{labels}");
}
