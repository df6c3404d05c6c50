//! Fields that are not rendered as they come.

use crate::fields::{EventVisitor, Fields};
use crate::semconv::log::{LOG_FILE, LOG_LINE, LOG_MODULE_PATH, LOG_TARGET};
use crate::semconv::span::OTEL_PREFIX;
use std::error::Error;
use std::fmt;
use tracing_core::field::{Field, Visit};

/// Takes a span's fields, but for those that are meant for other subscribers.
pub(crate) struct SpanVisitor<'a>(pub(crate) &'a mut Fields);

macro_rules! unless_otel {
    ($($method:ident: $value:ty,)*) => {$(
        fn $method(&mut self, field: &Field, value: $value) {
            if !field.name().starts_with(OTEL_PREFIX) {
                Visit::$method(self.0, field, value);
            }
        }
    )*};
}

impl Visit for SpanVisitor<'_> {
    unless_otel! {
        record_f64: f64,
        record_i64: i64,
        record_u64: u64,
        record_i128: i128,
        record_u128: u128,
        record_bool: bool,
        record_str: &str,
        record_error: &(dyn Error + 'static),
        record_debug: &dyn fmt::Debug,
    }
}

/// Takes an event that tracing-log made of a record of the `log` crate: where it comes from stands in its fields.
pub(crate) struct LogVisitor<'a> {
    pub(crate) inner: EventVisitor<'a>,
    pub(crate) target: &'a mut String,
}

impl Visit for LogVisitor<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() != LOG_LINE {
            self.inner.record_u64(field, value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            LOG_TARGET => value.clone_into(self.target),
            LOG_MODULE_PATH | LOG_FILE => {}
            _ => self.inner.record_str(field, value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            LOG_TARGET | LOG_MODULE_PATH | LOG_FILE | LOG_LINE => {}
            _ => self.inner.record_debug(field, value),
        }
    }
}
