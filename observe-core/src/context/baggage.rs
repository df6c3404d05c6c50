//! `baggage`: what the users along the way added, for whoever comes after.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::context::rejected::Rejected;
use crate::context::text;
use crate::error::{Error, Kind};

/// Names and values that travel with a request (W3C Baggage). Cheap to clone; empty costs nothing.
///
/// Every service on the way can read and change them, and whoever calls the first one can send what they
/// like: nothing in here is proven, and nothing belongs in here that a third party must not see.
///
/// Up to 64 members and 8,192 bytes are carried. Keys can come twice; then all of them are kept, in order,
/// with their properties.
///
/// ```
/// use observe_core::context::Baggage;
///
/// let (mut baggage, rejected) = Baggage::parse([b"userId=Am%C3%A9lie, serverNode=DF%2028;cached".as_slice()]);
/// assert_eq!(rejected, None);
/// assert_eq!(baggage.get("userId").as_deref(), Some("Amélie"));
/// baggage.insert("isProduction", "no, not yet").unwrap();
/// assert_eq!(baggage.as_str(), "userId=Am%C3%A9lie,serverNode=DF%2028;cached,isProduction=no%2C%20not%20yet");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Baggage(Option<Arc<str>>);

impl Baggage {
    /// How many members are carried at most.
    pub const MAX_MEMBERS: usize = 64;
    /// How many bytes, encoded and with their commas, are carried at most.
    pub const MAX_LENGTH: usize = 8_192;

    /// No members.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Reads the headers' values, joined in their order. White space and empty members are left out; a `%`
    /// that encodes nothing becomes `%25`.
    ///
    /// A member that is malformed is left out, and so is one with which the rest would exceed the limits: the
    /// first such reason is given beside the members that are carried. No member is ever cut.
    pub fn parse<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> (Self, Option<Rejected>) {
        let mut list = List { text: String::with_capacity(256), count: 0 };
        let mut rejected = None;
        for member in text::members(headers.into_iter()) {
            if list.count == Self::MAX_MEMBERS {
                rejected.get_or_insert(Rejected::TooManyMembers);
                break;
            }
            if let Err(reason) = list.push(|text| copy_member(member, text)) {
                rejected.get_or_insert(reason);
            }
        }
        (list.finish(), rejected)
    }

    /// The decoded value of the first member with this key. What is no UTF-8 when decoded becomes U+FFFD.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.iter().find(|member| member.key == key).map(|member| member.value())
    }

    /// Sets a value, which may be any text. The first member with this key keeps its place and loses its
    /// properties, others with the key go; a new one comes last.
    ///
    /// # Errors
    ///
    /// If the key is not a token (RFC 9110, section 5.6.2), or the limits would be exceeded. Then nothing has
    /// changed.
    pub fn insert(&mut self, key: &str, value: &str) -> Result<(), Error> {
        if !is_token(key.as_bytes()) {
            let rule = "a baggage key is one or more of a-z A-Z 0-9 !#$%&'*+-.^_`|~";
            return Err(Error::new(Kind::Invalid, format!("baggage key {key:?}: {rule}")));
        }
        let mut list = List::default();
        let mut todo = Some(());
        for member in self.iter() {
            let pushed = if member.key != key {
                list.push(|text| copy_text(member.text, text))
            } else if todo.take().is_some() {
                list.push(|text| encode_member(key, value, text))
            } else {
                Ok(())
            };
            pushed.map_err(|reason| too_much(key, reason))?;
        }
        if todo.is_some() {
            list.push(|text| encode_member(key, value, text)).map_err(|reason| too_much(key, reason))?;
        }
        *self = list.finish();
        Ok(())
    }

    /// Takes away the members with this key; says whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        if !self.iter().any(|member| member.key == key) {
            return false;
        }
        let mut list = List::default();
        for member in self.iter().filter(|member| member.key != key) {
            if list.push(|text| copy_text(member.text, text)).is_err() {
                break;
            }
        }
        *self = list.finish();
        true
    }

    /// The members, in order.
    pub fn iter(&self) -> impl Iterator<Item = BaggageMember<'_>> {
        let members = self.as_str().split(',').filter(|member| !member.is_empty());
        members.map(|text| {
            let (member, properties) = text.split_once(';').unwrap_or((text, ""));
            let (key, value) = member.split_once('=').unwrap_or((member, ""));
            BaggageMember { text, key, value, properties }
        })
    }

    /// The header's value as it is sent: percent-encoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Baggage({:?})", self.as_str())
    }
}

