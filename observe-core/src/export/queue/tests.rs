//! Storms, slow outputs, broken outputs.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::mpsc;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// What an output got, shared with the test.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Seen {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "the last line is torn");
        String::from_utf8(bytes.clone()).unwrap().lines().map(str::to_owned).collect()
    }

    /// Lines that are not reports, and what the reports add up to.
    fn count(&self) -> (u64, u64) {
        let (mut written, mut reported) = (0, 0);
        for line in self.lines() {
            match line.strip_prefix("lost ") {
                Some(count) => reported += count.split(' ').next().unwrap().parse::<u64>().unwrap(),
                None => written += 1,
            }
        }
        (written, reported)
    }
}

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An output made of a function.
struct Out<F>(F);

impl<F: FnMut(&[u8]) -> io::Result<usize>> Write for Out<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start(writer: impl Write + Send + 'static, lines: usize, bytes: usize) -> Queue {
    start_with(writer, lines, bytes, None)
}

fn start_with(
    writer: impl Write + Send + 'static,
    lines: usize,
    bytes: usize,
    format: Option<Format>,
) -> Queue {
    let output = Output {
        thread: "observe-log",
        what: "log lines",
        writer: Box::new(writer),
        format,
        report: Box::new(|loss, count, out| {
            out.extend_from_slice(format!("lost {count} {}\n", loss.as_str()).as_bytes());
        }),
        clock: Clock::system(),
        look: None,
    };
    Queue::start(output, QueueLimits { lines, bytes }).unwrap()
}

fn push(queue: &Queue, level: Level, text: &str) -> bool {
    let mut line = queue.buffer();
    assert!(line.is_empty());
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    queue.push(level, line)
}

/// An output that stands still until it is let go; the second channel says that it was reached.
fn gate(mut seen: Seen) -> (impl Write + Send, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (open, opened) = mpsc::channel::<()>();
    let (reach, reached) = mpsc::channel();
    let writer = Out(move |bytes: &[u8]| {
        let _ = reach.send(());
        // When the sender is gone it stays open.
        let _ = opened.recv();
        seen.write(bytes)
    });
    (writer, open, reached)
}

// Mutations caught: `settle` without `lose`; `report` that does not note what it said; `fetch_sub` left out of
// `refuse`; a worker that ends with lines in the queue; `lose` after `fetch_sub` (rarely).
#[test]
fn a_storm_is_accounted_for_exactly() {
    const EACH: u64 = 20_000;
    let seen = Seen::default();
    let mut slow = seen.clone();
    let writer = Out(move |bytes: &[u8]| {
        thread::yield_now();
        // In pieces that end anywhere.
        slow.write(&bytes[..bytes.len().min(997)])
    });
    let queue = Arc::new(start(writer, 64, 1 << 20));
    let threads: Vec<_> = (0..2)
        .map(|thread| {
            let queue = Arc::clone(&queue);
            let run =
                move || (0..EACH).filter(|n| push(&queue, Level::INFO, &format!("{thread} {n}"))).count();
            thread::spawn(run)
        })
        .collect();
    let accepted: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    queue.shutdown(PATIENCE).unwrap();
    queue.shutdown(PATIENCE).unwrap();
    let (written, reported) = seen.count();
    assert_eq!(written, accepted as u64);
    assert_eq!(written + reported, 2 * EACH);
    assert_eq!(queue.stats().written(), written);
    assert_eq!(queue.stats().dropped(Loss::QueueFull), reported);
    assert!(reported > 0, "the storm did not fill the queue");
    assert_eq!(queue.len(), 0);
}

// Mutations caught: no part kept for WARN; a limit in lines or bytes that is not looked at.
#[test]
fn the_queue_is_bounded_and_keeps_a_quarter_for_warnings() {
    for (lines, bytes, text) in [(8, 1 << 20, "x"), (1 << 10, 8 * 100, &*"x".repeat(99))] {
        let seen = Seen::default();
        let (writer, open, reached) = gate(seen.clone());
        let queue = start(writer, lines, bytes);
        // The first is being written, and counts.
        assert!(push(&queue, Level::INFO, text));
        reached.recv().unwrap();
        let taken = |level| (0..20).filter(|_| push(&queue, level, text)).count();
        assert_eq!((taken(Level::INFO), taken(Level::WARN), taken(Level::ERROR)), (5, 2, 0));
        assert_eq!(queue.len(), 8);
        drop(open);
        queue.shutdown(PATIENCE).unwrap();
        assert_eq!(seen.count(), (8, 15 + 18 + 20));
        assert_eq!(queue.stats().dropped(Loss::QueueFull), 15 + 18 + 20);
    }
}

