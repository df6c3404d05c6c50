//! `shop.Orders` as `tonic-prost-build` would write it from a `.proto` file, by hand: no `protoc` is needed here.
//!
//! ```proto
//! package shop;
//! service Orders {
//!   rpc Place(Order) returns (Receipt);              // one, one
//!   rpc Watch(Order) returns (stream Receipt);       // one, many
//!   rpc Import(stream Order) returns (Receipt);      // many, one
//!   rpc Talk(stream Order) returns (stream Receipt); // many, many
//! }
//! ```

use http::{Request, Response};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::client::{Grpc as Client, GrpcService};
use tonic::codegen::{Body as HttpBody, Bytes, StdError};
use tonic::server::{
    ClientStreamingService, Grpc as Server, NamedService, ServerStreamingService, StreamingService,
    UnaryService,
};
use tonic::{Code, IntoRequest, IntoStreamingRequest, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::Service;

/// What is ordered.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Order {
    /// How it is to go: see [`Orders`](crate::orders::Orders).
    #[prost(string, tag = "1")]
    pub item: String,
    /// How many.
    #[prost(uint32, tag = "2")]
    pub quantity: u32,
}

/// What was ordered.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Receipt {
    /// How many.
    #[prost(uint32, tag = "1")]
    pub quantity: u32,
}

/// Many receipts.
pub type Receipts = Pin<Box<dyn Stream<Item = Result<Receipt, Status>> + Send>>;
type Answer<T> = Pin<Box<dyn Future<Output = Result<tonic::Response<T>, Status>> + Send>>;

/// The service's methods.
pub trait OrdersMethods: Send + Sync + 'static {
    /// One, one.
    fn place(&self, order: Order) -> impl Future<Output = Result<Receipt, Status>> + Send;
    /// One, many.
    fn watch(&self, order: Order) -> impl Future<Output = Result<Receipts, Status>> + Send;
    /// Many, one.
    fn import(&self, orders: Streaming<Order>) -> impl Future<Output = Result<Receipt, Status>> + Send;
    /// Many, many.
    fn talk(&self, orders: Streaming<Order>) -> impl Future<Output = Result<Receipts, Status>> + Send;
}

/// The service for `tonic::transport::Server`.
#[derive(Debug)]
pub struct OrdersServer<T>(Arc<T>);

impl<T> OrdersServer<T> {
    /// Of these methods.
    pub fn new(methods: T) -> Self {
        Self(Arc::new(methods))
    }
}

impl<T> Clone for OrdersServer<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> NamedService for OrdersServer<T> {
    const NAME: &'static str = "shop.Orders";
}

/// What tonic asks for each method.
struct Methods<T>(Arc<T>);

impl<T: OrdersMethods> UnaryService<Order> for Methods<T> {
    type Response = Receipt;
    type Future = Answer<Receipt>;

    fn call(&mut self, request: tonic::Request<Order>) -> Self::Future {
        let methods = Arc::clone(&self.0);
        Box::pin(async move { methods.place(request.into_inner()).await.map(tonic::Response::new) })
    }
}

impl<T: OrdersMethods> ServerStreamingService<Order> for Methods<T> {
    type Response = Receipt;
    type ResponseStream = Receipts;
    type Future = Answer<Receipts>;

    fn call(&mut self, request: tonic::Request<Order>) -> Self::Future {
        let methods = Arc::clone(&self.0);
        Box::pin(async move { methods.watch(request.into_inner()).await.map(tonic::Response::new) })
    }
}

impl<T: OrdersMethods> ClientStreamingService<Order> for Methods<T> {
    type Response = Receipt;
    type Future = Answer<Receipt>;

    fn call(&mut self, request: tonic::Request<Streaming<Order>>) -> Self::Future {
        let methods = Arc::clone(&self.0);
        Box::pin(async move { methods.import(request.into_inner()).await.map(tonic::Response::new) })
    }
}

impl<T: OrdersMethods> StreamingService<Order> for Methods<T> {
    type Response = Receipt;
    type ResponseStream = Receipts;
    type Future = Answer<Receipts>;

    fn call(&mut self, request: tonic::Request<Streaming<Order>>) -> Self::Future {
        let methods = Arc::clone(&self.0);
        Box::pin(async move { methods.talk(request.into_inner()).await.map(tonic::Response::new) })
    }
}

impl<T, B> Service<Request<B>> for OrdersServer<T>
where
    T: OrdersMethods,
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let methods = Methods(Arc::clone(&self.0));
        Box::pin(async move {
            let mut server = Server::new(ProstCodec::<Receipt, Order>::default());
            Ok(match request.uri().path() {
                "/shop.Orders/Place" => server.unary(methods, request).await,
                "/shop.Orders/Watch" => server.server_streaming(methods, request).await,
                "/shop.Orders/Import" => server.client_streaming(methods, request).await,
                "/shop.Orders/Talk" => server.streaming(methods, request).await,
                _ => Status::new(Code::Unimplemented, "").into_http(),
            })
        })
    }
}

/// A client over any channel.
#[derive(Clone, Debug)]
pub struct OrdersClient<S>(Client<S>);

impl<S> OrdersClient<S>
where
    S: GrpcService<Body>,
    S::Error: Into<StdError>,
    S::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <S::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    /// Over this channel.
    pub fn new(channel: S) -> Self {
        Self(Client::new(channel))
    }

    async fn ready(&mut self) -> Result<ProstCodec<Order, Receipt>, Status> {
        self.0.ready().await.map_err(|error| Status::unavailable(error.into().to_string()))?;
        Ok(ProstCodec::default())
    }

    /// One, one; of any method, also of one that there is not.
    ///
    /// # Errors
    ///
    /// What the service answers.
    pub async fn unary(
        &mut self,
        method: &'static str,
        order: impl IntoRequest<Order>,
    ) -> Result<Receipt, Status> {
        let codec = self.ready().await?;
        let path = http::uri::PathAndQuery::from_static(method);
        Ok(self.0.unary(order.into_request(), path, codec).await?.into_inner())
    }

    /// One, one.
    ///
    /// # Errors
    ///
    /// What the service answers.
    pub async fn place(&mut self, order: impl IntoRequest<Order>) -> Result<Receipt, Status> {
        self.unary("/shop.Orders/Place", order).await
    }

    /// One, many.
    ///
    /// # Errors
    ///
    /// What the service answers.
    pub async fn watch(&mut self, order: Order) -> Result<Streaming<Receipt>, Status> {
        let codec = self.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/shop.Orders/Watch");
        Ok(self.0.server_streaming(tonic::Request::new(order), path, codec).await?.into_inner())
    }

    /// Many, one.
    ///
    /// # Errors
    ///
    /// What the service answers.
    pub async fn import(&mut self, orders: Vec<Order>) -> Result<Receipt, Status> {
        let codec = self.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/shop.Orders/Import");
        let orders = tokio_stream::iter(orders).into_streaming_request();
        Ok(self.0.client_streaming(orders, path, codec).await?.into_inner())
    }

    /// Many, many.
    ///
    /// # Errors
    ///
    /// What the service answers.
    pub async fn talk(&mut self, orders: Vec<Order>) -> Result<Vec<Result<Receipt, Status>>, Status> {
        let codec = self.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/shop.Orders/Talk");
        let orders = tokio_stream::iter(orders).into_streaming_request();
        Ok(self.0.streaming(orders, path, codec).await?.into_inner().collect().await)
    }
}
