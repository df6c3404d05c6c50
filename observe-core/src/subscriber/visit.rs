//! Fields that are not rendered as they come.

use crate::fields::{EventVisitor, Fields, Text};
use crate::record::Kind;
use crate::semconv::log::{LOG_FILE, LOG_LINE, LOG_MODULE_PATH, LOG_TARGET};
use crate::semconv::span::{OTEL_KIND, OTEL_NAME, OTEL_PREFIX, OTEL_STATUS_CODE};
use crate::span::Otel;
use std::error::Error;
use std::fmt;
use tracing_core::field::{Field, Visit};

/// Takes a span's fields, and apart from them those that say what it is to OpenTelemetry.
pub(crate) struct SpanVisitor<'a> {
    pub(crate) fields: &'a mut Fields,
    pub(crate) otel: &'a mut Otel,
}

impl SpanVisitor<'_> {
    #[cold]
    fn otel(&mut self, name: &str, value: &str) {
        match name {
            OTEL_NAME => value.clone_into(&mut self.otel.name),
            OTEL_KIND => self.otel.kind = Kind::named(value),
            OTEL_STATUS_CODE => self.otel.failed = value.eq_ignore_ascii_case("error"),
            // Meant for subscribers of another making.
            _ => {}
        }
    }
}

macro_rules! unless_otel {
    ($($method:ident: $value:ty,)*) => {$(
        fn $method(&mut self, field: &Field, value: $value) {
            if !field.name().starts_with(OTEL_PREFIX) {
                Visit::$method(self.fields, field, value);
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
        record_error: &(dyn Error + 'static),
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name().starts_with(OTEL_PREFIX) {
            self.otel(field.name(), value);
        } else {
            self.fields.record_str(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name().starts_with(OTEL_PREFIX) {
            let mut text = Text::new();
            text.set_debug(value);
            self.otel(field.name(), &text.plain());
        } else {
            self.fields.record_debug(field, value);
        }
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
