//! Spans put together again from the entries of a trace: the same for every way out.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::fields::{Typed, typed};
use crate::record::{Entry, EventRecord, LinkRecord, SpanRecord, TraceHead};
use crate::semconv::{http, log, span as names};

/// The spans that ended among some entries of a trace.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Assembly<'a> {
    /// In the order in which they ended.
    pub(crate) spans: Vec<Span<'a>>,
    /// Lines within spans whose end is not among the entries: another part of the trace has it, or none has yet.
    pub(crate) events: Vec<EventRecord<'a>>,
    /// Links of such spans.
    pub(crate) links: Vec<LinkRecord>,
}

/// A span with what happened in it.
#[derive(Debug, PartialEq)]
pub(crate) struct Span<'a> {
    pub(crate) record: SpanRecord<'a>,
    /// In the order in which they were written.
    pub(crate) events: Vec<EventRecord<'a>>,
    pub(crate) links: Vec<LinkRecord>,
}

/// A name and a value.
pub(crate) type Attribute<'a> = (Cow<'a, str>, Typed<'a>);

impl<'a> Assembly<'a> {
    /// Puts spans together. What belongs to a span may stand before its end, as it is recorded, or after it.
    pub(crate) fn of(entries: impl Iterator<Item = Entry<'a>> + Clone) -> Self {
        let mut assembly = Self::default();
        let mut places = HashMap::new();
        for entry in entries.clone() {
            if let Entry::Span(record) = entry {
                places.insert(record.id, assembly.spans.len());
                assembly.spans.push(Span { record, events: Vec::new(), links: Vec::new() });
            }
        }
        let Self { spans, events, links } = &mut assembly;
        for entry in entries {
            let place = |id| places.get(&id).copied();
            match entry {
                Entry::Span(_) => {}
                Entry::Event(event) => {
                    let span = place(event.span_id).and_then(|place| spans.get_mut(place));
                    span.map_or(&mut *events, |span| &mut span.events).push(event);
                }
                Entry::Link(link) => {
                    let span = place(link.span_id).and_then(|place| spans.get_mut(place));
                    span.map_or(&mut *links, |span| &mut span.links).push(link);
                }
            }
        }
        assembly
    }
}

impl<'a> Span<'a> {
    /// Its attributes, no name twice: what it was opened with, what its end added, how it ended, and why the trace is
    /// kept, where it is: the head is that of the trace.
    pub(crate) fn attributes(&self, head: Option<&TraceHead>) -> impl Iterator<Item = Attribute<'a>> {
        let SpanRecord { fields, end_fields, outcome, .. } = self.record;
        let text =
            |name: &'static str, value: &'static str| (Cow::Borrowed(name), Typed::Str(Cow::Borrowed(value)));
        let mut own = vec![text(names::OUTCOME, outcome.as_str())];
        if let Some(head) = head {
            own.push(text(names::SAMPLING_REASON, head.keep.as_str()));
            own.push((Cow::Borrowed(names::SAMPLING_PROBABILITY), Typed::F64(head.probability)));
        }
        let is_own = |name: &str| {
            [names::OUTCOME, names::SAMPLING_REASON, names::SAMPLING_PROBABILITY].contains(&name)
        };
        let opened = typed(fields).filter(move |(name, _)| !is_in(end_fields, name));
        opened.chain(typed(end_fields)).filter(move |(name, _)| !is_own(name)).chain(own)
    }

    /// Whether it failed, and its error's text, where it said one: OpenTelemetry's status `Error` and its description.
    /// There is none where the answer's status says it all (semantic conventions, "HTTP spans"). `None`: its status is
    /// unset.
    pub(crate) fn failure(&self) -> Option<Cow<'a, str>> {
        let SpanRecord { fields, end_fields, outcome, .. } = self.record;
        if !outcome.is_failure() {
            return None;
        }
        let mut said = Cow::Borrowed("");
        for (name, value) in typed(fields).chain(typed(end_fields)) {
            match value {
                Typed::I64(400..) if name == http::STATUS => return Some(Cow::Borrowed("")),
                Typed::Str(text) if name == names::ERROR_MESSAGE => said = text,
                _ => {}
            }
        }
        Some(said)
    }
}

/// Whether there is a field of this name.
fn is_in(fields: &str, name: &str) -> bool {
    !fields.is_empty() && typed(fields).any(|(other, _)| other == name)
}

