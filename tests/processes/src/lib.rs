//! Services as processes of their own, and what a test asks them: by HTTP, on `/metrics`, of the operating system.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod http;
mod metrics;
mod process;

pub use self::http::{Answer, ask, get, send};
pub use self::metrics::Metrics;
pub use self::process::{Other, Process, command};
pub use rustix::process::Signal;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what is to come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer.
///
/// # Panics
///
/// If there is none in time.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited too long for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a program that a test needs is there.
///
/// # Panics
///
/// In CI, if it is not.
pub fn installed(program: &str) -> bool {
    let there =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "{program} is not installed, and in CI it must be");
        // `eprintln!` is not seen of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
    }
    there
}
