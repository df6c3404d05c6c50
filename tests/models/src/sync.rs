//! What the library's `sync` has, of the model checker's kind.
//!
//! They are made as those of std are: in a constant, and for nothing until they are used. The model checker makes its own
//! while it runs only, and wants each made before others can see it. So [`explore`] makes some in each run before any
//! thread begins, and an atomic takes one of them when it is first used: as if it had been there with its first value
//! from the beginning. A model that finds too few is run again with more.

mod local;
mod queue;
pub(crate) mod thread;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Write};
use std::ops::{Deref, DerefMut};
use std::panic::{set_hook, take_hook};
use std::sync::{Arc, LockResult, Once, PoisonError, TryLockError, TryLockResult};
use std::time::Duration;

pub(crate) use local::{LocalKey, thread_local};
use loom::sync as checked;
pub(crate) use loom::sync::atomic::{Ordering, fence};
use loom::thread::{Builder, JoinHandle, ThreadId, current};
pub(crate) use queue::ArrayQueue;
pub(crate) use thread::Instant;

/// Runs `model` in every order of steps that its threads can take.
pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
    explore_up_to(None, model);
}

/// The same, of orders in which threads are interrupted so many times at most: a thread that waits, or has ended, is not
/// interrupted.
pub(crate) fn explore_up_to(preemptions: impl Into<Option<usize>>, model: impl Fn() + Send + Sync + 'static) {
    let (preemptions, model) = (preemptions.into(), Arc::new(model));
    tell_of_panics();
    STOCK.set(Stock::default());
    // What is needed is seen in a few runs, mostly.
    for permutations in [Some(2), Some(200), None] {
        loop {
            RUNS.set(0);
            let model = Arc::clone(&model);
            let mut builder = loom::model::Builder::new();
            builder.preemption_bound = builder.preemption_bound.or(preemptions);
            builder.max_branches = 10_000;
            builder.max_permutations = permutations;
            // How often it is looked whether there were so many.
            builder.checkpoint_interval = if permutations.is_some() { 1 } else { usize::MAX };
            builder.check(move || {
                RUNS.set(RUNS.get() + 1);
                ALIVE.set(true);
                STOCK.with_borrow_mut(Stock::fill);
                local::forget();
                thread::forget();
                // The first thread outlives its statics, and so must have nothing of its own to give back.
                let model = Arc::clone(&model);
                spawn(move || model()).join().expect("a panic ends the model");
            });
            if !STOCK.with_borrow_mut(Stock::enlarge) {
                break;
            }
        }
    }
    tell_runs();
}

#[allow(clippy::print_stdout, reason = "shown by a test that is asked to, with `--nocapture`")]
fn tell_runs() {
    println!("{} runs", RUNS.get());
}

/// A thread with a stack for blocks of cells.
pub(crate) fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    // In words.
    const STACK: usize = 64 * 1024;
    let spawned = Builder::new().stack_size(STACK).spawn(|| {
        let result = run();
        local::give_back();
        result
    });
    spawned.expect("the model checker starts every thread")
}

/// The first panic of a model is told at once: its threads are thrown away where they stand, and their destructors may
/// find nothing where they look, panic again and abort.
fn tell_of_panics() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        let told = take_hook();
        set_hook(Box::new(move |panic| {
            if ALIVE.replace(false) {
                let _ = writeln!(io::stderr(), "{panic}");
            }
            told(panic);
        }));
    });
}

std::thread_local! {
    /// The model checker runs all threads of a model on one.
    static STOCK: RefCell<Stock> = RefCell::default();
    static RUNS: Cell<u64> = const { Cell::new(0) };
    /// A model runs, and nothing has panicked. After that destructors find no model checker.
    static ALIVE: Cell<bool> = const { Cell::new(false) };
}

/// Of one type: by their first values how many are made, how many are missing, and those that nobody has yet.
struct Shelf<V, A>(Vec<(V, usize, usize, Vec<A>)>);

impl<V, A> Default for Shelf<V, A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: Copy + PartialEq, A> Shelf<V, A> {
    fn fill(&mut self, make: impl Fn(V) -> A) {
        for (value, count, _, left) in &mut self.0 {
            *left = (0..*count).map(|_| make(*value)).collect();
        }
    }

