//! Which representation of the metrics a request asks for (RFC 9110, sections 12.4.2, 12.5.1 and 12.5.3).
//!
//! Pure functions of header values. What is malformed is skipped, member by member, as Prometheus 3 sends a
//! header whose last member is `/;q=0.1`; what remains unsaid is the text format, uncompressed.

use observe_core::Format;
use std::cmp::Ordering;

/// How a body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As it is.
    Identity,
    /// Compressed.
    Gzip,
}

/// The format that the values of `Accept` prefer.
///
/// The highest quality wins; of equals protobuf or else OpenMetrics if it is named, and not only let in by a wildcard,
/// else text. Protobuf is never let in by a wildcard: who can read it names it with its message and its encoding. If none
/// is acceptable the answer is text all the same: a page that can be read serves whoever asks better than a refusal.
/// Parameters other than these, `version` and `q` change nothing: `escaping` is about names that do not exist here.
pub(crate) fn format<'a>(accept: impl IntoIterator<Item = &'a [u8]>) -> Format {
    let mut text = Match::NONE;
    let mut open_metrics = Match::NONE;
    let mut protobuf = Quality::ZERO;
    for member in accept.into_iter().flat_map(|value| split(value, b',')) {
        if let Some(range) = Range::parse(member) {
            text.consider(&range, b"text", b"plain", b"0.0.4");
            open_metrics.consider(&range, b"application", b"openmetrics-text", b"1.0.0");
            if range.is_protobuf {
                protobuf = protobuf.max(range.quality);
            }
        }
    }
    if protobuf > Quality::ZERO && protobuf >= text.quality.max(open_metrics.quality) {
        return Format::Protobuf;
    }
    let named = open_metrics.is_named() && open_metrics.quality > Quality::ZERO;
    match open_metrics.quality.cmp(&text.quality) {
        Ordering::Greater => Format::OpenMetrics,
        Ordering::Equal if named => Format::OpenMetrics,
        Ordering::Equal | Ordering::Less => Format::Text,
    }
}

/// The coding that the values of `Accept-Encoding` prefer: compressed only for a client that says it can
/// read that. Of equals, the one that is named wins over the one that `*` let in.
pub(crate) fn coding<'a>(accept_encoding: impl IntoIterator<Item = &'a [u8]>) -> Coding {
    let (mut gzip, mut identity, mut others) = (None, None, None);
    for member in accept_encoding.into_iter().flat_map(|value| split(value, b',')) {
        let mut parts = split(member, b';');
        let name = parts.next().unwrap_or_default();
        let Some(quality) = quality(parts) else { continue };
        let slot = match name {
            b"*" => &mut others,
            _ if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") => &mut gzip,
            _ if name.eq_ignore_ascii_case(b"identity") => &mut identity,
            _ => continue,
        };
        *slot = (*slot).max(Some(quality));
    }
    let gzip_is_named = gzip.is_some();
    match (gzip.or(others), identity.or(others)) {
        (Some(Quality::ZERO), _) => Coding::Identity,
        (Some(gzip), Some(identity)) if gzip > identity || (gzip == identity && gzip_is_named) => {
            Coding::Gzip
        }
        (Some(_), Some(_)) => Coding::Identity,
        (Some(_), None) | (None, Some(Quality::ZERO)) => Coding::Gzip,
        (None, _) => Coding::Identity,
    }
}

/// A quality in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Quality(u16);

impl Quality {
    const ZERO: Quality = Quality(0);
    const ONE: Quality = Quality(1_000);

