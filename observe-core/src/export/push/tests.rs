//! Collectors that hang, refuse, ask for a pause; pushers that panic.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3_600);
const OFTEN: Duration = Duration::from_millis(20);

/// What was pushed, and what comes of the next pushes.
#[derive(Default)]
struct Desk {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    /// When each attempt was made, and the moments that its push was of.
    attempts: Vec<(Instant, u64, u64)>,
    replies: Vec<Reply>,
    parts: usize,
}

enum Reply {
    Answer(Answer),
    Hang,
    Panic,
}

impl Desk {
    fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.seen.lock().unwrap().replies.extend(replies);
    }

    fn attempts(&self) -> Vec<(Instant, u64, u64)> {
        self.seen.lock().unwrap().attempts.clone()
    }

    fn wait_for(&self, attempts: usize) {
        let seen = self.seen.lock().unwrap();
        let waiting = |seen: &mut Seen| seen.attempts.len() < attempts;
        assert!(!self.changed.wait_timeout_while(seen, PATIENCE, waiting).unwrap().1.timed_out());
    }
}

struct Scripted(Arc<Desk>);

impl Pusher for Scripted {
    type Part = (u64, u64);

    fn target(&self) -> &'static str {
        "tests"
    }

    fn read(&self, _: &Registry, start: u64, now: u64) -> Vec<(u64, u64)> {
        let parts = self.0.seen.lock().unwrap().parts;
        vec![(start, now); parts.max(1)]
    }

    async fn send(&self, (start, now): (u64, u64)) -> Answer {
        let reply = {
            let mut seen = self.0.seen.lock().unwrap();
            seen.attempts.push((Instant::now(), start, now));
            self.0.changed.notify_all();
            if seen.replies.is_empty() { Reply::Answer(Answer::TAKEN) } else { seen.replies.remove(0) }
        };
        match reply {
            Reply::Answer(answer) => answer,
            Reply::Hang => std::future::pending().await,
            Reply::Panic => panic!("on purpose"),
        }
    }
}

fn start(interval: Duration) -> (Push, Arc<Desk>) {
    let desk = Arc::<Desk>::default();
    let making = Arc::clone(&desk);
    let make = move || Ok::<_, Error>(Scripted(Arc::clone(&making)));
    let push = Push::start("tests", Pace { interval, ..Pace::default() }, make).unwrap();
    push.tell(Hub::installed_or_detached());
    (push, desk)
}

fn later() -> Reply {
    Reply::Answer(Answer::failed("down"))
}

// Mutations caught: an interval that is not kept, or begins with a push; another start, or an older moment, each time.
#[test]
fn it_pushes_at_intervals() {
    let began = Instant::now();
    let interval = Duration::from_millis(100);
    let (push, desk) = start(interval);
    desk.wait_for(3);
    let attempts = desk.attempts();
    assert!(attempts[0].0 - began >= interval, "the first one is due after the first interval");
    assert!(attempts[2].0 - attempts[0].0 >= interval, "{attempts:?}");
    assert!(attempts.windows(2).all(|pair| pair[0].1 == pair[1].1 && pair[0].2 < pair[1].2), "{attempts:?}");
    assert!(attempts[0].1 < attempts[0].2);
    drop(push);
}

