//! What a thread keeps for itself, until it ends.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use loom::thread::{ThreadId, current};

use super::ALIVE;

/// As std's. The model checker's own is given back after its thread was joined.
pub(crate) struct LocalKey<T: 'static> {
    init: fn() -> T,
}

/// The thread ends, and this was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

struct Local {
    thread: ThreadId,
    key: usize,
    is_dropped: bool,
    /// `None`: given back.
    value: Option<Rc<dyn Any>>,
}

std::thread_local! {
    static LOCALS: RefCell<Vec<Local>> = const { RefCell::new(Vec::new()) };
}

impl<T: 'static> LocalKey<T> {
    pub(crate) const fn new(init: fn() -> T) -> Self {
        Self { init }
    }

    pub(crate) fn try_with<R>(&'static self, with: impl FnOnce(&T) -> R) -> Result<R, Gone> {
        if !ALIVE.get() {
            return Err(Gone);
        }
        let (thread, key) = (current().id(), std::ptr::from_ref(self).addr());
        let found = LOCALS.with_borrow(|locals| {
            let mut own = locals.iter().filter(|local| local.thread == thread && local.key == key);
            own.next().map(|local| local.value.clone().ok_or(Gone))
        });
        let value = found.transpose()?.unwrap_or_else(|| {
            let value: Rc<dyn Any> = Rc::new((self.init)());
            let (is_dropped, value_too) = (std::mem::needs_drop::<T>(), Some(Rc::clone(&value)));
            LOCALS.with_borrow_mut(|locals| locals.push(Local { thread, key, is_dropped, value: value_too }));
            value
        });
        Ok(with(value.downcast_ref().expect("of its key's type")))
    }
}

/// Nothing is left of a run that came to nothing.
pub(super) fn forget() {
    LOCALS.with_borrow_mut(Vec::clear);
}

/// Gives back what this thread has, the last first.
pub(super) fn give_back() {
    let thread = current().id();
    let last = || {
        LOCALS.with_borrow_mut(|locals| {
            let mut own = locals.iter_mut().rev();
            own.find_map(
                |local| if local.thread == thread && local.is_dropped { local.value.take() } else { None },
            )
        })
    };
    while let Some(value) = last() {
        drop(value);
    }
}

/// Declares them.
macro_rules! own_by_thread {
    ($($(#[$meta:meta])* static $name:ident: $type:ty = const $value:block;)+) => {
        $($(#[$meta])* static $name: $crate::sync::LocalKey<$type> = $crate::sync::LocalKey::new(|| $value);)+
    };
}
pub(crate) use own_by_thread as thread_local;