impl<'a> EventRecord<'a> {
    /// What it says: OpenTelemetry's name of the event.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        crate::fields::unescaped(self.message)
    }

    /// Its level, its target, and its own fields.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let text =
            |name: &'static str, value: &'a str| (Cow::Borrowed(name), Typed::Str(Cow::Borrowed(value)));
        let own = [text(log::LEVEL, self.level.as_str()), text(log::TARGET, self.target)];
        own.into_iter()
            .chain(typed(self.fields).filter(|(name, _)| ![log::LEVEL, log::TARGET].contains(&&**name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use crate::outcome::Outcome;
    use crate::record::{Entries, Keep, Kind};
    use tracing_core::Level;

    fn id(number: u8) -> SpanId {
        SpanId::from_bytes([number; 8]).unwrap()
    }

    fn span(number: u8) -> SpanRecord<'static> {
        SpanRecord {
            id: id(number),
            parent: None,
            is_local_root: false,
            kind: Kind::Internal,
            outcome: Outcome::Ok,
            start: 1,
            end: 2,
            name: "span",
            target: "tests",
            fields: "",
            end_fields: "",
        }
    }

    fn event(number: u8, message: &'static str) -> EventRecord<'static> {
        EventRecord {
            span_id: id(number),
            unix_nanos: 1,
            level: Level::WARN,
            target: "tests",
            message,
            fields: r#","level":"mine","n":1"#,
        }
    }

    // Mutations caught: what stands after the span left out; what belongs to no span given to one, or lost.
    #[test]
    fn a_span_has_what_happened_in_it() {
        let to = SpanContext { trace_id: TraceId::random(), span_id: id(9), flags: TraceFlags::NONE };
        let link = |number| LinkRecord { span_id: id(number), to };
        let mut entries = Entries::new();
        for entry in [
            Entry::Event(event(1, "in one")),
            Entry::Link(link(2)),
            Entry::Event(event(2, "in two")),
            Entry::Span(span(2)),
            Entry::Event(event(3, "nowhere")),
            Entry::Link(link(3)),
            Entry::Span(span(1)),
            Entry::Event(event(2, "late")),
        ] {
            entries.push(&entry);
        }
        let assembly = Assembly::of(entries.iter());
        let expected = [
            Span {
                record: span(2),
                events: vec![event(2, "in two"), event(2, "late")],
                links: vec![link(2)],
            },
            Span { record: span(1), events: vec![event(1, "in one")], links: vec![] },
        ];
        assert_eq!(assembly.spans, expected);
        assert_eq!((assembly.events, assembly.links), (vec![event(3, "nowhere")], vec![link(3)]));
    }

    // Mutation caught: a name twice, which backends refuse or take either of.
    #[test]
    fn no_attribute_is_there_twice() {
        let record = SpanRecord {
            outcome: Outcome::Error,
            fields: r#","a":1,"b":2,"outcome":"mine","error.message":"first""#,
            end_fields: r#","b":"two","error.message":"a \"b\"","sampling.reason":"mine""#,
            ..span(1)
        };
        let span = Span { record, events: vec![], links: vec![] };
        let head = TraceHead {
            trace_id: TraceId::random(),
            flags: TraceFlags::NONE,
            tracestate: TraceState::new(),
            keep: Keep::Slow,
            probability: 0.5,
        };
        let text = |text: &'static str| Typed::Str(Cow::Borrowed(text));
        let expected = [
            ("a", Typed::I64(1)),
            ("b", text("two")),
            ("error.message", text("a \"b\"")),
            ("outcome", text("error")),
            ("sampling.reason", text("slow")),
            ("sampling.probability", Typed::F64(0.5)),
        ];
        let attributes: Vec<_> = span.attributes(Some(&head)).collect();
        assert_eq!(attributes, expected.map(|(name, value)| (Cow::Borrowed(name), value)));
        assert_eq!(span.attributes(None).count(), 4);
        assert_eq!(span.failure().unwrap(), "a \"b\"");
        let fields = r#","error.message":"first","http.response.status_code":500"#;
        let answered = Span { record: SpanRecord { fields, ..record }, events: vec![], links: vec![] };
        assert_eq!(answered.failure().unwrap(), "");
        assert_eq!(
            Span { record: SpanRecord { outcome: Outcome::Cancelled, ..record }, ..span }.failure(),
            None
        );

        let attributes: Vec<_> = event(1, "").attributes().collect();
        let expected = [("level", text("WARN")), ("target", text("tests")), ("n", Typed::I64(1))];
        assert_eq!(attributes, expected.map(|(name, value)| (Cow::Borrowed(name), value)));
        assert_eq!(event(1, r#"a \"b\""#).text(), "a \"b\"");
    }
}
