//! The console of a checkout under load, in a browser.
//!
//! With the variable `CONSOLE_PICTURES` the pictures of the guide are written into the folder that it names.

use crate::browser::Browser;
use crate::support::{self, Running, ask, charge, get, installed, order, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;
use std::time::Duration;

const VIEWS: [&str; 10] = [
    "overview",
    "in-flight",
    "traces",
    "slice",
    "dependencies",
    "functions",
    "resources",
    "labels",
    "drops",
    "levels",
];

const BROWSER: &str = "chromium";

/// What somebody would like to run in the page.
const HOSTILE: &str = "<img src=x onerror='document.title=1'>";

fn view(admin: SocketAddr, path: &str) -> Value {
    let answer = get(admin, &format!("/api/v1/{path}"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    support::json(&answer)
}

/// Goes to a view of the console, and waits until it is read.
fn show(browser: &mut Browser, admin: SocketAddr, address: &str) {
    browser.open(&format!("http://{admin}/#/{address}"));
    let name = address.split(['/', '?']).next().unwrap();
    browser.wait(&format!("document.querySelector('main[data-view=\"{name}\"] h1')"));
}

/// A checkout under load that has failed, and a browser.
fn start(args: &[&str]) -> (Running, Browser) {
    let running = Running::start(&[&["--load", "60"], args].concat());
    assert_eq!(charge(running.checkout, "fail", "").unwrap().status, 502);
    (running, Browser::start())
}

// Mutations caught: events that are not listened to; a figure that leads to other traces; a waterfall without a span, or with the lines of another; a line that
// does not lead to its place; a filter by attribute that lets others through; a level that is not changed, or does not revert.
#[test]
fn from_a_failed_request_to_its_lines_and_to_a_level() {
    if !installed(BROWSER) {
        return;
    }
    let (running, mut browser) = start(&[]);
    let admin = running.admin;
    browser.size(1280, 900);
    show(&mut browser, admin, "overview");
    browser.wait("document.querySelector('#live').textContent.includes('live')");
    browser.wait(
        "document.querySelectorAll('.card').length == 4 && document.querySelector('.heat-area path[d]')",
    );

    // It is live: what comes by events is shown, before the view is asked for again.
    let shown = |browser: &mut Browser| {
        let said = browser.text("document.querySelector('.heat-said').textContent");
        (said, browser.asked().iter().filter(|url| url.ends_with("/overview")).count())
    };
    let mut before = shown(&mut browser);
    wait_for("something new that was not asked for", || {
        let (now, asked) = shown(&mut browser);
        let is_new = now != before.0 && asked == before.1;
        before = (now, asked);
        is_new.then_some(())
    });

    // From the share of errors of a route to its failed traces, and into one of them.
    browser.click("main a[href*='failed=true'][href*='charge']");
    browser.wait("document.querySelector('main[data-view=traces] tbody tr')");
    let outcomes = browser.eval(
        "[...document.querySelectorAll('main tbody tr')].map((row) => row.cells[0].textContent.slice(2))",
    );
    let rows = outcomes.as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|outcome| outcome == "error"), "{outcomes}");
    browser.click("main a[href*='trace/']");
    browser.wait("document.querySelector('.span-row')");
    let id = browser.text("location.hash.split('/')[2].split('?')[0]");
    let trace = view(admin, &format!("traces/{id}"));
    let spans: Vec<&Value> = trace["spans"].as_array().unwrap().iter().collect();
    assert_eq!(spans[0]["outcome"], "error");
    let shown = browser.eval("[...document.querySelectorAll('.span-row')].map((row) => row.title)");
    assert_eq!(shown, spans.iter().map(|span| span["name"].clone()).collect::<Value>());
    let gaps: usize = spans.iter().map(|span| span["gaps"].as_array().unwrap().len()).sum();
    assert_eq!(browser.eval("document.querySelectorAll('.track > .gap').length"), gaps);

    // Its lines, and from one to its place.
    let lines =
        browser.eval("[...document.querySelectorAll('.line-text')].map((line) => line.firstChild.data)");
    assert_eq!(lines, json!(["not paid: what was reserved is given back"]));
    browser.click(".line");
    browser.wait("document.querySelector('.span-row.has-line.chosen .cursor')");
    let said = spans.iter().find(|span| !span["lines"].as_array().unwrap().is_empty()).unwrap();
    assert_eq!(browser.eval("document.querySelector('.span-row.chosen').title"), said["name"]);
    let left = browser.text("document.querySelector('.cursor').style.left");
    let place = said["lines"][0]["offset_ms"].as_f64().unwrap() / trace["duration_ms"].as_f64().unwrap();
    assert!(
        (left.trim_end_matches('%').parse::<f64>().unwrap() - place * 100.0).abs() < 0.1,
        "{left} {place}"
    );

    // Who else has this attribute.
    browser.click(".span-row");
    browser.click(".attributes a[href*='payment.method']");
    browser.wait(
        "document.querySelector('main[data-view=traces] tbody tr') && document.querySelector('.chips')",
    );
    let found = browser.eval("[...document.querySelectorAll('main tbody tr')].map((row) => row.dataset.key)");
    let asked = browser.text("location.hash.split('?')[1]");
    assert!(asked.starts_with("attribute=payment.method%3D"), "{asked}");
    let with = view(admin, &format!("traces?limit=500&{asked}"));
    let with: BTreeSet<&str> =
        with["traces"].as_array().unwrap().iter().map(|trace| trace["span_id"].as_str().unwrap()).collect();
    let found: Vec<&str> = found.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(found.len() > 3 && found.iter().all(|id| with.contains(id)), "{found:?}");
    browser.click("main p a[href*='slice']");
    browser.wait("document.querySelector('main[data-view=slice] .attribute-list a')");
    browser.click(".attribute-list a[href*='by=order.customer']");
    browser.wait("document.querySelector('main table caption')?.textContent == 'Requests by order.customer'");

    // A level that is changed, and goes back by itself.
    browser.click("nav a[href='#/levels']");
    browser.write("main input[name=filter]", "checkout=debug");
    browser.write("main input[name=for_s]", "6");
    browser.click("main form button");
    browser.wait("document.querySelector('#filter-now').textContent == 'info,checkout=debug'");
    assert!(browser.text("document.querySelector('#reverts').textContent").starts_with("in "));
    assert_eq!(view(admin, "levels")["filter"], "info,checkout=debug");
    browser.wait("document.querySelector('#filter-now').textContent == 'info'");
    browser.wait("document.querySelector('#reverts').textContent == 'nothing is raised'");
    assert_eq!(view(admin, "levels")["raised"], Value::Null);
    assert_eq!(browser.eval("document.querySelectorAll('main tbody tr').length"), 1);

    // What is refused is said in words.
    browser.write("main input[name=filter]", "=");
    browser.click("main form button");
    browser.wait("document.querySelector('#changed.bad')?.textContent");
    let errors: Vec<Value> = browser.errors().into_iter().filter(|error| !is_of_status(error, 400)).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let own = format!("http://{admin}/");
    let asked = browser.asked();
    assert!(
        asked.len() > 10 && asked.iter().all(|url| url.starts_with(&own) || url.starts_with("data:")),
        "{asked:?}"
    );

    // The process has gone: the view stays, and says of when it is.
    show(&mut browser, admin, "overview");
    browser.wait("document.querySelector('.card')");
    running.end();
    browser.wait("document.querySelector('.strip')?.textContent.includes('does not answer')");
    assert_eq!(browser.eval("document.querySelectorAll('.card').length"), 4);
    browser.click("nav a[href='#/traces']");
    browser.wait("document.querySelector('main [role=alert]')?.textContent.includes('does not answer')");
}

/// Chromium's own note that something was answered with this status.
fn is_of_status(error: &Value, status: u16) -> bool {
    let entry = &error["params"]["entry"];
    entry["source"] == "network"
        && entry["text"].as_str().is_some_and(|text| text.contains(&format!("status of {status} ")))
}

// Mutations caught: a view that is wider than the screen; a control without a name; a view that the keyboard does not reach; text
// taken for markup; an error in any view, whose pictures are taken here.
#[test]
fn every_view_on_every_screen_and_by_keyboard() {
    if !installed(BROWSER) {
        return;
    }
    let (running, mut browser) = start(&[]);
    let admin = running.admin;
    let body = order("").replace("\"ada\"", &json!(HOSTILE).to_string());
    assert_eq!(ask(running.checkout, "POST", "/charge", "", &body).unwrap().status, 201);
    let hostile = wait_for("the request", || {
        let found = view(admin, "traces?route=/charge&attribute=order.customer&limit=500");
        let all = found["traces"].as_array().unwrap().clone();
        all.into_iter().map(|trace| trace["trace_id"].as_str().unwrap().to_owned()).find(|id| {
            view(admin, &format!("traces/{id}"))["spans"][0]["attributes"]["order.customer"] == HOSTILE
        })
    });
    let trace = view(admin, &format!("traces/{hostile}"))["spans"][0]["span_id"].as_str().unwrap().to_owned();
    // Something to draw.
    show(&mut browser, admin, "overview");
    browser.wait("document.querySelector('.heat-area path[d]')");
    let pages = VIEWS.iter().map(|&view| view.to_owned()).chain([
        "slice?by=order.customer&bad=slow".to_owned(),
        "traces?failed=true".to_owned(),
        format!("trace/{hostile}?span={trace}&line=0"),
        "trace/0123456789abcdef0123456789abcdef".to_owned(),
    ]);
    for address in pages {
        for (width, is_dark) in [(400, false), (2000, true)] {
            browser.size(width, 1000);
            browser.dark(is_dark);
            show(&mut browser, admin, &address);
            // Until it is read: nothing of it is wider, either.
            browser.wait("!document.querySelector('main > [role=status]')?.textContent.includes('Reading')");
            let wide = browser.eval("document.documentElement.scrollWidth - innerWidth");
            assert!(wide.as_i64().unwrap() <= 0, "{address} is {wide} px wider than {width} px");
            assert_eq!(
                browser.eval("document.querySelectorAll('main img, main script').length"),
                0,
                "{address}"
            );
        }
        let controls = browser.controls();
        let nameless: Vec<_> = controls.iter().filter(|(_, name)| name.trim().is_empty()).collect();
        assert!(controls.len() > 10 && nameless.is_empty(), "{address}: {nameless:?}");
        let found = browser.eval(
            "[document.querySelectorAll('main, nav, header').length, document.querySelectorAll('h1').length,
              document.documentElement.lang, document.title]",
        );
        assert_eq!(
            (&found[0], &found[1], &found[2]),
            (&json!(3), &json!(1), &json!("en")),
            "{address}: {found}"
        );
    }
    show(&mut browser, admin, &format!("trace/{hostile}?span={trace}"));
    browser.wait("document.querySelector('.attributes')");
    let text = browser.text("document.querySelector('.attributes').textContent");
    assert!(text.contains(HOSTILE), "{text}");
    assert_ne!(browser.eval("document.title"), "1");

    // By keyboard alone: to each view, and back by an arrow.
    browser.open("about:blank");
    show(&mut browser, admin, "overview");
    let mut reached = Vec::new();
    for _ in 0..20 {
        browser.press("Tab");
        reached
            .push(browser.text("document.activeElement.getAttribute('href') ?? document.activeElement.id"));
    }
    assert_eq!(reached[0], "#main", "the first leads to the view");
    let missing: Vec<_> = VIEWS.iter().filter(|view| !reached.contains(&format!("#/{view}"))).collect();
    assert!(missing.is_empty(), "{missing:?} of {reached:?}");
    browser.eval("document.querySelector('nav a').focus()");
    browser.press("ArrowDown");
    browser.press("Enter");
    browser.wait("document.querySelector('main[data-view=in-flight] h1') === document.activeElement");
    // The map, too.
    show(&mut browser, admin, "overview");
    browser.wait("document.querySelector('.heat-area path[d]')");
    browser.eval("document.querySelector('.heat-area').focus()");
    browser.press("ArrowLeft");
    browser.wait("document.querySelector('.heat-cursor').getAttribute('visibility') == 'visible'");
    assert!(browser.text("document.querySelector('.heat-said').textContent").contains("Enter"));
    browser.press("Enter");
    browser.wait("document.querySelector('main[data-view=traces] h1') && location.hash.includes('max_ms=')");

    // The trace that is not there is the one answer that is no success.
    let errors: Vec<Value> = browser.errors().into_iter().filter(|error| !is_of_status(error, 404)).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    pictures(&mut browser, admin);
}

