//! Clients over TCP that behave, and that do not.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends a request, reads the whole answer.
pub(crate) async fn ask(server: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that fails in the middle of an answer may reset the connection.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
