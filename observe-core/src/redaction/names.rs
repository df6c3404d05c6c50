//! Whether a name ends in a word: without regard to how it is spelled, and in few steps where it does not.

use crate::semconv::redaction::{SECRET_FIELDS, URL_FIELDS};

/// What is to be done with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It is told.
    Plain,
    /// It is not told.
    Secret,
    /// It is a URL, and parts of it are not told.
    Url,
}

/// A shorter word has to begin where a word of the name begins.
const LONG: usize = 5;

/// The heads of chains of words.
const CHAINS: usize = 256;

/// A word in small letters, without what is between words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) letters: &'static str,
    pub(super) class: Class,
}

/// Words, found by their last three letters.
#[derive(Debug)]
pub(super) struct Names {
    /// For each chain its first word, counted from 1; 0 for none.
    heads: [u8; CHAINS],
    words: &'static [Word],
    /// For each word the next one of its chain.
    next: &'static [u8],
    /// Of fewer than three letters.
    has_short: bool,
    excepted: &'static [&'static str],
}

/// What counts where nothing was set.
pub(super) static USUAL: Names = {
    const COUNT: usize = SECRET_FIELDS.len() + URL_FIELDS.len();
    const WORDS: [Word; COUNT] = {
        let mut words = [Word { letters: "", class: Class::Secret }; COUNT];
        let mut at = 0;
        while at < COUNT {
            if at < SECRET_FIELDS.len() {
                words[at].letters = SECRET_FIELDS[at];
            } else {
                words[at] = Word { letters: URL_FIELDS[at - SECRET_FIELDS.len()], class: Class::Url };
            }
            at += 1;
        }
        words
    };
    const LINKED: ([u8; CHAINS], [u8; COUNT], bool) = {
        let mut next = [0; COUNT];
        let (heads, has_short) = link(&WORDS, &mut next);
        (heads, next, has_short)
    };
    Names { heads: LINKED.0, words: &WORDS, next: &LINKED.1, has_short: LINKED.2, excepted: &[] }
};

/// Puts words into chains: the heads, and whether one is too short for that.
const fn link(words: &[Word], next: &mut [u8]) -> ([u8; CHAINS], bool) {
    assert!(words.len() < CHAINS);
    let (mut heads, mut has_short) = ([0; CHAINS], false);
    let mut at = 0;
    while at < words.len() {
        if let Some([one, two, three]) = words[at].letters.as_bytes().last_chunk::<3>() {
            let chain = chain(*one, *two, *three);
            next[at] = heads[chain];
            heads[chain] = at as u8 + 1;
        } else {
            has_short = true;
        }
        at += 1;
    }
    (heads, has_short)
}

/// The chain of the words that end so. Small letters and capital ones are alike in it.
#[inline]
const fn chain(one: u8, two: u8, three: u8) -> usize {
    let folded = (one as u32 & 31) << 10 | (two as u32 & 31) << 5 | (three as u32 & 31);
    (folded.wrapping_mul(0x9e37_79b9) >> 24) as usize
}

