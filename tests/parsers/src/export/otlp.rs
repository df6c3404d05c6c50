//! The files about OTLP. Those of `environment` are links: by `#[path]` it would not find its own parts.

pub(crate) mod environment;
#[path = "../../../../observe-core/src/export/otlp/target.rs"]
mod target;

pub(crate) use target::Target;

use crate::error::{Error, Kind};
use crate::export::spans::SpanLimits;
use std::path::PathBuf;
use std::time::Duration;

/// Whose spans they are: what was read of it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Attributes(pub(crate) Vec<(String, String)>);

impl Attributes {
    pub(crate) fn add(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }
}

pub(crate) fn unknown_service() -> String {
    "unknown_service".to_owned()
}

pub(crate) mod tls {
    use crate::error::Error;
    use std::path::{Path, PathBuf};

    /// Certificates, none of which is read.
    #[derive(Clone, Debug)]
    pub(crate) struct Tls;

    impl Tls {
        pub(crate) fn read(_: Option<&Path>, _: Option<&(PathBuf, PathBuf)>) -> Result<Self, Error> {
            Ok(Self)
        }
    }
}

/// What the code says.
#[derive(Clone, Default)]
pub(crate) struct Otlp {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) endpoint: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) gzip: Option<bool>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) client: Option<(PathBuf, PathBuf)>,
    pub(crate) limits: Option<SpanLimits>,
    pub(crate) interval: Option<Duration>,
    pub(crate) push_timeout: Option<Duration>,
}

impl Otlp {
    pub(crate) fn new() -> Self {
        Self::default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
}

impl Protocol {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "http/protobuf",
            Protocol::Grpc => "grpc",
        }
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, text)
}
