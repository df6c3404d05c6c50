//! `traceparent`: W3C Trace Context, levels 1 and 2.

use std::fmt;
use std::ops::{BitOr, Range};

use crate::context::hex;
use crate::context::id::{SpanId, TraceId};
use crate::context::rejected::Rejected;
use crate::context::text::trim;

/// The flags of a trace, as far as Trace Context level 2 defines them. Other bits are dropped.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TraceFlags(u8);

impl TraceFlags {
    /// No flag.
    pub const NONE: TraceFlags = TraceFlags(0);
    /// The caller may have recorded the trace.
    pub const SAMPLED: TraceFlags = TraceFlags(0x01);
    /// The right-most seven bytes of the trace id are random.
    pub const RANDOM: TraceFlags = TraceFlags(0x02);

    /// Takes the flags that are defined, and drops the other bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & (Self::SAMPLED.0 | Self::RANDOM.0))
    }

    /// The flags as they are sent.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of `flags` are set.
    #[must_use]
    pub const fn contains(self, flags: TraceFlags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether [`SAMPLED`](Self::SAMPLED) is set.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.contains(Self::SAMPLED)
    }

    /// The same flags, with [`SAMPLED`](Self::SAMPLED) set or not.
    #[must_use]
    pub const fn sampled(self, sampled: bool) -> Self {
        Self(self.0 & !Self::SAMPLED.0 | sampled as u8)
    }

    /// Two lowercase hexadecimal digits.
    #[must_use]
    pub const fn write_hex(self) -> [u8; 2] {
        hex::write2(self.0)
    }
}

impl BitOr for TraceFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for TraceFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceFlags({:02x})", self.0)
    }
}

/// Which span of which trace: what the header `traceparent` says.
///
/// ```
/// use observe_core::context::SpanContext;
///
/// let header = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let caller = SpanContext::parse(header).unwrap();
/// let ours = caller.child();
/// assert_eq!(ours.trace_id, caller.trace_id);
/// assert_ne!(ours.span_id, caller.span_id);
/// assert_eq!(&caller.write(), header);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span: the caller's in a context that came in (`parent-id`), one's own in a context that goes out.
    pub span_id: SpanId,
    /// The flags.
    pub flags: TraceFlags,
}

/// The length of a `traceparent` of version `00`.
const LENGTH: usize = 55;

impl SpanContext {
    /// A new trace, not sampled, whose id is random and says so.
    #[must_use]
    pub fn root() -> Self {
        Self { trace_id: TraceId::random(), span_id: SpanId::random(), flags: TraceFlags::RANDOM }
    }

