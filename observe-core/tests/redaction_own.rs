//! What a program says itself about what must not be told: one setting for the process, hence a test of its own.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::context::Context;
use observe_core::http_server::HttpRequest;
use observe_core::testing::Captured;
use observe_core::{Redaction, Telemetry};
use tracing::info;

// Mutations caught: names of the library's own told by the quick way; an exception of the whole name that counts for
// what ends in it; a second setting taken without a word.
#[test]
fn what_the_program_says_counts_for_the_process() {
    let asked = || Redaction::new().field("ssn").field("url.path").except("page_token");
    #[cfg(feature = "sensitive-hash")]
    let asked = || asked().hash_key("key of a process");
    let captured = Captured::with(|builder| builder.redaction(asked()));
    captured.run(|| {
        let request = HttpRequest::new("GET", "/patients/ada").route("/patients/{id}");
        let mut server = captured.telemetry().http_server().start(&request, &Context::new());
        server.within(|| info!(user.ssn = "078-05-1120", page_token = 3, next.page_token = 4, "looked up"));
        server.status(200);
        server.finish();
    });
    let line = captured.line("looked up");
    assert_eq!((&line["user.ssn"], &line["next.page_token"]), (&"[redacted]".into(), &"[redacted]".into()));
    assert_eq!((&line["page_token"], &line["url.path"]), (&3.into(), &"[redacted]".into()));
    assert_eq!(line["http.route"], "/patients/{id}");

    // Who asks for nothing, or for the same, has it.
    assert!(Telemetry::builder("second").build().is_ok());
    assert!(Telemetry::builder("third").redaction(asked()).build().is_ok());
    let refused = Telemetry::builder("fourth").redaction(Redaction::none()).build().unwrap_err();
    assert!(refused.is_already_installed(), "{refused}");
    assert!(
        Telemetry::builder("fifth").redaction(Redaction::new().field(" ")).build().unwrap_err().is_invalid()
    );

    #[cfg(feature = "sensitive-hash")]
    {
        use observe_core::Sensitive;
        // HMAC-SHA-256 of `ada` by the key above, as `openssl dgst -sha256 -hmac` says.
        assert_eq!(Sensitive::hashed("ada").to_string(), "[redacted:c07cfb34830d6855]");
    }
}