// Mutations caught: `torn` left out (the next line is glued to the torn one); `lost` not counted; a flush that
// is Ok although the output failed.
#[test]
fn an_output_that_fails_loses_counted_lines_and_nothing_else() {
    let seen = Seen::default();
    let mut inner = seen.clone();
    let mut calls = 0;
    let writer = Out(move |bytes: &[u8]| {
        calls += 1;
        match calls % 3 {
            1 => return Err(io::ErrorKind::Interrupted.into()),
            2 => return Err(io::ErrorKind::WouldBlock.into()),
            _ => {}
        }
        let line = bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap();
        match line {
            b"line 3\n" => inner.write(b"li"),
            b"ne 3\n" => Err(io::ErrorKind::StorageFull.into()),
            b"line 6\n" => Ok(0),
            line => inner.write(line),
        }
    });
    let queue = start(writer, 100, 1 << 20);
    for index in 0..10 {
        assert!(push(&queue, Level::INFO, &format!("line {index}")));
    }
    let _ = queue.shutdown(PATIENCE);
    let lines = seen.lines();
    let whole: Vec<_> = lines.iter().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(whole, ["line 0", "line 1", "line 2", "line 4", "line 5", "line 7", "line 8", "line 9"]);
    assert_eq!(lines.iter().filter(|line| *line == "li").count(), 1);
    assert_eq!(seen.count(), (9, 2));
    assert_eq!((queue.stats().written(), queue.stats().dropped(Loss::WriteError)), (8, 2));
}

// Mutation caught: giving up (or trying for ever) when the pipe is broken.
#[test]
fn a_broken_pipe_costs_one_attempt_a_line() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let writer = Out(move |_: &[u8]| {
        counted.fetch_add(1, Ordering::Relaxed);
        Err(io::ErrorKind::BrokenPipe.into())
    });
    let queue = start(writer, 1000, 1 << 20);
    for _ in 0..500 {
        assert!(push(&queue, Level::INFO, "x"));
    }
    assert!(queue.flush(PATIENCE).unwrap_err().is_io());
    assert!(queue.shutdown(PATIENCE).unwrap_err().is_io());
    assert_eq!(queue.stats().dropped(Loss::WriteError), 500);
    assert_eq!(queue.stats().written(), 0);
    // One a line, and at most one a batch for the line that tells of it.
    assert!((500..=1002).contains(&attempts.load(Ordering::Relaxed)));
}

// Mutation caught: no `catch` around the writer (the shutdown then still ends, but nothing is written).
#[test]
fn a_panicking_output_is_survived() {
    let seen = Seen::default();
    let mut inner = seen.clone();
    let calm = AtomicBool::new(false);
    let writer = Out(move |bytes: &[u8]| {
        assert!(calm.swap(true, Ordering::Relaxed), "not today");
        inner.write(bytes)
    });
    let queue = start(writer, 100, 1 << 20);
    for _ in 0..3 {
        assert!(push(&queue, Level::INFO, "x"));
    }
    let _ = queue.shutdown(PATIENCE);
    let mut lines: Vec<_> = seen.lines().into_iter().filter(|line| !line.is_empty()).collect();
    lines.sort();
    assert_eq!(lines, ["lost 1 write_error", "x", "x"]);
    assert_eq!((queue.stats().panics(), queue.stats().dropped(Loss::WriteError)), (1, 1));
}

// Mutation caught: `format` without `catch`.
#[test]
fn a_panicking_format_shows_the_line_as_it_is() {
    let seen = Seen::default();
    let format: Format = Box::new(|line, out| {
        out.extend_from_slice(b"half ");
        assert_ne!(line, b"bad\n");
        out.extend_from_slice(line);
    });
    let queue = start_with(seen.clone(), 100, 1 << 20, Some(format));
    for text in ["good", "bad"] {
        assert!(push(&queue, Level::INFO, text));
    }
    queue.shutdown(PATIENCE).unwrap_or_default();
    assert_eq!(seen.lines(), ["half good", "bad"]);
}

