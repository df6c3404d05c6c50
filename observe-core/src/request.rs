//! What code says about the request, or the job, that it is working for.
//!
//! These reach the outermost operation of this process (its local root) from any depth, in async code and
//! not, through `#[observed]` functions as well. Where nothing is running they do nothing.

use crate::current;
use crate::fields::{Fields, Text};
use crate::label::LabelValue;
use crate::semconv;
use crate::sensitive::Sensitive;
use crate::trace::{LocalTrace, Told, Waits};
use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Declares that the request failed, whatever it answers: a 200 that carries an error is one.
///
/// `kind` becomes the label `error_type`; it is of a closed set (an enum with `#[derive(LabelValue)]`), so the
/// number of series stays known. The first declaration counts.
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use observe_core::label::LabelValue;
///
/// #[derive(Clone, Copy, LabelValue)]
/// enum ChargeError {
///     Declined,
///     FraudSuspected,
/// }
///
/// observe_core::fail(ChargeError::Declined);
/// # }
/// ```
pub fn fail<E: LabelValue>(kind: E) {
    const { assert!(E::CLOSED, "an error kind is an enum: its texts are known when the program is built") };
    let text = E::text(kind.code());
    tell(|told| {
        told.error_type.get_or_insert(text);
    });
}

/// Hands over why the request failed, for its line: the error with its chain of sources, at most 16 of them and
/// 16 KiB.
///
/// By itself it declares nothing: the line of a 402 says why without being a failure's. It comes before what
/// annotated functions answered, which is told only where nothing else was said; the first one handed over
/// counts.
pub fn cause(error: &dyn Error) {
    // Formatted before the lock: a `Display` may log.
    let text = error_text(error);
    tell(|told| told.cause.say(text));
}

/// An error with its chain of sources, bounded, whatever its `Display` does.
#[doc(hidden)]
pub fn error_text(error: &dyn Error) -> String {
    let mut text = Text::new();
    text.set_error(error);
    text.plain().into_owned()
}

/// Adds a field to the request's line: the place for what is too various for a label. All together are at most
/// 20 KiB; a line for which one was left out says `truncated`. A name that the line has by itself (`outcome`,
/// `http.route`, …) becomes `fields.NAME`.
pub fn annotate(name: &str, value: impl Into<Value>) {
    let value = value.into();
    let marked;
    let name = if semconv::is_of_request_line(name) {
        marked = format!("{}{name}", semconv::log::FIELDS_PREFIX);
        &marked
    } else {
        name
    };
    tell(|told| value.write(name, &mut told.annotations));
}

/// Names the route that matched, where the layer around the server cannot see it: a service that matches paths
/// itself, in its handler. The template (`/orders/{id}`), never the path; the last one said counts.
pub fn route(template: &'static str) {
    tell(|told| told.route = Some(template));
}

/// Takes the request out of all records: metrics, trace and lines. Being scraped is not traffic.
pub fn discard() {
    trace(|trace| trace.discarded.store(true, Ordering::Relaxed));
}

/// Keeps the trace of the request, whatever its outcome.
pub fn keep() {
    trace(|trace| trace.marked.store(true, Ordering::Relaxed));
}

/// Something was waited for: on the request's line, if it was long enough.
pub(crate) fn waited(resource: &'static str, time: Duration) {
    if Waits::are_told(time) {
        tell(|told| told.waits.add(resource, time));
    }
}

fn tell(note: impl FnOnce(&mut Told)) {
    trace(|trace| trace.tell(note));
}

/// Not under the borrow of the stack: what is told may free what users gave.
fn trace(f: impl FnOnce(&LocalTrace)) {
    if let Some(trace) = current::with_span(|span| span.trace().cloned()).flatten() {
        f(&trace);
    }
}

/// The value of an annotation or an attribute: text, a number or a boolean.
#[derive(Clone, Debug, PartialEq)]
pub struct Value(Repr);

#[derive(Clone, Debug, PartialEq)]
enum Repr {
    Str(String),
    U64(u64),
    I64(i64),
    F64(f64),
    Bool(bool),
}

impl Value {
    pub(crate) fn write(&self, name: &str, fields: &mut Fields) {
        match &self.0 {
            Repr::Str(value) => fields.str(name, value),
            Repr::U64(value) => fields.u64(name, *value),
            Repr::I64(value) => fields.i64(name, *value),
            Repr::F64(value) => fields.f64(name, *value),
            Repr::Bool(value) => fields.bool(name, *value),
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident $convert:expr,)*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Value(Repr::$variant($convert(value)))
            }
        }
    )*};
}

from! {
    &str => Str String::from,
    &String => Str String::clone,
    String => Str std::convert::identity,
    u64 => U64 std::convert::identity,
    u32 => U64 u64::from,
    u16 => U64 u64::from,
    u8 => U64 u64::from,
    i64 => I64 std::convert::identity,
    i32 => I64 i64::from,
    i16 => I64 i64::from,
    i8 => I64 i64::from,
    f64 => F64 std::convert::identity,
    f32 => F64 f64::from,
    bool => Bool std::convert::identity,
}

/// As `[redacted]`.
impl<T> From<Sensitive<T>> for Value {
    fn from(value: Sensitive<T>) -> Self {
        Value(Repr::Str(value.to_string()))
    }
}

/// As `[redacted]`.
impl<T> From<&Sensitive<T>> for Value {
    fn from(value: &Sensitive<T>) -> Self {
        Value(Repr::Str(value.to_string()))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        // No target has a wider usize.
        Value(Repr::U64(u64::try_from(value).unwrap_or(u64::MAX)))
    }
}
