//! Values that must not be told, by their type.

use crate::semconv::redaction::REDACTED;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A value that prints as `[redacted]`: as a field, in a message, in the `Debug` of what it is part of.
///
/// A field takes it by its `Display` or its `Debug`; as it is, it does not compile, and neither does it as a label.
///
/// ```
/// use observe_core::Sensitive;
///
/// #[derive(Debug)]
/// struct Login {
///     user: &'static str,
///     code: Sensitive<u32>,
/// }
///
/// let login = Login { user: "ada", code: Sensitive::new(4711) };
/// tracing::info!(code = %login.code, ?login, "signing in");
/// assert_eq!(format!("{login:?}"), r#"Login { user: "ada", code: [redacted] }"#);
/// assert_eq!(*login.code.expose(), 4711);
/// ```
#[derive(Clone, Copy, Default)]
pub struct Sensitive<T> {
    value: T,
    /// What is told of it.
    hash: Option<u64>,
}

impl<T> Sensitive<T> {
    /// A value of which nothing is told.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self { value, hash: None }
    }

    /// The value itself.
    #[must_use]
    pub const fn expose(&self) -> &T {
        &self.value
    }

    /// The value itself.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

#[cfg(feature = "sensitive-hash")]
impl<T: fmt::Display> Sensitive<T> {
    /// A value of which only a hash is told, so that equal ones can be found: `[redacted:9f86d081884c7d65]`, the first 8
    /// bytes of the HMAC-SHA-256 of its `Display`, by [the process's key](crate::Redaction::hash_key). Who has the key
    /// can try values out.
    ///
    /// A field whose name is redacted says `[redacted]` all the same: give it another one (`card.hash`).
    ///
    /// ```
    /// use observe_core::Sensitive;
    ///
    /// let [one, same, other] = ["ada", "ada", "bob"].map(|user| Sensitive::hashed(user).to_string());
    /// assert!(one == same && one != other && one.starts_with("[redacted:"));
    /// ```
    #[must_use]
    pub fn hashed(value: T) -> Self {
        let hash = crate::redaction::hash_key().and_then(|key| hash(key, &value));
        Self { value, hash }
    }
}

/// The beginning of the HMAC-SHA-256 of what a value displays.
#[cfg(feature = "sensitive-hash")]
fn hash(key: &[u8], value: &dyn fmt::Display) -> Option<u64> {
    use hmac::{Hmac, KeyInit, Mac};
    use std::fmt::Write;

    struct Hashing(Hmac<sha2::Sha256>);

    impl Write for Hashing {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text.as_bytes());
            Ok(())
        }
    }

    let mut hashing = Hashing(Hmac::new_from_slice(key).ok()?);
    write!(hashing, "{value}").ok()?;
    hashing.0.finalize().into_bytes().first_chunk::<8>().copied().map(u64::from_be_bytes)
}

impl<T> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.hash, REDACTED.strip_suffix(']')) {
            (Some(hash), Some(redacted)) => write!(f, "{redacted}:{hash:016x}]"),
            _ => f.write_str(REDACTED),
        }
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: PartialEq> PartialEq for Sensitive<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Sensitive<T> {}

impl<T: Hash> Hash for Sensitive<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation caught: a `Display` or a `Debug` that is the value's.
    #[test]
    fn it_prints_as_redacted() {
        let secret = Sensitive::from("planted");
        assert_eq!(format!("{secret} {secret:?} {secret:#?} {secret:>30}"), ["[redacted]"; 4].join(" "));
        assert_eq!((secret, secret.into_inner()), (Sensitive::new("planted"), "planted"));
    }

    // RFC 4231, test case 2. Mutation caught: a hash without its key, or of something else.
    #[cfg(feature = "sensitive-hash")]
    #[test]
    fn hashes_are_hmac_sha_256() {
        let told = Sensitive { value: (), hash: hash(b"Jefe", &"what do ya want for nothing?") };
        assert_eq!(format!("{told:?}"), "[redacted:5bdcc146bf60754e]");
        let number = Sensitive::hashed(4_111_111_111_111_111_u64);
        assert_eq!(number.to_string(), Sensitive::hashed("4111111111111111").to_string());
        assert!(!number.to_string().contains("4111111111111111"));
    }
}
