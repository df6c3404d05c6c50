//! `#[observed]` on every form of function: that it still is the function it was, and that each call is told
//! once, with its outcome.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic, unused_qualifications)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(feature = "macros")]

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use observe_core::{Format, Registry, observed};
use std::fmt::Debug;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// How many calls ended as ok, error, cancelled and panicked; `None` before the series are there.
fn calls(function: &str) -> Option<[u64; 4]> {
    let mut out = Vec::new();
    Registry::with_statics().encode(Format::Text, &mut out);
    let text = String::from_utf8(out).unwrap();
    let mut counts = Some([0; 4]);
    for (at, outcome) in ["ok", "error", "cancelled", "panicked"].into_iter().enumerate() {
        let series = format!("_count{{function=\"observed::{function}\",outcome=\"{outcome}\"}} ");
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix("function_duration_seconds")?.strip_prefix(&series));
        counts = counts.zip(found).map(|(mut counts, found)| {
            counts[at] = found.parse().unwrap();
            counts
        });
    }
    counts
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn panics(f: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
}

mod plain {
    use super::*;

    type Alias<T> = Result<T, Opaque>;
    /// Neither `Debug` nor `Display`.
    struct Opaque;

    #[observed]
    fn unit() {}

    #[observed]
    fn aliased(fails: bool) -> Alias<u8> {
        if fails {
            return Err(Opaque);
        }
        Ok(1)
    }

    #[observed]
    fn question(fails: bool) -> Alias<u8> {
        let value = aliased(fails)?;
        Ok(value + 1)
    }

    #[observed]
    fn generic<T>(value: T) -> T {
        value
    }

    #[observed]
    fn option(value: Option<u8>) -> Option<u8> {
        Some(value? + 1)
    }

