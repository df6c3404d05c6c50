//! Threads that the library starts, and their time.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use loom::sync as checked;
pub(crate) use loom::thread::yield_now;
use loom::thread::{JoinHandle as Checked, ThreadId};

use super::{ALIVE, PoisonError};

std::thread_local! {
    static STARTED: RefCell<Vec<Checked<()>>> = const { RefCell::new(Vec::new()) };
    static TOKENS: RefCell<Vec<Thread>> = const { RefCell::new(Vec::new()) };
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// One that waits for so long waits to be woken.
const LONG: Duration = Duration::from_secs(1);

pub(crate) struct Builder;

pub(crate) struct JoinHandle(Thread);

/// As std's, to be woken once: the model checker's own takes part in no order of steps.
#[derive(Clone)]
pub(crate) struct Thread {
    id: ThreadId,
    token: Option<Arc<Token>>,
}

#[derive(Default)]
struct Token {
    is_there: checked::Mutex<bool>,
    came: checked::Condvar,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self
    }

    #[allow(clippy::needless_pass_by_value, reason = "as std's")]
    pub(crate) fn name(self, _: String) -> Self {
        self
    }

    #[allow(clippy::unnecessary_wraps, reason = "as std's")]
    pub(crate) fn spawn(self, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle> {
        let token = Arc::new(Token::default());
        let own = Arc::clone(&token);
        let started = super::spawn(move || {
            let thread = Thread { id: loom::thread::current().id(), token: Some(own) };
            TOKENS.with_borrow_mut(|tokens| tokens.push(thread));
            run();
        });
        let id = started.thread().id();
        STARTED.with_borrow_mut(|threads| threads.push(started));
        Ok(JoinHandle(Thread { id, token: Some(token) }))
    }
}

impl JoinHandle {
    pub(crate) fn thread(&self) -> &Thread {
        &self.0
    }
}

impl Thread {
    pub(crate) fn id(&self) -> ThreadId {
        self.id
    }

    pub(crate) fn unpark(&self) {
        if let Some(token) = self.token.as_ref().filter(|_| ALIVE.get()) {
            *token.is_there.lock().unwrap_or_else(PoisonError::into_inner) = true;
            token.came.notify_one();
        }
    }
}

pub(crate) fn current() -> Thread {
    let id = loom::thread::current().id();
    let known = TOKENS.with_borrow(|tokens| tokens.iter().find(|thread| thread.id == id).cloned());
    known.unwrap_or(Thread { id, token: None })
}

/// Others may do what is waited for. A thread of the library's that waits for long does so until it is woken: what nobody
/// wakes it for is never done. A short wait ends when no other thread can go on.
pub(crate) fn park_timeout(patience: Duration) {
    let token = current().token;
    if let Some(token) = token {
        let mut is_there = token.is_there.lock().unwrap_or_else(PoisonError::into_inner);
        while patience >= LONG && !*is_there {
            is_there = token.came.wait(is_there).unwrap_or_else(PoisonError::into_inner);
        }
        if std::mem::take(&mut *is_there) {
            return;
        }
    }
    sleep(patience);
}

pub(crate) fn sleep(_: Duration) {
    assert!(ALIVE.get(), "a panic ends the model");
    NOW.set(NOW.get() + LONG);
    yield_now();
}

/// Time goes on while a thread waits, and always by a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(NOW.get())
    }

    pub(crate) fn duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Nothing is left of a run that came to nothing.
pub(super) fn forget() {
    TOKENS.with_borrow_mut(Vec::clear);
    NOW.set(Duration::ZERO);
}

/// Waits for all of them.
pub(crate) fn join_all() {
    for thread in STARTED.take() {
        thread.join().expect("a panic ends the model");
    }
}
