//! What is refused, and how that is told.

use crate::support::{Answer, TOKEN, ask, send, shown, shown_with};
use observe_core::Telemetry;
use observe_tower::{Admin, AdminBuilder};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn said(answer: &Answer) -> (u16, String) {
    (answer.status, answer.rule())
}

fn refused(status: u16, rule: &str) -> (u16, String) {
    (status, rule.to_owned())
}

// Mutations caught: an address that is not loopback without a token; a token's rule passed over; its text in the error.
#[test]
fn what_cannot_be_started() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let builder = || Admin::builder(&telemetry).address(([0, 0, 0, 0], 0));
    let error = builder().start().unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("needs a token"), "{error}");
    let error = builder().token("hush").start().unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("16 to 256"), "{error}");
    assert!(!format!("{error:?}").contains("hush"));
    builder().token(TOKEN).start().unwrap().stop();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let error = builder().token_file(&file).start().unwrap_err();
    assert!(error.is_io() && error.to_string().contains(file.to_str().unwrap()), "{error}");
    std::fs::write(&file, "short\n").unwrap();
    let error = builder().token_file(&file).start().unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains(file.to_str().unwrap()), "{error}");
    std::fs::write(&file, format!("  {TOKEN}\n")).unwrap();
    let admin = builder().token_file(&file).start().unwrap();
    let here = ([127, 0, 0, 1], admin.address().port()).into();
    let given = format!("Bearer {TOKEN}");
    assert_eq!(ask(here, "GET", "/api/v1/about", &[("authorization", given.as_str())], "").status, 200);

    let error = Admin::builder(&telemetry).address(here).token(TOKEN).start().unwrap_err();
    assert!(error.is_io() && error.to_string().contains(&here.to_string()), "{error}");
}

// Mutations caught: a file that is open to all not told; one that is not told all the same; the token in the line.
#[cfg(unix)]
#[test]
fn a_file_of_the_token_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, TOKEN).unwrap();
    for (mode, count) in [(0o600, 0), (0o640, 0), (0o644, 1)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let shown = shown_with(|telemetry| telemetry, |admin| admin.token_file(&file));
        let lines = format!("{:?}", shown.captured.lines());
        assert_eq!(lines.matches("others can read the file").count(), count, "{mode:o}: {lines}");
        assert!(!lines.contains(TOKEN));
    }
}

