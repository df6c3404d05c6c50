//! What must not be told, by the names of fields and of keys in URLs.

mod names;
mod url;

pub(crate) use names::Class;
pub(crate) use url::{Url, hide_in, may_have_secrets};

use crate::error::{Error, Kind};
use crate::semconv::redaction::{SECRET_FIELDS, URL_FIELDS};
use names::{Names, USUAL, Word, letters};
use std::fmt;
use std::sync::OnceLock;

/// The most names that are added, and that are excepted.
const NAMES_MAX: usize = 200;

/// The shortest key that values are hashed with, in bytes.
#[cfg(feature = "sensitive-hash")]
const KEY_MIN: usize = 16;

/// Which fields are told as `[redacted]`, by their names: on lines, in spans, in the flight recorder, wherever they go.
///
/// The usual ones are `authorization`, `cookie`, `password`, `secret`, `token`, `api_key`, `card_number`, `cvv`, `pan`,
/// `iban` and their like: [`SECRET_FIELDS`]. A field is among them if its name *ends* in one of these words:
///
/// - Capital letters, and what is between words (anything that is neither a letter nor a digit), do not count, nor do
///   digits at the end: `user.password`, `Set-Cookie`, `http.request.header.x-api-key`, `accessToken`, `card.number`,
///   `PASSWORD_2` are.
/// - A word of fewer than five letters has to begin where a word begins: `card_pan` and `cardPan` are, `timespan` is not.
/// - What comes behind counts: `token_count`, `tokenizer`, `secretary`, `password_length` are not.
///
/// In fields that are URLs (`url.full`, `callback_url`, [`URL_FIELDS`]) the values of such keys in the query are
/// `REDACTED`, and so are user and password.
///
/// It is one setting for the process, since a field is written before it is known where it goes.
///
/// ```
/// use observe_core::{Redaction, Telemetry};
///
/// let telemetry = Telemetry::builder("checkout")
///     .redaction(Redaction::new().field("ssn").except("page_token"))
///     .build()?;
/// telemetry.run(|| tracing::info!(user.ssn = "078-05-1120", page_token = 3, "looked up"));
/// # Ok::<(), observe_core::Error>(())
/// ```
///
/// [`SECRET_FIELDS`]: crate::semconv::redaction::SECRET_FIELDS
/// [`URL_FIELDS`]: crate::semconv::redaction::URL_FIELDS
#[derive(Clone, PartialEq, Eq)]
#[must_use = "it counts once a telemetry is made with it: `Builder::redaction`"]
pub struct Redaction {
    usual: bool,
    added: Vec<String>,
    excepted: Vec<String>,
    key: Option<Vec<u8>>,
}

impl Redaction {
    /// The usual names.
    pub const fn new() -> Self {
        Self { usual: true, added: Vec::new(), excepted: Vec::new(), key: None }
    }

    /// No names at all, and no URLs.
    pub const fn none() -> Self {
        Self { usual: false, added: Vec::new(), excepted: Vec::new(), key: None }
    }

    /// Adds a name. It may be said again, for up to 200 names.
    pub fn field(mut self, name: impl AsRef<str>) -> Self {
        self.added.push(letters(name.as_ref()));
        self
    }

    /// Leaves fields of this name as they are. The whole name counts, spelled in any way: `except("token")` is not about
    /// `access_token`. It may be said again, for up to 200 names.
    pub fn except(mut self, name: impl AsRef<str>) -> Self {
        self.excepted.push(letters(name.as_ref()));
        self
    }

    /// The key that [`Sensitive::hashed`](crate::Sensitive::hashed) values are hashed with, at least 16 bytes. With the
    /// same key in every process equal values are alike in all of them. Defaults to a random one, in each process another.
    #[cfg(feature = "sensitive-hash")]
    pub fn hash_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Some(key.as_ref().to_vec());
        self
    }

    /// What is wrong with it.
    fn check(&self) -> Result<(), Error> {
        let invalid = |text: String| Err(Error::new(Kind::Invalid, text));
        for (what, names) in [("field", &self.added), ("except", &self.excepted)] {
            if names.len() > NAMES_MAX {
                return invalid(format!(
                    "redaction: `{what}` is said {} times, at most {NAMES_MAX}",
                    names.len()
                ));
            }
            if names.iter().any(String::is_empty) {
                return invalid(format!("redaction: a name of `{what}` has no letters"));
            }
        }
        #[cfg(feature = "sensitive-hash")]
        if let Some(key) = self.key.as_ref().filter(|key| key.len() < KEY_MIN) {
            return invalid(format!("redaction: a key of {} bytes, at least {KEY_MIN}", key.len()));
        }
        Ok(())
    }

    /// Makes it the process's.
    ///
    /// # Errors
    ///
    /// If it breaks a rule, or something else is the process's already.
    pub(crate) fn apply(self) -> Result<(), Error> {
        self.check()?;
        let set = SETTINGS.get_or_init(|| Settings::new(self.clone()));
        if set.asked == self {
            return Ok(());
        }
        let text = "redaction: it is one for the process, and was set to something else before";
        Err(Error::new(Kind::AlreadyInstalled, text))
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("usual", &self.usual)
            .field("added", &self.added)
            .field("excepted", &self.excepted)
            .finish_non_exhaustive()
    }
}

