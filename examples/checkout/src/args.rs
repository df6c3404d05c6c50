//! The command line.

use crate::roles::Role;
use lexopt::prelude::*;
use std::error::Error;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What `--help` shows.
pub(crate) const HELP: &str = "\
Three small services under observation: checkout, payment and inventory.

Usage: checkout [OPTIONS]
       checkout [OPTIONS] generate DIR [--check]

Without --role, checkout starts the other two as children and ends them with itself.
With generate, it writes its alert rules, dashboards and documents into DIR, or says with --check
whether they are there, and ends.

  --listen ADDR      where checkout listens [127.0.0.1:3000]; the others take the next two
                     ports; with port 0 the system gives each one a port
  --load RPS         requests a second of the load generator [20]; 0: none
  --duration SECS    end after this time; else at Ctrl-C or SIGTERM
  --notice SECS      at the end, how long /ready says so before nothing is accepted any more [0]
  --admin ADDR       where checkout's admin service and its console are [of 127.0.0.1 the port after the other three]
  --admin-token FILE it asks for the token in this file; where it is not loopback it has to
  --metrics ADDR     /metrics on a listener of its own as well, which closes last
  --last-scrape SECS how long it waits for one more scrape before it closes [0]
  --still-running SECS   requests that run longer are told of [30]
  --log-sampling SHARE   of requests that nothing is special about, the lines of this share [1: of all]
  --snapshots DIR    where the flight recorder writes what happened before a panic [nowhere]
  --slo-period SECS  over how long its objectives are meant [2592000: 30 days]; with less than 14 days, alerts
                     look back over less: with 43200, over a minute instead of an hour
  --data DIR         where orders are kept [a temporary folder]
  --role NAME        run one service alone: checkout, payment or inventory
  --payment ADDR     where payment is, for --role checkout [the port after checkout's]
  --inventory ADDR   where inventory is, for --role checkout [the port after payment's]
  --help";

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Args {
    pub(crate) listen: SocketAddr,
    pub(crate) load: u32,
    pub(crate) duration: Option<Duration>,
    pub(crate) notice: Duration,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) admin_token: Option<PathBuf>,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) last_scrape: Duration,
    pub(crate) still_running: Duration,
    pub(crate) log_sampling: Option<f64>,
    pub(crate) snapshots: Option<PathBuf>,
    pub(crate) slo_period: Duration,
    pub(crate) data: Option<PathBuf>,
    /// `None`: checkout, with the others as its children.
    pub(crate) role: Option<Role>,
    pub(crate) payment: Option<SocketAddr>,
    pub(crate) inventory: Option<SocketAddr>,
    /// A child: it ends when its standard input does, and leaves signals to its parent.
    pub(crate) child: bool,
    pub(crate) help: bool,
    /// What stands behind `generate`.
    pub(crate) generate: Option<Vec<OsString>>,
}

impl Args {
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut args = Self {
            listen: SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 3000),
            load: 20,
            duration: None,
            notice: Duration::ZERO,
            admin: None,
            admin_token: None,
            metrics: None,
            last_scrape: Duration::ZERO,
            still_running: Duration::from_secs(30),
            log_sampling: None,
            snapshots: None,
            slo_period: Duration::from_secs(30 * 24 * 3600),
            data: None,
            role: None,
            payment: None,
            inventory: None,
            child: false,
            help: false,
            generate: None,
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Long("listen") => args.listen = parser.value()?.parse()?,
                Long("load") => args.load = parser.value()?.parse()?,
                Long("duration") => args.duration = Some(parser.value()?.parse_with(seconds)?),
                Long("notice") => args.notice = parser.value()?.parse_with(seconds)?,
                Long("admin") => args.admin = Some(parser.value()?.parse()?),
                Long("admin-token") => args.admin_token = Some(parser.value()?.into()),
                Long("metrics") => args.metrics = Some(parser.value()?.parse()?),
                Long("last-scrape") => args.last_scrape = parser.value()?.parse_with(seconds)?,
                Long("still-running") => args.still_running = parser.value()?.parse_with(seconds)?,
                Long("log-sampling") => args.log_sampling = Some(parser.value()?.parse()?),
                Long("snapshots") => args.snapshots = Some(parser.value()?.into()),
                Long("slo-period") => args.slo_period = parser.value()?.parse_with(seconds)?,
                Long("data") => args.data = Some(parser.value()?.into()),
                Long("role") => args.role = Some(parser.value()?.parse()?),
                Long("payment") => args.payment = Some(parser.value()?.parse()?),
                Long("inventory") => args.inventory = Some(parser.value()?.parse()?),
                Long("child") => args.child = true,
                Short('h') | Long("help") => args.help = true,
                Value(command) if command == "generate" => {
                    args.generate = Some(parser.raw_args()?.collect());
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(args)
    }