impl Names {
    /// `next` has a place for each word.
    pub(super) fn new(
        words: &'static [Word],
        next: &'static mut [u8],
        excepted: &'static [&'static str],
    ) -> Self {
        let (heads, has_short) = link(words, next);
        Self { heads, words, next, has_short, excepted }
    }

    /// What is to be done with a field of this name.
    #[inline]
    pub(super) fn class_of(&self, name: &str) -> Class {
        // The letters of most names stand together at their end, or are two behind what is between words: `order.id`.
        let head = match name.as_bytes() {
            [.., one, two, three] if are_letters(*one, *two, *three) => chain(*one, *two, *three),
            [.., one, b'.' | b'_' | b'-', two, three] if are_letters(*one, *two, *three) => {
                chain(*one, *two, *three)
            }
            _ => match last_letters(name) {
                Some(chain) => chain,
                None if self.has_short => 0,
                None => return Class::Plain,
            },
        };
        let head = self.heads.get(head).copied().unwrap_or_default();
        if head == 0 && !self.has_short { Class::Plain } else { self.look(name, head) }
    }

    #[inline(never)]
    fn look(&self, name: &str, head: u8) -> Class {
        let mut found = None;
        let mut at = usize::from(head);
        while let Some(word) = at.checked_sub(1).and_then(|at| self.words.get(at)) {
            found = found.or_else(|| ends_in(name, word.letters).then_some(word.class));
            at = self.next.get(at - 1).copied().map_or(0, usize::from);
        }
        if self.has_short {
            let mut short = self.words.iter().filter(|word| word.letters.len() < 3);
            found = found.or_else(|| short.find(|word| ends_in(name, word.letters)).map(|word| word.class));
        }
        match found {
            Some(class) if !self.excepted.contains(&letters(name).as_str()) => class,
            _ => Class::Plain,
        }
    }
}

#[inline]
const fn are_letters(one: u8, two: u8, three: u8) -> bool {
    one.is_ascii_alphabetic() && two.is_ascii_alphabetic() && three.is_ascii_alphabetic()
}

/// Whether it is part of a word: a letter, a digit, or of another script.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// A name without the digits at its end, and what is between words there.
fn stem(name: &str) -> &[u8] {
    let mut rest = name.as_bytes();
    while let [before @ .., last] = rest
        && (last.is_ascii_digit() || !is_letter(*last))
    {
        rest = before;
    }
    rest
}

/// The chain of a name's last three letters, what is between them left out.
fn last_letters(name: &str) -> Option<usize> {
    let mut letters = stem(name).iter().copied().rev().filter(|byte| is_letter(*byte));
    let (three, two, one) = (letters.next()?, letters.next()?, letters.next()?);
    Some(chain(one, two, three))
}

