//! A small service by gRPC, `shop.Orders`, and a client of it: what is observed by `main.rs` and by the tests.

pub mod orders;
pub mod proto;
