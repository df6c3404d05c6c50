//! `tracestate`: what the tracing systems along the way added. Held as it came.

use std::fmt;
use std::sync::Arc;

use crate::context::rejected::Rejected;
use crate::context::text;
use crate::error::{Error, Kind};

const MAX_MEMBERS: usize = 32;
const MAX_PART: usize = 256;
/// Members above this go first when the list is shortened.
const LARGE_MEMBER: usize = 128;

/// The members of `tracestate`, the latest writer's first (W3C Trace Context, "Tracestate Header"). Cheap to
/// clone; empty costs nothing.
///
/// Up to 32 members and 2,048 characters are carried: a legal list can be 16 kB long, and each request in
/// flight would hold as much of a client's text. What is longer is shortened by the specification's rule:
/// whole members go, those above 128 characters first, each kind from the end.
///
/// ```
/// use observe_core::context::TraceState;
///
/// let (state, rejected) = TraceState::parse([b"rojo=00f067aa0ba902b7, congo=t61rcWkgMzE".as_slice()]);
/// assert_eq!(rejected, None);
/// assert_eq!(state.get("congo"), Some("t61rcWkgMzE"));
/// let state = state.with("congo", "ucfJifl5GOE").unwrap();
/// assert_eq!(state.as_str(), "congo=ucfJifl5GOE,rojo=00f067aa0ba902b7");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TraceState(Option<Arc<str>>);

impl TraceState {
    /// What is carried at most, in characters.
    pub const MAX_LENGTH: usize = 2_048;

    /// No members.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Reads the headers' values, joined in their order. Empty members, and white space around members, are
    /// left out; a key that comes twice is kept twice.
    ///
    /// One illegal member, or more than 32 members, and all are discarded: then the reason is given beside an
    /// empty list. Beside a list that was shortened it is [`Rejected::TooLong`].
    pub fn parse<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> (Self, Option<Rejected>) {
        let mut list = List::default();
        for member in text::members(headers.into_iter()) {
            match checked(member).and_then(|member| list.push(member)) {
                Ok(()) => {}
                Err(rejected) => return (Self::new(), Some(rejected)),
            }
        }
        let shortened = list.shorten(0);
        (list.join(), shortened.then_some(Rejected::TooLong))
    }

    /// The value of the first member with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(member, _)| *member == key).map(|(_, value)| value)
    }

    /// With this member at the front, in the place of any that had its key. What is then too much is dropped:
    /// the right-most beyond 32 members, and by the type's rule beyond its length; the new member itself
    /// stays.
    ///
    /// # Errors
    ///
    /// If the key or the value is not legal.
    pub fn with(&self, key: &str, value: &str) -> Result<Self, Error> {
        let member = format!("{key}={value}");
        // A comma, or a second `=`, in either part would pass for another member or another value.
        if !legal_key(key.as_bytes()) || !legal_value(value.as_bytes()) {
            return Err(Error::new(Kind::Invalid, format!("tracestate member {member:?}: {RULE}")));
        }
        let mut list = List::default();
        let others = self.members().filter(|(other, _)| *other != key).map(|(_, member)| member);
        for member in std::iter::once(member.as_str()).chain(others) {
            if list.push(member).is_err() {
                break;
            }
        }
        list.shorten(1);
        Ok(list.join())
    }

    /// Without the members that have this key.
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        if self.get(key).is_none() {
            return self.clone();
        }
        let mut list = List::default();
        for (_, member) in self.members().filter(|(other, _)| *other != key) {
            if list.push(member).is_err() {
                break;
            }
        }
        list.join()
    }

    /// The members' keys and values, the latest writer's first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members().filter_map(|(_, member)| member.split_once('='))
    }

    /// The list as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Each member, with its key beside it.
    fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        let members = self.as_str().split(',').filter(|member| !member.is_empty());
        members.map(|member| (member.split('=').next().unwrap_or_default(), member))
    }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceState({:?})", self.as_str())
    }
}

/// Legal members, borrowed, before they are joined.
#[derive(Default)]
struct List<'a> {
    members: [&'a str; MAX_MEMBERS],
    count: usize,
}

impl<'a> List<'a> {
    fn push(&mut self, member: &'a str) -> Result<(), Rejected> {
        *self.members.get_mut(self.count).ok_or(Rejected::TooManyMembers)? = member;
        self.count += 1;
        Ok(())
    }