/// One member of a [`Baggage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaggageMember<'a> {
    text: &'a str,
    key: &'a str,
    value: &'a str,
    properties: &'a str,
}

impl<'a> BaggageMember<'a> {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// Its value, decoded. What is no UTF-8 when decoded becomes U+FFFD.
    #[must_use]
    pub fn value(&self) -> Cow<'a, str> {
        decode(self.value)
    }

    /// Its properties: keys, and decoded values where there are some.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> + use<'a> {
        let properties = self.properties.split(';').filter(|property| !property.is_empty());
        properties.map(|property| match property.split_once('=') {
            Some((key, value)) => (key, Some(decode(value))),
            None => (property, None),
        })
    }
}

/// Members being joined, none of them partial, within the limits.
#[derive(Default)]
struct List {
    text: String,
    count: usize,
}

impl List {
    /// Lets `write` add a member; takes it back if it fails, or if it was too much.
    fn push(&mut self, write: impl FnOnce(&mut String) -> Result<(), Rejected>) -> Result<(), Rejected> {
        if self.count == Baggage::MAX_MEMBERS {
            return Err(Rejected::TooManyMembers);
        }
        let before = self.text.len();
        if before > 0 {
            self.text.push(',');
        }
        let written = write(&mut self.text);
        let written =
            written.and(if self.text.len() > Baggage::MAX_LENGTH { Err(Rejected::TooLong) } else { Ok(()) });
        match written {
            Ok(()) => self.count += 1,
            Err(_) => self.text.truncate(before),
        }
        written
    }

    fn finish(self) -> Baggage {
        Baggage((self.count > 0).then(|| Arc::from(self.text)))
    }
}

fn too_much(key: &str, reason: Rejected) -> Error {
    let (members, bytes) = (Baggage::MAX_MEMBERS, Baggage::MAX_LENGTH);
    Error::new(
        Kind::Invalid,
        format!("baggage key {key:?}: {reason}: {members} members and {bytes} bytes are carried"),
    )
}

fn copy_text(member: &str, text: &mut String) -> Result<(), Rejected> {
    text.push_str(member);
    Ok(())
}

/// `key OWS "=" OWS value *( OWS ";" OWS property )`, without the white space.
fn copy_member(member: &[u8], text: &mut String) -> Result<(), Rejected> {
    // Before anything is copied: encoding can make it three times as long.
    if member.len() > Baggage::MAX_LENGTH {
        return Err(Rejected::TooLong);
    }
    let mut parts = member.split(|&byte| byte == b';').map(text::trim);
    let (key, value) = split_pair(parts.next().unwrap_or_default());
    copy_key(key, text)?;
    copy_value(value.ok_or(Rejected::Format)?, text)?;
    for property in parts.filter(|property| !property.is_empty()) {
        let (key, value) = split_pair(property);
        text.push(';');
        copy_key(key, text)?;
        if let Some(value) = value {
            copy_value(value, text)?;
        }
    }
    Ok(())
}

/// The trimmed texts before and after the first `=`.
fn split_pair(pair: &[u8]) -> (&[u8], Option<&[u8]>) {
    match pair.iter().position(|&byte| byte == b'=').and_then(|equals| pair.split_at_checked(equals)) {
        Some((key, [_, value @ ..])) => (text::trim(key), Some(text::trim(value))),
        _ => (pair, None),
    }
}

