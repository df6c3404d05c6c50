//! The panic hook of an installed telemetry: one line for each panic, and why the request failed.

mod subscriber_support;

use observe_core::http_server::HttpRequest;
use observe_core::{Operation, Outcome, Telemetry};
use serde_json::Value;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, set_hook, take_hook};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;
use subscriber_support::{Lines, captured, ids, lines_of};
use tracing::{info, info_span};

/// What the hook saw that was there first, by the panics' texts.
static BEFORE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The process's own telemetry, installed over another hook.
static INSTALLED: LazyLock<(Telemetry, Lines)> = LazyLock::new(|| {
    let usual = take_hook();
    set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default().to_owned();
        BEFORE.lock().expect("nothing panics under it").push(text.clone());
        // Hooks of others may log.
        info!(target: "previous", %text, "the hook before");
        usual(panic);
    }));
    let (builder, lines) = captured();
    (builder.install().expect("the first one"), lines)
});

/// Panics on a thread of its own, caught.
fn panics(f: impl FnOnce() + Send) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
}

/// The lines about panics.
fn told(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["target"] == "observe::panic").collect()
}

// Mutations caught: no call of the previous hook, or two; a line without its span; no location.
#[test]
fn a_panic_is_one_line_in_its_span() {
    let (telemetry, _) = &*INSTALLED;
    let mut row = 0;
    let lines = lines_of(|_| {
        let _span = info_span!("outer", order = 7).entered();
        info!("before");
        row = line!() + 1;
        panics(|| panic!("one \"line\"\n{}", "é".repeat(3)));
    });
    let [panicked] = told(&lines)[..] else { panic!("{lines:#?}") };
    assert_eq!(panicked["message"], "panicked: one \"line\"\néé".to_owned() + "é");
    assert_eq!((&panicked["level"], &panicked["order"]), (&"ERROR".into(), &7.into()));
    assert_eq!(ids(panicked), ids(&lines[0]));
    let location = panicked["panic.location"].as_str().unwrap();
    assert!(location.starts_with(&format!("{}:{row}:", file!())), "{location}");
    assert_eq!(panicked["thread.name"], thread::current().name().unwrap());
    assert_eq!(BEFORE.lock().unwrap().iter().filter(|text| text.starts_with("one \"line\"")).count(), 1);
    assert_eq!(lines.iter().filter(|line| line["target"] == "previous").count(), 1);
    drop(telemetry.clone());
}

// Mutation caught: a cause that is not handed over; one that a later word of the handler does not win over.
#[test]
fn the_line_of_a_request_says_why_it_panicked() {
    let _ = &*INSTALLED;
    let lines = lines_of(|telemetry| {
        let server = telemetry.http_server();
        for said in [false, true] {
            let request = HttpRequest::new("GET", "/orders/17");
            let mut operation = server.start(&request, &observe_core::context::Context::new());
            panics(|| {
                operation.within(|| {
                    if said {
                        observe_core::cause(&io::Error::other("the handler's word"));
                    }
                    // A span that is no operation, and an operation below it.
                    info_span!("step").in_scope(|| {
                        Operation::builder("inner").start().run(|| {
                            info_span!("inner step").in_scope(|| panic!("no room"));
                        });
                    });
                });
            });
            operation.status(500);
            operation.finish();
        }
    });
    let requests: Vec<_> = lines.iter().filter(|line| line["target"] == "observe::request").collect();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|line| line["error.type"] == "panicked" && line["outcome"] == "panicked"));
    assert_eq!(requests[0]["error.message"], "no room");
    assert_eq!(requests[1]["error.message"], "the handler's word");
    let panicked = told(&lines);
    assert_eq!(panicked.len(), 2);
    assert_eq!(panicked[0]["trace_id"], requests[0]["trace_id"]);
    assert_ne!(panicked[0]["span_id"], requests[0]["span_id"]);
    assert_eq!(panicked[0]["correlation_id"], requests[0]["correlation_id"]);
}

// Mutations caught: a panic that counts as why, though it was coped with; one handed to a span that is no operation.
#[test]
fn what_was_coped_with_is_told_and_is_nobodys_failure() {
    struct Rude;
    impl fmt::Debug for Rude {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in a Debug")
        }
    }
    let _ = &*INSTALLED;
    let lines = lines_of(|telemetry| {
        let retried = telemetry.operation("retried").start();
        let guard = retried.enter();
        panics(|| Operation::builder("attempt").start().run(|| panic!("first attempt")));
        let attempt = Operation::builder("attempt").start();
        let inner = attempt.enter();
        info_span!("step").in_scope(|| panics(|| panic!("second attempt")));
        drop(inner);
        attempt.finish(Outcome::Ok);
        drop(guard);
        // For a reason of its own.
        retried.finish(Outcome::Error);

        let formats = telemetry.operation("formats").start();
        let guard = formats.enter();
        info!(rude = ?Rude, "formatted");
        drop(guard);
        formats.finish(Outcome::Error);
    });
    let texts: Vec<_> = told(&lines).iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(texts, ["panicked: first attempt", "panicked: second attempt", "panicked: in a Debug"]);
    let of = |message: &str| lines.iter().find(|line| line["message"] == message);
    assert_eq!(of("formatted").unwrap()["rude"], "<panicked>");
    assert_eq!(ids(told(&lines)[2]), ids(of("formatted").unwrap()));
    for failed in ["retried failed", "formats failed"] {
        assert!(of(failed).is_some_and(|line| line.get("error.message").is_none()), "{lines:#?}");
    }
}