    /// `0`, `1`, and up to three digits after a dot.
    fn parse(text: &[u8]) -> Option<Self> {
        let (whole, digits) = match text {
            [b'0', digits @ ..] => (0, digits),
            [b'1', digits @ ..] => (1_000, digits),
            _ => return None,
        };
        let digits = match digits {
            [] => digits,
            [b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => digits,
            _ => return None,
        };
        let digits = digits.iter().chain(b"000").take(3);
        let thousandths = digits.fold(whole, |sum, digit| (sum % 1_000) * 10 + u16::from(digit - b'0'));
        match whole {
            0 => Some(Self(thousandths)),
            _ => (thousandths == 0).then_some(Self::ONE),
        }
    }
}

/// The quality among a member's parameters: 1 unless it is said, nothing if it is malformed.
fn quality<'a>(parameters: impl Iterator<Item = &'a [u8]>) -> Option<Quality> {
    let mut quality = Quality::ONE;
    for (name, value) in parameters.map(parameter) {
        if name.eq_ignore_ascii_case(b"q") {
            quality = Quality::parse(value)?;
        }
    }
    Some(quality)
}

/// How well a format is matched by the most specific range that matches it.
struct Match {
    /// 0: not at all; 1: `*/*`; 2: `type/*`; 3: the type; 4: with its version.
    specificity: u8,
    quality: Quality,
}

impl Match {
    const NONE: Match = Match { specificity: 0, quality: Quality::ZERO };

    fn consider(&mut self, range: &Range<'_>, kind: &[u8], subtype: &[u8], version: &[u8]) {
        let same_kind = range.kind.eq_ignore_ascii_case(kind);
        let same_subtype = range.subtype.eq_ignore_ascii_case(subtype);
        let specificity = match (range.kind, range.subtype, range.version) {
            (b"*", b"*", None) => 1,
            (_, b"*", None) if same_kind => 2,
            (_, _, None) if same_kind && same_subtype => 3,
            (_, _, Some(wanted)) if same_kind && same_subtype && wanted == version => 4,
            _ => return,
        };
        if (specificity, range.quality) > (self.specificity, self.quality) {
            *self = Self { specificity, quality: range.quality };
        }
    }

    fn is_named(&self) -> bool {
        self.specificity > 2
    }
}

/// One member of `Accept`.
struct Range<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    version: Option<&'a [u8]>,
    is_protobuf: bool,
    quality: Quality,
}

impl<'a> Range<'a> {
    fn parse(member: &'a [u8]) -> Option<Self> {
        let mut parts = split(member, b';');
        let mut types = parts.next()?.splitn(2, |byte| *byte == b'/');
        let (kind, subtype) = (types.next()?, types.next()?);
        let said = |wanted: &[u8]| {
            let mut parameters = parts.clone().map(parameter);
            parameters.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        };
        let is_protobuf = kind.eq_ignore_ascii_case(b"application")
            && subtype.eq_ignore_ascii_case(b"vnd.google.protobuf")
            && said(b"proto") == Some(b"io.prometheus.client.MetricFamily")
            && said(b"encoding") == Some(b"delimited");
        Some(Self { kind, subtype, version: said(b"version"), is_protobuf, quality: quality(parts)? })
    }
}

/// `name=value`, the value without its quotes.
fn parameter(text: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = text.splitn(2, |byte| *byte == b'=');
    let name = parts.next().unwrap_or_default().trim_ascii();
    let value = parts.next().unwrap_or_default().trim_ascii();
    (name, value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
}

/// The parts of `text` between separators that stand outside quotes, without the space around them.
fn split(text: &[u8], separator: u8) -> Split<'_> {
    Split { rest: Some(text), separator }
}

