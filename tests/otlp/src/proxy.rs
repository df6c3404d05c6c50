//! A proxy by HTTP.

use std::io::{BufRead, BufReader, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::Collector;

/// One that passes on everything to one collector, wherever it is asked to. It ends with the process.
pub struct Proxy {
    /// Where it is, without a scheme.
    pub address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// One that listens on a port of its own.
    pub fn to(collector: &Collector) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (_, port) = collector.endpoint.rsplit_once(':').unwrap();
        let port: u16 = port.parse().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&heads);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let heard = Arc::clone(&heard);
                // A peer that went away is none of its business.
                thread::spawn(move || pass_on(&connection, port, &heard));
            }
        });
        Self { address, heads }
    }

    /// The first request of each connection, without its body.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn pass_on(connection: &TcpStream, port: u16, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    heard.lock().unwrap().push(head.clone());
    let collector = TcpStream::connect(("127.0.0.1", port))?;
    if head.starts_with("CONNECT ") {
        (&mut &*connection).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    } else {
        (&mut &collector).write_all(head.as_bytes())?;
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = copy(&mut &collector, &mut &*connection);
            let _ = connection.shutdown(Shutdown::Both);
        });
        let _ = copy(&mut reader, &mut &collector);
        let _ = collector.shutdown(Shutdown::Both);
    });
    Ok(())
}