// Mutation caught: a payload that is formatted, or not bounded.
#[test]
fn whatever_is_thrown_is_one_valid_line() {
    let _ = &*INSTALLED;
    let lines = lines_of(|_| {
        panics(|| panic_any(7));
        panics(|| panic_any("\u{1}\u{7f}\"\\".repeat(100_000)));
        panics(|| std::panic::resume_unwind(Box::new("not told: it was told when it began")));
        let unnamed = thread::spawn(observe_core::Current::capture().wrap(|| panic!("unnamed")));
        assert!(unnamed.join().is_err());
    });
    let panicked = told(&lines);
    assert_eq!(panicked.len(), 3, "{lines:#?}");
    assert_eq!(panicked[0]["message"], "panicked: a value that is no text");
    assert!(panicked[1]["message"].as_str().unwrap().ends_with('…') && panicked[1]["truncated"] == true);
    assert_eq!(
        (&panicked[2]["message"], panicked[2].get("thread.name")),
        (&"panicked: unnamed".into(), None)
    );
    assert!(panicked.iter().all(|line| ids(line).is_empty()));
}

// Mutation caught: the filter asked for the target, as for any line.
#[test]
fn a_filter_for_some_targets_leaves_panics_in() {
    let _ = &*INSTALLED;
    for (filter, count) in [("app=info", 1), ("off", 0), ("info,observe::panic=off", 0)] {
        let (builder, lines) = captured();
        let telemetry = builder.filter(filter.parse().unwrap()).build().unwrap();
        telemetry.run(|| panics(|| panic!("filtered")));
        telemetry.shutdown(Duration::from_secs(10)).unwrap();
        assert_eq!(told(&lines.read()).len(), count, "{filter}");
    }
}

// Mutation caught: a worker that is not mute: the line about its panic is its next line.
#[test]
fn an_output_that_panics_is_not_told_by_itself() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            PANICS.fetch_add(1, Ordering::Relaxed);
            panic!("the output broke")
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (installed, lines) = &*INSTALLED;
    let telemetry = Telemetry::builder("test").log_writer(Broken).build().unwrap();
    telemetry.run(|| info!("for nobody"));
    assert!(telemetry.flush(Duration::from_secs(10)).unwrap_err().is_io());
    assert!(PANICS.load(Ordering::Relaxed) > 0);
    installed.flush(Duration::from_secs(10)).unwrap();
    assert!(told(&lines.read()).iter().all(|line| line["message"] != "panicked: the output broke"));
}

#[test]
fn what_runs_in_no_telemetry_is_told_by_the_installed_one() {
    let (installed, lines) = &*INSTALLED;
    thread::Builder::new()
        .name("worker-7".into())
        .spawn(|| panics(|| Operation::builder("nowhere").start().run(|| panic!("of nobody"))))
        .unwrap()
        .join()
        .unwrap();
    installed.flush(Duration::from_secs(10)).unwrap();
    let lines = lines.read();
    let line = told(&lines).into_iter().find(|line| line["message"] == "panicked: of nobody").unwrap();
    assert_eq!(line["thread.name"], "worker-7");
    let end = lines.iter().find(|line| line["message"] == "nowhere panicked").unwrap();
    assert_eq!((ids(end), &end["error.message"]), (ids(line), &"of nobody".into()));
}

// Mutation caught: what is raised alone asked for the target, so that a raise silences panics.
#[test]
fn what_is_raised_leaves_panics_in() {
    let _ = &*INSTALLED;
    for (base, raised, count) in [
        ("app=info", "observe=off", 1),
        ("off", "observe=error", 1),
        ("off", "observe=off", 0),
        ("observe=off", "app=debug", 0),
    ] {
        let (builder, lines) = captured();
        let telemetry = builder.filter(base.parse().unwrap()).build().unwrap();
        telemetry.levels().raise(raised.parse().unwrap(), Duration::from_secs(60)).unwrap();
        telemetry.run(|| panics(|| panic!("filtered")));
        telemetry.shutdown(Duration::from_secs(10)).unwrap();
        assert_eq!(told(&lines.read()).len(), count, "{base} + {raised}");
    }
}
