//! The console's document, and who gets it.

use crate::support::{TOKEN, shown, shown_with};

// Mutations caught: a token asked for where a person can send none; data without it; a name of somebody else's; the page as the
// answer to something else.
#[test]
fn the_page_needs_no_token_and_a_name_of_ours() {
    let shown = shown_with(|telemetry| telemetry, |admin| admin.token(TOKEN));
    let page = shown.get("/");
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    assert!(page.body.contains("<main") && !page.body.contains("checkout"));
    assert_eq!(shown.get("/api/v1/about").rule(), "token");
    assert_eq!(shown.get("/index.html").rule(), "token");
    assert_eq!(shown.ask("GET", "/", &[("host", "example.org")], "").rule(), "host");
    let linked = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    assert_eq!(shown.ask("GET", "/", &linked, "").status, 200);
    assert_eq!(shown.ask("GET", "/api/v1/about", &linked, "").rule(), "origin");
    let posted = shown.post("/", "{}");
    assert_eq!((posted.rule().as_str(), posted.headers["allow"].as_str()), ("method", "GET"));
}

// Mutations caught: a policy that is that of the JSON, by which nothing would run; one that lets anything of others in.
#[test]
fn its_policy_lets_in_its_own_alone() {
    let page = shown().get("/");
    let policy = &page.headers["content-security-policy"];
    let rules: Vec<_> = policy.split("; ").map(|rule| rule.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(
        rules,
        [
            "default-src",
            "script-src",
            "style-src",
            "connect-src",
            "img-src",
            "base-uri",
            "form-action",
            "frame-ancestors"
        ]
    );
    assert!(policy.contains("script-src 'sha256-") && policy.contains("connect-src 'self'"), "{policy}");
    assert!(["unsafe", "*", "http", "strict-dynamic"].iter().all(|word| !policy.contains(word)), "{policy}");
    assert_eq!(page.headers["x-frame-options"], "DENY");
}