fn copy_key(key: &[u8], text: &mut String) -> Result<(), Rejected> {
    if !is_token(key) {
        return Err(Rejected::Key);
    }
    text.push_str(str::from_utf8(key).map_err(|_| Rejected::Key)?);
    Ok(())
}

fn copy_value(value: &[u8], text: &mut String) -> Result<(), Rejected> {
    if !value.iter().all(|&byte| byte == b'%' || needs_no_encoding(byte)) {
        return Err(Rejected::Value);
    }
    text.push('=');
    let value = str::from_utf8(value).map_err(|_| Rejected::Value)?;
    for (index, part) in value.split('%').enumerate() {
        if index > 0 {
            let encoded = part
                .as_bytes()
                .first_chunk::<2>()
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
            text.push_str(if encoded { "%" } else { "%25" });
        }
        text.push_str(part);
    }
    Ok(())
}

fn encode_member(key: &str, value: &str, text: &mut String) -> Result<(), Rejected> {
    // It only grows by encoding: a giant value must not be built first.
    if key.len().saturating_add(value.len()) >= Baggage::MAX_LENGTH {
        return Err(Rejected::TooLong);
    }
    text.push_str(key);
    text.push('=');
    for byte in value.bytes() {
        if needs_no_encoding(byte) {
            text.push(char::from(byte));
        } else {
            const DIGITS: [char; 16] =
                ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
            text.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0f)]]);
        }
    }
    Ok(())
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let encoded = match rest {
            [b'%', high, low, after @ ..] => {
                digit(*high).zip(digit(*low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (byte, after) = encoded.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// `baggage-octet`, without the `%` that begins an encoded byte.
fn needs_no_encoding(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\' | b'%')
}

fn is_token(key: &[u8]) -> bool {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !key.is_empty() && key.iter().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(headers: &[&str]) -> (Baggage, Option<Rejected>) {
        Baggage::parse(headers.iter().map(|header| header.as_bytes()))
    }

    // Each line is a rule; the mutation is to leave it out.
    #[test]
    fn each_rule_is_kept() {
        use Rejected::{Format, Key, Value};
        let cases: &[(&[&str], &str, Option<Rejected>)] = &[
            (&[], "", None),
            (&["", " , ,"], "", None),
            (
                &["userId=alice", "serverNode=DF%2028,isProduction=false"],
                "userId=alice,serverNode=DF%2028,isProduction=false",
                None,
            ),
            (&["k1=v1;p1;p2, k2 = v2, k3=v3; pk=pv"], "k1=v1;p1;p2,k2=v2,k3=v3;pk=pv", None),
            (&["K \t = \t v \t ; \t p \t = \t q \t ;\tr\t "], "K=v;p=q;r", None),
            (&["k=a=b==c"], "k=a=b==c", None),
            (&["k="], "k=", None),
            (&["k=1;;p;"], "k=1;p", None),
            (&["k=1,k=2,k=1"], "k=1,k=2,k=1", None),
            (&["k=100%,l=%zz%4,m=%41"], "k=100%25,l=%25zz%254,m=%41", None),
            (&["k=%FF%C3%A9"], "k=%FF%C3%A9", None),
            (&["!#$%&'*+-.^_`|~=1"], "!#$%&'*+-.^_`|~=1", None),
            (&["a=1,k,b=2"], "a=1,b=2", Some(Format)),
            (&["a=1,=v,b=2"], "a=1,b=2", Some(Key)),
            (&["a=1,k y=v,b=2"], "a=1,b=2", Some(Key)),
            (&["a=1,k\u{e9}=v,b=2"], "a=1,b=2", Some(Key)),
            (&["a=1,k=\"v\",b=2"], "a=1,b=2", Some(Value)),
            (&["a=1,k=v w,b=2"], "a=1,b=2", Some(Value)),
            (&["a=1,k=v\\,b=2"], "a=1,b=2", Some(Value)),
            (&["a=1,k=\u{e9},b=2"], "a=1,b=2", Some(Value)),
            (&["a=1,k=v;p=\u{7f},b=2"], "a=1,b=2", Some(Value)),
            (&["a=1,k=v;p q,b=2"], "a=1,b=2", Some(Key)),
            (&["k,l m=1"], "", Some(Format)),
        ];
        for (headers, expected, reason) in cases {
            let (baggage, rejected) = parse(headers);
            assert_eq!((baggage.as_str(), rejected), (*expected, *reason), "{headers:?}");
            assert_eq!(baggage.is_empty(), expected.is_empty());
        }
    }

    #[test]
    fn values_are_decoded_and_invalid_utf_8_is_replaced() {
        let (baggage, _) = parse(&["a=%41%c3%A9%,b=x%FFy%C3,c=1;p=%20;q"]);
        assert_eq!(baggage.get("a").unwrap(), "Aé%");
        assert_eq!(baggage.get("b").unwrap(), "x\u{fffd}y\u{fffd}");
        assert_eq!(baggage.get("d"), None);
        let member = baggage.iter().last().unwrap();
        assert_eq!((member.key(), member.value().as_ref()), ("c", "1"));
        let properties: Vec<_> = member.properties().collect();
        assert_eq!(properties, [("p", Some(Cow::Borrowed(" "))), ("q", None)]);
    }

    // Mutation: counting members or bytes one off, or cutting a member to fit.
    #[test]
    fn limits_leave_out_whole_members() {
        let all: Vec<String> = (0..65).map(|number| format!("k{number}=v")).collect();
        assert_eq!(parse(&[&all[..64].join(",")]).1, None);
        let (baggage, rejected) = parse(&[&all[..30].join(","), &all[30..].join(",")]);
        assert_eq!(
            (baggage.as_str(), rejected),
            (all[..64].join(",").as_str(), Some(Rejected::TooManyMembers))
        );

        let full = format!("a={}", "v".repeat(Baggage::MAX_LENGTH - 6));
        assert_eq!(parse(&[&full, "b=1"]).1, None);
        let (baggage, rejected) = parse(&[&full, "c=12", "b=1"]);
        assert_eq!((baggage.as_str().len(), rejected), (Baggage::MAX_LENGTH, Some(Rejected::TooLong)));
        assert_eq!(baggage.get("b").unwrap(), "1");
        // 8,192 stray `%` would be 24,576 bytes.
        assert_eq!(parse(&["b=1", &format!("k={}", "%".repeat(8_190))]).0.as_str(), "b=1");
    }

    #[test]
    fn setting_keeps_the_place_and_encodes() {
        let (mut baggage, _) = parse(&["a=1,k=old;p,b=2,k=older"]);
        baggage.insert("k", "é \"%\",;\\\n=").unwrap();
        assert_eq!(baggage.as_str(), "a=1,k=%C3%A9%20%22%25%22%2C%3B%5C%0A=,b=2");
        assert_eq!(baggage.get("k").unwrap(), "é \"%\",;\\\n=");
        let shared = baggage.clone();
        assert!(baggage.remove("a") && !baggage.remove("a"));
        assert!(baggage.remove("k") && baggage.remove("b") && baggage.is_empty());
        assert_eq!(shared.get("a").unwrap(), "1");
    }

    #[test]
    fn what_cannot_be_carried_changes_nothing() {
        let mut baggage = Baggage::new();
        for number in 0..64 {
            baggage.insert(&format!("k{number}"), "v").unwrap();
        }
        let before = baggage.clone();
        for (key, value) in [("", "v"), ("a b", "v"), ("a=", "v"), ("a,", "v"), ("é", "v"), ("k64", "v")] {
            assert!(baggage.insert(key, value).unwrap_err().is_invalid(), "{key:?}");
        }
        assert!(baggage.insert("k0", &" ".repeat(Baggage::MAX_LENGTH / 2)).is_err());
        assert_eq!(baggage, before);
        baggage.insert("k63", "w").unwrap();
    }
}
