//! Forms of function that have to compile under `#[observed]` as they do without it.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic, unused_qualifications)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(feature = "macros")]

use observe_core::observed;
use std::pin::{Pin, pin};
use std::sync::Arc;

struct Shared<'a>(&'a str);

impl<'a> Shared<'a> {
    #[observed]
    fn elided(&self, _other: &str) -> &str {
        self.0
    }

    #[observed(fields(self.0))]
    fn owned(self) -> &'a str {
        self.0
    }

    #[observed]
    fn hidden(&self) -> Shared<'_> {
        Shared(self.0)
    }

    #[observed]
    fn opaque(&mut self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes()
    }

    #[observed]
    fn counted(self: Arc<Self>) -> usize {
        self.0.len()
    }

    #[observed]
    async fn pinned(self: Pin<&mut Self>) -> usize {
        tokio::task::yield_now().await;
        self.0.len()
    }

    #[observed]
    async fn later(&mut self, other: &str) -> Result<&str, String> {
        if other.is_empty() { Err(other.to_owned()) } else { Ok(self.0) }
    }
}

#[observed]
fn closures<F: Fn(u8) -> u8>(f: F) -> impl Fn(u8) -> u8 {
    move |x| f(x)
}

#[observed]
fn lifetimes<'a, 'b: 'a>(short: &'a str, long: &'b str) -> (&'a str, &'b str) {
    (short, long)
}

#[observed]
fn dynamic(f: &mut dyn FnMut() -> u8) -> u8 {
    f()
}

#[observed]
fn dynamic_result<'a>(x: &'a u8) -> Box<dyn Fn() -> u8 + 'a> {
    Box::new(move || *x)
}

#[observed]
fn r#fn(r#type: u8) -> u8 {
    r#type
}

#[observed]
fn associated<I: Iterator>(mut items: I) -> Option<I::Item> {
    items.next()
}

#[observed(fields(result, value, parent, field), parent = observe_core::context::Context::new())]
async fn with_our_names(result: u8, value: u8, parent: u8, field: u8) -> u8 {
    result + value + parent + field
}

/// Its attributes stay.
#[observed]
#[must_use]
#[deprecated]
#[inline]
fn attributed(#[cfg(any())] _gone: u8, #[cfg(not(any()))] here: u8) -> u8 {
    here
}

#[observed]
fn local() -> u8 {
    #[observed]
    fn inner() -> u8 {
        1
    }
    inner()
}

macro_rules! made {
    ($name:ident, $returned:ty, $body:block) => {
        #[observed]
        fn $name() -> $returned $body
    };
}
made!(by_a_block, Result<u8, String>, { Ok(7) });

#[observed]
async fn borrowing_error<'a>(text: &'a str) -> Result<u8, Box<dyn std::error::Error + Send + Sync + 'a>> {
    text.parse().map_err(Into::into)
}

/// A method that everything has.
mod everything {
    pub(super) trait Verdict: Sized {
        fn verdict(self) -> u8 {
            8
        }
    }
    impl<T> Verdict for T {}

    #[super::observed]
    pub(super) fn judged() -> Result<u8, String> {
        Ok(().verdict())
    }
}

// Catches: a body that is not inferred, borrowed or captured as that of a function is.
#[test]
fn each_is_the_function_it_was() {
    let mut shared = Shared("a");
    assert_eq!((shared.elided("b"), shared.hidden().owned()), ("a", "a"));
    assert_eq!(shared.opaque().count(), 1);
    assert_eq!(Arc::new(Shared("bc")).counted(), 2);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert_eq!(pin!(Shared("abc")).pinned().await, 3);
        assert_eq!(shared.later("b").await, Ok("a"));
        assert_eq!(with_our_names(1, 2, 3, 4).await, 10);
    });
    assert_eq!((closures(|x| x + 1)(1), lifetimes("a", "b"), dynamic(&mut || 3)), (2, ("a", "b"), 3));
    assert_eq!((dynamic_result(&4)(), r#fn(5), associated([6].into_iter()), local()), (4, 5, Some(6), 1));
    assert_eq!((by_a_block(), everything::judged()), (Ok(7), Ok(8)));
    assert_eq!(runtime.block_on(borrowing_error("9")).unwrap(), 9);
    #[expect(deprecated, reason = "the attribute is still there")]
    let attributed = attributed(1);
    assert_eq!(attributed, 1);
}
