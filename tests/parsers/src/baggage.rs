//! `baggage`: bounded, no member cut, values as somebody else's decoder reads them.

use crate::pieces::lines;
use observe_core::context::Baggage;
use percent_encoding::percent_decode_str;

/// The first line is a value to be put in; the others are headers' values.
pub fn check(data: &[u8]) {
    let mut headers = lines(data);
    let value = String::from_utf8_lossy(headers.next().unwrap_or_default()).into_owned();
    let (baggage, _) = Baggage::parse(headers);
    holds(&baggage);

    let (before, mut after) = (baggage.clone(), baggage);
    if after.insert("planted", &value).is_ok() {
        holds(&after);
        assert_eq!(after.get("planted").as_deref(), Some(value.as_str()));
        assert_eq!(after.iter().filter(|member| member.key() == "planted").count(), 1);
        assert!(after.remove("planted") && after.get("planted").is_none());
        // The others are as they were.
        let mut others = before;
        others.remove("planted");
        assert_eq!(after, others);
    } else {
        assert_eq!(after, before);
    }
}

fn holds(baggage: &Baggage) {
    let text = baggage.as_str();
    assert!(text.len() <= Baggage::MAX_LENGTH && text.is_ascii());
    assert!(baggage.iter().count() <= Baggage::MAX_MEMBERS);
    assert_eq!(Baggage::parse([text.as_bytes()]), (baggage.clone(), None));
    let mut members = text.split(',').filter(|member| !member.is_empty());
    for member in baggage.iter() {
        let mut parts = members.next().unwrap().split(';');
        let (key, value) = parts.next().unwrap().split_once('=').unwrap();
        assert!(!key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!((member.key(), member.value()), (key, percent_decode_str(value).decode_utf8_lossy()));
        let properties: Vec<_> = parts
            .map(|part| match part.split_once('=') {
                Some((key, value)) => (key, Some(percent_decode_str(value).decode_utf8_lossy())),
                None => (part, None),
            })
            .collect();
        assert_eq!(member.properties().collect::<Vec<_>>(), properties);
    }
    assert_eq!(members.next(), None);
}