// Mutations caught: a flush that waits for the interval, or is content with a push that began before it.
#[test]
fn a_flush_pushes_at_once() {
    let (push, desk) = start(HOUR);
    push.flush(PATIENCE).unwrap();
    push.flush(PATIENCE).unwrap();
    assert_eq!(desk.attempts().len(), 2);
    assert_eq!(push.attempts(Attempt::Taken), 2);
    desk.next([Reply::Answer(Answer::Taken { rejected: 3, why: "old".to_owned() })]);
    let error = push.flush(PATIENCE).unwrap_err();
    assert!(error.is_io() && error.to_string().contains("3 values were rejected: old"), "{error}");
    assert_eq!((push.attempts(Attempt::Partial), push.rejected()), (1, 3));
    desk.next([Reply::Hang]);
    let error = push.flush(Duration::from_millis(20)).unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

// Mutations caught: the rest of a push sent to a collector that cannot take any; a push in vain that is tried again
// before the next is due, or none after it; a refusal that keeps other parts back.
#[test]
fn what_failed_goes_with_the_next_one() {
    let (push, desk) = start(OFTEN);
    desk.seen.lock().unwrap().parts = 3;
    desk.next([later(), later()]);
    desk.wait_for(5);
    push.flush(PATIENCE).unwrap();
    let moments: Vec<u64> = desk.attempts().iter().map(|attempt| attempt.2).collect();
    assert!(moments[0] < moments[1] && moments[1] < moments[2], "each is of a later moment: {moments:?}");
    assert!(moments[2] == moments[3] && moments[3] == moments[4], "{moments:?}");
    assert_eq!((push.attempts(Attempt::Again), push.attempts(Attempt::Expired)), (2, 0));
    drop(push);

    let (push, desk) = start(HOUR);
    desk.seen.lock().unwrap().parts = 3;
    desk.next([Reply::Answer(Answer::Refused("HTTP 400".to_owned()))]);
    assert!(push.flush(PATIENCE).unwrap_err().to_string().contains("HTTP 400"));
    assert_eq!((push.attempts(Attempt::Refused), push.attempts(Attempt::Taken)), (1, 2));
}

// Mutation caught: a collector that asked for a pause is asked again at the next interval.
#[test]
fn a_collector_is_left_alone_when_it_asks_for_it() {
    let (push, desk) = start(OFTEN);
    let wait = Duration::from_millis(500);
    desk.next([Reply::Answer(Answer::Later { wait: Some(wait), why: "busy".to_owned() })]);
    desk.wait_for(2);
    let attempts = desk.attempts();
    assert!(attempts[1].0 - attempts[0].0 >= wait, "{attempts:?}");
    // But not when somebody waits.
    desk.next([Reply::Answer(Answer::Later { wait: Some(HOUR), why: "busy".to_owned() })]);
    desk.wait_for(3);
    let asked = Instant::now();
    while push.attempts(Attempt::Again) < 2 {
        assert!(asked.elapsed() < PATIENCE);
        thread::yield_now();
    }
    push.flush(PATIENCE).unwrap();
}

// Mutations caught: no last push; one that waits for the one under way, or for the interval; a deadline that is not kept.
#[test]
fn the_last_push_is_made_within_its_deadline() {
    let (push, desk) = start(HOUR);
    push.shutdown(PATIENCE).unwrap();
    push.shutdown(PATIENCE).unwrap();
    assert_eq!(desk.attempts().len(), 1);

    let (push, desk) = start(OFTEN);
    desk.next([Reply::Hang]);
    desk.wait_for(1);
    push.shutdown(PATIENCE).unwrap();
    assert_eq!(desk.attempts().len(), 2, "the one under way is overtaken");

    let (push, desk) = start(HOUR);
    desk.next([Reply::Hang]);
    let began = Instant::now();
    let patience = Duration::from_millis(100);
    let error = push.shutdown(patience).unwrap_err();
    assert!(error.is_io() && error.to_string().contains("no answer in time"), "{error}");
    assert!(began.elapsed() >= patience && began.elapsed() < PATIENCE);
    assert_eq!(push.attempts(Attempt::Expired), 1);
}

// Mutation caught: one collector that hangs is the last one.
#[test]
fn a_push_ends_after_its_time() {
    let desk = Arc::<Desk>::default();
    let making = Arc::clone(&desk);
    let make = move || Ok::<_, Error>(Scripted(Arc::clone(&making)));
    let push = Push::start("tests", Pace { interval: OFTEN, timeout: OFTEN }, make).unwrap();
    push.tell(Hub::installed_or_detached());
    desk.next([Reply::Hang, Reply::Hang]);
    desk.wait_for(3);
    assert_eq!(push.attempts(Attempt::Again), 2);
}

// Mutations caught: a panic that ends the worker, or is not counted; whoever waits then waits for ever.
#[test]
fn a_panic_is_not_the_end() {
    let (push, desk) = start(HOUR);
    desk.next([Reply::Panic]);
    let error = push.flush(PATIENCE).unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    push.flush(PATIENCE).unwrap();
    assert_eq!((push.attempts(Attempt::Panicked), push.attempts(Attempt::Taken)), (1, 1));
    desk.next([Reply::Panic]);
    assert!(push.shutdown(PATIENCE).is_err());
}

// Mutation caught: a thread is left behind for good.
#[test]
fn what_is_dropped_pushes_a_last_time() {
    let (push, desk) = start(HOUR);
    drop(push);
    assert_eq!(desk.attempts().len(), 1);
    let failing = || Err::<Scripted, _>(Error::new(Kind::Invalid, "no certificate"));
    assert!(Push::start("tests", Pace::default(), failing).is_err_and(|error| error.is_invalid()));
}

#[test]
fn a_pace_is_within_what_makes_sense() {
    let pace = Pace { interval: Duration::ZERO, timeout: Duration::MAX }.clamped();
    assert_eq!((pace.interval, pace.timeout), (Duration::from_millis(10), 24 * HOUR));
    assert_eq!(Pace::default().clamped(), Pace::default());
}