    /// Another span of the same trace, with the same flags.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: SpanId::random(), ..self }
    }

    /// Reads a `traceparent` (Trace Context, "traceparent Header Field Values" and "Versioning of
    /// traceparent"). White space around it is allowed. Of a version above `00` the parts that `00` has are
    /// taken.
    ///
    /// # Errors
    ///
    /// Says which part is malformed. What follows is a new trace.
    pub fn parse(header: &[u8]) -> Result<Self, Rejected> {
        let header = trim(header);
        let Some((known, rest)) = header.split_first_chunk::<LENGTH>() else {
            return Err(Rejected::Length);
        };
        let mut ids = [0; 48];
        ids[..32].copy_from_slice(&known[3..35]);
        ids[32..].copy_from_slice(&known[36..52]);
        let ([high, low, span_id], good) = hex::read48(ids);
        let ends = hex::read8([b'0', b'0', b'0', b'0', known[0], known[1], known[53], known[54]]);
        // All of them at once. Only where that fails each is looked at, for the reason.
        let all = good && ends.is_some();
        let good = |part: Range<usize>| all || hex::are_digits(&known[part]);
        if !good(0..2) || known.starts_with(b"ff") {
            return Err(Rejected::Version);
        }
        if known.starts_with(b"00") && !rest.is_empty() {
            return Err(Rejected::Length);
        }
        if known[2] != b'-' || known[35] != b'-' || known[52] != b'-' || !matches!(rest, [] | [b'-', ..]) {
            return Err(Rejected::Format);
        }
        let trace_id = u128::from(high) << 64 | u128::from(low);
        match (TraceId::from_bytes(trace_id.to_be_bytes()), SpanId::from_bytes(span_id.to_be_bytes()), ends) {
            (Some(trace_id), Some(span_id), Some(ends)) if all => {
                Ok(Self { trace_id, span_id, flags: TraceFlags::from_bits(ends as u8) })
            }
            (None, ..) => Err(Rejected::TraceId),
            _ if !good(3..35) => Err(Rejected::TraceId),
            (_, None, _) => Err(Rejected::ParentId),
            _ if !good(36..52) => Err(Rejected::ParentId),
            _ => Err(Rejected::Flags),
        }
    }

    /// The `traceparent` that says this, of version `00`. It is ASCII.
    #[must_use]
    pub fn write(self) -> [u8; 55] {
        let mut header = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.trace_id.to_bytes());
        bytes[16..24].copy_from_slice(&self.span_id.to_bytes());
        bytes[24] = self.flags.bits();
        let digits = hex::write(bytes);
        header[3..35].copy_from_slice(&digits[..32]);
        header[36..52].copy_from_slice(&digits[32..48]);
        header[53..].copy_from_slice(&digits[48..50]);
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "12345678901234567890123456789012";

    // Each line is a rule of the specification; the mutation is to leave its check out of `parse`.
    #[test]
    fn each_rule_has_its_reason() {
        let cases: &[(&str, Result<u8, Rejected>)] = &[
            ("00-TRACE-1234567890123456-00", Ok(0)),
            ("00-TRACE-1234567890123456-01", Ok(1)),
            ("00-TRACE-1234567890123456-02", Ok(2)),
            ("00-TRACE-1234567890123456-ff", Ok(3)),
            (" \t00-TRACE-1234567890123456-01\t ", Ok(1)),
            ("cc-TRACE-1234567890123456-01", Ok(1)),
            ("cc-TRACE-1234567890123456-01-", Ok(1)),
            ("cc-TRACE-1234567890123456-01-what-the-future-will-be-like", Ok(1)),
            ("cc-TRACE-1234567890123456-01.what-the-future-will-be-like", Err(Rejected::Format)),
            ("cc-TRACE-1234567890123456-0", Err(Rejected::Length)),
            ("00-TRACE-1234567890123456-01-", Err(Rejected::Length)),
            ("00-TRACE-1234567890123456-01.", Err(Rejected::Length)),
            ("00-TRACE-1234567890123456-01-what-the-future-will-be-like", Err(Rejected::Length)),
            ("", Err(Rejected::Length)),
            ("00-TRACE-1234567890123456-1", Err(Rejected::Length)),
            ("00-TRACE-123456789012345-01", Err(Rejected::Length)),
            ("ff-TRACE-1234567890123456-01", Err(Rejected::Version)),
            ("FF-TRACE-1234567890123456-01", Err(Rejected::Version)),
            (".0-TRACE-1234567890123456-01", Err(Rejected::Version)),
            ("0.-TRACE-1234567890123456-01", Err(Rejected::Version)),
            ("01_TRACE-1234567890123456-01", Err(Rejected::Format)),
            ("00-TRACE_1234567890123456-01", Err(Rejected::Format)),
            ("00-TRACE-1234567890123456_01", Err(Rejected::Format)),
            ("01-TRACE-12345678901234567-01", Err(Rejected::Format)),
            ("00-00000000000000000000000000000000-1234567890123456-01", Err(Rejected::TraceId)),
            ("00-.2345678901234567890123456789012-1234567890123456-01", Err(Rejected::TraceId)),
            ("00-A2345678901234567890123456789012-1234567890123456-01", Err(Rejected::TraceId)),
            ("00-TRACE-0000000000000000-01", Err(Rejected::ParentId)),
            ("00-TRACE-123456789012345.-01", Err(Rejected::ParentId)),
            ("00-TRACE-123456789012345B-01", Err(Rejected::ParentId)),
            ("00-TRACE-1234567890123456-.0", Err(Rejected::Flags)),
            ("00-TRACE-1234567890123456-0.", Err(Rejected::Flags)),
            ("00-TRACE-1234567890123456-0A", Err(Rejected::Flags)),
        ];
        for (header, expected) in cases {
            let parsed = SpanContext::parse(header.replace("TRACE", TRACE).as_bytes());
            assert_eq!(parsed.map(|span| span.flags.bits()), *expected, "{header}");
            if let Ok(span) = parsed {
                assert_eq!(
                    (span.trace_id.to_string(), span.span_id.to_string().as_str()),
                    (TRACE.to_owned(), "1234567890123456")
                );
            }
        }
    }

    #[test]
    fn a_higher_version_goes_out_as_00_and_unknown_flags_as_0() {
        let span = SpanContext::parse(b"cc-12345678901234567890123456789012-1234567890123456-fe-x").unwrap();
        assert_eq!(&span.write(), b"00-12345678901234567890123456789012-1234567890123456-02");
    }

    #[test]
    fn a_child_keeps_the_trace_and_its_flags() {
        let root = SpanContext::root();
        assert!(root.flags.contains(TraceFlags::RANDOM) && !root.flags.is_sampled());
        let caller = SpanContext { flags: TraceFlags::SAMPLED, ..root };
        let child = caller.child();
        assert_eq!((child.trace_id, child.flags), (caller.trace_id, TraceFlags::SAMPLED));
        assert_ne!(child.span_id, caller.span_id);
        assert_eq!(root.flags.sampled(true), TraceFlags::SAMPLED | TraceFlags::RANDOM);
        assert_eq!(root.flags.sampled(true).sampled(false), TraceFlags::RANDOM);
    }
}