// Mutation caught: waiting without a deadline.
#[test]
fn a_blocked_output_makes_shutdown_time_out_and_lose_nothing() {
    let seen = Seen::default();
    let (writer, open, reached) = gate(seen.clone());
    let queue = start(writer, 100, 1 << 20);
    assert!(push(&queue, Level::INFO, "x"));
    reached.recv().unwrap();
    assert!(queue.flush(Duration::ZERO).unwrap_err().is_timeout());
    assert!(queue.shutdown(Duration::from_millis(1)).unwrap_err().is_timeout());
    assert!(!push(&queue, Level::ERROR, "late"));
    assert_eq!(queue.stats().dropped(Loss::Shutdown), 1);
    drop(open);
    queue.shutdown(PATIENCE).unwrap();
    assert_eq!(seen.lines(), ["x", "lost 1 shutdown"]);
}

// Mutation caught: a flush that is answered before all batches are written.
#[test]
fn a_flush_sees_what_was_logged_before() {
    let seen = Seen::default();
    let (writer, open, reached) = gate(seen.clone());
    let queue = start(writer, 2000, 1 << 20);
    for _ in 0..1000 {
        assert!(push(&queue, Level::INFO, "x"));
    }
    reached.recv().unwrap();
    thread::scope(|scope| {
        let flushed = scope.spawn(|| {
            queue.flush(PATIENCE).unwrap();
            seen.lines().len()
        });
        while queue.shared.flushes_asked.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        drop(open);
        assert_eq!(flushed.join().unwrap(), 1000);
    });
}

// Mutation caught: `taken` not counted (the flush then waits for an empty queue).
#[test]
fn a_flush_ends_though_lines_keep_coming() {
    let feeding = Arc::new(Mutex::new(std::sync::Weak::<Queue>::new()));
    let fed = Arc::clone(&feeding);
    let writer = Out(move |bytes: &[u8]| {
        // For each line that goes out another comes in.
        if let Some(queue) = fed.lock().unwrap().upgrade() {
            push(&queue, Level::INFO, "x");
        }
        Ok(bytes.len())
    });
    let queue = Arc::new(start(writer, 100, 1 << 20));
    *feeding.lock().unwrap() = Arc::downgrade(&queue);
    assert!(push(&queue, Level::INFO, "x"));
    let flushed = queue.flush(PATIENCE / 10);
    *feeding.lock().unwrap() = std::sync::Weak::new();
    flushed.unwrap();
}

// Mutation caught: a push that does not look whether the worker is asleep.
#[test]
fn a_line_wakes_the_worker() {
    let (writer, open, reached) = gate(Seen::default());
    drop(open);
    let queue = start(writer, 100, 1 << 20);
    while !queue.shared.is_asleep() {
        thread::yield_now();
    }
    assert!(push(&queue, Level::INFO, "x"));
    reached.recv_timeout(worker::SLEEP / 4).unwrap();
}

// Mutation caught: a drop that does not wait.
#[test]
fn a_dropped_queue_writes_what_it_has() {
    let seen = Seen::default();
    let queue = start(seen.clone(), 1000, 1 << 20);
    for _ in 0..500 {
        assert!(push(&queue, Level::INFO, "x"));
    }
    drop(queue);
    assert_eq!(seen.lines().len(), 500);
}

// Mutations caught: buffers that are not given back; grown ones that are all kept.
#[test]
fn buffers_are_used_again_unless_they_grew() {
    let queue = start(Seen::default(), 16, 1 << 20);
    assert!(push(&queue, Level::INFO, "x"));
    queue.flush(PATIENCE).unwrap();
    assert_eq!(queue.shared.pool.len(), 1);
    assert!(push(&queue, Level::INFO, &"x".repeat(2 * BUFFER_KEPT)));
    queue.flush(PATIENCE).unwrap();
    assert_eq!(queue.shared.pool.len(), 0);
    for _ in 0..10 {
        queue.shared.recycle(Vec::with_capacity(BUFFER_KEPT));
    }
    assert_eq!(queue.shared.pool.len(), 2);
}
