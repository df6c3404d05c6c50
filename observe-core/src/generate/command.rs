//! The command `generate DIR [--check]`, for any service's `main`.

use crate::error::{Error, Kind};
use crate::telemetry::Telemetry;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;

/// The command's name.
const COMMAND: &str = "generate";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Something else.
    Nothing,
    Help,
    Write(PathBuf),
    Check(PathBuf),
}

/// Gives a service the command `generate DIR [--check]`: where the command line asks for it, it is done, what became of
/// each file is said on standard error, and the answer is `true`: then there is nothing to serve.
///
/// It belongs behind what declares metrics, pools and queues, and before what listens. With `--check` nothing is written;
/// it is an error if the files are not those that would be.
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
    let mut args = std::env::args_os();
    let program = args.next().map(PathBuf::from).unwrap_or_default();
    let program = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match asked(args).map_err(|fault| Error::new(Kind::Invalid, format!("{fault} ({})", usage(&program))))? {
        Asked::Nothing => return Ok(false),
        Asked::Help => say(&usage(&program)),
        Asked::Write(folder) => say(&super::write(telemetry, folder)?.to_string()),
        Asked::Check(folder) => {
            super::check(telemetry, &folder)?;
            say(&format!("{}: as it should be", folder.display()));
        }
    }
    Ok(true)
}

fn usage(program: &str) -> String {
    format!(
        "usage: {program} {COMMAND} DIR [--check]: writes rules, dashboards and documents into DIR; with --check, says \
         whether they are there"
    )
}

/// Or what is wrong with it.
fn asked(mut args: impl Iterator<Item = OsString>) -> Result<Asked, String> {
    if args.next().is_none_or(|first| first != COMMAND) {
        return Ok(Asked::Nothing);
    }
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
    fn the_command_is_taken_and_others_are_left_alone() {
        let folder = || PathBuf::from("deploy");
        assert_eq!(asked_by(&["generate", "deploy"]), Ok(Asked::Write(folder())));
        assert_eq!(asked_by(&["generate", "deploy", "--check"]), Ok(Asked::Check(folder())));
        assert_eq!(asked_by(&["generate", "--check", "--", "--help"]), Ok(Asked::Check("--help".into())));
        assert_eq!(asked_by(&["generate", "--help"]), Ok(Asked::Help));
        for other in [&[][..], &["--listen", "generate"], &["serve"]] {
            assert_eq!(asked_by(other), Ok(Asked::Nothing));
        }
    }

    // Mutation caught: a folder more that wins, an option that is taken for a folder.
    #[test]
    fn what_is_written_otherwise_is_refused_by_name() {
        for (args, named) in [
            (&["generate"][..], "which folder"),
            (&["generate", "--chek", "deploy"], "`--chek`"),
            (&["generate", "a", "b"], "`b` is one more"),
            (&["generate", ""], "empty"),
        ] {
            let fault = asked_by(args).unwrap_err();
            assert!(fault.contains(named), "{fault}");
        }
    }
}
