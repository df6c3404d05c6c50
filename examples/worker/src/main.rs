//! How is a worker observed that answers no HTTP: who reads its metrics, and whose traces are its lines in?
//!
//! It works off the messages of its standard input, as a queue would hand them over, and ends with it. Its metrics go to
//! a file, for the textfile collector of Prometheus' node_exporter: nobody would scrape in time what lives for a second.
//!
//! ```sh
//! echo '{"order":17,"headers":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}' |
//!     cargo run -p worker -- worker.prom
//! ```

use observe_core::metric::{Family, Gauge};
use observe_core::{Format, Kind, Queue, Telemetry, Ticket, Usage, metric, observed};
use serde::Deserialize;
use std::collections::HashMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs, io, thread};

const THREADS: u32 = 2;
const WAITING: u32 = 16;
const EVERY: Duration = Duration::from_secs(15);

// The one to alert on, as `time() - …`: who is killed, or was not started at all, counts no errors.
#[metric]
static LAST_RUN: Family<(), Gauge> = Family::gauge(
    "receipts_last_run_timestamp_seconds",
    "When all messages that there were had been worked off.",
);

#[derive(Deserialize)]
struct Message {
    order: u32,
    #[serde(default)]
    headers: HashMap<String, String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let page = env::args_os().nth(1).map_or_else(|| "worker.prom".into(), PathBuf::from);
    let telemetry = Telemetry::builder("worker").install()?;
    let queue = Queue::new(telemetry.registry(), "messages", WAITING.into())?;
    let threads = Usage::new(telemetry.registry(), "worker_threads", THREADS.into())?;

    let (sender, messages) = mpsc::sync_channel(WAITING as usize);
    let messages = Mutex::new(messages);
    let (work, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let work = work.clone();
            let (telemetry, threads, messages) = (&telemetry, &threads, &messages);
            scope.spawn(move || {
                while let Some((message, ticket)) = next(messages) {
                    ticket.dequeued();
                    let _busy = threads.hold();
                    receive(telemetry, &message);
                }
                drop(work);
            });
        }
        drop(work);
        let (telemetry, page) = (&telemetry, &page);
        scope.spawn(move || {
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                write(telemetry, page).unwrap_or_else(|error| tracing::warn!(%error, "no metrics"));
            }
        });
        for line in io::stdin().lines().map_while(Result::ok) {
            match serde_json::from_str::<Message>(&line) {
                Ok(message) => {
                    let _ = sender.send((message, queue.enqueued()));
                }
                Err(error) => tracing::warn!(%error, "not a message"),
            }
        }
        drop(sender);
    });

    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    LAST_RUN.with(()).set(i64::try_from(now)?);
    write(&telemetry, &page)?;
    telemetry.shutdown(Duration::from_secs(5))?;
    Ok(())
}

fn next(messages: &Mutex<Receiver<(Message, Ticket)>>) -> Option<(Message, Ticket)> {
    messages.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn receive(telemetry: &Telemetry, message: &Message) {
    let sender = telemetry.extract(&message.headers);
    let operation = telemetry.operation("receive message").kind(Kind::Consumer).parent(&sender).start();
    let done = AssertUnwindSafe(|| operation.run_result(|| write_receipt(message.order)));
    // One message that panics does not take the others along. It is counted and told by now, as one that failed is.
    let _ = catch_unwind(done);
}

#[observed(fields(order.id = order))]
fn write_receipt(order: u32) -> Result<(), String> {
    match order {
        0 => Err("there is no order 0".to_owned()),
        13 => panic!("nobody thought of order 13"),
        _ => {
            thread::sleep(Duration::from_millis(2));
            tracing::info!("receipt written");
            Ok(())
        }
    }
}

/// Who reads meanwhile sees the page before or the page after, never half of one.
fn write(telemetry: &Telemetry, page: &Path) -> io::Result<()> {
    let mut text = Vec::new();
    telemetry.registry().encode(Format::Text, &mut text);
    let beside = page.with_extension("prom.new");
    fs::write(&beside, text)?;
    fs::rename(&beside, page)
}
