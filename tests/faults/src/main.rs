//! The processes that faults befall. What each has to tell it leaves in a file, its outputs being what is looked at:
//! `faults MODE REPORT [COUNT]`.

use axum::{Router, extract::Path as Segment, routing::get};
use observe_core::{Format, Sampling, Telemetry};
use observe_tower::ObserveLayer;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::cell::RefCell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

type Failure = Box<dyn std::error::Error>;

const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, report, rest @ ..] = arguments.as_slice() else {
        return Err("faults MODE REPORT [COUNT]".into());
    };
    let report = Path::new(report);
    let count: u64 = rest.first().map_or(Ok(0), |count| count.parse())?;
    match mode.as_str() {
        "stdout" => write(&Telemetry::builder("faults").install()?, count, report),
        "stderr" => write(&Telemetry::builder("faults").log_stderr().install()?, count, report),
        "close" => close(count, report),
        "exhaust" => exhaust(count, report),
        "hurried" => hurried(count, report),
        "abort" => abort(count),
        "exit" => exit(count),
        "disk" => disk(count, report),
        "thread" => thread(count, report),
        "serve" => serve(report),
        other => Err(format!("no such mode: {other}").into()),
    }
}

/// Leaves the last page, and what the end of the log came to.
fn leave(
    telemetry: &Telemetry,
    ended: Result<(), observe_core::Error>,
    report: &Path,
) -> Result<(), Failure> {
    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    let ended = match ended {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    };
    page.extend_from_slice(format!("# shutdown: {ended}\n").as_bytes());
    Ok(fs::write(report, page)?)
}

fn say(count: u64) {
    (0..count).for_each(|n| info!(n, "a line"));
}

fn write(telemetry: &Telemetry, count: u64, report: &Path) -> Result<(), Failure> {
    say(count);
    leave(telemetry, telemetry.shutdown(PATIENCE), report)
}

/// Half of it before standard output is closed, half after.
fn close(count: u64, report: &Path) -> Result<(), Failure> {
    let telemetry = Telemetry::builder("faults").install()?;
    say(count / 2);
    telemetry.flush(PATIENCE)?;
    // Before, so that no file takes its number.
    let place = File::create(report)?;
    #[allow(unsafe_code, reason = "what a process does to itself that closes a descriptor it does not own")]
    // SAFETY: nothing else of this program takes the number 1 until it ends.
    drop(unsafe { <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(1) });
    say(count - count / 2);
    let ended = telemetry.shutdown(PATIENCE);
    drop(place);
    leave(&telemetry, ended, report)
}

/// Logs while there is no descriptor left.
fn exhaust(count: u64, report: &Path) -> Result<(), Failure> {
    let telemetry = Telemetry::builder("faults").install()?;
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: Some(64) })?;
    let taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    say(count);
    let ended = telemetry.shutdown(PATIENCE);
    let is_exhausted = File::open("/dev/null").is_err();
    drop(taken);
    assert!(is_exhausted, "there were descriptors left");
    leave(&telemetry, ended, report)
}

/// Does not wait for an output that stands still.
fn hurried(count: u64, report: &Path) -> Result<(), Failure> {
    let telemetry = Telemetry::builder("faults").install()?;
    say(count);
    leave(&telemetry, telemetry.shutdown(Duration::from_millis(100)), report)
}

/// All but the last lines are waited for.
fn abort(count: u64) -> Result<(), Failure> {
    let telemetry = Telemetry::builder("faults").install()?;
    say(count);
    telemetry.flush(PATIENCE)?;
    say(10);
    std::process::abort()
}

/// Writes all that goes to files into the folder where it is started, which is full soon; makes room; and writes again.
fn disk(count: u64, report: &Path) -> Result<(), Failure> {
    let telemetry = Telemetry::builder("faults")
        .sampling(Sampling::always())
        .log_file("log")
        .traces_to_file("traces")
        .snapshots("snapshots")
        .install()?;
    let work = |count| {
        (0..count).for_each(|_| telemetry.operation("work").start().run(|| info!("a line")));
        telemetry.flush(PATIENCE)
    };
    let is_full = work(count).is_err() && telemetry.snapshot().is_ok() && telemetry.flush(PATIENCE).is_err();
    fs::remove_file("ballast")?;
    let is_as_before = work(10).is_ok() && telemetry.snapshot().is_ok();
    assert!(is_full && is_as_before, "{is_full} {is_as_before}");
    leave(&telemetry, telemetry.shutdown(PATIENCE), report)
}

/// Never asks for an end.
fn exit(count: u64) -> Result<(), Failure> {
    let telemetry = Telemetry::builder("faults").install()?;
    say(count);
    telemetry.flush(PATIENCE)?;
    std::process::exit(3)
}

/// Logs, and asks for the end, when what its thread keeps for itself is dropped.
struct LastWords(Telemetry, u64, PathBuf);

impl Drop for LastWords {
    fn drop(&mut self) {
        let LastWords(telemetry, count, report) = self;
        say(*count);
        let ended = telemetry.shutdown(PATIENCE);
        leave(telemetry, ended, report).unwrap_or_default();
    }
}

thread_local! {
    static LAST_WORDS: RefCell<Option<LastWords>> = const { RefCell::new(None) };
}

fn thread(count: u64, report: &Path) -> Result<(), Failure> {
    let telemetry = Telemetry::builder("faults").install()?;
    let last = LastWords(telemetry, count, report.to_owned());
    // Before the thread has anything of the library's or of `tracing`'s: it is dropped after that.
    let thread = std::thread::spawn(move || {
        LAST_WORDS.set(Some(last));
        say(count);
    });
    thread.join().map_err(|_| "the thread panicked".into())
}

/// The README's program, with the last page left in a file: there is nobody to scrape it.
#[tokio::main]
async fn serve(report: &Path) -> Result<(), Failure> {
    let telemetry = Telemetry::builder("faults").install()?;
    let app = Router::new()
        .route("/hello/{name}", get(hello))
        .route(
            "/end",
            get({
                let telemetry = telemetry.clone();
                move || async move {
                    telemetry
                        .shutdown_async(PATIENCE)
                        .await
                        .map_or_else(|error| error.to_string(), |()| "ended".to_owned())
                }
            }),
        )
        .layer(ObserveLayer::new(&telemetry));
    let mut terminated = signal(SignalKind::terminate())?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    fs::write(report, format!("{}\n", listener.local_addr()?))?;
    let asked_to_end = async move {
        terminated.recv().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(asked_to_end).await?;
    leave(&telemetry, telemetry.shutdown_async(Duration::from_secs(5)).await, report)
}

async fn hello(Segment(name): Segment<String>) -> String {
    tokio::time::sleep(Duration::from_millis(20)).await;
    info!(name, "greeting");
    format!("Hello, {name}!\n")
}
