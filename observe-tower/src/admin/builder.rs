//! The admin service, as it is described.

use super::Admin;
use super::guard::Guard;
use super::listener::Listener;
use super::state::{Capabilities, State};
use super::token::Token;
use observe_core::semconv::log::OWN_TARGET;
use observe_core::{Error, Telemetry};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the service listens unless somebody says otherwise.
const PORT: u16 = 9465;

/// Describes an [`Admin`]. Nothing listens before [`start`](AdminBuilder::start).
#[must_use = "nothing listens before `start`"]
pub struct AdminBuilder {
    telemetry: Telemetry,
    address: SocketAddr,
    hosts: Vec<String>,
    token: Option<Secret>,
    may: Capabilities,
}

/// Where the token is.
enum Secret {
    Text(String),
    File(PathBuf),
}

impl AdminBuilder {
    /// Where it listens; with port 0 on one that is free: see [`Admin::address`]. What is not loopback needs a
    /// [token](AdminBuilder::token). Defaults to `127.0.0.1:9465`.
    pub fn address(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// Asks for this token, 16 to 256 visible ASCII characters, in `Authorization: Bearer TOKEN`; the last one said counts.
    /// Defaults to none.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Secret::Text(token.into()));
        self
    }

    /// Asks for the token in this file, which is read at the start, without the blanks around it. Where every user of the
    /// machine can read it, a line with the level `WARN` says so. Defaults to none.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token = Some(Secret::File(path.into()));
        self
    }

    /// Answers to this name in `Host`, too, as where a proxy or a DNS entry leads here. Defaults to `localhost` and the
    /// address.
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// Whoever may ask may change which lines and spans are recorded, for at most a day. Defaults to no.
    pub fn allow_level_changes(mut self) -> Self {
        self.may.levels = true;
        self
    }

    /// Whoever may ask may have snapshots of the flight recorder written, in the folder of
    /// [`Builder::snapshots`](observe_core::Builder::snapshots). Defaults to no.
    pub fn allow_snapshots(mut self) -> Self {
        self.may.snapshots = true;
        self
    }

    /// Begins to listen, on a thread of its own.
    ///
    /// # Errors
    ///
    /// If the address is not loopback and there is no token, or the token breaks its rule ([`Error::is_invalid`]); if the
    /// token's file cannot be read, the address cannot be listened on, or the thread cannot be started
    /// ([`Error::is_io`]).
    pub fn start(self) -> Result<Admin, Error> {
        let address = self.address;
        if let Some(Secret::File(path)) = &self.token
            && Token::is_open(path)
        {
            let path = path.display().to_string();
            self.telemetry.run(|| {
                tracing::warn!(target: OWN_TARGET, path, "others can read the file of the admin service's token");
            });
        }
        let token = self.token.map(Secret::read).transpose()?;
        if token.is_none() && !address.ip().is_loopback() {
            return Err(Error::of_setting(format!(
                "the admin service listens on {address}: an address that is not loopback needs a token \
                 (`AdminBuilder::token`, `AdminBuilder::token_file`)"
            )));
        }
        let listener = TcpListener::bind(address).map_err(|source| {
            let text = format!("the admin service cannot listen on {address} (port 0 takes a free one)");
            Error::of_io(text, source)
        })?;
        // Port 0 is another one by now.
        let bound = listener.local_addr().unwrap_or(address);
        let state = State::new(self.telemetry, Guard::new(bound, self.hosts, token), self.may);
        Ok(Admin { listener: Listener::start(listener, Arc::new(state))? })
    }
}

impl AdminBuilder {
    pub(super) fn new(telemetry: &Telemetry) -> Self {
        Self {
            telemetry: telemetry.clone(),
            address: (Ipv4Addr::LOCALHOST, PORT).into(),
            hosts: Vec::new(),
            token: None,
            may: Capabilities::default(),
        }
    }
}

impl Secret {
    fn read(self) -> Result<Token, Error> {
        let (text, whose) = match self {
            Secret::Text(text) => (text, "the admin service's token".to_owned()),
            Secret::File(path) => {
                let whose = format!("the admin service's token in {}", path.display());
                let text = Token::read(&path)
                    .map_err(|source| Error::of_io(format!("{whose} cannot be read"), source))?;
                (text, whose)
            }
        };
        Token::new(&text).map_err(|rule| Error::of_setting(format!("{whose}: {rule}")))
    }
}

impl fmt::Debug for AdminBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, may, .. } = self;
        f.debug_struct("AdminBuilder").field("address", address).field("may", may).finish_non_exhaustive()
    }
}
