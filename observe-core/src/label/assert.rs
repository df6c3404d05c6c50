//! What the derives and `#[metric]` assert while compiling. A panic here is a compile error that names what it refuses.

use super::{Shape, name};

/// Refuses a label whose name breaks the rule.
///
/// # Panics
///
/// If it does; the derives evaluate this for a constant.
#[track_caller]
pub const fn assert_label(set: &str, label: &str) {
    if let Some(rule) = name::label_fault(label) {
        refuse(&["label `", label, "` of `", set, "`: ", rule]);
    }
}

/// Refuses a set whose combinations cannot be numbered.
///
/// # Panics
///
/// If they are beyond 2^64; the derives evaluate this for a constant.
#[track_caller]
pub const fn assert_space(set: &str, shape: &[Shape]) {
    if super::checked_space(shape).is_none() {
        refuse(&["label set `", set, "`: its labels have more than 2^64 combinations"]);
    }
}

/// Panics with the parts joined: a constant's panic can say a text, but cannot format one.
#[track_caller]
pub(crate) const fn refuse(parts: &[&str]) -> ! {
    const LONGEST: usize = 1_024;
    let mut text = [0_u8; LONGEST];
    let mut len = 0;
    let mut parts = parts;
    while let Some((part, rest)) = parts.split_first() {
        let mut bytes = part.as_bytes();
        while let Some((byte, others)) = bytes.split_first() {
            if len < LONGEST {
                text[len] = *byte;
                len += 1;
            }
            bytes = others;
        }
        parts = rest;
    }
    match core::str::from_utf8(text.split_at(len).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("a name that breaks the rules is also too long to be shown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: a part left out or cut, the buffer overrun by a long name.
    #[test]
    fn a_refusal_names_what_it_refuses() {
        let refused = std::panic::catch_unwind(|| assert_label("Labels", "le")).unwrap_err();
        let text = refused.downcast_ref::<String>().map(String::as_str);
        assert_eq!(
            text,
            Some("label `le` of `Labels`: the label `le` is reserved for the buckets of histograms")
        );
        assert!(std::panic::catch_unwind(|| assert_label("Labels", &"é".repeat(5_000))).is_err());
        assert_label("Labels", "route");
    }
}
