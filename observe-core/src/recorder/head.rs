//! What stands before the entries of a trace, and before the texts of a line.

use crate::clock::Tick;
use crate::context::{TraceFlags, TraceId};
use crate::record::{Keep, LEVELS, LogRecord, level_code};
use tracing_core::Level;

/// What the entries of one hand-over share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) trace_id: TraceId,
    pub(crate) flags: TraceFlags,
    /// Why the trace is kept, and with which probability one like it is; `None` when it is not.
    pub(crate) kept: Option<(Keep, f64)>,
    /// A look at what had not been handed over yet: what is handed over later says all of it again.
    pub(crate) is_early: bool,
    /// When its last entry was recorded.
    pub(crate) at: Tick,
}

/// What stands before the texts of a line: target, message, fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LineHead {
    pub(super) at: Tick,
    pub(super) unix_nanos: u64,
    pub(super) level: Level,
    pub(super) lens: [u32; 3],
}

/// A record, read.
pub(super) enum Record<'a> {
    Trace(Head, &'a [u8]),
    Line(LineHead, [&'a str; 3]),
}

const TRACE: u8 = 0;
const LINE: u8 = 1;

/// The code of a trace that is not kept; the others are one more than those of their reasons.
const NOT_KEPT: u8 = 0;
/// That of an early look.
const EARLY: u8 = u8::MAX;

impl Head {
    pub(super) const LEN: usize = 3 + 8 + 8 + 16;

    /// What it is, flags, why it is kept; when; with which probability; the trace.
    pub(super) fn encoded(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let kept = self.kept.map_or(NOT_KEPT, |(keep, _)| keep as u8 + 1);
        let kept = if self.is_early { EARLY } else { kept };
        bytes[..3].copy_from_slice(&[TRACE, self.flags.bits(), kept]);
        bytes[3..11].copy_from_slice(&self.at.nanos().to_le_bytes());
        bytes[11..19].copy_from_slice(&self.kept.map_or(0.0, |(_, probability)| probability).to_le_bytes());
        bytes[19..].copy_from_slice(&self.trace_id.to_bytes());
        bytes
    }
}

impl LineHead {
    pub(super) const LEN: usize = 2 + 8 + 8 + 3 * 4;

    pub(super) fn of(line: &LogRecord<'_>, texts: [&[u8]; 3], at: Tick) -> Self {
        // They are bounded far below.
        let lens = texts.map(|text| u32::try_from(text.len()).unwrap_or(u32::MAX));
        Self { at, unix_nanos: line.unix_nanos, level: line.level, lens }
    }

    pub(super) fn encoded(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..2].copy_from_slice(&[LINE, level_code(self.level)]);
        bytes[2..10].copy_from_slice(&self.at.nanos().to_le_bytes());
        bytes[10..18].copy_from_slice(&self.unix_nanos.to_le_bytes());
        for (place, len) in bytes[18..].chunks_exact_mut(4).zip(self.lens) {
            place.copy_from_slice(&len.to_le_bytes());
        }
        bytes
    }
}

impl<'a> Record<'a> {
    /// What was written so; `None`: it was not.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        Some(match reader.take::<1>()? {
            [TRACE] => {
                let flags = TraceFlags::from_bits(u8::from_le_bytes(reader.take()?));
                let kept = u8::from_le_bytes(reader.take()?);
                let at = Tick::from_nanos(u64::from_le_bytes(reader.take()?));
                let probability = f64::from_le_bytes(reader.take()?);
                let trace_id = TraceId::from_bytes(reader.take()?)?;
                let is_early = kept == EARLY;
                let kept = match kept {
                    NOT_KEPT | EARLY => None,
                    code => Some((*Keep::ALL.get(usize::from(code) - 1)?, probability)),
                };
                Self::Trace(Head { trace_id, flags, kept, is_early, at }, reader.0)
            }
            [LINE] => {
                let level = *LEVELS.get(usize::from(u8::from_le_bytes(reader.take()?)))?;
                let at = Tick::from_nanos(u64::from_le_bytes(reader.take()?));
                let unix_nanos = u64::from_le_bytes(reader.take()?);
                let mut lens = [0; 3];
                for len in &mut lens {
                    *len = u32::from_le_bytes(reader.take()?);
                }
                let mut texts = [""; 3];
                for (text, len) in texts.iter_mut().zip(lens) {
                    let (taken, rest) = reader.0.split_at_checked(len as usize)?;
                    *text = std::str::from_utf8(taken).ok()?;
                    reader.0 = rest;
                }
                Self::Line(LineHead { at, unix_nanos, level, lens }, texts)
            }
            _ => return None,
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}
