//! One request on a connection of its own.

use crate::PATIENCE;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The first line and the headers.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// One request on a connection of its own (HTTP/1.0: the answer ends with it). `None`: no whole answer came back.
pub fn ask(to: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Option<Answer> {
    let mut stream = send(to, method, path, headers, body)?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// Sends a request and leaves the answer to the caller.
pub fn send(to: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(to).ok()?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: {to}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    Some(stream)
}

/// Asks for a page.
///
/// # Panics
///
/// If there is no answer.
pub fn get(to: SocketAddr, path: &str) -> Answer {
    ask(to, "GET", path, "", "").unwrap_or_else(|| panic!("no answer to GET {path}"))
}
