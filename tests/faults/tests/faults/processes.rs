//! A process that a fault befalls, and what it leaves.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// Where a process is to leave its report.
pub(crate) struct Place {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("report"), _folder: folder }
    }

    /// The last page of the process, and what its shutdown came to.
    pub(crate) fn report(&self) -> Report {
        Report::read(&fs::read_to_string(&self.path).unwrap())
    }
}

/// The last page, without what is 0.
#[derive(Debug)]
pub(crate) struct Report {
    series: BTreeMap<String, u64>,
    pub(crate) ended: String,
}

impl Report {
    fn read(text: &str) -> Self {
        let ended = text.lines().find_map(|line| line.strip_prefix("# shutdown: ")).unwrap().to_owned();
        let series = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok().filter(|value| *value > 0)?))
        });
        Self { series: series.collect(), ended }
    }

    /// Lines that were lost for this reason.
    pub(crate) fn dropped(&self, reason: &str) -> u64 {
        self.lost("log", reason)
    }

    /// What was lost for this reason.
    pub(crate) fn lost(&self, signal: &str, reason: &str) -> u64 {
        self.value(&format!("observe_dropped_total{{signal=\"{signal}\",reason=\"{reason}\"}}"))
    }

    /// What came to this end.
    pub(crate) fn exported(&self, signal: &str, outcome: &str) -> u64 {
        self.value(&format!("observe_export_total{{signal=\"{signal}\",outcome=\"{outcome}\"}}"))
    }

    /// Lines that were written.
    pub(crate) fn written(&self) -> u64 {
        self.exported("log", "ok")
    }

    fn value(&self, series: &str) -> u64 {
        self.series.get(series).copied().unwrap_or(0)
    }

    /// What all series of a family come to.
    pub(crate) fn sum(&self, family: &str) -> u64 {
        let of_it = |series: &str| series.split('{').next() == Some(family);
        self.series.iter().filter(|(series, _)| of_it(series)).map(|(_, value)| value).sum()
    }
}

/// The program, to be started so.
pub(crate) fn service(mode: &str, place: &Place) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faults"));
    command.arg(mode).arg(&place.path);
    for name in ["RUST_LOG", "OBSERVE_LOG"] {
        command.env_remove(name);
    }
    command
}

/// The same, its descriptors changed by a shell before: `>&-` closes standard output.
pub(crate) fn redirected(redirection: &str, mode: &str, place: &Place, count: u64) -> Command {
    let service = service(mode, place);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$@\" {redirection}"), "sh"]).arg(service.get_program());
    command.args(service.get_args()).arg(count.to_string());
    for (name, value) in service.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// A process that runs, and ends with this at the latest.
pub(crate) struct Running(Option<Child>);

impl Running {
    /// Its standard output is kept.
    pub(crate) fn start(mut command: Command) -> Self {
        Self(Some(command.stdout(Stdio::piped()).spawn().unwrap()))
    }

    pub(crate) fn terminate(&self) {
        let id = i32::try_from(self.0.as_ref().unwrap().id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
    }

    /// What it left, when it has ended by itself.
    pub(crate) fn ended(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// All lines, which have to be whole.
pub(crate) fn lines(text: &[u8]) -> Vec<Value> {
    let text = str::from_utf8(text).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

pub(crate) fn count(lines: &[Value], message: &str) -> u64 {
    lines.iter().filter(|line| line["message"] == message).count() as u64
}
