//! What tracing hands over, taken in.

use std::error::Error;
use std::fmt;

use tracing_core::field::{Field, Visit};

use crate::fields::{Fields, Name, Text};
use crate::semconv::log::MESSAGE;

/// Records what tracing hands over, `message` like any other field: for spans. Runs the user's `Debug`.
impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.f64(Name::lasting(field.name()), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.i64(Name::lasting(field.name()), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.u64(Name::lasting(field.name()), value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.i128(Name::lasting(field.name()), value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.u128(Name::lasting(field.name()), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bool(Name::lasting(field.name()), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.str(Name::lasting(field.name()), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.error(Name::lasting(field.name()), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.debug(Name::lasting(field.name()), value);
    }
}

/// Records what tracing hands over for an event: `message` apart from the fields. Runs the user's `Debug`.
#[derive(Debug)]
pub(crate) struct EventVisitor<'a> {
    /// Takes the message.
    pub message: &'a mut Text,
    /// Take everything else.
    pub fields: &'a mut Fields,
}

impl EventVisitor<'_> {
    #[inline]
    fn record(
        &mut self,
        field: &Field,
        value: &dyn fmt::Debug,
        record: impl FnOnce(&mut Fields, Name<'static>),
    ) {
        match field.name() {
            MESSAGE => self.message.set_debug(value),
            name => record(self.fields, Name::lasting(name)),
        }
    }
}

impl Visit for EventVisitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record(field, &value, |fields, name| fields.f64(name, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record(field, &value, |fields, name| fields.i64(name, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record(field, &value, |fields, name| fields.u64(name, value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.record(field, &value, |fields, name| fields.i128(name, value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.record(field, &value, |fields, name| fields.u128(name, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.record(field, &value, |fields, name| fields.bool(name, value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            MESSAGE => self.message.set(value),
            name => self.fields.str(Name::lasting(name), value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        match field.name() {
            MESSAGE => self.message.set_error(value),
            name => self.fields.error(Name::lasting(name), value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            MESSAGE => self.message.set_debug(value),
            name => self.fields.debug(Name::lasting(name), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::{Arc, Mutex};

    use tracing::{Event, Metadata, Subscriber, span};

    use super::*;

    #[derive(Clone, Default)]
    struct Last(Arc<Mutex<(Text, Fields)>>);

    impl Subscriber for Last {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
            let mut fields = Fields::new();
            attributes.record(&mut fields);
            self.0.lock().unwrap().1 = fields;
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            let (mut message, mut fields) = <(Text, Fields)>::default();
            event.record(&mut EventVisitor { message: &mut message, fields: &mut fields });
            *self.0.lock().unwrap() = (message, fields);
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn tracing_values_keep_their_type() {
        let last = Last::default();
        tracing::subscriber::with_default(last.clone(), || {
            let cause: &(dyn Error + 'static) = &fmt::Error;
            let order = 7_u64;
            tracing::info!(
                order.total = 2.5,
                order,
                small = -1_i8,
                wide = u128::MAX,
                on = true,
                r#type = "a",
                cause,
                shown = %"d",
                debug = ?"d",
                missing = tracing::field::Empty,
                "paid {} \"it\"",
                order
            );
            let (message, fields) = &*last.0.lock().unwrap();
            assert_eq!(message.plain(), "paid 7 \"it\"");
            let expected = concat!(
                r#","order.total":2.5,"order":7,"small":-1,"wide":"340282366920938463463374607431768211455","on":true"#,
                r#","type":"a","cause":"an error occurred when formatting an argument","shown":"d","debug":"\"d\"""#,
            );
            assert_eq!(fields.as_str(), expected);
        });
    }

    #[test]
    fn a_message_is_a_field_of_a_span_and_apart_in_an_event() {
        let last = Last::default();
        tracing::subscriber::with_default(last.clone(), || {
            tracing::info!(message = 5, a = 1);
            assert_eq!(last.0.lock().unwrap().0.escaped(), "5");
            assert_eq!(last.0.lock().unwrap().1.as_str(), ",\"a\":1");
            let _span = tracing::info_span!("s", message = "m");
            assert_eq!(last.0.lock().unwrap().1.as_str(), ",\"message\":\"m\"");
        });
    }

    // Mutation caught: formatting into a thread-local scratch buffer that stays borrowed.
    #[test]
    fn a_value_may_log_while_it_is_formatted() {
        thread_local! { static DEPTH: Cell<u32> = const { Cell::new(0) }; }
        struct Chatty;
        impl fmt::Debug for Chatty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if DEPTH.replace(DEPTH.get() + 1) < 3 {
                    tracing::info!(inner = ?Chatty);
                }
                f.write_str("chat")
            }
        }
        let last = Last::default();
        tracing::subscriber::with_default(last.clone(), || tracing::info!(outer = ?Chatty));
        assert_eq!(last.0.lock().unwrap().1.as_str(), ",\"outer\":\"chat\"");
    }
}
