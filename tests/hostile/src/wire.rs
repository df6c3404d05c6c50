//! Bytes of HTTP/1 to a service, and its answers, without a library that would forbid the worst.

use processes::PATIENCE;
use rustix::net::sockopt::set_socket_linger;
use std::io::{self, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// It has the header that the layer sets: so the layer saw the request.
    pub(crate) is_observed: bool,
    /// The service closes the connection.
    pub(crate) closes: bool,
}

impl Connection {
    pub(crate) fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, read: Vec::new() })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Says nothing more, and still listens.
    pub(crate) fn half_close(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Leaves: without a word, or with a reset.
    pub(crate) fn vanish(self, reset: bool) {
        if reset {
            let _ = set_socket_linger(&self.stream, Some(Duration::ZERO));
        }
    }

    /// Reads whatever there is until the other side closes.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.read);
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }

    /// At least so many bytes, however they come.
    pub(crate) fn some(&mut self, bytes: usize) -> io::Result<()> {
        while self.read.len() < bytes {
            self.more()?;
        }
        Ok(())
    }

    /// Exactly so many bytes.
    pub(crate) fn exactly(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        self.some(bytes)?;
        Ok(self.read.drain(..bytes).collect())
    }

    /// The next answer, whole; `head_only` where none has a body.
    pub(crate) fn answer(&mut self, head_only: bool) -> io::Result<Answer> {
        let head = self.head()?;
        let status: u16 = head
            .get(9..12)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, head.clone()))?;
        if status == 100 {
            return self.answer(head_only);
        }
        let header = |name: &str| {
            head.lines().filter_map(|line| line.split_once(':')).find(|(found, _)| *found == name)
        };
        let value = |name: &str| header(name).map_or("", |(_, value)| value.trim());
        let closes = value("connection").contains("close") || head.starts_with("http/1.0");
        if head_only || matches!(status, 101 | 204 | 304) {
            // No body follows.
        } else if value("transfer-encoding").contains("chunked") {
            self.chunks()?;
        } else if let Ok(length) = value("content-length").parse() {
            self.exactly(length)?;
        } else {
            self.read_to_end();
        }
        Ok(Answer { status, is_observed: header("x-correlation-id").is_some(), closes })
    }

    /// In lower case.
    fn head(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..end + 4).collect();
                return Ok(String::from_utf8_lossy(&head).to_ascii_lowercase());
            }
            self.more()?;
        }
    }

    fn chunks(&mut self) -> io::Result<()> {
        loop {
            let line = loop {
                if let Some(end) = self.read.windows(2).position(|bytes| bytes == b"\r\n") {
                    break String::from_utf8_lossy(&self.read.drain(..end + 2).collect::<Vec<u8>>())
                        .into_owned();
                }
                self.more()?;
            };
            let length = usize::from_str_radix(line.trim_end(), 16)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, line))?;
            self.exactly(length + 2)?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            bytes => {
                self.read.extend_from_slice(&buffer[..bytes]);
                Ok(())
            }
        }
    }
}