#[derive(Clone)]
struct Split<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let (mut quoted, mut escaped) = (false, false);
        let end = rest.iter().position(|&byte| {
            let ends = byte == self.separator && !quoted;
            quoted ^= byte == b'"' && !escaped;
            escaped = quoted && byte == b'\\' && !escaped;
            ends
        });
        let part = match end.and_then(|end| rest.split_at_checked(end)) {
            Some((part, tail)) => {
                self.rest = tail.get(1..);
                part
            }
            None => rest,
        };
        Some(part.trim_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DELIMITED: &str =
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

    fn format_of(accept: &str) -> Format {
        format([accept.as_bytes()])
    }

    fn coding_of(accept_encoding: &str) -> Coding {
        coding([accept_encoding.as_bytes()])
    }

    // Catches: a member that does not parse spoiling the others, versions not told apart.
    #[test]
    fn what_scrapers_send() {
        for accept in [
            // Prometheus 2.34 to 2.48.
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            // Prometheus 3.
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,/;q=0.1",
            // The OpenTelemetry Collector, and curl by hand.
            "application/openmetrics-text; version=1.0.0; charset=utf-8;q=0.5,text/plain;version=0.0.4;q=0.3",
            "application/openmetrics-text",
        ] {
            assert_eq!(format_of(accept), Format::OpenMetrics, "{accept}");
        }
        for accept in [
            // Prometheus from 2.40 on with native histograms, Prometheus 3 so, and Telegraf.
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
             application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
             text/plain;version=0.0.4;q=0.3",
        ] {
            assert_eq!(format_of(accept), Format::Protobuf, "{accept}");
        }
        for accept in [
            // Prometheus 2.5 to 2.33 know a draft of OpenMetrics only.
            "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            // VictoriaMetrics' agent, browsers, curl.
            "text/plain;version=0.0.4;q=1,*/*;q=0.1",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
            "*/*",
            // Prometheus 3 told to read text only.
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        ] {
            assert_eq!(format_of(accept), Format::Text, "{accept}");
        }
        assert_eq!(format([]), Format::Text);
    }

    // Catches: the first member winning, a wildcard winning over a name, q=0 taken for acceptable.
    #[test]
    fn the_highest_quality_wins() {
        for (accept, wanted) in [
            ("text/plain;q=0.5, application/openmetrics-text;q=0.6", Format::OpenMetrics),
            ("application/openmetrics-text;q=0.5, text/plain;q=0.501", Format::Text),
            ("text/plain, application/openmetrics-text", Format::OpenMetrics),
            ("text/plain, */*", Format::Text),
            ("application/openmetrics-text, */*", Format::OpenMetrics),
            ("application/*", Format::OpenMetrics),
            ("text/plain;q=0.1, */*", Format::OpenMetrics),
            ("application/openmetrics-text;q=0, */*", Format::Text),
            (DELIMITED, Format::Protobuf),
            (
                "text/plain, application/openmetrics-text, application/vnd.google.protobuf;encoding=delimited;\
              proto=io.prometheus.client.MetricFamily",
                Format::Protobuf,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5, \
              text/plain;q=0.6",
                Format::Text,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0, \
              text/plain;q=0",
                Format::Text,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
                Format::Text,
            ),
            ("application/vnd.google.protobuf;proto=other.Message;encoding=delimited", Format::Text),
            ("application/vnd.google.protobuf", Format::Text),
            ("application/openmetrics-text;q=0, text/plain;q=0", Format::Text),
            ("application/openmetrics-text;version=1.0.0;q=0, application/openmetrics-text", Format::Text),
            ("text/plain;q=0, application/openmetrics-text;q=0.001", Format::OpenMetrics),
            (
                "TEXT/PLAIN;Q=0.1 , Application/OpenMetrics-Text ; VERSION=\"1.0.0\" ; Q=0.2",
                Format::OpenMetrics,
            ),
        ] {
            assert_eq!(format_of(accept), wanted, "{accept}");
        }
    }

    #[test]
    fn what_is_malformed_is_skipped() {
        for accept in [
            "",
            ",;=,",
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=1.001",
            "application/openmetrics-text;q=0.1234",
            "application/openmetrics-text;q=",
            "application/openmetrics-text;q=-1",
            "application/openmetrics-text;q=0x1",
            "applicationopenmetrics-text",
            "\"application/openmetrics-text",
            "text/plain;a=\", application/openmetrics-text",
        ] {
            assert_eq!(format_of(accept), Format::Text, "{accept}");
        }
        let quoted = "text/plain;a=\"\\\", b\";q=0.5, application/openmetrics-text";
        assert_eq!(format_of(quoted), Format::OpenMetrics);
    }

    #[test]
    fn several_headers_are_one_list() {
        let accept: [&[u8]; 2] = [b"text/plain;q=0.5", b"application/openmetrics-text"];
        assert_eq!(format(accept), Format::OpenMetrics);
        let accept_encoding: [&[u8]; 2] = [b"identity;q=0.5", b"gzip"];
        assert_eq!(coding(accept_encoding), Coding::Gzip);
    }

    // Catches: gzip sent to a client that refused it, or never said it can read it.
    #[test]
    fn codings() {
        for (accept_encoding, wanted) in [
            ("gzip", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("GZip;Q=0.001", Coding::Gzip),
            ("deflate, gzip;q=1.0, *;q=0.5", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Gzip),
            ("gzip, identity", Coding::Gzip),
            ("identity;q=0", Coding::Gzip),
            ("identity;q=0, *", Coding::Gzip),
            ("identity;q=0.5, *;q=0.6", Coding::Gzip),
            ("", Coding::Identity),
            ("br", Coding::Identity),
            ("*", Coding::Identity),
            ("*;q=0", Coding::Identity),
            ("gzip;q=0", Coding::Identity),
            ("gzip;q=0, *", Coding::Identity),
            ("gzip;q=0, identity;q=0", Coding::Identity),
            ("gzip;q=0.5, identity", Coding::Identity),
            ("gzip, gzip;q=0", Coding::Gzip),
            ("gzip;q=0, gzip", Coding::Gzip),
            ("gzip;q=2", Coding::Identity),
            ("gzipp", Coding::Identity),
        ] {
            assert_eq!(coding_of(accept_encoding), wanted, "{accept_encoding}");
        }
        assert_eq!(coding([]), Coding::Identity);
    }

    #[test]
    fn qualities() {
        for (text, wanted) in [
            ("0", 0),
            ("0.", 0),
            ("0.5", 500),
            ("0.05", 50),
            ("0.999", 999),
            ("1", 1_000),
            ("1.", 1_000),
            ("1.000", 1_000),
        ] {
            assert_eq!(Quality::parse(text.as_bytes()), Some(Quality(wanted)), "{text}");
        }
        for text in ["", ".5", "2", "1.1", "1.001", "0.1234", "01", "0,5", "0.a", "1e0", "+1"] {
            assert_eq!(Quality::parse(text.as_bytes()), None, "{text}");
        }
    }

    /// Text made of what such headers are made of, so that most of it nearly parses.
    fn header() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "application/openmetrics-text",
            DELIMITED,
            "text/plain",
            "text/*",
            "*/*",
            "*",
            "gzip",
            "identity",
            ";q=",
            ";version=",
            "0.5",
            "1",
            "0",
            "1.0.0",
            "0.0.4",
            ",",
            ";",
            "=",
            "\"",
            "\\",
            " ",
            "/",
        ]);
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            format([&*bytes]);
            coding([&*bytes]);
        }

        #[test]
        fn the_order_of_members_does_not_matter(members in prop::collection::vec(header(), 0..6)) {
            prop_assume!(members.iter().all(|member| !member.contains('"')));
            let forth: Vec<&[u8]> = members.iter().map(String::as_bytes).collect();
            let back: Vec<&[u8]> = forth.iter().rev().copied().collect();
            prop_assert_eq!(format(forth.iter().copied()), format(back.iter().copied()));
            prop_assert_eq!(coding(forth), coding(back));
        }

        #[test]
        fn what_was_not_named_is_not_sent(accept in header()) {
            if !accept.contains("openmetrics") && !accept.contains('*') && !accept.contains("protobuf") {
                prop_assert_eq!(format_of(&accept), Format::Text);
            }
            if !accept.contains("protobuf") {
                prop_assert_ne!(format_of(&accept), Format::Protobuf);
            }
            if !accept.contains("gzip") && !accept.contains('*') && !accept.contains("identity") {
                prop_assert_eq!(coding_of(&accept), Coding::Identity);
            }
        }
    }
}