/// What was set for the process; until then the usual names count.
static SETTINGS: OnceLock<Settings> = OnceLock::new();

struct Settings {
    asked: Redaction,
    names: Names,
    /// Names were added to the usual ones.
    adds: bool,
}

impl Settings {
    fn new(asked: Redaction) -> Self {
        let usual = [(&SECRET_FIELDS[..], Class::Secret), (&URL_FIELDS[..], Class::Url)];
        let usual = usual.into_iter().filter(|_| asked.usual);
        let mut words: Vec<Word> = usual
            .flat_map(|(letters, class)| letters.iter().map(move |letters| Word { letters, class }))
            .collect();
        // Once in a process, and bounded.
        let leak = |text: &String| -> &'static str { Box::leak(text.clone().into_boxed_str()) };
        words.extend(asked.added.iter().map(|name| Word { letters: leak(name), class: Class::Secret }));
        let excepted: Vec<_> = asked.excepted.iter().map(leak).collect();
        let words = &*Box::leak(words.into_boxed_slice());
        let next = Box::leak(vec![0; words.len()].into_boxed_slice());
        let names = Names::new(words, next, Box::leak(excepted.into_boxed_slice()));
        let adds = !asked.added.is_empty();
        Self { asked, names, adds }
    }
}

/// Whether it was set what is redacted: that happens once in a process.
#[inline]
pub(crate) fn is_set() -> bool {
    SETTINGS.get().is_some()
}

/// What is to be done with a field of this name.
#[inline]
pub(crate) fn class_of(name: &str) -> Class {
    SETTINGS.get().map_or(&USUAL, |settings| &settings.names).class_of(name)
}

/// Whether a name of the library's own, which none of the usual ones is about, is to be redacted.
#[inline]
pub(crate) fn is_about_own(name: &str) -> bool {
    SETTINGS.get().is_some_and(|settings| settings.adds && settings.names.class_of(name) != Class::Plain)
}

/// What values are hashed with: the key that was set, else a random one. `None`: the system has no randomness.
#[cfg(feature = "sensitive-hash")]
pub(crate) fn hash_key() -> Option<&'static [u8]> {
    static RANDOM: OnceLock<Option<[u8; 32]>> = OnceLock::new();
    if let Some(key) = SETTINGS.get().and_then(|settings| settings.asked.key.as_deref()) {
        return Some(key);
    }
    let random = RANDOM.get_or_init(|| {
        let mut key = [0; 32];
        getrandom::fill(&mut key).ok().map(|()| key)
    });
    random.as_ref().map(|key| &key[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: what was asked for and is not the process's answered with Ok; names without letters, too many.
    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |redaction: Redaction| redaction.apply().unwrap_err();
        assert!(refused(Redaction::new().field("--")).is_invalid());
        assert!(refused(Redaction::new().except("17")).is_invalid());
        let many = (0..=NAMES_MAX).fold(Redaction::new(), |redaction, _| redaction.field("more"));
        assert!(refused(many).to_string().contains("201 times, at most 200"));
        #[cfg(feature = "sensitive-hash")]
        {
            let error = refused(Redaction::new().hash_key(b"too short"));
            assert_eq!(error.to_string(), "redaction: a key of 9 bytes, at least 16");
            let shown = format!("{:?}", Redaction::new().hash_key(b"0123456789abcdef"));
            assert!(!shown.contains("key") && !shown.contains("48"), "{shown}");
        }
    }

    // Mutations caught: names that are added counted as URLs, or not at all; an exception that counts for what ends in it.
    #[test]
    fn names_are_added_and_excepted() {
        let class = |redaction: &Redaction, name| Settings::new(redaction.clone()).names.class_of(name);
        let redaction = Redaction::new().field("SSN").field("date-of-birth").field("ip").except("page_token");
        for name in
            ["ssn", "user.ssn", "userSsn", "dateOfBirth", "peer.ip", "ip2", "token", "next_page_token"]
        {
            assert_eq!(class(&redaction, name), Class::Secret, "{name}");
        }
        for name in ["lessn", "page_token", "pageToken", "birth", "zip", "ssn_length"] {
            assert_eq!(class(&redaction, name), Class::Plain, "{name}");
        }
        assert_eq!(class(&redaction, "url.full"), Class::Url);
        let only = Redaction::none().field("ssn");
        assert_eq!((class(&only, "ssn"), class(&only, "password")), (Class::Secret, Class::Plain));
        assert_eq!(class(&only, "url.full"), Class::Plain);
    }
}