    fn take(&mut self, value: V) -> Option<A> {
        let at = self.0.iter().position(|(of, ..)| *of == value).unwrap_or_else(|| {
            self.0.push((value, 0, 0, Vec::new()));
            self.0.len() - 1
        });
        let (_, _, missing, left) = &mut self.0[at];
        let taken = left.pop();
        *missing += usize::from(taken.is_none());
        taken
    }

    fn enlarge(&mut self) -> bool {
        let mut is_short = false;
        for (_, count, missing, left) in &mut self.0 {
            is_short |= *missing > 0;
            *count += std::mem::take(missing);
            left.clear();
        }
        is_short
    }
}

/// Who has read an atomic. Of each the model checker remembers the last access only, and asks of a writer what would be if
/// it came before that one: of two threads that read and then write it would not see that one writes before the other
/// reads. So each reader leaves a trace of its own, and each writer crosses those of all others.
struct Readers(std::sync::Mutex<Vec<(ThreadId, Arc<checked::atomic::AtomicUsize>)>>);

impl Readers {
    const fn new() -> Self {
        Self(std::sync::Mutex::new(Vec::new()))
    }

    fn traces(&self) -> std::sync::MutexGuard<'_, Vec<(ThreadId, Arc<checked::atomic::AtomicUsize>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) {
        let own = current().id();
        let mut traces = self.traces();
        let known = traces.iter().find(|(thread, _)| *thread == own).map(|(_, trace)| Arc::clone(trace));
        let trace = known.or_else(|| {
            let trace = Arc::new(STOCK.with_borrow_mut(|stock| stock.usizes.take(0))?);
            traces.push((own, Arc::clone(&trace)));
            Some(trace)
        });
        drop(traces);
        if let Some(trace) = trace {
            trace.store(0, Ordering::Relaxed);
        }
    }

    fn written(&self) {
        let own = current().id();
        let others: Vec<_> = self.traces().iter().filter(|(thread, _)| *thread != own).cloned().collect();
        for (_, trace) in others {
            trace.store(0, Ordering::Relaxed);
        }
    }
}

/// What is sequentially consistent comes with fences: without them the model checker takes it for weaker than it is, if
/// an atomic's first value is read.
fn in_one_order<T>(order: Ordering, operation: impl FnOnce() -> T) -> T {
    let fence_too = || {
        if order == Ordering::SeqCst {
            fence(order);
        }
    };
    fence_too();
    let result = operation();
    fence_too();
    result
}

macro_rules! operations {
    ($name:ident: $($operation:ident, $kind:ident $order:ident($($argument:ident: $type:ty),+) -> $result:ty;)+) => {
        #[allow(dead_code, reason = "not of every type")]
        impl $name {
            $(pub(crate) fn $operation(&self, $($argument: $type),+) -> $result {
                match self.checked() {
                    Some(checked) => {
                        self.readers.$kind();
                        in_one_order($order, || checked.$operation($($argument),+))
                    }
                    None => self.plain.$operation($($argument),+),
                }
            })+
        }
    };
}