    #[observed]
    fn borrowed<'a>(texts: &'a mut Vec<String>, add: &str) -> &'a mut String {
        texts.push(add.to_owned());
        texts.last_mut().unwrap()
    }

    #[observed]
    fn opaque<'a>(values: &'a [u8], add: impl Fn(u8) -> u8 + 'a) -> impl Iterator<Item = u8> + 'a {
        values.iter().map(move |value| add(*value))
    }

    #[observed]
    fn opaque_result(fails: bool) -> Result<impl Debug, impl Debug> {
        if fails { Err("no") } else { Ok(1) }
    }

    #[observed]
    fn boxed(fails: bool) -> Result<Box<dyn Debug>, Box<dyn std::error::Error + Send + Sync>> {
        if fails { Err("no".into()) } else { Ok(Box::new(1)) }
    }

    #[observed]
    fn never() -> ! {
        panic!("never returns")
    }

    #[observed]
    fn diverges(_unused: u8) -> u8 {
        panic!("does not return either")
    }

    #[observed]
    extern "C" fn foreign(a: i32) -> i32 {
        a + 1
    }

    #[observed]
    fn recursive(n: u32) -> u32 {
        if n == 0 { 0 } else { 1 + recursive(n - 1) }
    }

    #[observed]
    fn patterns((a, mut b): (u8, u8), [c, ..]: [u8; 3], mut d: u8) -> u8 {
        b += a;
        d += b;
        c + d
    }

    #[observed]
    fn inner_attributes(first: u8) -> u8 {
        #![allow(clippy::needless_return)]
        return first;
    }

    #[observed]
    fn constant<const N: usize>(values: [u8; N]) -> usize
    where
        [u8; N]: Sized,
    {
        values.len()
    }

    pub(super) struct Store {
        pub(super) items: Vec<u8>,
    }

    impl Store {
        #[observed]
        pub(super) fn method(&mut self, item: u8) -> &u8 {
            self.items.push(item);
            self.items.last().unwrap()
        }

        #[observed]
        pub(super) fn consume(mut self) -> Self {
            self.items.clear();
            self
        }

        #[observed]
        pub(super) fn associated() -> Self {
            Self { items: Vec::new() }
        }
    }

    trait Greets {
        fn greet(&self) -> String;

        #[observed]
        fn greet_by_default(&self) -> String {
            self.greet() + "!"
        }
    }

    impl Greets for str {
        #[observed]
        fn greet(&self) -> String {
            format!("hello {self}")
        }
    }

    macro_rules! make {
        ($name:ident, $argument:ident => $body:expr) => {
            #[observed]
            fn $name($argument: u8) -> Result<u8, ()> {
                $body
            }
        };
    }
    make!(made_by_a_macro, x => if x > 0 { Ok(x) } else { Err(()) });

    // Catches: `return` and `?` that leave the function itself; `verdict` on the wrong tier.
    #[test]
    fn a_result_is_one_behind_any_alias() {
        unit();
        assert_eq!(calls("plain::unit"), Some([1, 0, 0, 0]));
        assert!(question(false).is_ok_and(|value| value == 2) && question(true).is_err());
        assert_eq!(calls("plain::question"), Some([1, 1, 0, 0]));
        assert_eq!(calls("plain::aliased"), Some([1, 1, 0, 0]));
        assert!(opaque_result(true).is_err() && opaque_result(false).is_ok());
        assert_eq!(calls("plain::opaque_result"), Some([1, 1, 0, 0]));
        assert!(boxed(true).is_err() && boxed(false).is_ok());
        assert_eq!(calls("plain::boxed"), Some([1, 1, 0, 0]));
        assert!(made_by_a_macro(0).is_err() && made_by_a_macro(1).is_ok());
        assert_eq!(calls("plain::made_by_a_macro"), Some([1, 1, 0, 0]));
    }

    // Catches: an `Option`, or a `T` that happens to be a `Result`, taken for an error.
    #[test]
    fn what_is_no_result_is_ok() {
        assert!(generic(Err::<u8, u8>(1)).is_err());
        assert_eq!(calls("plain::generic"), Some([1, 0, 0, 0]));
        assert_eq!((option(None), option(Some(1))), (None, Some(2)));
        assert_eq!(calls("plain::option"), Some([2, 0, 0, 0]));
    }

    #[test]
    fn what_is_borrowed_and_what_is_opaque_stays_so() {
        let mut texts = vec![String::new()];
        borrowed(&mut texts, "a").push('b');
        assert_eq!(texts[1], "ab");
        let step = 2;
        assert_eq!(opaque(&[1, 2], |x| x + step).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(patterns((1, 2), [3, 0, 0], 4), 10);
        assert_eq!((foreign(1), inner_attributes(7), constant([0; 3])), (2, 7, 3));
        let mut store = Store::associated();
        assert_eq!(*store.method(3), 3);
        assert!(store.consume().items.is_empty());
        assert_eq!("you".greet_by_default(), "hello you!");
        assert_eq!(calls("plain::greet"), Some([1, 0, 0, 0]));
        assert_eq!(calls("plain::greet_by_default"), Some([1, 0, 0, 0]));
        let pointer: fn(u8) -> u8 = inner_attributes;
        assert_eq!(pointer(1), 1);
    }

    // Catches: an unwinding call that is told as cancelled, or not at all.
    #[test]
    fn a_panic_is_told() {
        panics(|| never());
        assert_eq!(calls("plain::never"), Some([0, 0, 0, 1]));
        panics(|| _ = diverges(1));
        assert_eq!(calls("plain::diverges"), Some([0, 0, 0, 1]));
    }

    // Catches: a call counted once for all its depth.
    #[test]
    fn each_call_of_a_recursion_counts() {
        assert_eq!(recursive(4), 4);
        assert_eq!(calls("plain::recursive"), Some([5, 0, 0, 0]));
    }
}

mod futures {
    use super::*;

