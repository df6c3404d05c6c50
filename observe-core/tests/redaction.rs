//! What must not be told leaves the process nowhere: lines in each form, traces, snapshots, the console, metrics.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::context::Context;
use observe_core::http_client::OutgoingRequest;
use observe_core::http_server::HttpRequest;
use observe_core::testing::Captured;
use observe_core::{Format, Operation, Sampling, Sensitive, Telemetry, annotate, observed};
use proptest::prelude::*;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tracing::field::Empty;
use tracing::{debug, error, info, info_span, warn};

const PLANTED: &str = "pl4nted";
const CARD: u64 = 4_111_111_111_111_111;
/// Where a process of this test's is to put what it leaves.
const FOLDER: &str = "REDACTION_TEST_FOLDER";

#[derive(Debug)]
struct Leaky;

impl fmt::Display for Leaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PLANTED)
    }
}

impl Error for Leaky {}

#[derive(Debug)]
struct Account {
    owner: Sensitive<&'static str>,
}

#[observed(fields(password, user.token = 4_111_111_111_111_111_u64, order.id = 17))]
fn sign_in(password: &str) -> Result<usize, String> {
    debug!(api_key = PLANTED, "below it");
    Ok(password.len())
}

/// Every way in which a field comes.
fn plant(telemetry: &Telemetry) {
    let account = Account { owner: Sensitive::new(PLANTED) };
    let span =
        info_span!("outer", session.cookie = PLANTED, card_number = CARD, client_secret = Empty, shown = 1);
    let _outer = span.clone().entered();
    span.record("client_secret", PLANTED);
    info!(secret = ?PLANTED, token = %PLANTED, iban = f64::from(7), "by type");
    error!(password = &Leaky as &dyn Error, cvv = u128::from(CARD), pan = i64::MAX, "errors");
    warn!(?account, owner = %account.owner, "by type: {:?} {}", account, Sensitive::new(PLANTED));
    info!(callback_url = format!("http://ada:{PLANTED}@host/?sig={PLANTED}&a=1"), "urls");
    info!(url.query = format!("password={PLANTED}&next=https://ada:{PLANTED}@host/"), "a URL within a query");
    log::warn!(password = PLANTED, "API-Key" = CARD, shown = 2; "by the log crate");
    sign_in(PLANTED).unwrap();

    let request = HttpRequest::new("POST", "/charge").route("/charge");
    let mut server = telemetry.http_server().start(&request, &Context::new());
    server.within(|| {
        annotate("http.request.header.authorization", PLANTED);
        annotate("X-Api-Key", CARD);
        annotate("owner", account.owner);
        annotate("shown", 3_u64);
        let url = format!("/a?access_token={PLANTED}&X-Amz-Signature={PLANTED}");
        let authority = format!("ada:{PLANTED}@stock:81");
        let mut call = telemetry.http_client().start(&OutgoingRequest::new("GET", "http", &authority, &url));
        call.status(503);
        call.finish();
        Operation::builder("job").attribute("passwd", PLANTED).attribute("shown", 4_u64).start().run(|| {
            let panics = || panic!("{:?} was refused", account);
            assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        });
    });
    server.status(500);
    server.finish();
}

/// Run by the test below, in a process of its own.
#[test]
#[ignore = "it is what the test below looks at"]
fn one_that_tells() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let builder = Telemetry::builder("shop")
        .filter("debug".parse().unwrap())
        .sampling(Sampling::always())
        .traces_to_file(folder.join("traces.jsonl"))
        .snapshots(folder.join("snapshots"));
    #[cfg(feature = "otlp")]
    let builder = builder.console_spans();
    let telemetry = builder.install().unwrap();
    plant(&telemetry);
    telemetry.snapshot().unwrap();
    let pages =
        [("page.prom", Format::Text), ("page.om", Format::OpenMetrics), ("page.pb", Format::Protobuf)];
    for (name, format) in pages {
        let mut page = Vec::new();
        telemetry.registry().encode(format, &mut page);
        fs::write(folder.join(name), page).unwrap();
    }
    telemetry.shutdown(Duration::from_secs(30)).unwrap();
}

/// Every file below a folder, by its name.
fn read(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, found);
        } else {
            // Texts stand in protobuf as they are.
            let bytes = fs::read(&path).unwrap();
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

// Mutations caught: a way in that does not go by the names of fields; a type of value that is written as it is.
#[test]
fn what_was_planted_is_found_nowhere() {
    for format in ["json", "pretty"] {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "one_that_tells"])
            .env(FOLDER, folder.path())
            .env("OBSERVE_LOG", format)
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut told = vec![
            ("standard output".to_owned(), String::from_utf8(output.stdout).unwrap()),
            ("standard error".to_owned(), String::from_utf8(output.stderr).unwrap()),
        ];
        read(folder.path(), &mut told);
        for (place, text) in &told {
            for planted in [PLANTED, &CARD.to_string(), &i64::MAX.to_string()] {
                assert!(!text.contains(planted), "{planted} in {place}: {text}");
            }
        }
        // What is not a secret is there, and so is each secret's name.
        let lines = &told[0].1;
        for name in [
            "secret",
            "token",
            "iban",
            "password",
            "cvv",
            "pan",
            "session.cookie",
            "card_number",
            "client_secret",
            "API-Key",
            "user.token",
            "api_key",
            "authorization",
            "X-Api-Key",
        ] {
            assert!(lines.contains(name), "{name} in {lines}");
        }
        for text in ["by the log crate", "was refused", "http://REDACTED:REDACTED@host/?sig=REDACTED&a=1"] {
            assert!(lines.contains(text), "{text} in {lines}");
        }
        let of = |end: &str| told.iter().filter(|(place, _)| place.ends_with(end)).collect::<Vec<_>>();
        for (file, least) in
            [("traces.jsonl", 2), ("logs.jsonl", 1), ("page.prom", 1), ("page.om", 1), ("page.pb", 1)]
        {
            assert!(
                of(file).len() >= least,
                "{file}: {:?}",
                told.iter().map(|(place, _)| place).collect::<Vec<_>>()
            );
        }
        for (place, text) in of("traces.jsonl") {
            assert!(text.contains("[redacted]") && text.contains("\"shown\""), "{place}: {text}");
            assert!(text.contains("access_token=REDACTED"), "{place}: {text}");
        }
    }
}

const WORDS: [&str; 12] = [
    "authorization",
    "set-cookie",
    "password",
    "passwd",
    "pwd",
    "secret",
    "access_token",
    "x-api-key",
    "card_number",
    "pan",
    "cvv",
    "iban",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // Mutation caught: a name that is looked at after it was cut.
    #[test]
    fn no_spelling_of_a_name_gives_it_away(
        word in 0..WORDS.len(),
        between in "[-_.]",
        capital in any::<bool>(),
        prefix in "([a-zé\"\\\\]{1,20}[-_. ]){0,20}",
    ) {
        let word = WORDS[word].replace(['-', '_'], &between);
        let mut name = prefix;
        write!(name, "{}", if capital { word.to_uppercase() } else { word }).unwrap();
        let captured = Captured::new();
        captured.run(|| {
            let mut server = captured.telemetry().http_server().start(&HttpRequest::new("GET", "/"), &Context::new());
            server.within(|| annotate(&name, PLANTED));
            server.status(200);
            server.finish();
        });
        let text = captured.text();
        prop_assert!(text.contains("[redacted]") && !text.contains(PLANTED), "{name}: {text}");
    }
}
