//! A collector by HTTP/1.1.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::tls::Tls;
use crate::{Collector, Desk, Reply};

struct Stop(Arc<AtomicBool>, std::net::SocketAddr);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        // It wakes up by it.
        let _ = TcpStream::connect(self.1);
    }
}

impl Collector {
    /// One that listens on a port of its own.
    pub fn http() -> Self {
        Self::http_on("127.0.0.1:0")
    }

    /// One that listens there.
    pub fn http_on(address: &str) -> Self {
        Self::listening(address, None)
    }

    /// One that is reached by TLS, as `localhost`.
    pub fn https(tls: &Tls) -> Self {
        let mut collector = Self::listening("127.0.0.1:0", Some(Arc::new(tls.server())));
        collector.endpoint = collector.endpoint.replace("http://127.0.0.1", "https://localhost");
        collector
    }

    fn listening(address: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::<Desk>::default();
        let stopped = Arc::<AtomicBool>::default();
        let (answering, stopping) = (Arc::clone(&desk), Arc::clone(&stopped));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                let (desk, stopping, tls) = (Arc::clone(&answering), Arc::clone(&stopping), tls.clone());
                thread::spawn(move || {
                    // A peer that went away is none of its business.
                    let _ = match tls {
                        None => serve(&desk, &connection, &stopping),
                        Some(tls) => {
                            let session = ServerConnection::new(tls).unwrap();
                            serve(&desk, StreamOwned::new(session, &connection), &stopping)
                        }
                    };
                    let _ = connection.shutdown(Shutdown::Both);
                });
            }
        });
        Self { desk, endpoint: format!("http://{address}"), _stop: Box::new(Stop(stopped, address)) }
    }
}

fn serve(desk: &Desk, connection: impl Read + Write, stopped: &AtomicBool) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    while !stopped.load(Ordering::SeqCst) {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut head = vec![(":path".to_owned(), path)];
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            head.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let header =
            |name: &str| head.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let is_gzip = header("content-encoding") == Some("gzip");
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if is_gzip {
            let packed = std::mem::take(&mut body);
            GzDecoder::new(packed.as_slice()).read_to_end(&mut body)?;
        }
        let is_metrics = header(":path").is_some_and(|path| path.ends_with("/v1/metrics"));
        let take = || {
            if is_metrics {
                desk.take_metrics(ExportMetricsServiceRequest::decode(body.as_slice()).unwrap());
            } else {
                desk.take(ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
            }
        };
        let mut rejected = 0;
        let connection = reader.get_mut();
        match desk.reply(head) {
            Reply::Take => take(),
            Reply::Reject(spans) => {
                take();
                rejected = spans;
            }
            Reply::Slow(time) => {
                thread::sleep(time);
                take();
            }
            Reply::Reset => return Ok(()),
            Reply::TakeAndReset => {
                take();
                return Ok(());
            }
            Reply::Garbage => {
                connection.write_all(b"\x00\x01\x02 what?\r\n\r\n")?;
                return Ok(());
            }
            Reply::Page => {
                answer(connection, "200 OK\r\ncontent-type: text/html", b"<html>log in</html>")?;
                continue;
            }
            Reply::Elsewhere => {
                answer(connection, "307 Temporary Redirect\r\nlocation: /elsewhere", b"")?;
                continue;
            }
            Reply::Flood => {
                take();
                answer(connection, "200 OK\r\ncontent-type: application/json", &[b' '; 2 * 1024 * 1024])?;
                continue;
            }
            Reply::Status(status, wait) => {
                let wait = wait.map(|seconds| format!("\r\nretry-after: {seconds}")).unwrap_or_default();
                answer(connection, &format!("{status} No{wait}"), b"no")?;
                continue;
            }
        }
        let partial =
            ExportTracePartialSuccess { rejected_spans: rejected, error_message: "not these".to_owned() };
        let response = ExportTraceServiceResponse { partial_success: (rejected > 0).then_some(partial) };
        answer(connection, "200 OK\r\ncontent-type: application/x-protobuf", &response.encode_to_vec())?;
    }
    Ok(())
}

fn answer(connection: &mut impl Write, head: &str, body: &[u8]) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    connection.write_all(&[head.as_bytes(), body].concat())?;
    connection.flush()
}
