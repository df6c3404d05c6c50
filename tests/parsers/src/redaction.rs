//! What must not be told, by the names of fields and of keys in URLs: planted secrets are nowhere on the line.

use crate::json::Json;
use crate::pieces::Texts;
use crate::written::Log;
use observe_core::http_client::OutgoingRequest;
use observe_core::semconv::redaction::{SECRET_FIELDS, SECRET_QUERY_KEYS};
use observe_core::{LogFormat, Operation, annotate};
use std::sync::LazyLock;

static LOG: LazyLock<Log> = LazyLock::new(|| Log::new(LogFormat::Json));

const PLANTED: &str = "Pl4nted";

/// The number of a word and how it is spelled; what stands before a name; a user; the rest of a URL; and a text for a URL.
pub fn check(data: &[u8]) {
    let mut texts = Texts::of(data);
    let (number, spelling) = (usize::from(texts.number()), texts.number());
    // What is planted stands where the rules are about it, and nowhere else.
    let mut text = || texts.text().replace(PLANTED, "planted");
    let (before, user, rest, any) = (text(), text(), text(), text());

    let word = spelled(SECRET_FIELDS[number % SECRET_FIELDS.len()], spelling);
    let name = format!("{before}.{word}");
    let key = match number % 3 {
        0 => SECRET_QUERY_KEYS[number % SECRET_QUERY_KEYS.len()],
        _ => &word,
    };
    // What ends an authority makes a path of the rest.
    let user = user.replace(['/', '?', '#', '\\'], "");
    let rest = rest.replace('=', "");
    let url = format!("http://{user}{PLANTED}@host/a?{rest}&{key}={PLANTED}");
    let query = format!("/a?{rest}&{key}={PLANTED}");
    let lines = LOG.of(|telemetry| {
        Operation::builder("secrets").start().run(|| {
            annotate(&name, PLANTED);
            annotate("callback_url", &*url);
            annotate("url.full", &*query);
            tracing::info!(callback_url = &*url, url.query = &*query, "said");
            let authority = format!("{user}{PLANTED}@host");
            let mut call =
                telemetry.http_client().start(&OutgoingRequest::new("GET", "http", &authority, &query));
            call.status(503);
            call.finish();
        });
        let failed = Operation::builder("failed").start().run_result(|| {
            annotate(&name, PLANTED);
            annotate("callback_url", &*url);
            Err::<(), _>("so that there is a line")
        });
        assert!(failed.is_err());
    });
    assert!(lines.len() >= 2, "{lines:?}");
    for line in &lines {
        Json::read(line);
        assert!(!line.contains(PLANTED), "{name:?} or {url:?}: {line}");
    }

    // Twice is as once, whatever it is.
    let hidden = |text: &str| {
        let lines = LOG.of(|_| tracing::info!(callback_url = text));
        let url = Json::read(&lines[0]).find("callback_url").and_then(Json::as_text).map(str::to_owned);
        (!lines[0].contains("truncated")).then_some(url).flatten()
    };
    if let Some(once) = hidden(&any) {
        assert_eq!(hidden(&once).as_ref(), Some(&once), "{any:?}");
    }
}

/// A word with capital letters, or with something between its letters.
fn spelled(word: &str, spelling: u8) -> String {
    let mut text = String::new();
    for (at, letter) in word.char_indices() {
        let bit = spelling.rotate_left(at as u32) & 1 == 1;
        match spelling & 0b110 {
            0 if bit => text.push(letter.to_ascii_uppercase()),
            2 if bit => text.extend([letter, '_']),
            4 if bit => text.extend([letter, '-', '.']),
            _ => text.push(letter),
        }
    }
    text
}
