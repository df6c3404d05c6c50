//! The status of an answer, as a label.

use crate::label::LabelValue;

/// The status of an answer: 100 to 599, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(u16);

const STATUSES: usize = 500;

/// The digits of every status.
static DIGITS: [[u8; 3]; STATUSES] = {
    let mut digits = [[0; 3]; STATUSES];
    let mut i = 0;
    while i < STATUSES {
        let status = i + 100;
        digits[i] =
            [b'0' + (status / 100) as u8, b'0' + (status / 10 % 10) as u8, b'0' + (status % 10) as u8];
        i += 1;
    }
    digits
};

impl Status {
    pub(crate) const NONE: Status = Status(0);

    /// None for a number that is no status.
    pub(crate) const fn of(status: u16) -> Self {
        match status {
            100..=599 => Self(status - 99),
            _ => Self::NONE,
        }
    }

    pub(crate) const fn code(self) -> Option<u16> {
        match self.0 {
            0 => None,
            code => Some(code + 99),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        <Self as LabelValue>::text(u32::from(self.0))
    }
}

#[diagnostic::do_not_recommend]
impl LabelValue for Status {
    const CARDINALITY: u32 = STATUSES as u32 + 1;
    const EMPTY: Option<u32> = Some(0);

    #[inline]
    fn code(self) -> u32 {
        u32::from(self.0)
    }

    fn text(code: u32) -> &'static str {
        let digits = code.checked_sub(1).and_then(|code| DIGITS.get(code as usize));
        digits.and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or("")
    }
}