// Mutations caught: the token not asked for, of any view or change; one that is logged.
#[test]
fn without_the_token_nothing_is_told() {
    let shown = shown_with(|telemetry| telemetry, |admin| admin.token(TOKEN).allow_level_changes());
    let given = |token: &str| format!("Bearer {token}");
    for (method, path) in
        [("GET", "/api/v1/about"), ("GET", "/api/v1/traces"), ("POST", "/api/v1/levels"), ("GET", "/none")]
    {
        let answer = shown.ask(method, path, &[], "");
        assert_eq!(said(&answer), refused(401, "token"), "{path}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        let wrong = given("0123456789abcdef0123456789abcdeX");
        assert_eq!(said(&shown.ask(method, path, &[("authorization", &wrong)], "")), refused(401, "token"));
    }
    assert_eq!(shown.ask("GET", "/api/v1/about", &[("authorization", &given(TOKEN))], "").status, 200);
    let body = r#"{"filter":"debug"}"#;
    let headers = [("authorization", &*given(TOKEN)), ("content-type", "application/json")];
    assert_eq!(shown.ask("POST", "/api/v1/levels", &headers, body).status, 200);
    let lines = format!("{:?}", shown.captured.lines());
    assert!(lines.contains("levels changed") && !lines.contains(TOKEN), "{lines}");
}

// Mutations caught: either rule not asked; the counter.
#[test]
fn strangers_names_and_pages_are_refused_and_counted() {
    let shown = shown();
    let ask = |headers: &[(&str, &str)]| shown.ask("GET", "/api/v1/about", headers, "");
    assert_eq!(said(&ask(&[("host", "example.org")])), refused(403, "host"));
    assert_eq!(said(&ask(&[("origin", "http://example.org")])), refused(403, "origin"));
    assert_eq!(said(&ask(&[("sec-fetch-site", "cross-site")])), refused(403, "origin"));
    assert_eq!(ask(&[("host", "localhost"), ("origin", "http://localhost")]).status, 200);
    let named = shown_with(|telemetry| telemetry, |admin| admin.allow_host("Admin.Internal"));
    assert_eq!(named.ask("GET", "/api/v1/about", &[("host", "admin.internal")], "").status, 200);
    for (rule, count) in [("host", 1.0), ("origin", 2.0), ("token", 0.0)] {
        let series = format!("observe_admin_refused_total{{rule=\"{rule}\"}}");
        assert_eq!(shown.captured.metric(&series), count, "{rule}");
    }
}

// Mutations caught: each of the checks before a change left out; the order in which a capability and a body are looked at.
#[test]
fn changes_are_refused_unless_all_is_right() {
    let (none, all) =
        (shown(), shown_with(|telemetry| telemetry, |admin| admin.allow_level_changes().allow_snapshots()));
    let body = r#"{"filter":"debug"}"#;
    assert_eq!(said(&none.post("/api/v1/levels", body)), refused(403, "capability"));
    assert_eq!(said(&none.post("/api/v1/snapshots", "{}")), refused(403, "capability"));
    assert_eq!(none.view("levels")["filter"], "info");
    let only_levels = shown_with(|telemetry| telemetry, AdminBuilder::allow_level_changes);
    assert_eq!(said(&only_levels.post("/api/v1/snapshots", "{}")), refused(403, "capability"));

    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json-seq", ""] {
        let answer = all.ask("POST", "/api/v1/levels", &[("content-type", kind)], body);
        assert_eq!(said(&answer), refused(415, "content_type"), "{kind}");
    }
    let charset = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(all.ask("POST", "/api/v1/levels", &charset, body).status, 200);
    for wrong in ["", "{", "[]", "{}", r#"{"filter":1}"#, r#"{"filter":"debug","for":1}"#] {
        assert_eq!(said(&all.post("/api/v1/levels", wrong)), refused(400, "json"), "{wrong}");
    }
    for wrong in [
        r#"{"filter":",,,"}"#,
        r#"{"filter":" "}"#,
        r#"{"filter":"a\u0000=debug"}"#,
        r#"{"filter":"a b=="}"#,
        r#"{"filter":"debug","for_s":86401}"#,
        r#"{"filter":"debug","for_s":0}"#,
    ] {
        assert_eq!(said(&all.post("/api/v1/levels", wrong)), refused(400, "levels"), "{wrong}");
    }
    assert_eq!(said(&all.post("/api/v1/snapshots", r#"{"a":1}"#)), refused(400, "json"));
    assert_eq!(said(&all.post("/api/v1/snapshots", "{}")), refused(409, "snapshots"));
    assert_eq!(said(&all.post("/api/v1/levels?a=1", body)), refused(400, "parameter"));
}

// Mutation caught: a body, or a query, that is taken whatever its length.
#[test]
fn bodies_queries_and_heads_are_bounded() {
    let shown = shown_with(|telemetry| telemetry, AdminBuilder::allow_level_changes);
    let long = format!("{{\"filter\":\"{}\"}}", "x".repeat(4 * 1024));
    assert_eq!(said(&shown.post("/api/v1/levels", &long)), refused(413, "body_size"));
    let chunked = format!(
        "POST /api/v1/levels HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n",
        long.len()
    );
    assert_eq!(said(&send(shown.admin.address(), &chunked)), refused(413, "body_size"));
    let query = format!("/api/v1/traces?name={}", "x".repeat(4 * 1024));
    assert_eq!(said(&shown.get(&query)), refused(414, "query_size"));
    let head = format!("/api/v1/about?{}", "x".repeat(64 * 1024));
    assert!([414, 431].contains(&shown.get(&head).status));
}

// Mutations caught: a path or a parameter passed over; a method that is taken for another.
#[test]
fn unknown_paths_parameters_and_methods_are_refused() {
    let shown = shown();
    let traces = "/api/v1/traces";
    for path in [
        "/api/v1/",
        "/api/v1/about/",
        "/api/v2/about",
        "/api/v1/About",
        "/api/v1/traces/",
        "/api/v1/traces/17",
    ] {
        assert_eq!(said(&shown.get(path)), refused(404, "path"), "{path}");
    }
    let unknown = shown.get("/api/v1/traces/0123456789abcdef0123456789abcdef");
    assert_eq!(said(&unknown), refused(404, "trace"));
    for query in [
        "colour=red",
        "limit=0",
        "limit=501",
        "limit=1&limit=2",
        "outcome=good",
        "kind=request",
        "failed=yes",
        "min_ms=-1",
        "trace_id=17",
        "order=best",
    ] {
        let answer = shown.get(&format!("{traces}?{query}"));
        assert_eq!(said(&answer), refused(400, "parameter"), "{query}");
        let name = query.split('=').next().unwrap();
        assert!(answer.body.contains(&format!("`{name}`")), "{}", answer.body);
    }
    let nine = ["attribute=a=b"; 9].join("&");
    assert_eq!(said(&shown.get(&format!("{traces}?{nine}"))), refused(400, "parameter"));
    for (method, path, allow) in [
        ("DELETE", "/api/v1/traces", "GET"),
        ("HEAD", "/api/v1/about", "GET"),
        ("PUT", "/api/v1/levels", "GET, POST"),
        ("GET", "/api/v1/snapshots", "POST"),
        ("POST", "/api/v1/traces/0123456789abcdef0123456789abcdef", "GET"),
    ] {
        let answer = shown.ask(method, path, &[], "");
        assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, allow), "{method} {path}");
    }
}

// Mutations caught: connections without end; places that are not given back.
#[test]
fn connections_are_bounded_and_given_back() {
    let shown = shown_with(|telemetry| telemetry, AdminBuilder::allow_level_changes);
    let address = shown.admin.address();
    let head = format!("GET /api/v1/about HTTP/1.1\r\nhost: {address}\r\n\r\n");
    // One that waits for its body is not idle.
    let waits = format!(
        "POST /api/v1/levels HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: 2\r\nexpect: 100-continue\r\n\r\n"
    );
    let ask_for = |stream: &mut TcpStream, head: &str| {
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).map(|()| String::from_utf8_lossy(&answer).into_owned())
    };
    let ask = |stream: &mut TcpStream| ask_for(stream, &head);
    let mut open: Vec<TcpStream> = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(address).unwrap();
        assert_eq!(ask_for(&mut stream, &waits).unwrap(), "HTTP/1.1 100 Co");
        open.push(stream);
    }
    let mut further = TcpStream::connect(address).unwrap();
    assert_eq!(ask(&mut further).unwrap(), "HTTP/1.1 503 Se");
    // Those that say nothing take the places of the refused, too: what comes then is closed.
    let silent: Vec<_> = (0..8).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut closed = TcpStream::connect(address).unwrap();
    closed.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let end = closed.read(&mut [0; 1]);
    assert!(
        matches!(end, Ok(0)) || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    );
    drop((open, silent));
    for _ in 0..2_000 {
        let mut stream = TcpStream::connect(address).unwrap();
        if ask(&mut stream).is_ok_and(|answer| answer == "HTTP/1.1 200 OK") {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no place was given back");
}

// Mutations caught: whoever is refused keeps a connection; those that idle keep the others out, or the youngest of them goes.
#[test]
fn whoever_idles_keeps_nobody_out() {
    let shown = shown();
    let address = shown.admin.address();
    let connect = |host: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(format!("GET /api/v1/none HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).unwrap();
        stream
    };
    // It ends, though nobody asked for that.
    for (host, authority) in [("evil", ""), ("localhost", "origin: http://evil\r\n")] {
        let answer = send(address, &format!("GET /api/v1/about HTTP/1.1\r\nhost: {host}\r\n{authority}\r\n"));
        assert_eq!((answer.status, answer.headers["connection"].as_str()), (403, "close"), "{host}");
    }
    let begins = |stream: &mut TcpStream| {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let mut idle: Vec<TcpStream> = (0..32).map(|_| connect("localhost")).collect();
    for stream in &mut idle {
        assert_eq!(begins(stream), "HTTP/1.1 404");
    }
    assert_eq!(begins(&mut connect("localhost")), "HTTP/1.1 404");
    // The first was closed for it, the last was not.
    assert!(idle[0].read_to_end(&mut Vec::new()).is_ok());
    idle[31].write_all(b"GET /api/v1/none HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut rest = String::new();
    while rest.matches("HTTP/1.1 404").count() < 1 {
        let mut more = [0; 256];
        let count = idle[31].read(&mut more).unwrap();
        assert!(count > 0, "closed: {rest}");
        rest += &String::from_utf8_lossy(&more[..count]);
    }
}

// Mutation caught: a header that is missing, on an answer or on a refusal.
#[test]
fn every_answer_keeps_others_out() {
    let shown = shown();
    for path in ["/api/v1/about", "/none"] {
        let headers = shown.get(path).headers;
        for (name, value) in [
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-embedder-policy", "require-corp"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value, "{path}: {name}");
        }
        assert!(headers["content-security-policy"].starts_with("default-src 'none'"));
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
}
