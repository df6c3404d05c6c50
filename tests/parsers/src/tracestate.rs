//! `tracestate`: one illegal member and none is taken; what is taken is carried in order, within its bounds.

use crate::pieces::lines;
use observe_core::context::{Rejected, TraceState};

/// Each line is a header's value.
pub fn check(data: &[u8]) {
    let (state, rejected) = TraceState::parse(lines(data));
    let members: Vec<&[u8]> = lines(data)
        .flat_map(|header| header.split(|byte| *byte == b','))
        .map(trim)
        .filter(|member| !member.is_empty())
        .collect();
    let refused = members.len() > 32 || !members.iter().all(|member| is_legal(member));
    assert_eq!(rejected.is_some_and(|reason| reason != Rejected::TooLong), refused, "{members:?}");
    assert!(state.as_str().len() <= TraceState::MAX_LENGTH);
    if refused {
        assert!(state.is_empty());
    } else {
        let joined = members.join(b",".as_slice());
        if joined.len() <= TraceState::MAX_LENGTH {
            assert_eq!((state.as_str().as_bytes(), rejected), (joined.as_slice(), None));
        } else {
            assert_eq!(rejected, Some(Rejected::TooLong));
            let mut rest = members.iter();
            for (key, value) in state.iter() {
                let member = format!("{key}={value}");
                assert!(rest.any(|other| *other == member.as_bytes()), "members keep their order");
            }
        }
    }
    // What is sent is read as it was.
    assert_eq!(TraceState::parse([state.as_str().as_bytes()]), (state.clone(), None));
    let with = state.with("observe", "1").unwrap();
    assert_eq!(with.iter().next(), Some(("observe", "1")));
    assert_eq!(TraceState::parse([with.as_str().as_bytes()]), (with.clone(), None));
    assert_eq!(with.without("observe").get("observe"), None);
    // A key and a value of anybody's.
    if let [key, value, ..] = lines(data).collect::<Vec<_>>()[..]
        && let (Ok(key), Ok(value)) = (str::from_utf8(key), str::from_utf8(value))
    {
        let legal = is_legal(format!("{key}={value}").as_bytes()) && !value.ends_with(' ');
        let with = state.with(key, value);
        assert_eq!(with.is_ok(), legal, "{key:?} {value:?}");
        if let Ok(with) = with {
            assert_eq!(with.get(key), Some(value));
            assert_eq!(TraceState::parse([with.as_str().as_bytes()]).1, None);
        }
    }
}

/// By the specification's words.
fn is_legal(member: &[u8]) -> bool {
    let Some((key, value)) = split(member) else { return false };
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let key_is = (1..=256).contains(&key.len())
        && letter(&key[0])
        && key.iter().all(|byte| letter(byte) || b"_-*/@".contains(byte));
    let printable = |byte: &u8| (0x20..=0x7e).contains(byte) && !b",=".contains(byte);
    key_is && (1..=256).contains(&value.len()) && value.iter().all(printable) && !value.ends_with(b" ")
}

fn split(member: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = member.iter().position(|byte| *byte == b'=')?;
    Some((&member[..at], &member[at + 1..]))
}

fn trim(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |at| at + 1);
    &text[start..end]
}