    fn members(&self) -> &[&'a str] {
        self.members.get(..self.count).unwrap_or_default()
    }

    fn length(&self) -> usize {
        let members: usize = self.members().iter().map(|member| member.len()).sum();
        members + self.count.saturating_sub(1)
    }

    /// Takes members away until the rest is short enough, but none of the first `kept`. Says whether it took
    /// one.
    fn shorten(&mut self, kept: usize) -> bool {
        let mut length = self.length();
        if length <= TraceState::MAX_LENGTH {
            return false;
        }
        for least in [LARGE_MEMBER + 1, 0] {
            for index in (kept..self.count).rev() {
                let taken = self.members[index].len();
                if length > TraceState::MAX_LENGTH && taken >= least {
                    self.members.copy_within(index + 1..self.count, index);
                    self.count -= 1;
                    length -= taken + 1;
                }
            }
        }
        true
    }

    fn join(&self) -> TraceState {
        TraceState(match self.members() {
            [] => None,
            [member] => Some(Arc::from(*member)),
            members => Some(Arc::from(members.join(","))),
        })
    }
}

const RULE: &str = "a key is 1 to 256 of a-z 0-9 _ - * / @ and begins with a letter or digit; \
                    a value is 1 to 256 printable ASCII characters without `,` and `=`, and ends in no space";

fn checked(member: &[u8]) -> Result<&str, Rejected> {
    let split =
        member.iter().position(|&byte| byte == b'=').and_then(|equals| member.split_at_checked(equals));
    let (key, value) = split.ok_or(Rejected::Format)?;
    if !legal_key(key) {
        return Err(Rejected::Key);
    }
    if !value.get(1..).is_some_and(legal_value) {
        return Err(Rejected::Value);
    }
    str::from_utf8(member).map_err(|_| Rejected::Value)
}

fn legal_key(key: &[u8]) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let legal = |byte: u8| alphanumeric(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
    key.len() <= MAX_PART
        && key.first().is_some_and(|&first| alphanumeric(first))
        && key.iter().all(|&byte| legal(byte))
}

