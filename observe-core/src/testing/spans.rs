//! Spans that were opened.

use crate::context::{SpanContext, SpanId, TraceId};
use crate::outcome::Outcome;
use crate::watch::Seen;
use serde_json::{Map, Value};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// A span that was opened.
#[derive(Clone, Debug)]
pub struct Span {
    seen: Seen,
    fields: Map<String, Value>,
}

impl Span {
    /// The operation's name, the annotated function's with its module, `GET /orders/{id}` for a request; the name of
    /// a `tracing` span.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.seen.name
    }

    /// Its trace.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.seen.trace_id
    }

    /// Its id.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.seen.span_id
    }

    /// What it hangs below; `None` for the first of a trace. It may be a caller's, in another process.
    #[must_use]
    pub fn parent(&self) -> Option<SpanId> {
        self.seen.parent
    }

    /// The spans that it points to, in the order in which that was said.
    #[must_use]
    pub fn links(&self) -> &[SpanContext] {
        &self.seen.links
    }

    /// Whether it is an operation: a request, an annotated function, one opened by hand.
    #[must_use]
    pub fn is_operation(&self) -> bool {
        self.seen.is_operation
    }

    /// Whether it has not ended yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.seen.is_open
    }

    /// How it ended; `None` while it is open, and for a span of `tracing` alone.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.seen.outcome
    }

    /// How long it took, by the telemetry's clock; `None` where there is no outcome.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.seen.duration
    }

    /// A field, as lines in it have it; those of the spans around it included.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    fn state(&self) -> &'static str {
        match self.seen.outcome {
            Some(outcome) => outcome.as_str(),
            None if self.seen.is_open => "open",
            None => "closed",
        }
    }
}

/// Spans, in the order they were opened: a slice.
///
/// Prints as a tree, each with how it ended: `ok`, `error`, `cancelled`, `panicked`; `closed` for one of `tracing` alone,
/// `open` before the end.
#[derive(Clone)]
pub struct Spans {
    chosen: Vec<Span>,
    /// What they were chosen from, and by what.
    all: Arc<[Span]>,
    asked: String,
}

impl Spans {
    pub(super) fn new(seen: Vec<Seen>) -> Self {
        let span = |seen: Seen| {
            // Members, each with a comma before it.
            let object = format!("{{{}}}", seen.fields.get(1..).unwrap_or_default());
            let fields = serde_json::from_str(&object).unwrap_or_default();
            Span { seen, fields }
        };
        let chosen: Vec<Span> = seen.into_iter().map(span).collect();
        let all = chosen.clone().into();
        Self { chosen, all, asked: String::new() }
    }

    /// Those of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Spans {
        self.choose(&format!("named {name:?}"), |span| span.name() == name)
    }

    /// Those that hang directly below `parent`.
    #[must_use]
    pub fn below(&self, parent: &Span) -> Spans {
        let asked = format!("below {:?}", parent.name());
        self.choose(&asked, |span| span.parent() == Some(parent.span_id()))
    }

    /// Those that hang below none of this telemetry.
    #[must_use]
    pub fn roots(&self) -> Spans {
        let is_here = |id: SpanId| self.all.iter().any(|span| span.span_id() == id);
        self.choose("at a root", |span| !span.parent().is_some_and(is_here))
    }

    fn choose(&self, asked: &str, is_meant: impl Fn(&Span) -> bool) -> Spans {
        let chosen = self.chosen.iter().filter(|span| is_meant(span)).cloned().collect();
        Spans { chosen, all: Arc::clone(&self.all), asked: format!("{} {asked}", self.asked) }
    }

    /// The only one.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one: with all spans, as a tree.
    #[must_use]
    #[track_caller]
    pub fn one(&self) -> &Span {
        match &self.chosen[..] {
            [span] => span,
            spans => panic!("{} spans{}, not one; {}", spans.len(), self.asked, self.there()),
        }
    }

    /// Nothing.
    ///
    /// # Panics
    ///
    /// If there is any: with all spans, as a tree.
    #[track_caller]
    pub fn none(&self) {
        let spans = self.chosen.len();
        assert!(spans == 0, "{spans} spans{}, not none; {}", self.asked, self.there());
    }

    fn there(&self) -> String {
        format!("there are {} in all:\n{}", self.all.len(), Tree(&self.all))
    }
}

impl Deref for Spans {
    type Target = [Span];

    fn deref(&self) -> &[Span] {
        &self.chosen
    }
}

impl IntoIterator for Spans {
    type Item = Span;
    type IntoIter = std::vec::IntoIter<Span>;

    fn into_iter(self) -> Self::IntoIter {
        self.chosen.into_iter()
    }
}

impl<'a> IntoIterator for &'a Spans {
    type Item = &'a Span;
    type IntoIter = std::slice::Iter<'a, Span>;

    fn into_iter(self) -> Self::IntoIter {
        self.chosen.iter()
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Tree(&self.chosen), f)
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Tree<'a>(&'a [Span]);

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Roots last first: what is taken next lies on top.
        let is_here = |id: SpanId| self.0.iter().any(|span| span.span_id() == id);
        let roots = self.0.iter().rev().filter(|span| !span.parent().is_some_and(is_here));
        let mut open: Vec<(usize, &Span)> = roots.map(|span| (0, span)).collect();
        while let Some((depth, span)) = open.pop() {
            writeln!(f, "{:indent$}{} {}", "", span.name(), span.state(), indent = 2 * depth)?;
            let below = self.0.iter().rev().filter(|child| child.parent() == Some(span.span_id()));
            open.extend(below.map(|child| (depth + 1, child)));
        }
        Ok(())
    }
}