/// A name in small letters, as words are.
pub(super) fn letters(name: &str) -> String {
    let stem = name.get(..stem(name).len()).unwrap_or(name);
    let kept = stem.chars().filter(|letter| !letter.is_ascii() || letter.is_ascii_alphanumeric());
    kept.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether a name ends in a word: see [`Redaction`](super::Redaction).
fn ends_in(name: &str, word: &str) -> bool {
    let name = stem(name);
    let mut start = name.len();
    for letter in word.bytes().rev() {
        // To the next letter before.
        start = match name.get(..start).and_then(|before| before.iter().rposition(|byte| is_letter(*byte))) {
            Some(at) => at,
            None => return false,
        };
        if name.get(start).map(u8::to_ascii_lowercase) != Some(letter) {
            return false;
        }
    }
    word.len() >= LONG || begins_word(name, start)
}

/// Whether a word begins there: behind what is between words, behind a digit, or with a capital letter that does not go
/// on with others.
fn begins_word(name: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|before| name.get(before)) else { return true };
    if !is_letter(*before) || before.is_ascii_digit() {
        return true;
    }
    let is = |at: usize, check: fn(&u8) -> bool| name.get(at).is_some_and(check);
    let is_capital = is(at, u8::is_ascii_uppercase);
    is_capital && (!before.is_ascii_uppercase() || is(at + 1, u8::is_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn class(name: &str) -> Class {
        USUAL.class_of(name)
    }

    // Mutations caught: a name compared with its case, its digits, or what is between its words; words that are not found
    // behind others.
    #[test]
    fn names_that_are_redacted() {
        let names = [
            "authorization",
            "Authorization",
            "http.request.header.authorization",
            "proxy-authorization",
            "Proxy_Authorization",
            "cookie",
            "set-cookie",
            "http.response.header.set_cookie",
            "cookies",
            "password",
            "user.password",
            "new_password",
            "PASSWORD",
            "password2",
            "password_2",
            "userpassword",
            "PassWord",
            "pass-word",
            "passwd",
            "db.pwd",
            "secret",
            "client_secret",
            "clientSecret",
            "token",
            "access_token",
            "accessToken",
            "refresh-token",
            "id.token",
            "session_token",
            "csrf_token",
            "csrfmiddlewaretoken",
            "X-CSRF-Token",
            "x-amz-security-token",
            "api_key",
            "apikey",
            "apiKey",
            "API-KEY",
            "APIKey",
            "x-api-key",
            "http.request.header.x-api-key",
            "card_number",
            "card.number",
            "cardNumber",
            "payment.card_number",
            "cardno",
            "pan",
            "card_pan",
            "cardPan",
            "cardPAN",
            "PAN",
            "cvv",
            "cvv2",
            "card.cvc",
            "iban",
            "sender_iban",
            "customerIBAN",
            "headers[\"authorization\"]",
            "user[password]",
            "private_key",
            "secret.key",
        ];
        for name in names {
            assert_eq!(class(name), Class::Secret, "{name}");
        }
        for name in ["url.full", "url.query", "callback_url", "redirectUri", "http.url", "http.target", "url"]
        {
            assert_eq!(class(name), Class::Url, "{name}");
        }
    }

    // Mutations caught: a word found anywhere; a short one found within another.
    #[test]
    fn names_that_are_told() {
        let names = [
            "",
            "a",
            "17",
            "--",
            "token_count",
            "tokens",
            "input_tokens",
            "tokenizer",
            "secretary",
            "secret_name",
            "password_length",
            "cookie_count",
            "authorization_endpoint",
            "authorized",
            "span",
            "timespan",
            "PANEL",
            "japan",
            "pan_id",
            "cvvs",
            "urban",
            "pwds",
            "card",
            "card_count",
            "number",
            "order.number",
            "duration",
            "version",
            "key",
            "cache_key",
            "public_key",
            "idempotency.key",
            "api",
            "api_key_id",
            "curl",
            "order.id",
            "größe",
        ];
        for name in names {
            assert_eq!(class(name), Class::Plain, "{name}");
        }
    }

    /// How a name may be written: for each letter whether it is a capital one, and what stands behind it.
    fn spelled(word: &str, capitals: &[bool], between: &[usize]) -> String {
        const BETWEEN: [&str; 6] = ["", "", "-", "_", ".", "__"];
        let letters = word.chars().zip(capitals).zip(between);
        letters
            .flat_map(|((letter, capital), between)| {
                let letter = if *capital { letter.to_ascii_uppercase() } else { letter };
                std::iter::once(letter).chain(BETWEEN[between % BETWEEN.len()].chars())
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        // Mutation caught: a chain that is not the same for all spellings of its words.
        #[test]
        fn no_spelling_of_the_list_is_told(
            word in 0..SECRET_FIELDS.len(),
            capitals in proptest::collection::vec(any::<bool>(), 20),
            between in proptest::collection::vec(0usize..6, 20),
            before in "([a-zA-Z0-9_.-]{0,12}[_.-])?",
            digits in "([_.-]?[0-9]{0,3})",
        ) {
            let name = format!("{before}{}{digits}", spelled(SECRET_FIELDS[word], &capitals, &between));
            prop_assert_eq!(class(&name), Class::Secret, "{}", name);
        }

        // Mutation caught: the quick way out taken for a name whose words are found by the slow one.
        #[test]
        fn the_quick_way_says_what_the_list_says(name in "[a-zA-Z0-9_.-]{0,12}(pan|token|url|en|key|d)?[0-9_.]{0,2}") {
            let words = SECRET_FIELDS.iter().map(|word| (word, Class::Secret));
            let mut words = words.chain(URL_FIELDS.iter().map(|word| (word, Class::Url)));
            let expected = words.find(|(word, _)| ends_in(&name, word)).map_or(Class::Plain, |(_, class)| class);
            prop_assert_eq!(class(&name), expected);
        }
    }
}
