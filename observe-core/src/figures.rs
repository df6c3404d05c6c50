//! Numbers as people read them.

/// `12400` as `12,400`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 sample`, `12,400 samples`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: a comma before the first digit, one thing called several.
    #[test]
    fn digits_stand_by_threes() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_400, "12,400"), (123_456_789, "123,456,789")]
        {
            assert_eq!(thousands(number), text);
        }
        assert_eq!([counted(1, "byte"), counted(1_000, "byte")], ["1 byte", "1,000 bytes"]);
    }
}
