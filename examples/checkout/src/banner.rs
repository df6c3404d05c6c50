//! What a person reads, on standard error: standard output belongs to the log.

use crate::args::HELP;
use crate::roles::Role;
use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;

/// Where checkout finds the other two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peers {
    pub(crate) payment: SocketAddr,
    pub(crate) inventory: SocketAddr,
}

/// Nobody has to read it: an error is of no interest.
fn say(text: impl fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

pub(crate) fn help() {
    say(HELP);
}

pub(crate) fn failed(error: &dyn Error) {
    say(format_args!("checkout: {error}"));
}

/// The first line of every process. A parent reads it to learn the address: see [`address`].
pub(crate) fn listening(role: Role, address: SocketAddr) {
    say(format_args!("{:<11}http://{address}", role.name()));
}

/// The address in a line that [`listening`] wrote.
pub(crate) fn address(line: &str) -> Option<SocketAddr> {
    line.trim_end().rsplit_once("http://")?.1.parse().ok()
}

pub(crate) fn peers(peers: &Peers) {
    listening(Role::Payment, peers.payment);
    listening(Role::Inventory, peers.inventory);
}

pub(crate) fn metrics(address: SocketAddr) {
    say(format_args!("metrics    http://{address}"));
}

pub(crate) fn admin(address: SocketAddr) {
    say(format_args!("admin      http://{address}"));
}

pub(crate) fn things_to_try(checkout: SocketAddr, admin: Option<SocketAddr>) {
    say(format_args!(
        "\n\
        curl -s http://{checkout}/metrics | grep -E '_(count|total).* [1-9]'\n\
        curl -si http://{checkout}/charge --json '{{\"item\":\"tea\",\"quantity\":2,\"method\":\"card\",\"customer\":\"ada\"}}'\n\
        curl -si 'http://{checkout}/fail?how=error'    # its x-correlation-id is the trace_id in the log"
    ));
    if let Some(admin) = admin {
        say(format_args!(
            "http://{admin} in a browser, or curl -s 'http://{admin}/api/v1/traces?failed=true&limit=1'"
        ));
    }
    say("\nCtrl-C ends all three.\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_first_line() {
        assert_eq!(address("payment    http://127.0.0.1:3001\n").unwrap().port(), 3001);
        assert_eq!(address("checkout: 127.0.0.1:3001: Address in use"), None);
    }
}
