//! `ot`: OpenTelemetry's own member of `tracestate`, which says by what a trace was sampled.
//!
//! Pairs `key:value` with `;` between them (OpenTelemetry, "TraceState Handling" and "TraceState: Probability
//! Sampling"). `th`: traces whose randomness reaches this threshold were kept, 1 to 14 hexadecimal digits from the left.
//! `rv`: the trace's randomness where it is not the right-most 56 bits of the trace id, 14 digits. Other pairs stay as
//! they came.

use crate::context::tracestate::TraceState;

const KEY: &str = "ot";
const THRESHOLD: &str = "th";
const RANDOMNESS: &str = "rv";
/// Of 56 bits.
const DIGITS: usize = 14;

/// The randomness that the list names, if it is well-formed.
pub(crate) fn randomness(state: &TraceState) -> Option<u64> {
    let (_, digits) = pairs(state).find(|(key, _)| *key == RANDOMNESS)?;
    (digits.len() == DIGITS).then(|| hex(digits)).flatten()
}

/// The threshold that the list names, if it is well-formed.
pub(crate) fn threshold(state: &TraceState) -> Option<u64> {
    let (_, digits) = pairs(state).find(|(key, _)| *key == THRESHOLD)?;
    let missing = DIGITS.checked_sub(digits.len()).filter(|_| !digits.is_empty())?;
    hex(digits).map(|value| value << (4 * missing))
}

/// The list with this threshold, below 2^56, in the place of any that it had; `None`: with none. What else it says of
/// sampling stays, unless there is no room beside the threshold.
pub(crate) fn with_threshold(state: &TraceState, threshold: Option<u64>) -> TraceState {
    let mut value = String::new();
    if let Some(threshold) = threshold {
        let digits = format!("{threshold:0DIGITS$x}");
        let digits = match digits.trim_end_matches('0') {
            "" => "0",
            digits => digits,
        };
        value = format!("{THRESHOLD}:{digits}");
    } else if !pairs(state).any(|(key, _)| key == THRESHOLD) {
        return state.clone();
    }
    let alone = value.len();
    for (key, other) in pairs(state).filter(|(key, _)| *key != THRESHOLD) {
        if !value.is_empty() {
            value.push(';');
        }
        value.push_str(key);
        value.push(':');
        value.push_str(other);
    }
    let with = |value: &str| state.with(KEY, value).ok();
    with(&value).or_else(|| with(value.get(..alone)?)).unwrap_or_else(|| without(state))
}

/// The list without what it says of sampling.
pub(crate) fn without(state: &TraceState) -> TraceState {
    state.without(KEY)
}

/// Whether it says anything of sampling.
pub(crate) fn is_in(state: &TraceState) -> bool {
    !state.is_empty() && state.get(KEY).is_some()
}

/// What is no pair is left out.
fn pairs(state: &TraceState) -> impl Iterator<Item = (&str, &str)> {
    let value = if state.is_empty() { None } else { state.get(KEY) };
    value.into_iter().flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once(':'))
}

fn hex(digits: &str) -> Option<u64> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digits.bytes().all(is_digit).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(text: &str) -> TraceState {
        let (state, rejected) = TraceState::parse([text.as_bytes()]);
        assert_eq!(rejected, None, "{text}");
        state
    }

    // Mutations caught: digits read from the wrong end; a length or a sign passed over.
    #[test]
    fn what_is_well_formed_is_read() {
        let read = |text: &str| (threshold(&state(text)), randomness(&state(text)));
        assert_eq!(read("ot=th:c"), (Some(0xc0_0000_0000_0000), None));
        assert_eq!(read("ot=th:0;rv:6e6d1a75832a2f"), (Some(0), Some(0x6e_6d1a_7583_2a2f)));
        assert_eq!(read("a=1,ot=p:8;rv:ffffffffffffff;th:fd70a3d70a3d71").0, Some(0xfd_70a3_d70a_3d71));
        for none in ["a=1", "ot=th", "ot=th:", "ot=th:+c", "ot=th:C", "ot=th:123456789abcdef", "other=th:c"] {
            assert_eq!(read(none).0, None, "{none}");
        }
        for none in ["ot=rv:", "ot=rv:6e6d1a75832a2", "ot=rv:6e6d1a75832a2f0", "ot=rv:+e6d1a75832a2f"] {
            assert_eq!(read(none).1, None, "{none}");
        }
        assert_eq!((randomness(&TraceState::new()), is_in(&TraceState::new())), (None, false));
    }

    // Mutations caught: a threshold added to the one that is there; other pairs or members lost; zeros at the wrong end.
    #[test]
    fn a_threshold_takes_the_place_of_another() {
        let with = |text: &str, threshold| with_threshold(&state(text), threshold).as_str().to_owned();
        let quarter = Some(0xc0_0000_0000_0000);
        assert_eq!(with_threshold(&TraceState::new(), quarter).as_str(), "ot=th:c");
        assert_eq!(with("a=1", Some(0)), "ot=th:0,a=1");
        assert_eq!(with("a=1", Some(0x01_0000_0000_0000)), "ot=th:01,a=1");
        assert_eq!(with("a=1,ot=th:8;rv:6e6d1a75832a2f", quarter), "ot=th:c;rv:6e6d1a75832a2f,a=1");
        assert_eq!(with("a=1,ot=rv:6e6d1a75832a2f;th:8", None), "ot=rv:6e6d1a75832a2f,a=1");
        assert_eq!(with("a=1,ot=th:8", None), "a=1");
        assert_eq!(with("ot=th:8", None), "");
        // Nothing to change: it stays where it is.
        assert_eq!(with("a=1,ot=rv:6e6d1a75832a2f", None), "a=1,ot=rv:6e6d1a75832a2f");
        assert_eq!(with("a=1", None), "a=1");
        let long = format!("ot=x:{}", "y".repeat(254));
        assert_eq!(with(&long, quarter), "ot=th:c");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in 0u64..1 << 56, noise in "[a-z0-9:;]{0,40}") {
            let before = TraceState::new().with("ot", &noise).unwrap_or_default();
            let written = with_threshold(&before, Some(value));
            prop_assert_eq!(threshold(&written), Some(value));
            prop_assert_eq!(randomness(&written), randomness(&before));
            prop_assert_eq!(threshold(&with_threshold(&written, None)), None);
        }
    }
}
