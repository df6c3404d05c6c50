//! The three services, each a process of its own, and a collector.

use otlp_tests::Collector;
use processes::{Process, Signal, command};
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What runs.
pub(crate) struct Services {
    program: PathBuf,
    pub(crate) checkout: SocketAddr,
    payment: SocketAddr,
    checkout_process: Process<u64>,
    inventory_process: Process<u64>,
    payment_process: Option<Process<u64>>,
    collector: Option<Collector>,
    endpoint: String,
}

impl Services {
    pub(crate) fn start(load: u32) -> Result<Self, Box<dyn Error>> {
        let program = std::env::current_exe()?.with_file_name("checkout");
        if !program.exists() {
            return Err(format!("{} is not there: build it first, as this was", program.display()).into());
        }

        let collector = Collector::http();
        let endpoint = collector.endpoint.clone();
        let (payment, payment_process) = role(&program, &endpoint, "payment", None, &[]);
        let (inventory, inventory_process) = role(&program, &endpoint, "inventory", None, &[]);
        let (load, to_payment, to_inventory) = (load.to_string(), payment.to_string(), inventory.to_string());
        let peers = ["--load", &load, "--payment", &to_payment, "--inventory", &to_inventory];
        let (checkout, checkout_process) = role(&program, &endpoint, "checkout", None, &peers);
        let payment_process = Some(payment_process);
        let collector = Some(collector);
        Ok(Self {
            program,
            checkout,
            payment,
            checkout_process,
            inventory_process,
            payment_process,
            collector,
            endpoint,
        })
    }

    pub(crate) fn end_payment(&mut self) {
        if let Some(payment) = self.payment_process.take() {
            end(payment);
        }
    }

    /// Where it was before.
    pub(crate) fn start_payment(&mut self) {
        let (_, process) = role(&self.program, &self.endpoint, "payment", Some(self.payment), &[]);
        self.payment_process = Some(process);
    }

    /// What it has taken so far is forgotten.
    pub(crate) fn end_collector(&mut self) {
        self.collector = None;
    }

    pub(crate) fn start_collector(&mut self) {
        self.collector = Some(Collector::http_on(self.endpoint.trim_start_matches("http://")));
    }

    /// The processes that live all the time: checkout and inventory.
    pub(crate) fn ids(&self) -> [u32; 2] {
        [&self.checkout_process, &self.inventory_process].map(|process| process.family()[0])
    }

    /// They end well, or this panics.
    pub(crate) fn end(mut self) {
        end(self.checkout_process);
        end(self.inventory_process);
        if let Some(payment) = self.payment_process.take() {
            end(payment);
        }
    }
}

/// Where it is said, else on a port of its own.
fn role(
    program: &Path,
    endpoint: &str,
    name: &str,
    listen: Option<SocketAddr>,
    more: &[&str],
) -> (SocketAddr, Process<u64>) {
    let listen = listen.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
    let mut command = command(program);
    command
        .args(["--role", name, "--listen", &listen])
        .args(more)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    let mut process = Process::start(&mut command, |lines| lines.count() as u64);
    let address = process.address(name);
    (address, process.running())
}

fn end(process: Process<u64>) {
    process.signal(Signal::TERM);
    let (status, _, errors) = process.ended();
    assert!(status.success(), "{status}: {errors}");
}
