//! Alert rules and their tests, dashboards, documents and the configuration of a collector, made of what a service
//! declares.
//!
//! The same declarations give the same bytes, so that a repository can keep the files and a test can say whether they
//! are up to date: [`check`]. Files that are only begun here and are then somebody's own work are never overwritten:
//! `runbooks/NAME.md`, and `targets/*.yaml`, which say where instances and Alertmanagers are.

mod alert;
mod alertmanager;
mod collector;
mod command;
mod dashboard;
mod datasources;
mod declared;
mod document;
mod folder;
mod prometheus;
mod promql;
mod rules;
mod rules_test;
mod runbook;
mod template;
mod words;
mod yaml;

pub use command::{from_args, run};
pub use folder::Report;

use crate::error::{Error, Kind};
use crate::telemetry::Telemetry;
use declared::Declared;
use std::path::Path;

/// The folder of runbooks.
const RUNBOOKS: &str = "runbooks";

/// The folder of the files that say where things are.
const TARGETS: &str = "targets";

/// Writes every file into a folder, which is made if it is not there. Each is written whole or not at all, and only if it
/// would change. What is only begun and is there, a runbook, stays as it is. Nothing is deleted: what is no longer made is
/// in the report.
///
/// ```
/// use observe_core::slo::Slo;
/// use observe_core::{Telemetry, generate};
///
/// # let folder = tempfile::tempdir().map_err(|_| ()).unwrap();
/// # let folder = folder.path();
/// let telemetry = Telemetry::builder("checkout").slo(Slo::availability("charge", 99.9)).build()?;
/// println!("{}", generate::write(&telemetry, folder)?);
/// generate::check(&telemetry, folder)?;
/// # Ok::<(), observe_core::Error>(())
/// ```
///
/// # Errors
///
/// If something cannot be read or written ([`Error::is_io`]).
pub fn write(telemetry: &Telemetry, folder: impl AsRef<Path>) -> Result<Report, Error> {
    let files = files(&Declared::of(telemetry));
    let report = Report::of(folder.as_ref(), &files)?;
    report.write(&files)?;
    Ok(report)
}

/// Whether the folder has what [`write()`] would write: for a repository that keeps the files, in a test. Changes nothing. What
/// a runbook says by now does not matter, but it has to be there.
///
/// # Errors
///
/// If a file is missing, is other than it would be, or is no longer made: which, in one text ([`Error::is_invalid`]). If
/// something cannot be read ([`Error::is_io`]).
pub fn check(telemetry: &Telemetry, folder: impl AsRef<Path>) -> Result<(), Error> {
    let folder = folder.as_ref();
    let report = Report::of(folder, &files(&Declared::of(telemetry)))?;
    report.faults().map_or(Ok(()), |faults| {
        let folder = folder.display();
        let text =
            format!("`{folder}` is not what the declarations make: {faults}; `generate {folder}` writes it");
        Err(Error::new(Kind::Invalid, text))
    })
}

/// A generated file: where it goes, below the folder, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    /// Divided by `/`.
    path: String,
    text: String,
}

impl File {
    /// Whether it is only begun here and is then somebody's own work, which is not overwritten.
    fn is_begun(&self) -> bool {
        matches!(self.path.split_once('/'), Some((RUNBOOKS | TARGETS, _)))
    }
}

/// Every file. The same declarations give the same bytes.
fn files(declared: &Declared) -> Vec<File> {
    let mut files = vec![
        alertmanager::file(declared),
        document::file(declared),
        datasources::file(declared),
        rules::file(declared),
    ];
    files.extend(collector::files(declared));
    files.extend(dashboard::files(declared));
    files.extend(prometheus::files(declared));
    files.extend(rules_test::files(declared));
    files.extend(runbook::files(declared));
    files
}
