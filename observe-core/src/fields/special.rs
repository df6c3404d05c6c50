//! Bytes that cannot stand in a JSON string as they are: `"`, `\` and control characters.

/// Whether there is none of them.
///
/// The first bytes and the last ones at once, which may overlap; what is between them by sixteen. Each loop is one of so
/// many turns as a vector has bytes: the compiler makes a handful of instructions of it.
pub(crate) fn is_clean(bytes: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        let (chunks, _) = bytes.as_chunks::<16>();
        both_clean(first, last) && chunks.iter().skip(1).all(|chunk| both_clean(chunk, chunk))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        both_clean(first, last)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let [first, last] = [*first, *last].map(u32::from_le_bytes).map(u64::from);
        specials(first << 32 | last) == 0
    } else {
        let word = bytes.iter().fold(SPACES, |word, byte| word << 8 | u64::from(*byte));
        specials(word) == 0
    }
}

#[inline]
fn both_clean<const N: usize>(some: &[u8; N], others: &[u8; N]) -> bool {
    let (mut control, mut quote, mut backslash) = (false, false, false);
    for (one, other) in some.iter().zip(others) {
        control |= *one.min(other) < 0x20;
        quote |= (one ^ b'"').min(other ^ b'"') == 0;
        backslash |= (one ^ b'\\').min(other ^ b'\\') == 0;
    }
    !(control | quote | backslash)
}

/// Eight of them.
const SPACES: u64 = 0x2020_2020_2020_2020;

/// Where the first of them is.
/// Eight bytes at a time: only bytes above the first hit may be reported wrongly.
#[inline]
pub(crate) fn find_special(bytes: &[u8]) -> Option<usize> {
    let (chunks, tail) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let hits = specials(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return Some(index * 8 + first(hits));
        }
    }
    if tail.is_empty() {
        return None;
    }
    // The last bytes once more with those before them, which are clean; fewer than eight by themselves.
    if let Some(last) = bytes.last_chunk::<8>() {
        let hits = specials(u64::from_le_bytes(*last));
        return (hits != 0).then(|| bytes.len() - 8 + first(hits));
    }
    let mut word = SPACES;
    for byte in tail.iter().rev() {
        word = word << 8 | u64::from(*byte);
    }
    let hits = specials(word);
    (hits != 0).then(|| first(hits))
}

/// The high bit of each byte that is special, and perhaps of some above the first one.
#[inline]
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let hits = (word.wrapping_sub(ONES * 0x20) & !word)
        | (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash);
    hits & HIGH
}

#[inline]
fn first(hits: u64) -> usize {
    hits.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: a byte, a place or a length that `is_clean` does not look at.
    #[test]
    fn a_special_byte_is_found_wherever_it_is() {
        for length in 0..=70 {
            let clean = vec![b'~'; length];
            assert!(is_clean(&clean) && find_special(&clean).is_none(), "{length}");
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = clean.clone();
                    bytes[at] = byte;
                    let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
                    assert_eq!(is_clean(&bytes), !is_special, "{byte:#x} at {at} of {length}");
                    assert_eq!(
                        find_special(&bytes),
                        is_special.then_some(at),
                        "{byte:#x} at {at} of {length}"
                    );
                }
            }
        }
    }
}
