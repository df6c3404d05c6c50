//! Where requests to a collector go, and how.

use std::time::Duration;

use http::HeaderMap;
use url::Url;

use super::Protocol;
use super::tls::Tls;

/// Where requests go, and how.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) protocol: Protocol,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) gzip: bool,
    pub(crate) tls: Tls,
}

impl Target {
    /// Where to, for people: without what may be secret in it.
    pub(crate) fn told(&self) -> String {
        let mut url = self.url.clone();
        // Neither can be refused: the address has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.to_string()
    }
}
