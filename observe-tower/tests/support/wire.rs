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

/// Sends a request, reads until it has seen so many bytes, then goes.
pub(crate) async fn leave_after(server: SocketAddr, path: &str, bytes: usize) {
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n").as_bytes()).await.unwrap();
    let (mut seen, mut buffer) = (0, [0; 4096]);
    while seen < bytes {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => seen += read,
        }
    }
}
