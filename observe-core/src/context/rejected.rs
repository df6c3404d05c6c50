//! What was refused of a context that came in, and why.

use std::fmt;

/// Why a header, or a part of it, was not taken. A closed set: these are the values of the label `reason` of
/// `observe_context_rejected_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejected {
    /// There were two of a header that may come once.
    Duplicate,
    /// It is too short or too long to be one.
    Length,
    /// Its parts are not where they must be.
    Format,
    /// The version of `traceparent` is `ff`, or no version at all.
    Version,
    /// The trace id is zero, or not lowercase hexadecimal.
    TraceId,
    /// The parent id is zero, or not lowercase hexadecimal.
    ParentId,
    /// The trace flags are not lowercase hexadecimal.
    Flags,
    /// A key is empty, too long, or has a character that keys must not have.
    Key,
    /// A value is empty where it must not be, too long, or has a character that values must not have.
    Value,
    /// There are more members than the list may have.
    TooManyMembers,
    /// The list is longer than what is carried on: whole members were left out.
    TooLong,
}

impl Rejected {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Rejected; 11] = [
        Rejected::Duplicate,
        Rejected::Length,
        Rejected::Format,
        Rejected::Version,
        Rejected::TraceId,
        Rejected::ParentId,
        Rejected::Flags,
        Rejected::Key,
        Rejected::Value,
        Rejected::TooManyMembers,
        Rejected::TooLong,
    ];

    /// The text of the `reason` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Rejected::Duplicate => "duplicate",
            Rejected::Length => "length",
            Rejected::Format => "format",
            Rejected::Version => "version",
            Rejected::TraceId => "trace_id",
            Rejected::ParentId => "parent_id",
            Rejected::Flags => "flags",
            Rejected::Key => "key",
            Rejected::Value => "value",
            Rejected::TooManyMembers => "too_many_members",
            Rejected::TooLong => "too_long",
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::error::Error for Rejected {}

/// A header that carries context. A closed set: these are the values of the label `header` of
/// `observe_context_rejected_total`, whatever the correlation id's header is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContextHeader {
    /// `traceparent`
    Traceparent,
    /// `tracestate`
    Tracestate,
    /// `baggage`
    Baggage,
    /// The correlation id's header.
    CorrelationId,
    /// `b3`, or those of `X-B3-*`.
    B3,
    /// Those of `x-datadog-*`.
    Datadog,
    /// `X-Amzn-Trace-Id`
    XRay,
    /// `X-Request-Start`: no context, but of the same source.
    RequestStart,
    /// `traceresponse`, of a callee.
    Traceresponse,
}

impl ContextHeader {
    /// Every header, in the order of their declaration.
    pub const ALL: [ContextHeader; 9] = [
        ContextHeader::Traceparent,
        ContextHeader::Tracestate,
        ContextHeader::Baggage,
        ContextHeader::CorrelationId,
        ContextHeader::B3,
        ContextHeader::Datadog,
        ContextHeader::XRay,
        ContextHeader::RequestStart,
        ContextHeader::Traceresponse,
    ];

    /// The text of the `header` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ContextHeader::Traceparent => "traceparent",
            ContextHeader::Tracestate => "tracestate",
            ContextHeader::Baggage => "baggage",
            ContextHeader::CorrelationId => "correlation_id",
            ContextHeader::B3 => "b3",
            ContextHeader::Datadog => "datadog",
            ContextHeader::XRay => "xray",
            ContextHeader::RequestStart => "request_start",
            ContextHeader::Traceresponse => "traceresponse",
        }
    }
}

/// What was refused of one carrier's headers: at most one reason for each header, the first that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejections {
    reasons: [Option<Rejected>; ContextHeader::ALL.len()],
    /// Whether there is one. Mostly there is none, and nobody looks further.
    any: bool,
}

impl Rejections {
    /// Whether nothing was refused.
    #[must_use]
    pub fn is_empty(self) -> bool {
        !self.any
    }

    /// Why something of this header was refused, if it was.
    #[must_use]
    pub fn reason(self, header: ContextHeader) -> Option<Rejected> {
        self.reasons.get(header as usize).copied().flatten()
    }

    /// The refused headers and the reasons.
    pub fn iter(self) -> impl Iterator<Item = (ContextHeader, Rejected)> {
        let headers: &[ContextHeader] = if self.any { &ContextHeader::ALL } else { &[] };
        headers.iter().filter_map(move |header| Some((*header, self.reason(*header)?)))
    }

    pub(crate) fn note(&mut self, header: ContextHeader, rejected: Rejected) {
        if let Some(reason) = self.reasons.get_mut(header as usize) {
            reason.get_or_insert(rejected);
            self.any = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_unique() {
        let reasons: std::collections::HashSet<_> = Rejected::ALL.map(Rejected::as_str).into();
        assert_eq!(reasons.len(), Rejected::ALL.len());
    }

    #[test]
    fn the_first_reason_stays_and_each_header_has_its_own() {
        for header in ContextHeader::ALL {
            let mut rejections = Rejections::default();
            assert!(rejections.is_empty());
            rejections.note(header, Rejected::Key);
            rejections.note(header, Rejected::Value);
            assert_eq!(rejections.iter().collect::<Vec<_>>(), [(header, Rejected::Key)]);
            assert_eq!(rejections.reason(header), Some(Rejected::Key));
        }
    }
}
