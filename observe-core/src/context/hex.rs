//! Lowercase hexadecimal digits.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

/// The number that eight lowercase digits say; `None` if one of them is something else. All eight at once: each byte of
/// a `u64` is one digit.
#[inline]
pub(crate) const fn read8(digits: [u8; 8]) -> Option<u32> {
    let text = u64::from_be_bytes(digits);
    // A byte below 0x80 plus (0x80 - n) has its high bit set exactly when it is at least n, and never
    // carries.
    let low = text & !HIGH;
    let digit = (low + (0x80 - 0x30) * ONES) & !(low + (0x80 - 0x3a) * ONES);
    let letter = (low + (0x80 - 0x61) * ONES) & !(low + (0x80 - 0x67) * ONES);
    if (digit | letter) & !text & HIGH != HIGH {
        return None;
    }
    let nibbles = (text & (0x0f * ONES)) + ((letter & HIGH) >> 7) * 9;
    Some(packed(nibbles.to_be_bytes()))
}

/// The number of which each byte is four bits.
#[inline]
const fn packed(nibbles: [u8; 8]) -> u32 {
    let nibbles = u64::from_be_bytes(nibbles);
    let bytes = (nibbles >> 4 | nibbles) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes >> 8 | bytes) & 0x0000_ffff_0000_ffff;
    (pairs >> 16 | pairs) as u32
}

/// The three numbers that 48 lowercase digits say, and whether all of them are digits: a number with something else
/// among its digits is anything.
///
/// The compiler takes sixteen digits at once; of twice or three times as many as that, but not of sixteen alone.
#[inline(always)]
pub(crate) fn read48(digits: [u8; 48]) -> ([u64; 3], bool) {
    let (mut nibbles, mut bad) = ([0; 48], false);
    for (nibble, byte) in nibbles.iter_mut().zip(digits) {
        let (digit, letter) = (byte.wrapping_sub(b'0'), byte.wrapping_sub(b'a'));
        *nibble = if digit < 10 { digit } else { letter.wrapping_add(10) };
        bad |= (digit >= 10) & (letter >= 6);
    }
    let (mut numbers, (eights, _)) = ([0; 3], nibbles.as_chunks::<8>());
    for (number, [high, low]) in numbers.iter_mut().zip(eights.as_chunks::<2>().0) {
        *number = u64::from(packed(*high)) << 32 | u64::from(packed(*low));
    }
    (numbers, !bad)
}

/// Whether these are lowercase digits.
pub(crate) fn are_digits(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The digits of 32 bytes, which are twice as many.
///
/// Of fewer bytes than that the compiler makes single steps instead of vector instructions, and takes three times as
/// long: who has fewer leaves the rest zero.
#[inline]
pub(crate) fn write(bytes: [u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0x0f)];
    }
    digits
}

/// Two digits.
pub(crate) const fn write2(byte: u8) -> [u8; 2] {
    [digit(byte >> 4), digit(byte & 0x0f)]
}

const fn digit(nibble: u8) -> u8 {
    // What is added only sometimes is a mask: fewer vector instructions than one of two numbers.
    nibble + b'0' + if nibble > 9 { b'a' - b'0' - 10 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation: any changed constant above.
    #[test]
    fn every_byte_in_every_place_is_read_as_it_should_be() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut digits = *b"00000000";
                digits[place] = byte;
                let expected = match byte {
                    b'0'..=b'9' => Some(u32::from(byte - b'0')),
                    b'a'..=b'f' => Some(u32::from(byte - b'a') + 10),
                    _ => None,
                }
                .map(|nibble| nibble << (28 - 4 * place));
                assert_eq!(read8(digits), expected, "{byte:#x} in place {place}");
            }
        }
    }

    // Mutations: any changed constant of `read48`; a place that is not looked at, or taken for another.
    #[test]
    fn every_byte_is_read_in_all_48_places() {
        for place in 0..48 {
            for byte in 0..=u8::MAX {
                let mut digits = [b'0'; 48];
                digits[place] = byte;
                let expected = char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
                let (numbers, good) = read48(digits);
                assert_eq!(
                    (good, are_digits(&digits)),
                    (expected.is_some(), expected.is_some()),
                    "{byte:#x}"
                );
                let others = (0..3).filter(|other| *other != place / 16);
                assert!(others.into_iter().all(|other| numbers[other] == 0), "{byte:#x} in place {place}");
                if let Some(expected) = expected {
                    let expected = u64::from(expected) << (60 - 4 * (place % 16));
                    assert_eq!(numbers[place / 16], expected, "{byte:#x} in place {place}");
                }
            }
        }
    }

    #[test]
    fn writing_agrees_with_the_standard_library() {
        for byte in 0..=u8::MAX {
            let text = format!("{byte:02x}");
            assert_eq!(write2(byte), text.as_bytes());
            assert_eq!(write([byte; 32]), text.repeat(32).as_bytes());
        }
        let mut counting = [0; 32];
        counting.iter_mut().zip(0..).for_each(|(place, byte)| *place = byte);
        let digits = write(counting);
        assert!(digits.starts_with(b"000102") && digits.ends_with(b"1e1f"));
        let (numbers, good) = read48(*digits.first_chunk().unwrap());
        assert_eq!((numbers.map(u64::to_be_bytes).as_flattened(), good), (&counting[..24], true));
    }
}
