//! Records that are used again: a short list for each thread, and one shared list behind it.
//!
//! An operation may start on one thread and end on another, so a thread's list alone would grow on one side
//! and starve on the other. Both lists are bounded; what fits in neither is freed.

use crossbeam_queue::ArrayQueue;
use once_cell::race::OnceBox;
use std::cell::RefCell;

/// A record in use, held by all who use it. Without weak handles: whether one is its only holder is a plain load,
/// where std's `Arc` needs an exchange each time.
pub(crate) type Shared<T> = triomphe::Arc<T>;

const LOCAL: usize = 32;
const SHARED: usize = 1024;

/// A type whose records are pooled.
pub(crate) trait Pooled: Sized + 'static {
    /// Lets go of everything that belongs to others; memory of its own may stay.
    fn retire(&mut self);
    /// The lists of this type.
    fn pool() -> &'static Pool<Self>;
}

/// The lists of one type: see [`Pooled`].
pub(crate) struct Pool<T: 'static> {
    local: &'static std::thread::LocalKey<RefCell<Vec<Shared<T>>>>,
    shared: OnceBox<ArrayQueue<Shared<T>>>,
}

impl<T: Pooled> Pool<T> {
    pub(crate) const fn new(local: &'static std::thread::LocalKey<RefCell<Vec<Shared<T>>>>) -> Self {
        Self { local, shared: OnceBox::new() }
    }

    /// A record that nobody else holds, if one is at hand.
    pub(crate) fn take(&self) -> Option<Shared<T>> {
        let local = self.local.try_with(|list| list.try_borrow_mut().ok().and_then(|mut list| list.pop()));
        local.ok().flatten().or_else(|| self.shared.get().and_then(ArrayQueue::pop))
    }

    /// Takes a record back. One that somebody else still holds is left to them.
    pub(crate) fn put(&self, mut record: Shared<T>) {
        let Some(own) = Shared::get_mut(&mut record) else { return };
        own.retire();
        let mut record = Some(record);
        let _ = self.local.try_with(|list| {
            if let Ok(mut list) = list.try_borrow_mut()
                && list.len() < LOCAL
            {
                list.extend(record.take());
            }
        });
        if let Some(record) = record {
            let shared = self.shared.get_or_init(|| Box::new(ArrayQueue::new(SHARED)));
            // Full: freed here.
            let _ = shared.push(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Record {
        retired: bool,
    }

    thread_local! {
        static LIST: RefCell<Vec<Shared<Record>>> = const { RefCell::new(Vec::new()) };
    }
    static POOL: Pool<Record> = Pool::new(&LIST);

    impl Pooled for Record {
        fn retire(&mut self) {
            self.retired = true;
        }
        fn pool() -> &'static Pool<Self> {
            &POOL
        }
    }

    #[test]
    fn only_what_nobody_holds_comes_back_and_the_lists_are_bounded() {
        let pool = Record::pool();
        let held = Shared::new(Record::default());
        pool.put(Shared::clone(&held));
        assert!(pool.take().is_none());

        for _ in 0..(LOCAL + SHARED + 100) {
            pool.put(Shared::new(Record::default()));
        }
        let mut back = Vec::new();
        while let Some(record) = pool.take() {
            assert!(record.retired);
            back.push(record);
        }
        assert_eq!(back.len(), LOCAL + SHARED);
    }

    #[test]
    fn what_one_thread_frees_another_can_use() {
        static POOL: Pool<Record> = Pool::new(&LIST);
        std::thread::spawn(|| {
            for _ in 0..(LOCAL + 1) {
                POOL.put(Shared::new(Record::default()));
            }
        })
        .join()
        .unwrap();
        assert!(POOL.take().is_some());
        assert!(POOL.take().is_none());
    }
}
