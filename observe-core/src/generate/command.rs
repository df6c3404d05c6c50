//! The command `generate DIR [--check]`, for any service's `main`.

use crate::error::{Error, Kind};
use crate::telemetry::Telemetry;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;

/// The command's name.
const COMMAND: &str = "generate";

const USAGE: &str = "usage: generate DIR [--check]: writes rules, dashboards and documents into DIR; with --check, says \
                     whether they are there";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Help,
    Write(PathBuf),
    Check(PathBuf),
}

/// Gives a service the command `generate DIR [--check]`: where the command line asks for it, it is done, what became of
/// each file is said on standard error, and what its metrics cost ([`Telemetry::audit`]), and the answer is `true`: then
/// there is nothing to serve.
///
/// It belongs behind what declares metrics, pools and queues, and before what listens. With `--check` nothing is written;
/// it is an error if the files are not those that would be. Who reads the command line by other means has [`run`].
///
/// ```
/// use observe_core::{Telemetry, generate};
///
/// fn main() -> Result<(), observe_core::Error> {
///     let telemetry = Telemetry::builder("checkout").build()?;
///     if generate::from_args(&telemetry)? {
///         return Ok(());
///     }
///     // … and here it serves.
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// If the command is not written so ([`Error::is_invalid`]), or as [`write`](super::write) and [`check`](super::check)
/// say.
pub fn from_args(telemetry: &Telemetry) -> Result<bool, Error> {
    let mut args = std::env::args_os().skip(1);
    let is_asked = args.next().is_some_and(|first| first == COMMAND);
    if is_asked {
        run(telemetry, args)?;
    }
    Ok(is_asked)
}

/// The same for a service that reads its command line itself: the arguments are those behind `generate`.
///
/// # Errors
///
/// As [`from_args`].
pub fn run(telemetry: &Telemetry, args: impl IntoIterator<Item = impl Into<OsString>>) -> Result<(), Error> {
    let asked = asked(args.into_iter().map(Into::into));
    match asked.map_err(|fault| Error::new(Kind::Invalid, format!("{fault} ({USAGE})")))? {
        Asked::Help => say(USAGE),
        Asked::Write(folder) => {
            let report = super::write(telemetry, folder)?;
            say(&format!("{report}\n\n{}", telemetry.audit()));
        }
        Asked::Check(folder) => {
            super::check(telemetry, &folder)?;
            say(&format!("{}: as it should be", folder.display()));
        }
    }
    Ok(())
}

/// What the arguments behind the command's name ask for, or what is wrong with them.
fn asked(args: impl Iterator<Item = OsString>) -> Result<Asked, String> {
    let (mut folder, mut checks, mut options) = (None, false, true);
    for arg in args {
        match arg.to_str() {
            Some("--") if options => options = false,
            Some("--check") if options => checks = true,
            Some("-h" | "--help") if options => return Ok(Asked::Help),
            Some(option) if options && option.starts_with('-') => {
                return Err(format!("`{COMMAND}` has no option `{option}`"));
            }
            Some("") => return Err(format!("`{COMMAND}`: the folder's name is empty")),
            _ if folder.is_some() => {
                let more = arg.to_string_lossy();
                return Err(format!("`{COMMAND}` takes one folder: `{more}` is one more"));
            }
            _ => folder = Some(PathBuf::from(arg)),
        }
    }
    let folder = folder.ok_or_else(|| format!("`{COMMAND}`: which folder?"))?;
    Ok(if checks { Asked::Check(folder) } else { Asked::Write(folder) })
}

/// On standard error: standard output is the log's. Nobody has to read it.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_by(args: &[&str]) -> Result<Asked, String> {
        asked(args.iter().map(OsString::from))
    }

    #[test]
    fn the_command_is_taken() {
        let folder = || PathBuf::from("deploy");
        assert_eq!(asked_by(&["deploy"]), Ok(Asked::Write(folder())));
        assert_eq!(asked_by(&["deploy", "--check"]), Ok(Asked::Check(folder())));
        assert_eq!(asked_by(&["--check", "--", "--help"]), Ok(Asked::Check("--help".into())));
        assert_eq!(asked_by(&["--help"]), Ok(Asked::Help));
    }

    // Mutation caught: a folder more that wins, an option that is taken for a folder.
    #[test]
    fn what_is_written_otherwise_is_refused_by_name() {
        for (args, named) in [
            (&[][..], "which folder"),
            (&["--chek", "deploy"], "`--chek`"),
            (&["a", "b"], "`b` is one more"),
            (&[""], "empty"),
        ] {
            let fault = asked_by(args).unwrap_err();
            assert!(fault.contains(named), "{fault}");
        }
    }
}