    /// Where the admin service listens, if there is one: that of a service alone has to be asked for.
    pub(crate) fn admin_address(&self) -> Result<Option<SocketAddr>, String> {
        match (self.admin, self.role) {
            (None, None) => Ok(Some((Ipv4Addr::LOCALHOST, self.after(3)?.port()).into())),
            (admin, _) => Ok(admin),
        }
    }

    /// Where the service `places` after checkout listens: the ports follow each other, 0 stays 0.
    pub(crate) fn after(&self, places: u16) -> Result<SocketAddr, String> {
        let port = match self.listen.port() {
            0 => 0,
            port => port.checked_add(places).ok_or("there are not enough ports after that of --listen")?,
        };
        Ok(SocketAddr::new(self.listen.ip(), port))
    }
}

fn seconds(text: &str) -> Result<Duration, Box<dyn Error + Send + Sync>> {
    Ok(Duration::try_from_secs_f64(text.parse()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Args, lexopt::Error> {
        Args::parse(lexopt::Parser::from_args(args))
    }

    #[test]
    fn the_defaults_are_those_of_the_help() {
        let args = parse(&[]).unwrap();
        assert_eq!((args.listen.to_string().as_str(), args.load, args.role), ("127.0.0.1:3000", 20, None));
        assert_eq!(args.after(2).unwrap().port(), 3002);
        assert_eq!(args.admin_address().unwrap().unwrap().to_string(), "127.0.0.1:3003");
    }

    // Mutation caught: a service that runs alone, on any address, with an admin service that nobody asked for.
    #[test]
    fn the_admin_service_is_on_loopback_and_that_of_one_alone_is_asked_for() {
        let admin =
            |args: &[&str]| parse(args).unwrap().admin_address().unwrap().map(|address| address.to_string());
        assert_eq!(admin(&["--listen", "0.0.0.0:0"]).unwrap(), "127.0.0.1:0");
        assert_eq!(admin(&["--role", "payment"]), None);
        assert_eq!(admin(&["--role", "payment", "--admin", "[::1]:7"]).unwrap(), "[::1]:7");
    }

    #[test]
    fn options_are_taken() {
        let args =
            parse(&["--listen=[::1]:0", "--load", "5", "--duration", "0.5", "--role", "payment"]).unwrap();
        assert_eq!((args.load, args.role), (5, Some(Role::Payment)));
        assert_eq!(args.duration, Some(Duration::from_millis(500)));
        assert_eq!(args.after(1).unwrap().to_string(), "[::1]:0");
    }

    #[test]
    fn what_stands_behind_generate_is_left_to_it() {
        let args = parse(&["--slo-period", "43200", "generate", "deploy", "--check"]).unwrap();
        assert_eq!(args.generate.unwrap(), ["deploy", "--check"]);
        assert_eq!(args.slo_period, Duration::from_secs(12 * 3600));
    }

    #[test]
    fn nonsense_is_refused_with_the_option_named() {
        for (args, named) in [
            (["--load", "-1"], "-1"),
            (["--role", "pay"], "pay"),
            (["--duration", "-1"], "-1"),
            (["--log-sampling", "some"], "some"),
            (["--x", ""], "--x"),
        ] {
            let error = parse(&args).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        assert!(parse(&["--listen", "127.0.0.1:65535"]).unwrap().after(1).is_err());
    }
}
