//! What is asked at each scrape: counted by guards, or read from somebody who counts already.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::registry::{Collect, Registry};

/// All of one kind in a registry.
pub(super) struct Sources<T> {
    all: Mutex<Vec<Source<T>>>,
    is_asked: AtomicBool,
}

enum Source<T> {
    /// It is there for as long as somebody has it.
    Counted(Weak<T>),
    /// Nobody has to.
    Read(Arc<T>),
}

impl<T> Source<T> {
    fn get(&self) -> Option<Arc<T>> {
        match self {
            Source::Counted(source) => source.upgrade(),
            Source::Read(source) => Some(Arc::clone(source)),
        }
    }

    fn is_there(&self) -> bool {
        match self {
            Source::Counted(source) => source.strong_count() > 0,
            Source::Read(_) => true,
        }
    }
}

impl<T: Send + Sync + 'static> Sources<T> {
    /// Takes one in; `is_read`: for good. `collect` is asked at each scrape from the first one on.
    pub(super) fn add(
        self: &Arc<Self>,
        source: &Arc<T>,
        is_read: bool,
        registry: &Registry,
        collect: fn(&[Arc<T>], &mut Collect<'_>),
    ) {
        let source =
            if is_read { Source::Read(Arc::clone(source)) } else { Source::Counted(Arc::downgrade(source)) };
        {
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(Source::is_there);
            all.push(source);
        }
        if !self.is_asked.swap(true, Ordering::Relaxed) {
            let sources = Arc::clone(self);
            registry.collector(move |out: &mut Collect<'_>| collect(&sources.now(), out));
        }
    }

    /// Those that are there. What they read is the user's code: not under the lock.
    fn now(&self) -> Vec<Arc<T>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Source::get).collect()
    }
}

impl<T> Default for Sources<T> {
    fn default() -> Self {
        Self { all: Mutex::default(), is_asked: AtomicBool::new(false) }
    }
}

impl<T> fmt::Debug for Sources<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// Says a value that a user's closure reads; `None`: it is not known now.
pub(super) struct Read<S>(Box<dyn Fn() -> Option<S> + Send + Sync>);

impl<S> Read<S> {
    pub(super) fn new<I: Into<Option<S>>>(read: impl Fn() -> I + Send + Sync + 'static) -> Self {
        Self(Box::new(move || read().into()))
    }

    /// What it says now. A panic is counted, and means that it is not known.
    pub(super) fn now(&self, out: &Collect<'_>) -> Option<S> {
        out.attempt(&self.0).flatten()
    }
}

impl<S> fmt::Debug for Read<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read").finish_non_exhaustive()
    }
}

/// The values of one gauge, by name. What one of several of a name does not know, nobody knows of them together.
pub(super) struct Together<V>(BTreeMap<&'static str, Option<V>>);

impl<V: Copy> Together<V> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn add(&mut self, name: &'static str, value: Option<V>, join: impl Fn(V, V) -> V) {
        self.0
            .entry(name)
            .and_modify(|sum| *sum = sum.zip(value).map(|(sum, value)| join(sum, value)))
            .or_insert(value);
    }

    /// Those that are known.
    pub(super) fn known(self) -> impl Iterator<Item = (&'static str, V)> {
        self.0.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}
