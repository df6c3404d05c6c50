//! The secret that everything is asked for with, where there is one.

use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use subtle::ConstantTimeEq as _;

/// The fewest characters of a token.
const TOKEN_MIN: usize = 16;
/// The most.
const TOKEN_MAX: usize = 256;

/// A token, by its hash alone: so it cannot be told, and its length does not show when it is compared.
pub(super) struct Token {
    hash: [u8; 32],
}

impl Token {
    /// `Err`: the rule that it breaks. The text is not in it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_visible || !(TOKEN_MIN..=TOKEN_MAX).contains(&text.len()) {
            return Err(format!("it has to be {TOKEN_MIN} to {TOKEN_MAX} visible ASCII characters"));
        }
        Ok(Self { hash: Sha256::digest(text).into() })
    }

    /// What stands in a file, without the blanks and the end of the line around it. More than can be a token is not read.
    pub(super) fn read(path: &Path) -> io::Result<String> {
        let mut text = String::new();
        File::open(path)?.take(4 * TOKEN_MAX as u64).read_to_string(&mut text)?;
        Ok(text.trim().to_owned())
    }

    /// Whether users of the machine other than the file's own, and its group, can read it.
    pub(super) fn is_open(path: &Path) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            false
        }
    }

    /// Whether it is this one, in a time that says nothing.
    pub(super) fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.hash.ct_eq(&given).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: a length or a character that is let through; the beginning of a token taken for the whole.
    #[test]
    fn what_is_a_token_and_which_one_it_is() {
        let token = Token::new("0123456789abcdef").ok().unwrap();
        assert!(token.is(b"0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdefg", "0123456789abcdeg"] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        let long = "x".repeat(TOKEN_MAX + 1);
        for wrong in ["short", "0123456789 abcdef", "0123456789abcdé", long.as_str()] {
            assert!(Token::new(wrong).err().unwrap().contains("16 to 256"), "{wrong}");
        }
        assert!(Token::new(&long[1..]).is_ok());
    }
}
