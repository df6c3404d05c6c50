//! A process under test.

use crate::wait_for;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

/// A process, its log read all the time. Killed when dropped; what it has started itself ends with the pipe that it reads.
#[derive(Debug)]
pub struct Process<T> {
    child: Child,
    log: Option<JoinHandle<T>>,
    /// Until the addresses are read.
    first: Option<BufReader<ChildStderr>>,
    errors: Option<JoinHandle<String>>,
}

/// A program of ours, whose log is not what this process' own environment says.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_remove("RUST_LOG").env_remove("OBSERVE_LOG");
    command
}

impl<T: Send + 'static> Process<T> {
    /// Starts it. `read` has its log: each line without its end, and says what there is of it at the end.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(
        command: &mut Command,
        read: impl FnOnce(&mut dyn Iterator<Item = Vec<u8>>) -> T + Send + 'static,
    ) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let log = thread::spawn(move || read(&mut stdout.split(b'\n').map_while(Result::ok)));
        let first = child.stderr.take().map(BufReader::new);
        Self { child, log: Some(log), first, errors: None }
    }

    /// The address in the next line of its standard error: `NAME http://ADDRESS`.
    ///
    /// # Panics
    ///
    /// If it says something else.
    pub fn address(&mut self, name: &str) -> SocketAddr {
        let mut line = String::new();
        self.first.as_mut().unwrap().read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix(name).and_then(|rest| rest.trim().strip_prefix("http://"));
        address.unwrap_or_else(|| panic!("no address of {name} in {line:?}")).parse().unwrap()
    }

    /// Reads the rest of its standard error, so that it is never full.
    #[must_use]
    pub fn running(mut self) -> Self {
        let mut stderr = self.first.take().unwrap();
        self.errors = Some(thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        }));
        self
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// If there is no such process any more.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ends by itself: how, its log, and its standard error behind the addresses.
    ///
    /// # Panics
    ///
    /// If it does not end in time.
    pub fn ended(mut self) -> (ExitStatus, T, String) {
        let status = wait_for("the end", || self.child.try_wait().unwrap());
        let errors = self.errors.take().unwrap().join().unwrap();
        (status, self.log.take().unwrap().join().unwrap(), errors)
    }
}

impl<T> Process<T> {
    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Its id, and those of the processes that it has started.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[must_use]
    pub fn family(&self) -> Vec<u32> {
        let id = self.child.id();
        let tasks = fs::read_dir(format!("/proc/{id}/task")).unwrap();
        let children =
            tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<u32> = children
            .flat_map(|ids| ids.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
            .collect();
        [vec![id], children].concat()
    }
}

impl<T> Drop for Process<T> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of somebody else, killed when dropped.
#[derive(Debug)]
pub struct Other(pub Child);

impl Other {
    /// Starts it; all that it says goes to this file.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(command: &mut Command, output: &Path) -> Self {
        let output = fs::File::create(output).unwrap();
        Self(command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