    #[observed]
    async fn works<'a>(text: &'a str, fails: bool) -> Result<&'a str, String> {
        tokio::task::yield_now().await;
        if fails {
            return Err(text.to_uppercase());
        }
        let text = ready(Ok::<_, String>(text)).await?;
        Ok(text)
    }

    #[observed]
    async fn waits(_held: Rc<u8>) {
        pending::<()>().await;
    }

    #[observed]
    async fn fails_after_a_poll() -> u8 {
        tokio::task::yield_now().await;
        panic!("in the second poll")
    }

    #[observed]
    async fn coerces(pick: bool) -> Box<dyn Debug + Send> {
        if pick {
            return Box::new(1_u8);
        }
        Box::new("text")
    }

    #[observed]
    async fn never() -> ! {
        loop {
            pending::<()>().await;
        }
    }

    #[observed]
    async fn recursive(n: u8) -> u8 {
        if n == 0 { 0 } else { 1 + Box::pin(recursive(n - 1)).await }
    }

    #[observed]
    fn returned(fails: bool) -> impl Future<Output = Result<u8, u8>> + Send {
        async move {
            tokio::task::yield_now().await;
            if fails { Err(1) } else { Ok(1) }
        }
    }

    #[observed(fields(n))]
    fn returned_with_fields(n: u8) -> impl Future<Output = Result<u8, u8>> {
        let twice = n * 2;
        async move { if n > 1 { Err(n) } else { Ok(twice) } }
    }

    #[observed]
    fn made_elsewhere(n: u8) -> impl Future<Output = Result<u8, u8>> {
        if n > 1 {
            return ready(Err(n));
        }
        ready(Ok(n))
    }

    #[observed(fields(n))]
    fn made_elsewhere_with_fields(n: Box<u8>) -> impl Future<Output = Result<u8, u8>> {
        ready(if *n > 1 { Err(*n) } else { Ok(*n) })
    }

    #[observed]
    fn pinned<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<&'a str, ()>> + Send + 'a>> {
        Box::pin(async move { if text.is_empty() { Err(()) } else { Ok(text) } })
    }

    #[observed]
    fn boxed(n: u8) -> BoxFuture<'static, Result<u8, u8>> {
        if n > 5 {
            return Box::pin(ready(Ok(n)));
        }
        async move { if n > 1 { Err(n) } else { Ok(n) } }.boxed()
    }

    #[async_trait::async_trait]
    trait Payments {
        async fn charge(&self, amount: u64) -> Result<u64, String>;

        #[observed]
        async fn refund(&self, amount: u64) -> Result<u64, String> {
            self.charge(amount).await
        }
    }

    struct Bank {
        limit: u64,
    }

    #[async_trait::async_trait]
    impl Payments for Bank {
        #[observed(fields(amount, self.limit))]
        async fn charge(&self, amount: u64) -> Result<u64, String> {
            tokio::task::yield_now().await;
            if amount > self.limit {
                return Err("too much".into());
            }
            Ok(amount)
        }
    }

    trait Native {
        fn get(&self) -> impl Future<Output = Result<u8, u8>> + Send;
    }

    impl Native for u8 {
        #[observed]
        async fn get(&self) -> Result<u8, u8> {
            if *self > 1 { Err(*self) } else { Ok(*self) }
        }
    }

    fn is_send<T: Send>(value: T) -> T {
        value
    }

    // Catches: a future told when it is made; an error of its own that counts as ok.
    #[test]
    fn time_and_outcome_are_the_future_s() {
        block_on(async {
            assert_eq!(is_send(works("a", false)).await.unwrap(), "a");
            assert_eq!(works("a", true).await.unwrap_err(), "A");
            assert_eq!(calls("futures::works"), Some([1, 1, 0, 0]));

            drop(returned(true));
            assert_eq!(calls("futures::returned").unwrap_or_default(), [0; 4]);
            assert_eq!((is_send(returned(true)).await, returned(false).await), (Err(1), Ok(1)));
            assert_eq!(calls("futures::returned"), Some([1, 1, 0, 0]));
            assert_eq!((returned_with_fields(1).await, returned_with_fields(2).await), (Ok(2), Err(2)));
            assert_eq!(calls("futures::returned_with_fields"), Some([1, 1, 0, 0]));
            assert_eq!((made_elsewhere(1).await, made_elsewhere(2).await), (Ok(1), Err(2)));
            assert_eq!(calls("futures::made_elsewhere"), Some([1, 1, 0, 0]));
            let [one, two] = [1, 2].map(Box::new);
            assert_eq!(
                (made_elsewhere_with_fields(one).await, made_elsewhere_with_fields(two).await),
                (Ok(1), Err(2))
            );
            assert_eq!(calls("futures::made_elsewhere_with_fields"), Some([1, 1, 0, 0]));
            assert_eq!((is_send(pinned("a")).await, pinned("").await), (Ok("a"), Err(())));
            assert_eq!(calls("futures::pinned"), Some([1, 1, 0, 0]));
            assert_eq!((boxed(1).await, boxed(2).await, boxed(6).await), (Ok(1), Err(2), Ok(6)));
            assert_eq!(calls("futures::boxed"), Some([2, 1, 0, 0]));

            let bank = Bank { limit: 10 };
            assert!(is_send(bank.charge(10)).await.is_ok() && bank.refund(11).await.is_err());
            assert_eq!(calls("futures::charge"), Some([1, 1, 0, 0]));
            assert_eq!(calls("futures::refund"), Some([0, 1, 0, 0]));
            assert_eq!((1.get().await, is_send(2.get()).await), (Ok(1), Err(2)));
            assert_eq!(calls("futures::get"), Some([1, 1, 0, 0]));
        });
    }

    #[test]
    fn values_are_coerced_as_before() {
        block_on(async {
            assert_eq!(format!("{:?} {:?}", coerces(true).await, coerces(false).await), "1 \"text\"");
            assert_eq!(recursive(3).await, 3);
        });
        assert_eq!(calls("futures::recursive"), Some([4, 0, 0, 0]));
    }

    // Catches: a dropped future told as ok or not at all; one that was never polled told at all.
    #[test]
    fn a_dropped_future_is_cancelled_once_it_has_begun() {
        drop(waits(Rc::new(1)));
        assert_eq!(calls("futures::waits").unwrap_or_default(), [0; 4]);
        {
            let mut future = pin!(waits(Rc::new(1)));
            assert!(poll_once(future.as_mut()).is_pending() && poll_once(future).is_pending());
        }
        assert_eq!(calls("futures::waits"), Some([0, 0, 1, 0]));
        assert!(poll_once(pin!(never())).is_pending());
        assert_eq!(calls("futures::never"), Some([0, 0, 1, 0]));
    }

    // Catches: a panic seen by `thread::panicking()` in drop only, which is over when the future is dropped.
    #[test]
    fn an_unwinding_poll_is_panicked() {
        {
            let mut future = pin!(fails_after_a_poll());
            assert!(poll_once(future.as_mut()).is_pending());
            panics(|| _ = poll_once(future));
        }
        assert_eq!(calls("futures::fails_after_a_poll"), Some([0, 0, 0, 1]));
    }

    #[observed]
    async fn bystander() {
        pending::<()>().await;
    }

    // Catches: `thread::panicking()` taken for a panic of its own.
    #[test]
    fn what_is_dropped_because_another_panicked_is_cancelled() {
        panics(|| {
            let mut future = pin!(bystander());
            assert!(poll_once(future.as_mut()).is_pending());
            panic!("elsewhere");
        });
        assert_eq!(calls("futures::bystander"), Some([0, 0, 1, 0]));
    }
}

