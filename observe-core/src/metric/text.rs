//! Short texts of an exposition, ready to be copied: most of its lines are made of them.

/// Writes the first `len` bytes of `text` at the end of `out`.
///
/// A copy of a length that is known when this is compiled is no call. What is copied beyond `len` is cut off
/// again; it takes no memory that `out` has not.
#[inline]
fn write<const N: usize>(text: &[u8; N], len: usize, out: &mut Vec<u8>) {
    if out.capacity() - out.len() < N {
        out.extend_from_slice(text.get(..len).unwrap_or(text));
        return;
    }
    let end = out.len() + len;
    out.extend_from_slice(text);
    out.truncate(end);
}

/// `,le="0.5"} `: all that stands between the other labels of a bucket and its number.
#[derive(Clone)]
pub(crate) struct Le {
    text: [u8; LE],
    len: u8,
}

/// The length of `,le="-1.2345678901234567e-308"} `: no bound has more digits.
const LE: usize = 32;

impl Le {
    /// Of an upper bound; without one, of the last bucket.
    pub(super) fn new(bound: Option<f64>) -> Self {
        let mut number = ryu::Buffer::new();
        let bound = bound.map_or("+Inf", |bound| number.format(bound));
        let (mut text, mut len) = ([0; LE], 0);
        let bytes = [",le=\"", bound, "\"} "].into_iter().flat_map(str::bytes);
        for (to, byte) in text.iter_mut().zip(bytes) {
            *to = byte;
            len += 1;
        }
        Self { text, len }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        write(&self.text, usize::from(self.len), out);
    }
}

/// A whole number, and the newline behind it.
pub(crate) struct Number {
    /// The number ends in the middle, where a newline stands; what follows that is never part of it.
    text: [u8; 2 * NUMBER],
    begin: usize,
}

/// The 20 digits of the largest number, the newline, and some that make a round length.
const NUMBER: usize = 24;

/// The numbers of two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut at = 0;
    while at < 100 {
        pairs[at] = [b'0' + at as u8 / 10, b'0' + at as u8 % 10];
        at += 1;
    }
    pairs
};

impl Number {
    pub(crate) fn new(value: u64) -> Self {
        let mut number = Self { text: [b'\n'; 2 * NUMBER], begin: NUMBER };
        number.set(value);
        number
    }

    #[inline]
    pub(crate) fn set(&mut self, mut value: u64) {
        let mut at = NUMBER;
        while value >= 10 {
            at -= 2;
            self.text[at..at + 2].copy_from_slice(&PAIRS[(value % 100) as usize]);
            value /= 100;
        }
        if value > 0 || at == NUMBER {
            at -= 1;
            self.text[at] = b'0' + value as u8;
        }
        self.begin = at;
    }

    /// Writes it, and the newline.
    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        if let Some(text) = self.text.get(self.begin..).and_then(|text| text.first_chunk::<NUMBER>()) {
            write(text, NUMBER - self.begin + 1, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: the longest bound cut, or bytes behind the text written.
    #[test]
    fn a_bound_is_written_whole_and_no_more() {
        for (bound, text) in [
            (Some(0.5), ",le=\"0.5\"} "),
            (Some(-1.234_567_890_123_456_7e-308), ",le=\"-1.2345678901234567e-308\"} "),
            (None, ",le=\"+Inf\"} "),
        ] {
            let le = Le::new(bound);
            let mut out = b"m_bucket{".to_vec();
            le.write(&mut out);
            assert_eq!(out, [b"m_bucket{", text.as_bytes()].concat());
            assert_eq!(le.as_bytes(), text.as_bytes());
        }
    }

    // Catches: a digit lost where their number is odd, or one of the number before left.
    #[test]
    fn a_number_has_all_its_digits() {
        let mut number = Number::new(u64::MAX);
        let powers = (0..20).map(|power| 10_u64.pow(power));
        for value in powers.flat_map(|power| [power - 1, power, power + 1]).chain([u64::MAX, 0, 7]) {
            number.set(value);
            let mut out = Vec::new();
            number.write(&mut out);
            number.write(&mut out);
            assert_eq!(out, format!("{value}\n{value}\n").as_bytes());
        }
    }

    // Catches: a copy of all that is there where there is no room for it.
    #[test]
    fn what_has_room_for_the_text_does_not_grow() {
        let mut out = Vec::with_capacity(13);
        Le::new(Some(0.5)).write(&mut out);
        Number::new(7).write(&mut out);
        assert_eq!((out.as_slice(), out.capacity()), (&b",le=\"0.5\"} 7\n"[..], 13));
    }
}