// Mutations caught: a page that asks for another view than the shown one, or goes on when nobody looks; one that shows something
// without the token, keeps a wrong one to itself, puts it into an address, or tells it to
// whoever comes next.
#[test]
fn with_a_token_and_only_while_somebody_looks() {
    const TOKEN: &str = "a-token-for-this-test-alone";
    if !installed(BROWSER) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, TOKEN).unwrap();
    let (running, mut browser) = start(&["--admin-token", file.to_str().unwrap()]);
    let admin = running.admin;
    assert_eq!(get(admin, "/api/v1/about").status, 401);
    browser.size(1280, 900);
    show(&mut browser, admin, "in-flight");
    for (token, answer) in [("another-token-entirely", "This is not the token."), (TOKEN, "")] {
        browser.write("main input[name=token]", token);
        browser.click("main form button");
        if !answer.is_empty() {
            browser.wait(&format!(
                "document.querySelector('main [role=alert]').textContent.includes('{answer}')"
            ));
        }
    }
    browser.wait("document.querySelector('#live').textContent.includes('live') && !document.querySelector('main form')");
    assert_eq!(browser.text("document.querySelector('#service').textContent"), "checkout");

    // Only what is shown is asked for.
    browser.events.clear();
    let own = format!("http://{admin}/api/v1/");
    wait_for("it to ask again", || {
        (browser.asked().iter().filter(|url| url.contains("/in-flight")).count() > 2).then_some(())
    });
    let asked: BTreeSet<String> = browser.asked().into_iter().collect();
    let views: Vec<_> = asked.iter().filter_map(|url| url.strip_prefix(&own)?.split('?').next()).collect();
    assert!(views.iter().all(|view| ["about", "events", "in-flight"].contains(view)), "{views:?}");
    assert!(asked.iter().all(|url| !url.contains(TOKEN)), "{asked:?}");

    // Nobody looks.
    let hide = |is_hidden: bool| {
        format!(
            "Object.defineProperty(document, 'hidden', {{ value: {is_hidden}, configurable: true }});
             document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    browser.eval(&hide(true));
    browser.asked();
    browser.events.clear();
    // It asked each second before.
    thread::sleep(Duration::from_secs(3));
    assert_eq!(browser.asked(), Vec::<String>::new());
    let heard = |event: &Value| event["method"] == "Network.dataReceived";
    assert!(!browser.events.iter().any(heard), "it listens on");
    browser.eval(&hide(false));
    wait_for("it to ask again", || {
        let asked = browser.asked();
        (asked.iter().any(|url| url.contains("/events"))
            && asked.iter().any(|url| url.contains("/in-flight")))
        .then_some(())
    });

    // In this tab, and until it is forgotten.
    browser.click("#forget");
    browser.wait("document.querySelector('main input[name=token]')");
    assert_eq!(
        browser.eval(
            "sessionStorage.length + Object.keys(localStorage).filter((key) => key.includes('token')).length"
        ),
        0
    );
    let errors: Vec<Value> = browser.errors().into_iter().filter(|error| !is_of_status(error, 401)).collect();
    assert!(errors.is_empty(), "{errors:#?}");

    // Whoever takes the address of a service that has gone is not told the token.
    browser.write("main input[name=token]", TOKEN);
    browser.click("main form button");
    browser.wait("document.querySelector('#live').textContent.includes('live') && !document.querySelector('main form')");
    running.end();
    browser.wait("document.querySelector('.strip button')");
    let stranger = TcpListener::bind(admin).unwrap();
    stranger.set_nonblocking(true).unwrap();
    // It would ask again after two.
    thread::sleep(Duration::from_secs(4));
    let asked = stranger.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(asked, Err(ErrorKind::WouldBlock));
}

/// The pictures of the guide, if somebody asks for them.
fn pictures(browser: &mut Browser, admin: SocketAddr) {
    let Some(folder) = std::env::var_os("CONSOLE_PICTURES") else { return };
    // Something to see, without what the keyboard was at.
    browser.open("about:blank");
    thread::sleep(Duration::from_secs(120));
    let failed = view(admin, "traces?failed=true&route=/charge&limit=1");
    let trace = format!("trace/{}?line=0", failed["traces"][0]["trace_id"].as_str().unwrap());
    for (name, address, width, height, is_dark) in [
        ("overview-light", "overview", 1280, 860, false),
        ("overview-dark", "overview", 1280, 860, true),
        ("trace-light", &trace, 1280, 620, false),
        ("slice-dark", "slice?by=payment.method&bad=slow", 1280, 860, true),
        ("traces-narrow", "traces?failed=true", 400, 800, false),
        ("in-flight-dark", "in-flight", 1280, 420, true),
        ("levels-light", "levels", 1280, 620, false),
    ] {
        browser.size(width, height);
        browser.dark(is_dark);
        show(browser, admin, address);
        thread::sleep(Duration::from_secs(3));
        browser.picture(&Path::new(&folder).join(format!("{name}.png")));
    }
}

// Mutation caught: pictures that nobody made smaller; one that the guide shows and that is not there.
#[test]
fn pictures_are_there_and_small() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let guide = std::fs::read_to_string(docs.join("console.md")).unwrap();
    let shown: Vec<&str> =
        guide.split("](console/").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(shown.len() > 2);
    for name in shown {
        let bytes = std::fs::metadata(docs.join("console").join(name)).unwrap().len();
        assert!((5_000..150_000).contains(&bytes), "{name}: {bytes} bytes");
    }
}