mod without_spans {
    use super::*;

    #[observed(span = off)]
    fn plain(fails: bool) -> Result<u8, u8> {
        if fails { Err(1) } else { Ok(1) }
    }

    #[observed(span = off)]
    fn panicking() -> u8 {
        panic!()
    }

    #[observed(span = off)]
    async fn asynchronous(panic: bool) -> Result<u8, u8> {
        tokio::task::yield_now().await;
        assert!(!panic);
        Err(1)
    }

    #[observed(span = off)]
    fn returned() -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }

    // Catches: a timer that is dropped without a word where no operation stands behind it.
    #[test]
    fn every_outcome_is_told_without_a_span() {
        assert!(plain(true).is_err() && plain(false).is_ok());
        assert_eq!(calls("without_spans::plain"), Some([1, 1, 0, 0]));
        panics(|| _ = panicking());
        assert_eq!(calls("without_spans::panicking"), Some([0, 0, 0, 1]));
        block_on(async { assert!(asynchronous(false).await.is_err()) });
        assert!(poll_once(pin!(asynchronous(false))).is_pending());
        {
            let mut future = pin!(asynchronous(true));
            assert!(poll_once(future.as_mut()).is_pending());
            panics(|| _ = poll_once(future));
        }
        assert_eq!(calls("without_spans::asynchronous"), Some([0, 1, 1, 1]));
        drop(returned());
        assert!(poll_once(pin!(returned())).is_pending());
        assert_eq!(calls("without_spans::returned"), Some([0, 0, 1, 0]));
    }
}