macro_rules! atomics {
    ($($name:ident: $value:ty = $shelf:ident;)+) => {
        #[derive(Default)]
        struct Stock {
            $($shelf: Shelf<$value, checked::atomic::$name>,)+
        }

        impl Stock {
            fn fill(&mut self) {
                $(self.$shelf.fill(checked::atomic::$name::new);)+
            }

            /// Answers whether there was too little.
            fn enlarge(&mut self) -> bool {
                // Each of them, whatever the others say.
                [$(self.$shelf.enlarge()),+].contains(&true)
            }
        }

        $(
            pub(crate) struct $name {
                /// What it is begun with, and where there is nothing that is checked.
                plain: std::sync::atomic::$name,
                checked: std::sync::OnceLock<Option<checked::atomic::$name>>,
                readers: Readers,
            }

            impl $name {
                pub(crate) const fn new(value: $value) -> Self {
                    Self {
                        plain: std::sync::atomic::$name::new(value),
                        checked: std::sync::OnceLock::new(),
                        readers: Readers::new(),
                    }
                }

                fn checked(&self) -> Option<&checked::atomic::$name> {
                    let take = || {
                        let first = self.plain.load(Ordering::Relaxed);
                        STOCK.with_borrow_mut(|stock| stock.$shelf.take(first))
                    };
                    if ALIVE.get() { self.checked.get_or_init(take).as_ref() } else { None }
                }

                #[allow(dead_code, reason = "not of every type")]
                pub(crate) fn get_mut(&mut self) -> &mut $value {
                    // The next use takes a new one, that has what was put here.
                    if let Some(mut checked) = self.checked.take().flatten().filter(|_| ALIVE.get()) {
                        *self.plain.get_mut() = checked.with_mut(|value| *value);
                    }
                    self.plain.get_mut()
                }
            }

            operations! {
                $name:
                load, read order(order: Ordering) -> $value;
                store, written order(value: $value, order: Ordering) -> ();
                swap, written order(value: $value, order: Ordering) -> $value;
                fetch_add, written order(value: $value, order: Ordering) -> $value;
                fetch_sub, written order(value: $value, order: Ordering) -> $value;
                fetch_or, written order(value: $value, order: Ordering) -> $value;
                compare_exchange, written set(from: $value, to: $value, set: Ordering, seen: Ordering) -> Result<$value, $value>;
                compare_exchange_weak, written set(from: $value, to: $value, set: Ordering, seen: Ordering) -> Result<$value, $value>;
                fetch_update, written set(set: Ordering, seen: Ordering, change: impl FnMut($value) -> Option<$value>)
                    -> Result<$value, $value>;
            }

            impl Default for $name {
                fn default() -> Self {
                    Self::new(Default::default())
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(stringify!($name))
                }
            }
        )+
    };
}

atomics! {
    AtomicU32: u32 = u32s;
    AtomicU64: u64 = u64s;
    AtomicI64: i64 = i64s;
    AtomicUsize: usize = usizes;
}

#[derive(Default)]
pub(crate) struct AtomicBool(AtomicU32);

impl AtomicBool {
    pub(crate) const fn new(value: bool) -> Self {
        Self(AtomicU32::new(value as u32))
    }

    pub(crate) fn load(&self, order: Ordering) -> bool {
        self.0.load(order) == 1
    }

    pub(crate) fn store(&self, value: bool, order: Ordering) {
        self.0.store(u32::from(value), order);
    }
}

/// A lock made in a constant.
#[derive(Default)]
pub(crate) struct Mutex<T> {
    lock: std::sync::OnceLock<checked::Mutex<()>>,
    inside: std::sync::Mutex<T>,
}

pub(crate) struct MutexGuard<'a, T> {
    // Let go of first.
    inside: std::sync::MutexGuard<'a, T>,
    lock: Lock<'a>,
    of: &'a Mutex<T>,
}

impl<'a, T> MutexGuard<'a, T> {
    /// Lets go of both, waits to be told, and has them again.
    fn again(self, told: &checked::Condvar, lock: checked::MutexGuard<'a, ()>) -> Self {
        let Self { inside, of, .. } = self;
        drop(inside);
        of.held(Some(told.wait(lock).unwrap_or_else(PoisonError::into_inner)))
            .unwrap_or_else(PoisonError::into_inner)
    }
}

struct Lock<'a>(Option<checked::MutexGuard<'a, ()>>);

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        if !ALIVE.get() {
            std::mem::forget(self.0.take());
        }
    }
}

impl<T> Mutex<T> {
    pub(crate) const fn new(inside: T) -> Self {
        Self { lock: std::sync::OnceLock::new(), inside: std::sync::Mutex::new(inside) }
    }

    fn held<'a>(&'a self, lock: Option<checked::MutexGuard<'a, ()>>) -> LockResult<MutexGuard<'a, T>> {
        let lock = Lock(lock);
        match self.inside.lock() {
            Ok(inside) => Ok(MutexGuard { inside, lock, of: self }),
            Err(poisoned) => {
                Err(PoisonError::new(MutexGuard { inside: poisoned.into_inner(), lock, of: self }))
            }
        }
    }

