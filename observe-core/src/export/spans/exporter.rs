//! What a way out for spans has to do.

use std::time::Duration;

use crate::record::TraceRecord;

/// A way out for spans. It is the worker's own: it may be slow, fail, and panic.
pub(crate) trait Exporter: Send + Sized + 'static {
    /// A span as it goes out.
    type Span: Send;
    /// Spans that go together.
    type Batch: Send;

    /// Where to, for people.
    fn target(&self) -> &str;

    /// Reads the spans of a trace, and answers how many of its lines and links belong to none of them.
    fn read(&self, trace: &TraceRecord, take: &mut dyn FnMut(Self::Span)) -> u64;

    /// How many bytes of a batch a span takes, about.
    fn weight(&self, span: &Self::Span) -> usize;

    /// Puts spans together. Once for each batch, however often it is sent.
    fn pack(&self, spans: Vec<Self::Span>) -> Self::Batch;

    /// Makes one attempt.
    fn send(&self, batch: &Self::Batch) -> impl Future<Output = Answer> + Send;
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// Taken, but for so many spans.
    Taken { rejected: u64, why: String },
    /// Not taken, and never will be.
    Refused(String),
    /// Not taken now. The collector may have said how long to wait.
    Later { wait: Option<Duration>, why: String },
}

impl Answer {
    /// All of it was taken.
    pub(crate) const TAKEN: Answer = Answer::Taken { rejected: 0, why: String::new() };

    /// Something on the way did not work.
    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Later { wait: None, why: why.into() }
    }
}
