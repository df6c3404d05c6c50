//! `shutdown` where nobody expects it.

use observe_core::context::Context;
use observe_core::http_server::HttpRequest;
use observe_core::testing::Captured;
use observe_core::{Collect, Error, Registry, Telemetry};
use std::cell::RefCell;
use std::future::pending;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::Duration;
use tracing::info;

const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever waits so long waits for itself.
const HOUR: Duration = Duration::from_secs(3_600);

fn captured() -> Captured {
    Captured::with(|builder| builder.registry(Registry::new()))
}

fn dropped(captured: &Captured, reason: &str) -> u64 {
    captured.metric(&format!("observe_dropped_total{{signal=\"log\",reason=\"{reason}\"}}")) as u64
}

/// What all series of a family come to.
fn sum(captured: &Captured, family: &str) -> f64 {
    captured.metrics().get(family).unwrap_or(0.0)
}

fn written(captured: &Captured, message: &str) -> u64 {
    captured.lines().with("message", message).iter().count() as u64
}

// Mutations caught: a second shutdown that fails; a line that comes meanwhile and is neither written nor
// counted, or both.
#[test]
fn by_several_threads_at_once_each_line_is_written_or_counted() {
    const EACH: u64 = 3_000;
    for _ in 0..3 {
        let captured = captured();
        let together = Barrier::new(4);
        thread::scope(|scope| {
            for number in 0..4 {
                let (captured, together) = (&captured, &together);
                scope.spawn(move || {
                    together.wait();
                    captured.run(|| {
                        for n in 0..EACH {
                            if n == EACH / 2 && number % 2 == 0 {
                                captured.telemetry().shutdown(PATIENCE).unwrap();
                            }
                            info!(n, "a line");
                        }
                    });
                });
            }
        });
        captured.telemetry().shutdown(PATIENCE).unwrap();
        let lost = dropped(&captured, "shutdown") + dropped(&captured, "queue_full");
        assert_eq!(written(&captured, "a line") + lost, 4 * EACH);
        assert!(dropped(&captured, "shutdown") >= EACH, "{lost}");
    }
}

/// Writes nothing before it is opened.
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (open, opened) = &*self.0;
        drop(opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// Mutation caught: a second shutdown that does not wait for what the first waits for.
#[test]
fn by_two_threads_at_once_both_wait() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let builder = Telemetry::builder("faults").registry(Registry::new()).log_writer(Gate(Arc::clone(&gate)));
    let telemetry = builder.build().unwrap();
    telemetry.run(|| info!("a line"));
    let ended = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                telemetry.shutdown(PATIENCE).unwrap();
                ended.fetch_add(1, Ordering::SeqCst);
            });
        }
        // Time for what must not happen.
        thread::sleep(Duration::from_millis(200));
        assert_eq!(ended.load(Ordering::SeqCst), 0);
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
    });
    assert_eq!(ended.into_inner(), 2);
}

// Mutation caught: a second shutdown that closes the log while the first still tells of requests.
#[test]
fn by_two_threads_at_once_each_request_in_flight_is_told_of() {
    const REQUESTS: usize = 50;
    for _ in 0..20 {
        let captured = captured();
        let telemetry = captured.telemetry();
        let request = HttpRequest::new("GET", "/never").route("/never");
        let start = |_| telemetry.http_server().start(&request, &Context::new());
        let requests: Vec<_> = (0..REQUESTS).map(start).collect();
        let together = Barrier::new(2);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    together.wait();
                    telemetry.shutdown(PATIENCE).unwrap();
                });
            }
        });
        assert_eq!(written(&captured, "GET /never still running at shutdown"), REQUESTS as u64);
        drop(requests);
    }
}

// Mutations caught: a shutdown that waits for the request it is in; a request whose end is counted neither by its metrics nor
// among the lines that were lost.
#[test]
fn from_inside_a_request_it_is_told_of_and_counted_all_the_same() {
    let captured = captured();
    let telemetry = captured.telemetry();
    let request = || {
        let request = HttpRequest::new("GET", "/end").route("/end");
        telemetry.http_server().start(&request, &Context::new())
    };
    let (mut one, mut other) = (request(), request());
    one.within(|| telemetry.shutdown(PATIENCE)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    other.within(|| runtime.block_on(telemetry.shutdown_async(PATIENCE))).unwrap();
    one.finish();
    other.finish();
    assert_eq!(written(&captured, "GET /end still running at shutdown"), 2);
    let ended = sum(&captured, "http_server_request_duration_seconds_count");
    assert_eq!((ended, dropped(&captured, "shutdown")), (2.0, 2));
}

/// What is asked for once there is a telemetry.
type Ask = Arc<OnceLock<Box<dyn Fn() -> Result<(), Error> + Send + Sync>>>;

fn ask(ask: &Ask) -> Option<Result<(), Error>> {
    ask.get().map(|ask| ask())
}

// Mutation caught: a scrape that holds what a shutdown, or a scrape within it, waits for.
#[test]
fn from_inside_a_collector_it_ends_and_so_does_the_scrape() {
    let captured = captured();
    let (telemetry, registry) = (captured.telemetry().clone(), captured.telemetry().registry().clone());
    let (sender, said) = channel();
    registry.collector(move |out: &mut Collect<'_>| {
        telemetry.run(|| info!("asked"));
        sender.send(telemetry.shutdown(PATIENCE)).unwrap();
        out.gauge("collected", "It was.", &[], 1_u64);
    });
    assert_eq!(captured.metric("collected"), 1.0);
    said.recv().unwrap().unwrap();
    assert_eq!((written(&captured, "asked"), dropped(&captured, "shutdown")), (1, 0));
    assert_eq!((captured.metric("collected"), dropped(&captured, "shutdown")), (1.0, 2));
}

