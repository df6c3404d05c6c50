//! JSON, member by member.

use crate::export::assemble::Attribute;
use crate::fields::{Typed, escaped};

/// Adds JSON to a text. What is written are members while in an object, and values else.
pub(super) struct Writer<'a> {
    out: &'a mut String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut String) -> Self {
        Self { out }
    }

    pub(super) fn object(&mut self, members: impl FnOnce(&mut Writer<'_>)) {
        self.out.push('{');
        members(self);
        self.out.push('}');
    }

    /// A name, with a comma in front where another member stands there.
    pub(super) fn member(&mut self, name: &str, value: impl FnOnce(&mut Writer<'_>)) {
        self.separate();
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        value(self);
    }

    /// Items; nothing where there is none.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Writer<'_>, T),
    ) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        self.member(name, |out| {
            out.out.push('[');
            for item in items {
                out.separate();
                write(out, item);
            }
            out.out.push(']');
        });
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.escaped(name, &escaped(value));
    }

    /// A text as it stands between the quotes of a JSON string.
    pub(super) fn escaped(&mut self, name: &str, value: &str) {
        self.member(name, |out| {
            out.out.push('"');
            out.out.push_str(value);
            out.out.push('"');
        });
    }

    pub(super) fn hex(&mut self, name: &str, digits: &[u8]) {
        self.escaped(name, std::str::from_utf8(digits).unwrap_or_default());
    }

    /// JSON as it is.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.member(name, |out| out.out.push_str(json));
    }

    pub(super) fn number(&mut self, name: &str, value: u32) {
        self.raw(name, itoa::Buffer::new().format(value));
    }

    /// A 64-bit number: a text, since JSON's own numbers are less exact in many languages.
    pub(super) fn long(&mut self, name: &str, value: u64) {
        self.escaped(name, itoa::Buffer::new().format(value));
    }

    pub(super) fn attributes<'b>(&mut self, attributes: impl Iterator<Item = Attribute<'b>>) {
        self.list("attributes", attributes, |out, (name, value)| {
            out.object(|out| {
                out.text("key", &name);
                out.member("value", |out| out.object(|out| out.value(&value)));
            });
        });
    }

    /// The one member of an `AnyValue`. OTLP has no numbers above `i64::MAX`: such a one is a text.
    fn value(&mut self, value: &Typed<'_>) {
        match value {
            Typed::Str(text) => self.text("stringValue", text),
            Typed::I64(number) => self.escaped("intValue", itoa::Buffer::new().format(*number)),
            Typed::U64(number) => self.escaped("stringValue", itoa::Buffer::new().format(*number)),
            Typed::F64(number) => self.raw("doubleValue", ryu::Buffer::new().format_finite(*number)),
            Typed::Bool(value) => self.raw("boolValue", if *value { "true" } else { "false" }),
        }
    }

    fn separate(&mut self) {
        if !self.out.ends_with(['{', '[']) {
            self.out.push(',');
        }
    }
}
