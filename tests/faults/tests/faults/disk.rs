//! A disk that is full, and has room again. Standard output into one: `outputs_of_a_process.rs` of observe-core.

use crate::processes::{Place, service};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

const COUNT: u64 = 1_000;

/// How many lines of a file are whole, and how many are not.
fn whole(path: &Path) -> (u64, u64) {
    let text = fs::read(path).unwrap();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let (whole, torn): (Vec<_>, Vec<_>) = lines
        .partition(|line| serde_json::from_slice::<Value>(line).is_ok_and(|line| line["dropped"].is_null()));
    let told = torn.iter().filter(|line| serde_json::from_slice::<Value>(line).is_ok()).count();
    (whole.len() as u64, (torn.len() - told) as u64)
}

// Mutations caught: a file that is given up when it is full; a line or a trace that is half written counted as written; half
// a snapshot that is left, and takes the room that there is.
#[test]
fn what_goes_to_files_is_written_or_counted_and_goes_on_when_there_is_room() {
    let (place, disk, kept) = (Place::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = r#"mount -t tmpfs -o size=4m none "$1" && cd "$1" || exit 77
        head -c 3900000 /dev/zero > ballast
        to=$2; shift 2
        "$@" && cp -r . "$to""#;
    let service = service("disk", &place);
    let started = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args([disk.path(), kept.path()])
        .arg(service.get_program())
        .args(service.get_args())
        .arg(COUNT.to_string())
        .env_remove("RUST_LOG")
        .env_remove("OBSERVE_LOG")
        .output();
    match started {
        Ok(output) if output.status.code() != Some(77) => assert!(output.status.success(), "{output:?}"),
        refused => {
            assert!(std::env::var_os("CI").is_none(), "no small disk can be made: {refused:?}");
            // `eprintln!` is not seen of a test that passes.
            let _ = writeln!(std::io::stderr(), "not tested: a disk that is full: {refused:?}");
            return;
        }
    }
    let report = place.report();
    let told = report.exported("snapshot", "ok") + report.exported("snapshot", "error");
    assert_eq!((report.exported("snapshot", "error"), told), (1, 2), "{report:?}");
    let snapshots: Vec<_> = fs::read_dir(kept.path().join("snapshots")).unwrap().collect();
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");

    let (written, torn) = whole(&kept.path().join("log"));
    assert!(torn <= 2 && report.dropped("write_error") > 0, "{torn} {report:?}");
    assert_eq!(report.written(), written);
    let (written, torn) = whole(&kept.path().join("traces"));
    assert!(torn <= 2 && report.lost("trace", "write_error") > 0, "{torn} {report:?}");
    assert_eq!(report.exported("trace", "ok"), written);
    assert_eq!(written + report.lost("trace", "write_error"), COUNT + 10);
}
