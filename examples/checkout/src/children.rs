//! The other services, as processes of their own.
//!
//! A child lives as long as its standard input: it ends when the parent closes it, and also when the parent is
//! killed. Its log comes over a pipe and is passed on line by line; were standard output inherited, long
//! lines of several processes could mix.

use crate::args::Args;
use crate::banner::{self, Peers};
use crate::roles::Role;
use std::convert::Infallible;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How long a child may take to finish what it has accepted.
const PATIENCE: Duration = Duration::from_secs(15);

/// The processes that this one has started. Dropped, it ends them.
pub(crate) struct Children(Vec<Child>);

struct Child {
    role: Role,
    process: std::process::Child,
    address: SocketAddr,
    /// Open as long as the child shall live.
    life: Option<ChildStdin>,
    /// Says no more when the last line is passed on.
    output: Receiver<Infallible>,
}

impl Children {
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Starts payment and inventory on the ports after checkout's.
    pub(crate) fn start(args: &Args) -> Result<Self, Box<dyn Error>> {
        let mut children = Self::none();
        for (role, places) in [(Role::Payment, 1), (Role::Inventory, 2)] {
            children.0.push(Child::start(role, args.after(places)?, args)?);
        }
        Ok(children)
    }

    /// Where the others listen: as the children said, else as the command line says.
    pub(crate) fn peers(&self, args: &Args) -> Result<Peers, String> {
        let started = |role| self.0.iter().find(|child| child.role == role).map(|child| child.address);
        Ok(Peers {
            payment: started(Role::Payment).or(args.payment).map_or_else(|| args.after(1), Ok)?,
            inventory: started(Role::Inventory).or(args.inventory).map_or_else(|| args.after(2), Ok)?,
        })
    }

    /// Ends them, and waits until they have finished and their last line is passed on.
    pub(crate) fn end(mut self) -> Result<(), Box<dyn Error>> {
        for child in &mut self.0 {
            drop(child.life.take());
        }
        let until = Instant::now() + PATIENCE;
        // All of them, also after one has failed.
        let ends: Vec<_> = self.0.iter_mut().map(|child| child.end(until)).collect();
        ends.into_iter().collect()
    }
}

impl Child {
    fn start(role: Role, listen: SocketAddr, args: &Args) -> Result<Self, Box<dyn Error>> {
        let sampling = args.log_sampling.map(|share| format!("--log-sampling={share}"));
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--child", "--role", role.name(), "--listen", &listen.to_string()])
            .args(sampling)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(stdout), Some(stderr)) = (process.stdout.take(), process.stderr.take()) else {
            return Err("the pipes of a child are missing".into());
        };
        let mut stderr = BufReader::new(stderr);
        let mut first = String::new();
        stderr.read_line(&mut first)?;
        let Some(address) = banner::address(&first) else {
            process.kill()?;
            process.wait()?;
            return Err(format!("{} did not start: {}", role.name(), first.trim_end()).into());
        };
        let (until_the_last, output) = mpsc::channel();
        for (from, to) in [
            (Box::new(stdout) as Box<dyn Read + Send>, Box::new(io::stdout()) as Box<dyn Write + Send>),
            (Box::new(stderr), Box::new(io::stderr())),
        ] {
            let until_the_last = until_the_last.clone();
            thread::spawn(move || pass_on(BufReader::new(from), to, until_the_last));
        }
        let life = process.stdin.take();
        Ok(Self { role, process, address, life, output })
    }

    fn end(&mut self, until: Instant) -> Result<(), Box<dyn Error>> {
        drop(self.life.take());
        let status = loop {
            match self.process.try_wait()? {
                Some(status) => break status,
                None if Instant::now() >= until => {
                    self.process.kill()?;
                    break self.process.wait()?;
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        // Not for ever: nobody may be reading what this process writes.
        let _ = self.output.recv_timeout(until.saturating_duration_since(Instant::now()));
        if status.success() {
            Ok(())
        } else {
            Err(format!("{} ended with {status}", self.role.name()).into())
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.end(Instant::now() + PATIENCE);
    }
}

/// Passes whole lines on, until there are no more. It goes on reading when nobody takes them: a child must not
/// block on its log.
fn pass_on(mut from: impl BufRead, mut to: impl Write, _until_the_last: Sender<Infallible>) {
    let mut line = Vec::new();
    while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
        let _ = to.write_all(&line);
        line.clear();
    }
    let _ = to.flush();
}
