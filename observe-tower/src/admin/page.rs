//! The console: one document that holds all it needs, and stands on the JSON alone.
//!
//! It is put together of sources that can be read, when it is asked for first. Its policy lets in the one script and the one
//! style that are in it, by their hashes, and lets them ask nobody but this service. There is no data in it: so it needs no token.

use super::answer::{self, AdminBody};
use crate::negotiate::{Coding, coding};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::sync::LazyLock;

const DOCUMENT: &str = include_str!("page/index.html");
/// Where the style goes in the document, and where the script goes.
const PLACES: [&str; 2] = ["/*style*/", "/*script*/"];
const STYLES: [&str; 2] = [include_str!("page/style.css"), include_str!("page/views.css")];
/// One script in the end. What is used as it is read comes first.
const SCRIPTS: [&str; 18] = [
    include_str!("page/dom.js"),
    include_str!("page/text.js"),
    include_str!("page/api.js"),
    include_str!("page/parts.js"),
    include_str!("page/charts.js"),
    include_str!("page/heat.js"),
    include_str!("page/overview.js"),
    include_str!("page/in_flight.js"),
    include_str!("page/traces.js"),
    include_str!("page/trace.js"),
    include_str!("page/lines.js"),
    include_str!("page/slice.js"),
    include_str!("page/calls.js"),
    include_str!("page/resources.js"),
    include_str!("page/labels.js"),
    include_str!("page/drops.js"),
    include_str!("page/levels.js"),
    include_str!("page/app.js"),
];

static PAGE: LazyLock<Page> = LazyLock::new(Page::new);

/// The page, compressed for who says that it can read that.
pub(super) fn show(headers: &HeaderMap) -> Response<AdminBody> {
    let page = &*PAGE;
    let accepted = headers.get_all(ACCEPT_ENCODING).into_iter().map(HeaderValue::as_bytes);
    let gzip = page.gzip.as_ref().filter(|_| coding(accepted) == Coding::Gzip);
    let body = gzip.unwrap_or(&page.plain).clone();
    let mut response = answer::text(StatusCode::OK, "text/html; charset=utf-8", body);
    let answered = response.headers_mut();
    answered.insert(CONTENT_SECURITY_POLICY, page.policy.clone());
    answered.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if gzip.is_some() {
        answered.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

struct Page {
    plain: Bytes,
    gzip: Option<Bytes>,
    policy: HeaderValue,
}

impl Page {
    fn new() -> Self {
        let (style, script) = (STYLES.concat(), SCRIPTS.concat());
        let [style_place, script_place] = PLACES;
        // The script last: what stands in it is not looked at.
        let document = DOCUMENT.replacen(style_place, &style, 1).replacen(script_place, &script, 1);
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            hash(&script),
            hash(&style)
        );
        // Base64 is visible ASCII.
        let policy =
            HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
        Self { gzip: compress(&document), plain: document.into(), policy }
    }
}

fn hash(source: &str) -> String {
    STANDARD.encode(Sha256::digest(source))
}

fn compress(text: &str) -> Option<Bytes> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish()).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read as _;

    fn document() -> String {
        String::from_utf8(PAGE.plain.to_vec()).unwrap()
    }

    /// What stands between two texts, each of which is there once.
    fn between<'a>(document: &'a str, start: &str, end: &str) -> &'a str {
        assert_eq!(document.matches(start).count(), 1, "{start}");
        document.split_once(start).unwrap().1.split_once(end).unwrap().0
    }

    // Mutations caught: a source that is not put in; a hash of something else than what is in the document; a script that ends its
    // own element.
    #[test]
    fn the_policy_lets_in_what_is_in_the_document() {
        let document = document();
        let style = between(&document, "<style>", "</style>");
        let script = between(&document, "<script type=\"module\">", "</script>");
        assert_eq!((style, script), (STYLES.concat().as_str(), SCRIPTS.concat().as_str()));
        let policy = PAGE.policy.to_str().unwrap();
        assert!(policy.contains(&format!("script-src 'sha256-{}';", hash(script))), "{policy}");
        assert!(policy.contains(&format!("style-src 'sha256-{}';", hash(style))), "{policy}");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
        assert!(!PLACES.iter().any(|place| document.contains(place)));
    }

    // Mutations caught: an address of somebody else's; markup made of text; what the policy would refuse.
    #[test]
    fn nothing_is_loaded_and_text_stays_text() {
        let document = document();
        let ways = [
            "http:",
            "https:",
            "url(",
            "@import",
            "import ",
            "import(",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "DOMParser",
            "style=\"",
            "onclick=\"",
            "javascript:",
            "src=",
        ];
        for way in ways {
            assert!(!document.contains(way), "{way}");
        }
        let page = document.split_once("<style>").unwrap().0;
        assert_eq!(page.matches("href=\"data:").count(), 1);
    }

    /// The luminance of a colour `#rrggbb` (WCAG 2.2, relative luminance).
    fn luminance(colour: &str) -> f64 {
        let part = |from: usize| {
            let value = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    // Mutation caught: a colour that text cannot be read in, by day or by night (WCAG 2.2, 1.4.3: 4.5 to 1).
    #[test]
    fn text_can_be_read() {
        let colours = |name: &str| -> Vec<f64> {
            let pair = between(STYLES[0], &format!("--{name}: light-dark("), ")");
            pair.split(", ").map(luminance).collect()
        };
        for (text, grounds) in [
            ("text", &["ground", "panel", "raised", "soft"][..]),
            ("dim", &["ground", "panel", "raised"]),
            ("accent", &["ground", "panel", "raised"]),
            ("bad", &["ground", "panel", "raised", "soft"]),
            ("warn", &["ground", "panel"]),
            ("good", &["ground", "panel"]),
            ("on-accent", &["accent"]),
        ] {
            for ground in grounds {
                for (text_is, ground_is) in colours(text).into_iter().zip(colours(ground)) {
                    let ratio = (text_is.max(ground_is) + 0.05) / (text_is.min(ground_is) + 0.05);
                    assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2}");
                }
            }
        }
    }

    // Mutation caught: a page that grows beyond what it is meant to be; a compressed one that is another.
    #[test]
    fn it_is_small() {
        let gzip = PAGE.gzip.as_ref().unwrap();
        let mut plain = Vec::new();
        GzDecoder::new(&gzip[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, PAGE.plain);
        assert!(
            gzip.len() < 32 * 1024 && PAGE.plain.len() < 128 * 1024,
            "{} {}",
            gzip.len(),
            PAGE.plain.len()
        );
    }

    // Mutation caught: compressed for who did not say that it can read that.
    #[test]
    fn it_is_compressed_for_who_can_read_that() {
        let coding = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap());
            show(&headers).headers().get(CONTENT_ENCODING).cloned()
        };
        assert_eq!(coding("gzip, br"), Some(HeaderValue::from_static("gzip")));
        assert_eq!(coding("gzip;q=0"), None);
        assert_eq!(show(&HeaderMap::new()).headers().get(CONTENT_ENCODING), None);
    }
}