// Mutation caught: the thread that writes snapshots waits for itself, and so everybody for it.
#[test]
fn from_inside_a_collector_that_a_snapshot_asks_it_does_not_wait_for_that_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let telemetry = Telemetry::builder("test")
        .without_log()
        .registry(Registry::new())
        .snapshots(folder.path())
        .build()
        .unwrap();
    let asked = Ask::default();
    let (sender, said) = channel();
    let collecting = Arc::clone(&asked);
    telemetry.registry().collector(move |_: &mut Collect<'_>| {
        if thread::current().name() == Some("observe-recorder")
            && let Some(result) = ask(&collecting)
        {
            let _ = sender.send(result.is_err());
        }
    });
    let own = telemetry.clone();
    let _ = asked.set(Box::new(move || own.shutdown(HOUR)));
    let place = telemetry.snapshot().unwrap();
    telemetry.shutdown(PATIENCE).unwrap();
    assert!(place.join("metrics.prom").exists());
    assert!(said.recv().unwrap());
}

/// Asks for an end with the first line that it writes.
struct Ending(Ask, Sender<bool>, Arc<Mutex<Vec<u8>>>);

impl Write for Ending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(result) = ask(&self.0) {
            let _ = self.1.send(result.is_err_and(|error| error.is_timeout()));
        }
        self.2.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// Mutation caught: the thread that writes lines waits for itself.
#[test]
fn from_inside_an_output_it_does_not_wait_for_that_output() {
    let (asked, text) = (Ask::default(), Arc::default());
    let (sender, said) = channel();
    let output = Ending(Arc::clone(&asked), sender, Arc::clone(&text));
    let telemetry = Telemetry::builder("test").registry(Registry::new()).log_writer(output).build().unwrap();
    let own = telemetry.clone();
    let _ = asked.set(Box::new(move || own.shutdown(HOUR)));
    telemetry.run(|| info!("a line"));
    assert!(said.recv_timeout(PATIENCE).unwrap());
    telemetry.shutdown(PATIENCE).unwrap();
    assert_eq!(String::from_utf8(text.lock().unwrap().clone()).unwrap().matches("a line").count(), 1);
}

/// Ends the log with its thread, and says what came of it.
struct LastWords(Telemetry, Sender<Result<(), Error>>);

impl Drop for LastWords {
    fn drop(&mut self) {
        self.0.run(|| {
            let request = HttpRequest::new("GET", "/last").route("/last");
            self.0.http_server().start(&request, &Context::new()).finish();
        });
        let _ = self.1.send(self.0.shutdown(PATIENCE));
    }
}

thread_local! {
    static LAST_WORDS: RefCell<Option<LastWords>> = const { RefCell::new(None) };
}

// What a thread keeps for itself goes before or after what the library keeps for it. Mutation caught: a state of the thread
// that is asked for by `with`, which panics then.
#[test]
fn as_a_thread_ends_it_is_as_anywhere() {
    for is_first in [true, false] {
        let captured = captured();
        let (sender, said) = channel();
        let last = LastWords(captured.telemetry().clone(), sender);
        let thread = thread::spawn({
            let captured = captured.clone();
            move || {
                let mut last = Some(last);
                if is_first {
                    LAST_WORDS.set(last.take());
                }
                captured.run(|| info!("first words"));
                let _ = captured.metrics();
                if !is_first {
                    LAST_WORDS.set(last.take());
                }
            }
        });
        thread.join().unwrap();
        said.recv().unwrap().unwrap();
        let lines = ["first words", "GET /last ok"].map(|message| written(&captured, message));
        assert_eq!(lines, [1, 1], "{is_first}: {}", captured.text());
        assert_eq!(sum(&captured, "http_server_request_duration_seconds_count"), 1.0, "{is_first}");
    }
}

// Mutations caught: requests that a runtime drops and nobody counts; a log that needs the runtime it was used in.
#[test]
fn after_its_runtime_is_gone_everything_is_there() {
    let captured = captured();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let begun = Arc::new(Barrier::new(2));
    for _ in 0..100 {
        let telemetry = captured.telemetry().clone();
        runtime.spawn(async move {
            let request = HttpRequest::new("GET", "/never").route("/never");
            let _operation = telemetry.http_server().start(&request, &Context::new());
            pending::<()>().await;
        });
    }
    let (ending, waiting) = (captured.telemetry().clone(), Arc::clone(&begun));
    runtime.spawn(async move {
        waiting.wait();
        // Its runtime does not wait for it.
        let _ = ending.drain_async(HOUR).await;
    });
    begun.wait();
    while sum(&captured, "http_server_active_requests") < 100.0 {
        thread::yield_now();
    }
    runtime.shutdown_background();
    while sum(&captured, "http_server_active_requests") > 0.0 {
        thread::yield_now();
    }
    captured.telemetry().shutdown(PATIENCE).unwrap();
    assert_eq!(written(&captured, "GET /never cancelled"), 100);
    assert_eq!(sum(&captured, "http_server_request_duration_seconds_count"), 100.0);
    assert_eq!(dropped(&captured, "shutdown"), 0);
}
