//! Fields of the library's own, whose names are known when it is built.

use std::time::Duration;

use super::{FIELDS_MAX, Fields, RESERVED, bit, is_clean};
use crate::redaction::is_about_own;

/// A name of the library's own: it needs no escaping, no format reserves it, and the compiler has written what stands
/// before its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(&'static Ready);

/// What is known of a [`Key`] when the library is built: see [`key!`].
#[derive(Debug)]
pub(crate) struct Ready {
    name: &'static str,
    bit: u64,
    /// `,"name":`
    bare: &'static str,
    /// `,"name":"`
    quoted: &'static str,
}

/// The [`Key`] of a name. Fails to compile for a name that is not that plain.
macro_rules! key {
    ($name:expr) => {{
        const NAME: &str = $name;
        const QUOTED: [u8; $crate::fields::Ready::length(NAME)] = $crate::fields::Ready::quoted(NAME);
        $crate::fields::Key::new(const { &$crate::fields::Ready::new(NAME, &QUOTED) })
    }};
}
pub(crate) use key;

impl Key {
    pub(crate) const fn new(ready: &'static Ready) -> Self {
        Self(ready)
    }
}

impl Ready {
    pub(crate) const fn length(name: &str) -> usize {
        name.len() + r#","":""#.len()
    }

    /// `,"name":"`
    pub(crate) const fn quoted<const N: usize>(name: &str) -> [u8; N] {
        let mut text = [b'"'; N];
        text[0] = b',';
        let mut at = 0;
        while at < name.len() {
            let letter = name.as_bytes()[at];
            assert!(matches!(letter, b'a'..=b'z' | b'.' | b'_'), "a field of our own has a plain name");
            text[at + 2] = letter;
            at += 1;
        }
        text[N - 2] = b':';
        text
    }

    pub(crate) const fn new(name: &'static str, quoted: &'static [u8]) -> Self {
        let Ok(quoted) = str::from_utf8(quoted) else { panic!("letters are text") };
        Self { name, bit: bit(name), bare: quoted.split_at(quoted.len() - 1).0, quoted }
    }
}

/// Fields that are written quickly end before this: there is room then, whatever comes.
const QUICK_MAX: usize = FIELDS_MAX / 2;

impl Fields {
    /// [`str`](Fields::str) for a name of the library's own.
    pub(crate) fn key_str(&mut self, key: Key, value: &str) {
        if is_clean(value.as_bytes()) && self.takes(key, value.len()) {
            self.text.push_str(key.0.quoted);
            self.text.push_str(value);
            self.text.push('"');
        } else {
            self.str(key.0.name, value);
        }
    }

    /// [`u64`](Fields::u64) for a name of the library's own.
    pub(crate) fn key_u64(&mut self, key: Key, value: u64) {
        if self.takes(key, 20) {
            self.text.push_str(key.0.bare);
            self.text.push_str(itoa::Buffer::new().format(value));
        } else {
            self.u64(key.0.name, value);
        }
    }

    /// Records a time in milliseconds, to the nanosecond: `0.001234`.
    pub(crate) fn key_millis(&mut self, key: Key, time: Duration) {
        const NANOS: u32 = 1_000_000;
        let whole = time.as_secs().checked_mul(1000);
        let Some(millis) = whole.and_then(|whole| whole.checked_add(time.subsec_millis().into())) else {
            return self.f64(key.0.name, time.as_secs_f64() * 1e3);
        };
        if !self.takes(key, 28) {
            return self.f64(key.0.name, time.as_secs_f64() * 1e3);
        }
        self.text.push_str(key.0.bare);
        self.text.push_str(itoa::Buffer::new().format(millis));
        // A one in front of all six digits, zeros included, and a point in its place.
        let mut buffer = itoa::Buffer::new();
        let fraction = buffer.format(NANOS + time.subsec_nanos() % NANOS);
        self.text.push('.');
        self.text.push_str(fraction.get(1..).unwrap_or_default());
    }

    /// Whether it is not there already, and there is room for a plain value of this length. It counts as there then.
    #[inline]
    fn takes(&mut self, Key(key): Key, value: usize) -> bool {
        let len = key.quoted.len() + value + r#"""#.len();
        if self.names & key.bit != 0 || self.text.len() + len > QUICK_MAX || is_about_own(key.name) {
            return false;
        }
        debug_assert!(!RESERVED.contains(&key.name));
        self.names |= key.bit;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Key = key!("some.key");
    const B: Key = key!("other");

    // Mutation caught: the quick way taken for a name that is there, for a value that needs escaping, without room.
    #[test]
    fn the_quick_way_says_what_the_other_says() {
        let long = "x".repeat(FIELDS_MAX);
        for (text, number) in [("plain", 0), ("a \"quote\"", u64::MAX), ("", 7), (&*long, 9)] {
            let (mut quick, mut slow) = (Fields::new(), Fields::new());
            for _ in 0..3 {
                quick.key_str(A, text);
                slow.str("some.key", text);
                quick.key_u64(B, number);
                slow.u64("other", number);
            }
            assert_eq!(quick.as_str(), slow.as_str());
            assert_eq!(quick.is_cut(), slow.is_cut());
        }
    }

    #[test]
    fn times_are_exact() {
        for (nanos, text) in [
            (0, "0.000000"),
            (1_234, "0.001234"),
            (999_999, "0.999999"),
            (1_000_000, "1.000000"),
            (61_000_000_001, "61000.000001"),
        ] {
            let mut fields = Fields::new();
            fields.key_millis(A, Duration::from_nanos(nanos));
            assert_eq!(fields.as_str(), format!(",\"some.key\":{text}"));
        }
        let mut fields = Fields::new();
        fields.key_millis(A, Duration::MAX);
        serde_json::from_str::<serde_json::Value>(&format!("{{{}}}", &fields.as_str()[1..])).unwrap();
    }
}
