//! Which subscriber `tracing` asks on this thread: our own, and then an operation need not ask it.

use crate::hub::Hub;
use crate::pool::Shared;
use crate::slab::{Key, SPANS};
use crate::span::{Known, OpenSpan};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tracing::level_filters::STATIC_MAX_LEVEL;
use tracing_core::Callsite as _;
use tracing_core::LevelFilter;
use tracing_core::callsite::DefaultCallsite;
use tracing_core::dispatcher::{self, Dispatch};
use tracing_core::span::Id;

thread_local! {
    /// The span whose operation is telling others of itself; 0: none is.
    static OWN_WORD: Cell<u64> = const { Cell::new(0) };
}

/// What [`Telemetry::install`](crate::Telemetry::install) sets: spans in a slab of our own, and a filter by target that
/// `tracing` caches for each callsite.
pub(crate) struct Subscriber {
    pub(crate) hub: Arc<Hub>,
}

/// A static callsite of spans whose fields are known without asking, with the names that may be recorded later.
#[doc(hidden)]
#[macro_export]
macro_rules! __callsite {
    ($target:expr, $level:expr, $name:expr $(, $field:literal)* $(,)?) => {{
        static META: $crate::__private::tracing::Metadata<'static> =
            $crate::__private::tracing::Metadata::new(
                $name,
                $target,
                $level,
                ::core::option::Option::Some(::core::file!()),
                ::core::option::Option::Some(::core::line!()),
                ::core::option::Option::Some(::core::module_path!()),
                $crate::__private::tracing::field::FieldSet::new(
                    &[$($field),*],
                    $crate::__private::tracing::callsite::Identifier(&CALLSITE),
                ),
                $crate::__private::tracing::metadata::Kind::SPAN,
            );
        static CALLSITE: $crate::__private::tracing::callsite::DefaultCallsite =
            $crate::__private::tracing::callsite::DefaultCallsite::new(&META);
        &CALLSITE
    }};
}
pub(crate) use __callsite as callsite;

/// Whether our own subscriber is the one that is asked here, and by itself: none lies in front of it.
#[inline]
pub(crate) fn is_ours() -> bool {
    dispatcher::get_default(Dispatch::is::<Subscriber>)
}

/// Whether spans of this callsite are made: what the macros of `tracing` ask.
#[inline]
pub(crate) fn is_enabled(callsite: &'static DefaultCallsite) -> bool {
    let level = *callsite.metadata().level();
    if level > STATIC_MAX_LEVEL || level > LevelFilter::current() {
        return false;
    }
    let interest = callsite.interest();
    interest.is_always()
        || !interest.is_never() && dispatcher::get_default(|dispatch| dispatch.enabled(callsite.metadata()))
}

/// Makes a span that nobody else holds known as our own subscriber would, had it been asked, until [`leave`]. `false`: too
/// many are open.
pub(crate) fn know(span: &mut Shared<OpenSpan>, callsite: &'static DefaultCallsite) -> bool {
    let Some(vacant) = SPANS.reserve() else {
        if let Some(trace) = span.trace() {
            trace.hub.spans_refused.fetch_add(1, Ordering::Relaxed);
        }
        return false;
    };
    let Some(own) = Shared::get_mut(span) else { return false };
    own.known = Some(Known { key: vacant.key(), door: Known::OWN_DOOR, metadata: callsite.metadata() });
    *own.entry.get_mut() = vacant.key().get();
    vacant.fill(Shared::clone(span));
    true
}

/// Puts a span among those that are open until [`leave`], if our own subscriber has not: past their limit it is not.
pub(crate) fn show(span: &Shared<OpenSpan>) {
    if !span.known.is_some_and(|known| known.is_own())
        && let Some(vacant) = SPANS.reserve()
    {
        span.entry.store(vacant.fill(Shared::clone(span)).get(), Ordering::Relaxed);
    }
}

/// Takes out what was put there here. Its operation does so once, at its end.
pub(crate) fn leave(span: &OpenSpan) {
    let Some(key) = Key::new(span.entry.load(Ordering::Relaxed)) else { return };
    span.entry.store(0, Ordering::Relaxed);
    if let Some(shown) = SPANS.release(key)
        && shown.known.is_some_and(|known| known.is_own())
    {
        OpenSpan::close(shown);
    }
}

/// What an operation says of itself to those who know its `tracing` span, for others: our own subscriber, also as a layer
/// among others, is told at its end, at once, and would say it twice.
pub(crate) fn tell_others(span: Option<&tracing::Span>, record: impl FnOnce(&tracing::Span)) {
    /// Others may panic.
    struct Telling(u64);
    impl Drop for Telling {
        fn drop(&mut self) {
            let _ = OWN_WORD.try_with(|own| own.set(self.0));
        }
    }

    let is_for_others =
        |(id, dispatch): (&Id, &Dispatch)| (!dispatch.is::<Subscriber>()).then(|| id.into_u64());
    if let Some(span) = span
        && let Some(id) = span.with_subscriber(is_for_others).flatten()
    {
        let _telling = Telling(OWN_WORD.try_with(|own| own.replace(id)).unwrap_or_default());
        record(span);
    }
}

/// Whether what is recorded in this span is what its operation says to others.
pub(crate) fn is_own_word(id: &Id) -> bool {
    OWN_WORD.try_with(|own| own.get() == id.into_u64()).unwrap_or_default()
}
