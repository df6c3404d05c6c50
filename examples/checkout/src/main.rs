//! The main job: `checkout`, `payment` and `inventory`, three processes that call each other over HTTP, keep
//! orders in SQLite, work through a queue, and fail now and then.

mod args;
mod banner;
mod children;
mod client;
mod error;
mod feed;
mod last_scrape;
mod load;
mod objectives;
mod order;
mod platform;
mod pool;
mod receipts;
mod roles;
mod server;
mod shop;
mod shutdown;
mod store;

use args::Args;
use children::Children;
use last_scrape::LastScrape;
use observe_core::{LogSampling, Telemetry};
use observe_tower::Admin;
use roles::Role;
use shutdown::Shutdown;
use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            banner::failed(&*error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args = Args::parse(lexopt::Parser::from_env())?;
    if args.help {
        banner::help();
        return Ok(());
    }
    if let Some(asked) = &args.generate {
        return roles::checkout::generate(&args, asked);
    }
    let role = args.role.unwrap_or(Role::Checkout);
    let listener = TcpListener::bind(args.listen)
        .map_err(|error| format!("{}: {error} (--listen 127.0.0.1:0 takes free ports)", args.listen))?;
    let children = if args.role.is_none() { Children::start(&args)? } else { Children::none() };
    let peers = children.peers(&args)?;

    banner::listening(role, listener.local_addr()?);
    let metrics = args.metrics.map(TcpListener::bind).transpose()?;
    if args.role.is_none() {
        banner::peers(&peers);
    }
    if let Some(metrics) = &metrics {
        banner::metrics(metrics.local_addr()?);
    }

    // A panic is a line of the log: the standard library's text would come on top of it, on standard error.
    std::panic::set_hook(Box::new(|_| ()));
    let mut builder =
        Telemetry::builder(role.name()).version(env!("CARGO_PKG_VERSION")).still_running(args.still_running);
    if let Some(share) = args.log_sampling {
        builder = builder.log_sampling(LogSampling::rest(share));
    }
    if role == Role::Checkout {
        builder = objectives::declare(builder, args.slo_period);
    }
    if let Some(folder) = &args.snapshots {
        builder = builder.snapshots(folder);
    }
    let telemetry = builder.install()?;
    // Until the end, and beyond what it shows.
    let admin = args.admin_address()?.map(|address| admin(&telemetry, address, &args)).transpose()?;
    let admin_address = admin.as_ref().map(Admin::address);
    if let Some(address) = admin_address {
        banner::admin(address);
    }
    if args.role.is_none() {
        banner::things_to_try(listener.local_addr()?, admin_address);
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    platform::observe(&telemetry, runtime.handle());
    let scraped = metrics.map(|listener| LastScrape::serve(&runtime, listener, &telemetry)).transpose()?;
    let served = runtime.block_on(async {
        let shutdown = Shutdown::listen(&args, &telemetry)?;
        match role {
            Role::Checkout => roles::checkout::run(listener, &args, &peers, &telemetry, shutdown).await,
            Role::Payment => roles::payment::run(listener, &telemetry, shutdown).await,
            Role::Inventory => roles::inventory::run(listener, &telemetry, shutdown).await,
        }
    });
    // Only now: the requests that were still being answered needed them.
    let ended = children.end();
    telemetry.shutdown(Duration::from_secs(5))?;
    if let Some(scraped) = scraped {
        runtime.block_on(scraped.wait(args.last_scrape));
    }
    served.and(ended)
}

/// What checkout knows about itself, for whoever is on this machine; with both of the changes that there are.
fn admin(telemetry: &Telemetry, address: SocketAddr, args: &Args) -> Result<Admin, observe_core::Error> {
    let admin = Admin::builder(telemetry).address(address).allow_level_changes().allow_snapshots();
    match &args.admin_token {
        Some(file) => admin.token_file(file).start(),
        None => admin.start(),
    }
}