    fn checked(&self) -> &checked::Mutex<()> {
        self.lock.get_or_init(checked::Mutex::default)
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let lock = ALIVE.get().then(|| self.checked().lock().unwrap_or_else(PoisonError::into_inner));
        self.held(lock)
    }

    pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        match ALIVE.get().then(|| self.checked().try_lock()).transpose() {
            Ok(lock) => self.held(lock).map_err(TryLockError::Poisoned),
            Err(_) => Err(TryLockError::WouldBlock),
        }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inside
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inside
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}

/// Whoever waits is told: nobody's patience ends, unless there is none.
pub(crate) struct Condvar(checked::Condvar);

pub(crate) struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub(crate) fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(checked::Condvar::new())
    }

    pub(crate) fn notify_all(&self) {
        if ALIVE.get() {
            self.0.notify_all();
        }
    }

    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        patience: Duration,
        mut waits: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        while waits(&mut guard) {
            guard = match guard.lock.0.take() {
                Some(lock) if ALIVE.get() && !patience.is_zero() => guard.again(&self.0, lock),
                lock => {
                    guard.lock.0 = lock;
                    return Ok((guard, WaitTimeoutResult(true)));
                }
            };
        }
        Ok((guard, WaitTimeoutResult(false)))
    }
}

/// As once_cell's: whoever comes second makes its value for nothing.
struct Race<T> {
    is_set: AtomicU32,
    value: std::sync::OnceLock<T>,
}

impl<T> Race<T> {
    const fn new() -> Self {
        Self { is_set: AtomicU32::new(0), value: std::sync::OnceLock::new() }
    }

    fn get(&self) -> Option<&T> {
        if self.is_set.load(Ordering::Acquire) == 1 { self.value.get() } else { None }
    }

    fn set(&self, value: T) -> Result<(), T> {
        match self.is_set.compare_exchange(0, 1, Ordering::Release, Ordering::Acquire) {
            // The same step: threads change at what is checked only.
            Ok(_) => self.value.set(value),
            Err(_) => Err(value),
        }
    }
}

pub(crate) struct OnceBox<T>(Race<Box<T>>);

impl<T> OnceBox<T> {
    pub(crate) const fn new() -> Self {
        Self(Race::new())
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.0.get().map(|value| &**value)
    }

    pub(crate) fn set(&self, value: Box<T>) -> Result<(), Box<T>> {
        self.0.set(value)
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> Box<T>) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _ = self.set(make());
        self.0.value.get().expect("it is set, by whomever")
    }
}

impl<T> Default for OnceBox<T> {
    fn default() -> Self {
        Self::new()
    }
}

pub(crate) struct OnceRef<'a, T>(Race<&'a T>);

impl<'a, T> OnceRef<'a, T> {
    pub(crate) const fn new() -> Self {
        Self(Race::new())
    }

    pub(crate) fn get(&self) -> Option<&'a T> {
        self.0.get().copied()
    }

    pub(crate) fn set(&self, value: &'a T) -> Result<(), ()> {
        self.0.set(value).map_err(|_| ())
    }
}

/// As std's: whoever comes second waits.
pub(crate) struct OnceLock<T> {
    cell: Race<T>,
    births: Mutex<()>,
}

impl<T> OnceLock<T> {
    pub(crate) const fn new() -> Self {
        Self { cell: Race::new(), births: Mutex::new(()) }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.cell.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        if self.get().is_some() {
            return Err(value);
        }
        let _births = self.births.lock();
        self.cell.set(value)
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _births = self.births.lock();
        if self.get().is_none() {
            let _ = self.cell.set(make());
        }
        self.cell.value.get().expect("it is set, by whomever")
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceLock")
    }
}

/// Statics that are new in each run.
macro_rules! statics {
    ($($(#[$meta:meta])* static $name:ident: $type:ty = $value:expr;)+) => {
        loom::lazy_static! { $($(#[$meta])* static ref $name: $type = $value;)+ }
    };
}
pub(crate) use statics;

pub(crate) fn spin_loop() {
    loom::hint::spin_loop();
}

/// The same in each run.
pub(crate) fn seed() -> u64 {
    0x9e37_79b9_7f4a_7c15
}
