//! What the log of an attacked service has to be.

use crate::json::Json;
use crate::marks::{MARK, SECRET, is_in};
use std::collections::BTreeMap;

/// What was in a log.
#[derive(Debug, Default)]
pub struct Log {
    /// How many lines of finished requests each service wrote.
    pub requests: BTreeMap<String, u64>,
    /// All lines.
    pub lines: u64,
    /// The lines that had a text of the attacker's, where it may be.
    pub marked: u64,
    /// What is wrong: the first few.
    pub wrong: Vec<String>,
}

/// More than this is not kept.
const MOST_WRONG: usize = 10;
/// What the library itself says: the client's texts are at most in fields of their own.
const OWN_TARGETS: [&str; 2] = ["observe::request", "observe::stream"];
/// Keys whose values no client has a word in.
const OWN: [&str; 16] = [
    "timestamp",
    "level",
    "target",
    "service.name",
    "service.version",
    "trace_id",
    "span_id",
    "trace_flags",
    "http.request.method",
    "http.route",
    "url.scheme",
    "outcome",
    "error.type",
    "duration_ms",
    "http.response.status_code",
    "client.address",
];

impl Log {
    /// Reads it to its end. Only these services may have a word in it.
    pub fn read(services: &[&str], lines: &mut dyn Iterator<Item = Vec<u8>>) -> Self {
        let mut log = Self::default();
        for line in lines {
            log.lines += 1;
            log.marked += u64::from(is_in(MARK, &line));
            match check(services, &line) {
                Ok(Some(service)) => *log.requests.entry(service).or_default() += 1,
                Ok(None) => {}
                Err(wrong) if log.wrong.len() < MOST_WRONG => {
                    log.wrong.push(format!("{wrong}: {}", String::from_utf8_lossy(&line)));
                }
                Err(_) => {}
            }
        }
        log
    }
}

/// What is wrong with a line. Whose request it tells of, if it does.
fn check(services: &[&str], line: &[u8]) -> Result<Option<String>, String> {
    if is_in(SECRET, line) {
        return Err("a secret".to_owned());
    }
    let members = Json::read(line)?;
    let text = |key: &str| members.get(key).and_then(Json::as_str);
    let own = |key: &str, fits: fn(&str) -> bool| match text(key) {
        Some(value) if fits(value) => Ok(value),
        other => Err(format!("{key}: {other:?}")),
    };
    own("timestamp", is_time)?;
    own("level", |level| matches!(level, "ERROR" | "WARN" | "INFO" | "DEBUG" | "TRACE"))?;
    let target = own("target", |_| true)?;
    let message = own("message", |_| true)?;
    let service = own("service.name", |_| true)?;
    if !services.contains(&service) {
        return Err(format!("not of {service}"));
    }
    for (key, digits) in [("trace_id", 32), ("span_id", 16), ("trace_flags", 2)] {
        if let Some(value) = members.get(key)
            && !value.as_str().is_some_and(|value| is_hex(value, digits))
        {
            return Err(format!("{key}: {value:?}"));
        }
    }
    for key in members.keys() {
        if key.contains(MARK) {
            return Err(format!("a key of the attacker's: {key}"));
        }
    }
    for key in OWN {
        if text(key).is_some_and(|value| value.contains(MARK)) {
            return Err(format!("{key} of the attacker's"));
        }
    }
    if !OWN_TARGETS.contains(&target) {
        return Ok(None);
    }
    if message.contains(MARK) {
        return Err("a message of the attacker's".to_owned());
    }
    let is_number = |key: &str| matches!(members.get(key), Some(Json::Number(_)));
    match text("outcome") {
        Some("ok" | "error" | "cancelled" | "panicked") if is_number("duration_ms") => {
            Ok((target == OWN_TARGETS[0]).then(|| service.to_owned()))
        }
        other => Err(format!("outcome: {other:?}")),
    }
}

/// `2026-11-20T05:20:54.078500Z`.
fn is_time(text: &str) -> bool {
    let shape = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
    text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            _ => byte == *wanted,
        })
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "{\"timestamp\":\"2026-11-20T05:20:54.078500Z\",\"level\":\"INFO\",\"message\":\"GET 404\",\
         \"target\":\"observe::request\",\"service.name\":\"shop\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\
         \"url.path\":\"/zqx1\",\"outcome\":\"ok\",\"duration_ms\":0.25}";

    // Mutations caught: each check, left out.
    #[test]
    fn forged_lines_are_wrong() {
        assert_eq!(check(&["shop"], LINE.as_bytes()), Ok(Some("shop".to_owned())));
        for (from, to) in [
            ("05:20:54.078500Z", "05:20"),
            ("INFO", "zqx"),
            ("GET 404", "GET /zqx1"),
            ("\"shop\"", "\"forged\""),
            ("0af7", "0AF7"),
            ("url.path", "zqxforged"),
            ("\"ok\"", "\"fine\""),
            ("0.25", "\"0.25\""),
            ("/zqx1", SECRET),
            ("\"outcome\"", "\"http.route\":\"/zqx1\",\"outcome\""),
            ("}", "}\n{}"),
        ] {
            let forged = LINE.replace(from, to);
            assert_ne!(forged, LINE);
            assert!(check(&["shop"], forged.as_bytes()).is_err(), "{forged}");
        }
    }
}
