//! What a value says about how it went, and what text an error has.
//!
//! A call means the first of these methods whose bounds hold, counted by how many references it goes through. So
//! a `Result` behind any alias is seen for what it is, and a type that is not known where the function is
//! compiled (`T`) is none.

use super::{Text, Verdict};
use crate::catch::catch;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::ops::Deref;

/// A value, to be asked how it went.
#[derive(Debug)]
pub struct Probe<'a, T>(pub &'a T);

impl<T> Copy for Probe<'_, T> {}

impl<T> Clone for Probe<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

/// An error with sources.
pub trait OfError<'a> {
    /// How it went.
    fn observed_verdict(self) -> Verdict<'a>;
}

impl<'a, T, E: Error> OfError<'a> for &&&&&Probe<'a, Result<T, E>> {
    #[inline]
    fn observed_verdict(self) -> Verdict<'a> {
        judge(self.0, |error| Text::Error(error))
    }
}

/// What wraps an error: `Box<dyn Error + Send + Sync>`, `anyhow::Error`.
pub trait OfWrapped<'a> {
    /// How it went.
    fn observed_verdict(self) -> Verdict<'a>;
}

impl<'a, T, E: Deref<Target: AsError>> OfWrapped<'a> for &&&&Probe<'a, Result<T, E>> {
    #[inline]
    fn observed_verdict(self) -> Verdict<'a> {
        judge(self.0, |error| Text::Error(error.deref().as_error()))
    }
}

/// An error of some type.
pub trait AsError {
    /// As an error.
    fn as_error(&self) -> &dyn Error;
}

macro_rules! errors {
    ($($type:ty,)*) => {$(
        impl<'e> AsError for $type {
            fn as_error(&self) -> &dyn Error {
                self
            }
        }
    )*};
}

errors! {
    dyn Error + 'e,
    dyn Error + Send + 'e,
    dyn Error + Send + Sync + 'e,
}

/// A text.
pub trait OfDisplay<'a> {
    /// How it went.
    fn observed_verdict(self) -> Verdict<'a>;
}

impl<'a, T, E: Display> OfDisplay<'a> for &&&Probe<'a, Result<T, E>> {
    #[inline]
    fn observed_verdict(self) -> Verdict<'a> {
        judge(self.0, |error| Text::Display(error))
    }
}

/// Something for programmers.
pub trait OfDebug<'a> {
    /// How it went.
    fn observed_verdict(self) -> Verdict<'a>;
}

impl<'a, T, E: Debug> OfDebug<'a> for &&Probe<'a, Result<T, E>> {
    #[inline]
    fn observed_verdict(self) -> Verdict<'a> {
        judge(self.0, |error| Text::Debug(error))
    }
}

/// Something that cannot be told.
pub trait OfResult<'a> {
    /// How it went.
    fn observed_verdict(self) -> Verdict<'a>;
}

impl<'a, T, E> OfResult<'a> for &Probe<'a, Result<T, E>> {
    #[inline]
    fn observed_verdict(self) -> Verdict<'a> {
        judge(self.0, |_| Text::None)
    }
}

/// No result.
pub trait OfValue<'a> {
    /// How it went.
    fn observed_verdict(self) -> Verdict<'a>;
}

impl<'a, T> OfValue<'a> for Probe<'a, T> {
    #[inline]
    fn observed_verdict(self) -> Verdict<'a> {
        Verdict::Ok
    }
}

/// `err(Debug)`.
#[inline]
pub fn told_by_debug<T, E: Debug>(result: &Result<T, E>) -> Verdict<'_> {
    judge(result, |error| Text::Debug(error))
}

/// `err(Display)`.
#[inline]
pub fn told_by_display<T, E: Display>(result: &Result<T, E>) -> Verdict<'_> {
    judge(result, |error| Text::Display(error))
}

/// `failure = …`: whether it is an error that is no failure. A predicate that panics says that it is one.
#[inline]
pub fn is_excused<T, E>(result: &Result<T, E>, is_failure: impl FnOnce(&E) -> bool) -> bool {
    let Err(error) = result else { return false };
    !catch(|| is_failure(error)).unwrap_or(true)
}

#[inline]
fn judge<'a, T, E>(result: &'a Result<T, E>, text: impl FnOnce(&'a E) -> Text<'a>) -> Verdict<'a> {
    match result {
        Ok(_) => Verdict::Ok,
        Err(error) => Verdict::Error(text(error)),
    }
}
