//! The queue of lines, and the thread that writes them: `export/queue.rs`, `export/queue/`.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tracing_core::Level;

use crate::clock::Clock;
use crate::shipped::export::queue::{Loss, Output, Queue, QueueLimits};
use crate::sync::{AtomicU32, Condvar, Mutex, MutexGuard, Ordering, explore_up_to, spawn, thread};

/// Nobody's ends.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells of losses.
const LOST: u8 = b'!';

/// What an output was given: of each line its first byte.
struct Seen {
    lines: Mutex<Vec<u8>>,
    changed: Condvar,
    refused: Option<u8>,
}

impl Seen {
    fn lines(&self) -> MutexGuard<'_, Vec<u8>> {
        self.lines.lock().unwrap()
    }

    /// In order of their bytes, without what tells of losses, and how many those are.
    fn told(&self) -> (Vec<u8>, u64) {
        let mut lines = self.lines().clone();
        lines.sort_unstable();
        let losses = lines.iter().filter(|line| **line == LOST).count() as u64;
        lines.retain(|line| *line != LOST);
        (lines, losses)
    }
}

/// Takes a line at a time.
struct Lines(Arc<Seen>);

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lines();
        if self.0.refused == Some(text[0]) {
            return Err(io::Error::other("refused"));
        }
        lines.push(text[0]);
        drop(lines);
        self.0.changed.notify_all();
        Ok(text.iter().position(|byte| *byte == b'\n').unwrap() + 1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start(lines: usize, refused: Option<u8>) -> (Arc<Queue>, Arc<Seen>) {
    let seen = Arc::new(Seen { lines: Mutex::default(), changed: Condvar::new(), refused });
    let output = Output {
        thread: "observe-log",
        what: "log lines",
        writer: Box::new(Lines(Arc::clone(&seen))),
        format: None,
        report: Box::new(|_, count, line| (0..count).for_each(|_| line.extend([LOST, b'\n']))),
        clock: Clock::system(),
        look: None,
    };
    (Arc::new(Queue::start(output, QueueLimits { lines, bytes: 1 << 20 }).unwrap()), seen)
}

fn push(queue: &Queue, level: Level, line: u8) -> bool {
    queue.push(level, vec![line, b'\n'])
}

/// Pushes them one after the other, and answers which of them were accepted.
fn push_all(queue: &Queue, level: Level, lines: &[u8]) -> Vec<u8> {
    lines.iter().copied().filter(|line| push(queue, level, *line)).collect()
}

/// The same on another thread.
fn producer(queue: &Arc<Queue>, level: Level, lines: &'static [u8]) -> loom::thread::JoinHandle<Vec<u8>> {
    let queue = Arc::clone(queue);
    spawn(move || push_all(&queue, level, lines))
}

fn end(queue: Arc<Queue>) {
    drop(queue);
    thread::join_all();
}

/// Two threads push to a queue of one line, of an output that refuses one of theirs, and one of them closes it: what is
/// accepted is written or counted, what is not is counted, once, and what was counted before the end is told.
/// Mutations caught: a loss that is not counted where it is refused, or counted after its place is given back; a place that
/// is never given back; written lines, or refused ones, left uncounted.
pub fn every_line_is_written_or_counted() {
    explore_up_to(2, || {
        let (queue, seen) = start(1, Some(b'a'));
        let other = producer(&queue, Level::INFO, b"a");
        let mine = push_all(&queue, Level::INFO, b"b");
        let is_well = queue.shutdown(PATIENCE).is_ok();
        let accepted = [other.join().unwrap(), mine].concat();
        assert!(!accepted.is_empty(), "the first has room");
        let refused = u64::from(accepted.contains(&b'a'));
        assert!(is_well || refused == 1);
        let ((lines, told), stats) = (seen.told(), queue.stats());
        assert_eq!(lines, accepted.iter().copied().filter(|line| *line != b'a').collect::<Vec<_>>());
        assert_eq!((stats.written(), queue.len()), (lines.len() as u64, 0));
        let [full, failed, late] = Loss::ALL.map(|loss| stats.dropped(loss));
        assert_eq!((failed, full + late), (refused, 2 - accepted.len() as u64));
        assert!(
            (full + failed..=full + failed + late).contains(&told),
            "{told} of {full}, {failed} and {late}"
        );
        end(queue);
    });
}

/// Of a queue of eight with an output that stands still, five are taken. Of two threads' lines one is accepted, as two
/// places are kept for what is urgent; and that finds them, whoever is refused meanwhile.
/// Mutations caught: a comparison off by one; no reserve, or for all; a reservation in two steps; the load given back when
/// a line is taken instead of written.
pub fn a_quarter_is_kept_for_what_is_urgent() {
    explore_up_to(2, || {
        let (queue, seen) = start(8, None);
        let still = seen.lines();
        assert_eq!(push_all(&queue, Level::INFO, b"12345").len(), 5);
        let other = producer(&queue, Level::INFO, b"67");
        let mine = push_all(&queue, Level::INFO, b"8");
        assert!(push(&queue, Level::WARN, b'9'));
        let accepted = [other.join().unwrap(), mine].concat();
        assert_eq!((accepted.len(), queue.len()), (1, 7));
        assert!(push(&queue, Level::ERROR, b'0'));
        assert!(!push(&queue, Level::ERROR, b'0'));
        assert_eq!((queue.stats().dropped(Loss::QueueFull), queue.len()), (3, 8));
        drop(still);
        queue.shutdown(PATIENCE).unwrap();
        assert_eq!(seen.told(), ([b"012345", &accepted[..], b"9"].concat(), 3));
        end(queue);
    });
}

/// A thread pushes while another closes the queue: each of its lines is written or counted, and written before that
/// returns.
/// Mutations caught: the end looked at before the place is reserved, or not at all; a worker that ends when it is closed,
/// or the queue empty, while a line is on its way; an end that does not wake.
pub fn a_line_beside_the_end_goes_one_way() {
    explore_up_to(3, || {
        let (queue, seen) = start(8, None);
        let other = producer(&queue, Level::INFO, b"ab");
        queue.shutdown(PATIENCE).unwrap();
        let (lines, _) = seen.told();
        let accepted = other.join().unwrap();
        assert_eq!((&lines, &seen.told().0), (&accepted, &accepted));
        let (stats, count) = (queue.stats(), accepted.len() as u64);
        assert_eq!((stats.written(), stats.dropped(Loss::Shutdown), queue.len()), (count, 2 - count, 0));
        assert!(!push(&queue, Level::ERROR, b'c'));
        assert_eq!((stats.dropped(Loss::Shutdown), queue.len()), (3 - count, 0));
        end(queue);
    });
}

/// A flush beside a thread that pushes: what was accepted before it is written when it returns, the lines of this thread,
/// more than are written at once, and those of the other.
/// Mutations caught: a flush that is answered without a look whether what was there was taken, or before that is written.
pub fn what_was_accepted_is_written_when_a_flush_returns() {
    explore_up_to(2, || {
        let (queue, seen) = start(8, None);
        let told = Arc::new(AtomicU32::new(0));
        let other = {
            let (queue, told) = (Arc::clone(&queue), Arc::clone(&told));
            spawn(move || {
                assert!(push(&queue, Level::INFO, b'c'));
                told.store(1, Ordering::Release);
            })
        };
        let mut long = vec![b'a'; 64 * 1024];
        long.push(b'\n');
        assert!(queue.push(Level::INFO, long) && push(&queue, Level::INFO, b'b'));
        let is_told = told.load(Ordering::Acquire) == 1;
        queue.flush(PATIENCE).unwrap();
        let (lines, _) = seen.told();
        assert!(lines.starts_with(b"ab"), "{lines:?}");
        assert!(!is_told || lines.contains(&b'c'));
        other.join().unwrap();
        end(queue);
    });
}

/// Two threads push a line each while the worker goes to sleep: it wakes, or does not sleep.
/// Mutations caught: a push that does not look whether the worker sleeps, or looks before its line is counted; both with
/// less than sequential consistency.
pub fn a_line_wakes_who_writes() {
    explore_up_to(2, || {
        let (queue, seen) = start(8, None);
        let other = producer(&queue, Level::INFO, b"a");
        assert!(push(&queue, Level::INFO, b'b'));
        // Whatever comes later would wake it for them.
        drop(seen.changed.wait_timeout_while(seen.lines(), PATIENCE, |lines| lines.len() < 2));
        assert_eq!(other.join().unwrap(), b"a");
        end(queue);
    });
}