fn legal_value(value: &[u8]) -> bool {
    let legal = |byte: u8| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=';
    value.len() <= MAX_PART
        && value.last().is_some_and(|&last| last != b' ')
        && value.iter().all(|&byte| legal(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(headers: &[&str]) -> (TraceState, Option<Rejected>) {
        TraceState::parse(headers.iter().map(|header| header.as_bytes()))
    }

    // Each line is a rule; the mutation is to leave it out.
    #[test]
    fn each_rule_is_kept() {
        let (key256, key257) = ("z".repeat(256), "z".repeat(257));
        let legal_key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@a-z0-9_-*/@@";
        let legal_value: String =
            (b' '..=b'~').filter(|byte| !b",=".contains(byte)).map(char::from).collect();
        let all_legal = format!("{legal_key}={legal_value}");
        let kept: &[(&[&str], &str)] = &[
            (&[], ""),
            (&["", " \t", ",, ,"], ""),
            (&["foo=1"], "foo=1"),
            (&[" \tfoo=1\t "], "foo=1"),
            (&["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
            (&["foo=1,,bar=2,"], "foo=1,bar=2"),
            (&["foo=1,bar=2", "", "rojo=1", "baz=3"], "foo=1,bar=2,rojo=1,baz=3"),
            (&["foo=  1"], "foo=  1"),
            (&["foo=1,foo=2", "foo=1"], "foo=1,foo=2,foo=1"),
            (&["0=1,foo@=2,foo@@bar=3"], "0=1,foo@=2,foo@@bar=3"),
            (&[&all_legal], &all_legal),
            (&[&format!("foo=1,{key256}={key256}")], &format!("foo=1,{key256}={key256}")),
        ];
        for (headers, expected) in kept {
            assert_eq!(
                parse(headers),
                (TraceState((!expected.is_empty()).then(|| (*expected).into())), None),
                "{headers:?}"
            );
        }
        let discarded: &[(&str, Rejected)] = &[
            ("foo", Rejected::Format),
            ("=1", Rejected::Key),
            ("foo =1", Rejected::Key),
            ("FOO=1", Rejected::Key),
            ("foo.bar=1", Rejected::Key),
            ("@foo=1", Rejected::Key),
            ("_foo=1", Rejected::Key),
            (&format!("{key257}=1"), Rejected::Key),
            ("foo=", Rejected::Value),
            ("foo= ", Rejected::Value),
            ("foo=bar=baz", Rejected::Value),
            ("foo=a\tb", Rejected::Value),
            ("foo=\u{e9}", Rejected::Value),
            ("foo=\u{7f}", Rejected::Value),
            (&format!("foo={key257}"), Rejected::Value),
        ];
        for (header, reason) in discarded {
            assert_eq!(parse(&["bar=2", header, "baz=3"]), (TraceState::new(), Some(*reason)), "{header:?}");
        }
    }

    #[test]
    fn thirty_two_members_are_carried_and_thirty_three_are_not() {
        let members: Vec<String> = (1..=33).map(|number| format!("bar{number:02}={number:02}")).collect();
        let (state, rejected) = parse(&[&members[..20].join(","), &members[20..32].join(",")]);
        assert_eq!((state.iter().count(), rejected), (32, None));
        assert_eq!(parse(&[&members.join(",")]), (TraceState::new(), Some(Rejected::TooManyMembers)));

        let more = state.with("new", "1").unwrap();
        assert_eq!(more.iter().count(), 32);
        assert!(more.as_str().starts_with("new=1,bar01=01,") && more.as_str().ends_with(",bar31=31"));
    }

    // Mutation: taking large members and others alike, or taking from the front.
    #[test]
    fn large_members_go_first_and_then_the_last() {
        let member = |key: &str, length: usize| format!("{key}={}", "v".repeat(length - key.len() - 1));
        // 5 × 250 + 7 × 128 + 11 commas are 2,157: one large member must go, and it is the last large one.
        let mut list: Vec<String> = (0..4).map(|number| member(&format!("l{number}"), 250)).collect();
        list.extend((0..7).map(|number| member(&format!("s{number}"), 128)));
        list.insert(6, member("last", 250));
        let (state, rejected) = parse(&[&list.join(",")]);
        list.remove(6);
        assert_eq!((state.as_str(), rejected), (list.join(",").as_str(), Some(Rejected::TooLong)));

        // 20 × 128 + 19 are 2,579: no large ones, so the last go, and 15 × 128 + 14 remain.
        let list: Vec<String> = (10..30).map(|number| member(&format!("s{number}"), 128)).collect();
        let (state, rejected) = parse(&[&list.join(",")]);
        assert_eq!((state.as_str(), rejected), (list[..15].join(",").as_str(), Some(Rejected::TooLong)));

        // A new member stays, large as it is.
        let more = state.with("new", &"n".repeat(256)).unwrap();
        assert!(more.as_str().starts_with("new=nnn") && more.as_str().len() <= TraceState::MAX_LENGTH);
        assert_eq!(more.iter().count(), 14);
    }

    // Mutation: forgetting the commas.
    #[test]
    fn exactly_the_longest_is_carried_whole() {
        let value = "v".repeat(124);
        // 15 × 128 + 15 commas + 113 = 2,048
        let mut text: String = (10..25).map(|number| format!("k{number}={value},")).collect();
        text.push_str(&format!("k={}", "v".repeat(TraceState::MAX_LENGTH - text.len() - 2)));
        assert_eq!(text.len(), TraceState::MAX_LENGTH);
        assert_eq!(parse(&[&text]).1, None);
        let (state, rejected) = parse(&[&text, "more=1"]);
        assert_eq!((state.as_str(), rejected), (text.as_str(), Some(Rejected::TooLong)));
        text.push('v');
        assert_eq!(parse(&[&text]).1, Some(Rejected::TooLong));
    }

    #[test]
    fn a_member_is_written_once_and_taken_away_whole() {
        let (state, _) = parse(&["a=1,foo=1,b=2,foo=3"]);
        assert_eq!(state.get("foo"), Some("1"));
        assert_eq!(state.get("fo"), None);
        assert_eq!(state.with("foo", " 4").unwrap().as_str(), "foo= 4,a=1,b=2");
        assert_eq!(state.without("foo").as_str(), "a=1,b=2");
        assert_eq!(state.without("c"), state);
        assert!(TraceState::new().with("a", "1").unwrap().without("a").is_empty());
        for (key, value) in [
            ("", "1"),
            ("A", "1"),
            ("a,b", "1"),
            ("a", ""),
            ("a", "1,2"),
            ("a", "1=2"),
            ("a", "1 "),
            ("a", "\n"),
        ] {
            assert!(state.with(key, value).unwrap_err().is_invalid(), "{key:?} {value:?}");
        }
    }
}
