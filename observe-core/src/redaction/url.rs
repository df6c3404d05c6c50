//! URLs without what must not be told: user and password, and the values of secret keys.

use super::{Class, class_of};
use crate::semconv::redaction::{SECRET_QUERY_KEYS, URL_REDACTED};
use std::borrow::Cow;

/// A URL that is being written, at most so long.
pub(crate) struct Url<'a> {
    out: &'a mut String,
    limit: usize,
    /// It is escaped: its parts are not cut in the middle.
    escaped: bool,
    cut: bool,
}

impl<'a> Url<'a> {
    /// Begins behind what stands in `out`, which is to be `limit` bytes long at most.
    pub(crate) fn new(out: &'a mut String, limit: usize) -> Self {
        Self { out, limit, escaped: false, cut: false }
    }

    /// Whether something was left out.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Writes text whole, or not at all, and nothing behind that.
    fn push(&mut self, text: &str) {
        self.cut |= self.out.len() + text.len() > self.limit;
        if !self.cut {
            self.out.push_str(text);
        }
    }

    /// Writes text as it is, cut where it is too long.
    pub(crate) fn plain(&mut self, text: &str) {
        let room = self.limit.saturating_sub(self.out.len());
        if self.cut || self.escaped || text.len() <= room {
            return self.push(text);
        }
        self.push(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
        self.cut = true;
    }

    /// Writes whom it leads to.
    pub(crate) fn authority(&mut self, authority: &str) {
        let Some((user, place)) = authority.rsplit_once('@') else { return self.plain(authority) };
        self.push(URL_REDACTED);
        if user.contains(':') {
            self.push(":");
            self.push(URL_REDACTED);
        }
        self.push("@");
        self.plain(place);
    }

    /// Writes a path with what is behind it.
    pub(crate) fn path_and_query(&mut self, text: &str) {
        let (path, members) = text.split_at(text.find(['?', '#']).map_or(text.len(), |at| at + 1));
        self.plain(path);
        self.members(members);
    }

    /// Writes what leads elsewhere, unescaped, as part of something else: a user's name may be in it.
    fn nested(&mut self, text: &str) {
        let Some((before, rest)) = text.split_once("//") else { return self.plain(text) };
        let (authority, behind) = rest.split_at(rest.find(ENDS_AUTHORITY).unwrap_or(rest.len()));
        self.plain(before);
        self.push("//");
        self.authority(authority);
        self.plain(behind);
    }

    /// Writes the members of a query or a fragment.
    fn members(&mut self, text: &str) {
        for member in text.split_inclusive(['&', ';', '?', '#']) {
            match member.split_once('=') {
                Some((key, value)) if is_secret(key) => {
                    self.push(key);
                    self.push("=");
                    self.push(URL_REDACTED);
                    if let Some(end) = value.char_indices().last().filter(|(_, c)| "&;?#".contains(*c)) {
                        self.push(value.get(end.0..).unwrap_or_default());
                    }
                }
                _ => self.nested(member),
            }
        }
    }
}

/// What stands behind whom a URL leads to, also where that URL is a member of a query.
const ENDS_AUTHORITY: [char; 5] = ['/', '?', '#', '&', ';'];

/// What the `Debug` of a `url::Url` that has a password says of it: user and password are fields of their own there.
const DEBUG_PASSWORD: &str = "password: Some(";

/// Whether a text that somebody took for a URL may have secrets in it.
pub(crate) fn may_have_secrets(text: &str) -> bool {
    text.contains(['=', '@']) || text.contains(DEBUG_PASSWORD)
}

/// Writes a text that somebody took for a URL, escaped as it is for JSON. `open`: it was cut, so that it is not known how it goes on. Answers whether
/// it was cut here.
pub(crate) fn hide_in(out: &mut String, limit: usize, text: &str, open: bool) -> bool {
    let mut url = Url { escaped: true, ..Url::new(out, limit) };
    if text.contains(DEBUG_PASSWORD) {
        url.push(URL_REDACTED);
        return url.is_cut();
    }
    if let Some((scheme, rest)) =
        text.split_once("//").filter(|(scheme, _)| !scheme.contains(['/', '?', '#', '=', '&', ';']))
    {
        let (authority, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        url.plain(scheme);
        url.push("//");
        if open && behind.is_empty() {
            // It may be a user's name.
            url.push(URL_REDACTED);
        } else {
            url.authority(authority);
        }
        url.path_and_query(behind);
    } else if text.starts_with('/') {
        url.path_and_query(text);
    } else {
        // A query by itself, whatever its values are; of a path it makes members that have no secret key.
        url.members(text);
    }
    url.is_cut()
}

/// Whether the value of a query's key is not told.
fn is_secret(key: &str) -> bool {
    let key = decoded(key);
    SECRET_QUERY_KEYS.iter().any(|secret| key.eq_ignore_ascii_case(secret)) || class_of(&key) == Class::Secret
}

/// A key without its percent-encoding, as far as it is text then.
fn decoded(key: &str) -> Cow<'_, str> {
    if !key.contains('%') {
        return Cow::Borrowed(key);
    }
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.split_first_chunk::<2>().filter(|_| *first == b'%');
        let code = hex.and_then(|(code, behind)| {
            let code = u8::from_str_radix(str::from_utf8(code).ok()?, 16).ok()?;
            Some((code, behind))
        });
        let (byte, behind) = code.unwrap_or((*first, behind));
        bytes.push(byte);
        rest = behind;
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hidden(text: &str) -> String {
        let mut out = String::new();
        hide_in(&mut out, usize::MAX, text, false);
        out
    }

    // Mutations caught: a key compared with its case, or its percent-encoding; a value that goes on behind a `=`; a
    // fragment, or a query on its own, that is not looked at; what stands before a URL within a query taken for its scheme,
    // or its path; a user's name told; the `Debug` of a URL taken for one.
    #[test]
    fn secrets_are_taken_out() {
        let cases = [
            ("https://stock:1/a?b=c&d", "https://stock:1/a?b=c&d"),
            ("http://ada:secret@stock", "http://REDACTED:REDACTED@stock"),
            ("//ada@stock/a@b", "//REDACTED@stock/a@b"),
            ("http://s/a?sig=x&SIG=y&q=sig=z&Sig", "http://s/a?sig=REDACTED&SIG=REDACTED&q=sig=z&Sig"),
            ("/a?X-Amz-Signature=a=b&c=1", "/a?X-Amz-Signature=REDACTED&c=1"),
            ("/a?access_token=x;page=2#id_token=y", "/a?access_token=REDACTED;page=2#id_token=REDACTED"),
            ("a=1&password=x", "a=1&password=REDACTED"),
            ("password=x&next=https://stock/", "password=REDACTED&next=https://stock/"),
            ("password=x&next=/a?b=c", "password=REDACTED&next=/a?b=c"),
            ("next=https://ada:x@stock/a", "next=https://REDACTED:REDACTED@stock/a"),
            ("/a?next=//ada@stock&b=c@d", "/a?next=//REDACTED@stock&b=c@d"),
            ("a/b?token=x", "a/b?token=REDACTED"),
            (r#"Url { scheme: \"http\", username: \"ada\", password: Some(\"x\") }"#, "REDACTED"),
            ("user%5Bpassword%5D=x&user[pwd]=y", "user%5Bpassword%5D=REDACTED&user[pwd]=REDACTED"),
            ("token_count=3&%zz=%", "token_count=3&%zz=%"),
            ("/only/a=b/path", "/only/a=b/path"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(hidden(text), expected, "{text}");
            assert_eq!(hidden(expected), expected);
        }
        for key in SECRET_QUERY_KEYS {
            assert_eq!(hidden(&format!("/?{key}=hidden")), format!("/?{key}=REDACTED"));
        }
    }

    // Mutations caught: a text cut before its `@` taken for a host; a limit that is passed.
    #[test]
    fn what_was_cut_may_be_a_secret() {
        let mut out = String::new();
        hide_in(&mut out, 100, "http://ada:secr", true);
        assert_eq!(out, "http://REDACTED");
        out.clear();
        assert!(hide_in(&mut out, 100, &"sig=&".repeat(50), false));
        assert!(out.len() <= 100 && out.starts_with("sig=REDACTED&sig"), "{out}");
        out.clear();
        assert!(hide_in(&mut out, 20, r"sig=x&a=1&b=\u0001\u0001", false));
        assert_eq!(out, "sig=REDACTED&a=1&");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_it_is_no_secret_is_told(
            user in "[a-z:@]{0,6}",
            key in 0..SECRET_QUERY_KEYS.len(),
            rest in "[a-z&=?#;/]{0,9}",
            limit in 0usize..80,
        ) {
            let text = format!("http://{user}SECRET@host/?{rest}&{}=SECRET", SECRET_QUERY_KEYS[key]);
            let mut out = String::new();
            hide_in(&mut out, limit, &text, false);
            prop_assert!(!out.contains("SECRET") && out.len() <= limit, "{}", out);
        }
    }
}
