//! What people write with `tracing`, and what the line says of it.

mod subscriber_support;

use observe_core::Operation;
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::num::{NonZeroU8, Wrapping};
use std::time::Duration;
use subscriber_support::{captured, ids, lines_of};
use tracing::field::Empty;
use tracing::{
    Instrument as _, Level, Span, debug_span, enabled, error, error_span, event, info, info_span, instrument,
    span, trace_span, warn,
};

/// An error with causes below it.
#[derive(Debug)]
struct Failed(&'static str, Option<Box<Failed>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

fn failed(texts: &[&'static str]) -> Failed {
    let (text, causes) = texts.split_first().expect("an error has a text");
    Failed(text, (!causes.is_empty()).then(|| Box::new(failed(causes))))
}

/// What formats itself badly.
struct Rude(fn(&mut fmt::Formatter<'_>) -> fmt::Result);

impl fmt::Debug for Rude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

// Mutation caught: `record_error` left to `tracing`, which takes the `Display` alone; in events, spans, or messages.
#[test]
fn errors_show_all_their_causes() {
    let lines = lines_of(|_| {
        let error = failed(&["cannot charge", "payment is unavailable", "connection \"refused\""]);
        let boxed: Box<dyn Error> = Box::new(failed(&["boxed", "inner"]));
        let shared: &(dyn Error + Send + Sync + 'static) = &error;
        let span = info_span!("span", opened = &error as &dyn Error, late = Empty).entered();
        span.record("late", &*boxed);
        error!(error = &error as &dyn Error, boxed = &*boxed, shared, "failed");
        error!(%error, debug = ?failed(&["text"]), "as text");
        error!(message = &error as &dyn Error);
        drop(span);
        let deep: Vec<&str> = (0..100).map(|_| "deeper").collect();
        error!(error = &failed(&deep) as &dyn Error, "deep");
    });
    let whole = "cannot charge: payment is unavailable: connection \"refused\"";
    for key in ["error", "shared", "opened"] {
        assert_eq!(lines[0][key], whole, "{key}");
    }
    assert_eq!((&lines[0]["boxed"], &lines[0]["late"]), (&"boxed: inner".into(), &"boxed: inner".into()));
    assert_eq!(
        (&lines[1]["error"], &lines[1]["debug"]),
        (&"cannot charge".into(), &"Failed(\"text\", None)".into())
    );
    assert_eq!(lines[2]["message"], whole);
    assert_eq!(lines[3]["error"].as_str().expect("a text").matches("deeper").count(), 1 + 16);
}

// Mutations caught: a value that is not cut, or cut without a word; one written as it came; a name of ours taken.
#[test]
fn whatever_a_value_is_the_line_is_one_object() {
    const NAMED: &str = "named by a constant";
    let (builder, lines) = captured();
    let telemetry = builder.build().unwrap();
    let huge = "é\u{1}\"\\\n".repeat(200_000);
    let nested = (0..2_000).fold(String::new(), |text, _| format!("[{text}]"));
    let bytes: &[u8] = &[0xc3, 0x28, 0xff];
    let events: [(&str, bool, &dyn Fn()); 14] = [
        ("huge", true, &|| info!(huge = huge.as_str(), "huge")),
        ("huge debug", true, &|| info!(huge = ?huge, "huge debug")),
        ("many", true, &|| info!(a = %huge, b = %huge, c = %huge, last = 1, "many")),
        ("controls", false, &|| info!(text = "\0\u{1}\u{7f}\u{85}\u{2028}\r\n\t\u{1b}[31m", "controls")),
        ("bytes", false, &|| info!(bytes, lossy = %String::from_utf8_lossy(bytes), "bytes")),
        ("nested", false, &|| info!(nested = %nested, "nested")),
        ("endless", true, &|| {
            info!(rude = ?Rude(|f| loop { f.write_str("more ")?; }), "endless");
        }),
        ("fails", false, &|| info!(rude = ?Rude(|_| Err(fmt::Error)), "fails")),
        ("panics", false, &|| {
            info!(rude = ?Rude(|_| std::panic::resume_unwind(Box::new(()))), "panics");
        }),
        ("logs", false, &|| {
            let _span =
                info_span!("s", rude = ?Rude(|f| { info!("inner"); f.write_str("logged") })).entered();
            info!("logs");
        }),
        ("reserved", false, &|| {
            let span = info_span!("s", trace_id = 1, message = "span's", timestamp = Empty).entered();
            span.record("timestamp", "late");
            info!(
                trace_id = 2,
                level = "mine",
                truncated = false,
                fields.level = 3,
                service.name = "x",
                "reserved"
            );
        }),
        ("twice", false, &|| {
            let span = info_span!("outer", n = 1, n = 2).entered();
            span.record("n", 3);
            info!(n = 4, n = 5, "twice");
        }),
        ("names", false, &|| info!("a name, \"quoted\"\n" = 1, { NAMED } = 2, r#type = 3, "names")),
        ("spans", false, &|| {
            let spans: Vec<_> = (0..300).map(|n| info_span!("deep", depth = n).entered()).collect();
            info!("spans");
            spans.into_iter().rev().for_each(drop);
        }),
    ];
    telemetry.run(|| events.iter().for_each(|(_, _, event)| event()));
    telemetry.shutdown(Duration::from_secs(10)).unwrap();

    let text = lines.text();
    let of = |message: &str| -> Value {
        let mut found = text.lines().filter(|line| line.contains(&format!("\"message\":\"{message}\"")));
        let line = found.next().unwrap_or_else(|| panic!("no line {message}"));
        assert!(found.next().is_none() && line.len() <= 64 * 1024, "{message}");
        // The reader of JSON takes the last of two keys: its length tells that there was one.
        let read: Value = serde_json::from_str(line).unwrap();
        assert_eq!(read.to_string().len(), line.len(), "{message}: {line}");
        read
    };
    for (message, cut, _) in &events {
        assert_eq!(of(message).get("truncated").is_some(), *cut, "{message}");
    }
    // In a scope `tracing` hears nothing of what is logged by a value that it formats; `subscriber_installed` does.
    assert_eq!(text.lines().count(), events.len());
    assert!(huge.starts_with(of("huge")["huge"].as_str().unwrap().trim_end_matches('…')));
    assert_eq!(of("controls")["text"], "\0\u{1}\u{7f}\u{85}\u{2028}\r\n\t\u{1b}[31m");
    assert_eq!(
        (&of("bytes")["bytes"], &of("bytes")["lossy"]),
        (&"[c3 28 ff]".into(), &"\u{fffd}(\u{fffd}".into())
    );
    assert_eq!(of("nested")["nested"], nested);
    assert_eq!((&of("fails")["rude"], &of("panics")["rude"]), (&"<error>".into(), &"<panicked>".into()));
    assert_eq!(of("logs")["rude"], "logged");
    let reserved = of("reserved");
    assert_eq!(reserved["trace_id"].as_str().map(str::len), Some(32));
    for (key, value) in [
        ("fields.trace_id", Value::from(2)),
        ("fields.message", "span's".into()),
        ("fields.timestamp", "late".into()),
        ("fields.level", "mine".into()),
        ("fields.truncated", false.into()),
        ("fields.fields.level", 3.into()),
        ("fields.service.name", "x".into()),
    ] {
        assert_eq!(reserved[key], value, "{key}");
    }
    assert_eq!(of("twice")["n"], 5);
    let names = of("names");
    assert_eq!(
        (&names["a name, \"quoted\"\n"], &names[NAMED], &names["type"]),
        (&1.into(), &2.into(), &3.into())
    );
    assert_eq!(of("spans")["depth"], 299);
}

#[test]
fn every_kind_of_value_is_what_it_was() {
    let lines = lines_of(|_| {
        let (user, missing): (Option<&str>, Option<u64>) = (Some("u1"), None);
        let shorthand = 1_u8;
        let text = String::from("owned");
        let boxed: Box<dyn tracing::Value> = Box::new(7_u64);
        info!(
            shorthand,
            %text,
            ?user,
            some = user,
            none = missing,
            empty = Empty,
            owned = text,
            wrapping = Wrapping(3_u32),
            non_zero = NonZeroU8::MAX,
            size = usize::MAX,
            char = %'c',
            half = 0.5_f32,
            shown = tracing::field::display(1),
            debugged = tracing::field::debug("d"),
            boxed = &*boxed,
            format = format_args!("{shorthand:03}"),
            "{shorthand} of {}", 2
        );
        info!({ only.fields = true });
        info!("braces {{}} {name}", name = "n");
    });
    let line = &lines[0];
    assert_eq!(line["message"], "1 of 2");
    for (key, value) in [
        ("shorthand", Value::from(1)),
        ("text", "owned".into()),
        ("user", "Some(\"u1\")".into()),
        ("some", "u1".into()),
        ("owned", "owned".into()),
        ("wrapping", 3.into()),
        ("non_zero", 255.into()),
        ("size", usize::MAX.into()),
        ("char", "c".into()),
        ("half", 0.5.into()),
        ("shown", "1".into()),
        ("debugged", "\"d\"".into()),
        ("boxed", 7.into()),
        ("format", "001".into()),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
    assert!(line.get("none").is_none() && line.get("empty").is_none());
    assert_eq!((&lines[1]["message"], &lines[1]["only.fields"]), (&"".into(), &true.into()));
    assert_eq!((&lines[2]["message"], lines[2].get("name")), (&"braces {} n".into(), None));
}

#[test]
fn events_say_their_level_and_their_target() {
    let (builder, lines) = captured();
    let telemetry = builder.filter("lines=trace,quiet=warn".parse().unwrap()).build().unwrap();
    telemetry.run(|| {
        event!(Level::TRACE, "traced");
        event!(name: "a name", target: "lines::deeper", Level::DEBUG, { n = 1 }, "named");
        info!(name: "a name", "named by the shorter form");
        warn!(target: "quiet", "warned");
        info!(target: "quiet", "not heard");
        assert!(enabled!(Level::TRACE) && enabled!(target: "quiet", Level::WARN));
        assert!(!enabled!(target: "quiet", Level::INFO) && !enabled!(target: "other", Level::ERROR));
        // A span that is not heard is no span: the one around it is what is running.
        let outer = info_span!("outer", outer = 1).entered();
        span!(target: "quiet", Level::INFO, "hidden", hidden = 1).in_scope(|| info!("in hidden"));
        assert!(span!(target: "quiet", Level::INFO, "hidden").is_disabled());
        info!("in outer");
        drop(outer);
        // Nobody hears anything, as long as this lasts.
        tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), || error!("unheard"));
    });
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let lines = lines.read();
    let said: Vec<_> = lines
        .iter()
        .map(|line| ["level", "target", "message"].map(|key| line[key].as_str().unwrap()).join(" "))
        .collect();
    assert_eq!(
        said,
        [
            "TRACE lines traced",
            "DEBUG lines::deeper named",
            "INFO lines named by the shorter form",
            "WARN quiet warned",
            "INFO lines in hidden",
            "INFO lines in outer",
        ]
    );
    assert_eq!(ids(&lines[4]), ids(&lines[5]));
    assert_eq!((&lines[4]["outer"], lines[4].get("hidden")), (&1.into(), None));
}

#[test]
fn spans_of_every_form_are_spans() {
    let (builder, lines) = captured();
    let telemetry = builder.filter("trace".parse().unwrap()).build().unwrap();
    telemetry.run(|| {
        let forms = [
            span!(Level::INFO, "plain", form = 0),
            error_span!("error", form = 1),
            debug_span!(target: "else", "targeted", form = 2),
            trace_span!(parent: None, "root", form = 3),
            tracing::warn_span!("two words", form = 4),
        ];
        for span in &forms {
            span.in_scope(|| info!("in"));
        }
        let span = info_span!("handled", form = 5, late = Empty, left = Empty);
        assert!(span.has_field("late") && !span.has_field("other"));
        let cause = forms[0].id();
        span.follows_from(cause).follows_from(&forms[1]).record("late", 1).record("other", 2);
        span.in_scope(|| {
            Span::current().record("form", 6);
            info!("in");
            let current = Span::current();
            assert_eq!(current.metadata().map(tracing::Metadata::name), Some("handled"));
            assert_eq!(current.id(), span.id());
        });
        tracing::record_all!(span, late = 7, left = "8");
        span.or_current().in_scope(|| info!("in"));
        Span::none().or_current().in_scope(|| info!("outside"));
    });
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let lines = lines.read();
    for (form, line) in lines[..5].iter().enumerate() {
        assert_eq!(line["form"], form);
        assert!(!ids(line).is_empty());
    }
    let [recorded, again, outside] = &lines[5..] else { panic!("{lines:#?}") };
    assert_eq!((&recorded["form"], &recorded["late"]), (&6.into(), &1.into()));
    assert!(recorded.get("left").is_none() && recorded.get("other").is_none());
    assert_eq!((&again["late"], &again["left"], ids(again)), (&7.into(), &"8".into(), ids(recorded)));
    assert_eq!(ids(outside), "");
}

#[instrument(skip(secret), fields(total = %format_args!("{amount} EUR"), late), err)]
fn charge(order: u64, amount: u32, secret: &str) -> Result<u32, Failed> {
    Span::current().record("late", secret.len());
    info!("charging");
    if amount > 10 { Err(failed(&["declined", "too much"])) } else { Ok(amount) }
}

#[instrument(level = "info", name = "renamed", skip_all, ret(Debug), fields(id = id))]
async fn look_up(id: u64) -> Option<u64> {
    info!("before");
    tokio::task::yield_now().await;
    info!("after");
    Some(id)
}

#[instrument(parent = None, err(Debug, level = "warn"))]
async fn alone() -> Result<(), Failed> {
    Err(failed(&["alone"]))
}

// What `#[instrument]` and `Instrument` make of functions and futures.
#[test]
fn instrumented_functions_and_futures_are_spans() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let lines = lines_of(|telemetry| {
        let operation = telemetry.operation("request").start();
        runtime.block_on(operation.instrument(async {
            assert_eq!(charge(7, 10, "secret").ok(), Some(10));
            assert!(charge(8, 11, "secret").is_err());
            assert_eq!(tokio::join!(look_up(1), look_up(2)), (Some(1), Some(2)));
            assert!(alone().await.is_err());
            async { info!("in a span") }.instrument(info_span!("span", by = "method")).await;
            async { info!("in the current one") }.in_current_span().await;
            Operation::builder("below").start().instrument(look_up(3)).await;
        }));
    });
    let of = |message: &str| lines.iter().filter(|line| line["message"] == message).collect::<Vec<_>>();
    let root = of("in the current one")[0];
    for line in of("charging").iter().chain(&of("before")).chain(&of("after")).chain(&of("in a span")) {
        assert_eq!(line["trace_id"], root["trace_id"]);
        assert_ne!(line["span_id"], root["span_id"]);
        assert!(!line.to_string().contains("secret"));
    }
    let charging = of("charging")[0];
    assert_eq!((&charging["order"], &charging["amount"]), (&7.into(), &10.into()));
    assert_eq!((&charging["total"], &charging["late"]), (&"10 EUR".into(), &6.into()));
    assert_eq!(of("in a span")[0]["by"], "method");

    let told =
        |key: &str| lines.iter().find(|line| line["message"] == "" && line.get(key).is_some()).unwrap();
    let declined = told("error");
    assert_eq!((&declined["error"], &declined["level"]), (&"declined".into(), &"ERROR".into()));
    assert_eq!(declined["order"], 8);
    assert!(["Some(1)", "Some(2)"].iter().any(|value| told("return")["return"] == *value));
    let alone = lines.iter().find(|line| line["level"] == "WARN").unwrap();
    assert_ne!(alone["trace_id"], root["trace_id"]);

    let in_one = |id: u64| {
        let of_id = |line: &&&Value| line["id"] == id;
        let before = of("before").iter().find(of_id).map(|line| ids(line)).unwrap();
        assert_eq!(of("after").iter().find(of_id).map(|line| ids(line)), Some(before.clone()), "{id}");
        before
    };
    assert!(in_one(1) != in_one(2) && in_one(2) != in_one(3));
}
