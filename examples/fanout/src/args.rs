//! The command line.

use lexopt::prelude::*;
use std::net::{IpAddr, SocketAddr};

/// What `--help` shows.
pub(crate) const HELP: &str = "\
A service that calls whoever it is told to, for the W3C's suite for Trace Context.

Usage: fanout [OPTIONS]

  --listen ADDR      where it listens [127.0.0.1:5000]
  --help";

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Args {
    pub(crate) listen: SocketAddr,
    pub(crate) help: bool,
}

impl Args {
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut args = Self { listen: SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 5000), help: false };
        while let Some(arg) = parser.next()? {
            match arg {
                Long("listen") => args.listen = parser.value()?.parse()?,
                Short('h') | Long("help") => args.help = true,
                other => return Err(other.unexpected()),
            }
        }
        Ok(args)
    }
}
