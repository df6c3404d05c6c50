//! Fields of the library's own, whose names are known when it is built.

use std::time::Duration;

use super::marks::Tag;
use super::{FIELDS_MAX, Fields, is_clean};
use crate::redaction::is_about_own;
use crate::semconv::log::RESERVED;

/// A name of the library's own: it needs no escaping, no format reserves it, and the compiler has written what stands
/// before its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(&'static Ready);

/// What is known of a [`Key`] when the library is built: see [`key!`].
#[derive(Debug)]
pub(crate) struct Ready {
    name: &'static str,
    tag: Tag,
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

/// A field of the library's own with one of a few values, which the compiler has written as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    key: Key,
    value: &'static str,
    /// `,"name":"value"`
    text: &'static str,
}

/// The [`Member`] of a name and a value. Fails to compile for ones that are not plain.
macro_rules! member {
    ($name:expr, $value:expr) => {{
        const KEY: $crate::fields::Key = $crate::fields::key!($name);
        const VALUE: &str = $value;
        const TEXT: [u8; $crate::fields::Member::length(KEY, VALUE)] =
            $crate::fields::Member::text(KEY, VALUE);
        $crate::fields::Member::new(KEY, VALUE, const { &TEXT })
    }};
}
pub(crate) use member;

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
        Self { name, tag: Tag::of(name), bare: quoted.split_at(quoted.len() - 1).0, quoted }
    }
}

impl Member {
    pub(crate) const fn length(key: Key, value: &str) -> usize {
        key.0.quoted.len() + value.len() + r#"""#.len()
    }

    /// `,"name":"value"`
    pub(crate) const fn text<const N: usize>(key: Key, value: &str) -> [u8; N] {
        let mut text = [b'"'; N];
        let name = key.0.quoted.as_bytes();
        let mut at = 0;
        while at < name.len() {
            text[at] = name[at];
            at += 1;
        }
        while at + 1 < N {
            let letter = value.as_bytes()[at - name.len()];
            assert!(letter.is_ascii_lowercase(), "a value of our own is a word");
            text[at] = letter;
            at += 1;
        }
        text
    }

    pub(crate) const fn new(key: Key, value: &'static str, text: &'static [u8]) -> Self {
        let Ok(text) = str::from_utf8(text) else { panic!("letters are text") };
        Self { key, value, text }
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

    /// [`key_str`](Fields::key_str) for one of a few values.
    pub(crate) fn member(&mut self, member: &Member) {
        if self.takes(member.key, member.value.len()) {
            self.text.push_str(member.text);
        } else {
            self.str(member.key.0.name, member.value);
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
        const DIGITS: usize = 6;
        const MILLI: u64 = 1_000_000;
        let whole = time.as_secs().checked_mul(1000 * MILLI);
        let nanos = whole.and_then(|whole| whole.checked_add(time.subsec_nanos().into()));
        let Some(nanos) = nanos.filter(|_| self.takes(key, 28)) else {
            return self.f64(key.0.name, time.as_secs_f64() * 1e3);
        };
        // Below one millisecond a one stands in front of all six digits, and none of them is left out.
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(if nanos < MILLI { nanos + MILLI } else { nanos });
        let (millis, fraction) = digits.split_at_checked(digits.len() - DIGITS).unwrap_or((digits, "0"));
        self.text.push_str(key.0.bare);
        self.text.push_str(if nanos < MILLI { "0" } else { millis });
        self.text.push('.');
        self.text.push_str(fraction);
    }

    /// Whether it is not there already, and there is room for a plain value of this length. It counts as there then.
    #[inline]
    fn takes(&mut self, Key(key): Key, value: usize) -> bool {
        let len = key.quoted.len() + value + r#"""#.len();
        if self.marks.may_have(key.tag) || self.text.len() + len > QUICK_MAX || is_about_own(key.name) {
            return false;
        }
        debug_assert!(!RESERVED.contains(&key.name));
        self.marks.push(key.tag, self.text.len());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Key = key!("some.key");
    const B: Key = key!("other");

    const SAID: Member = member!("some.key", "plain");

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

    // Mutation caught: a member written beside the field that has its name.
    #[test]
    fn a_member_is_a_field_like_any_other() {
        let (mut quick, mut slow) = (Fields::new(), Fields::new());
        for _ in 0..2 {
            quick.key_str(A, "other");
            quick.member(&SAID);
            slow.str("some.key", "plain");
            assert_eq!(quick.as_str(), slow.as_str());
        }
    }

    #[test]
    fn times_are_exact() {
        for (nanos, text) in [
            (0, "0.000000"),
            (1_234, "0.001234"),
            (100_000, "0.100000"),
            (999_999, "0.999999"),
            (1_000_000, "1.000000"),
            (61_000_000_001, "61000.000001"),
            (u64::MAX, "18446744073709.551615"),
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
