//! What is global: the installed telemetry, re-entrant logging, and the `log` crate's records. One test: there is one
//! process.

mod subscriber_support;

use observe_core::{Operation, Telemetry};
use std::cell::Cell;
use std::fmt;
use std::time::Duration;
use subscriber_support::{captured, ids, lines_of};
use tracing::{info, info_span};

/// Logs, and opens a span and an operation, whenever it is formatted.
struct Chatty(u32);

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 {
            info!(deeper = ?Chatty(self.0 - 1), "chat {}", self.0);
            info_span!("chat", inner = ?Chatty(self.0 - 1)).in_scope(|| log::info!("logged {}", self.0));
            Operation::builder("chat").start().run(|| info!("operated"));
        }
        write!(f, "chatty {}", self.0)
    }
}

impl fmt::Display for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[test]
fn what_is_global() {
    let (builder, lines) = captured();
    let telemetry = builder.filter("info,quiet=off".parse().unwrap()).install().unwrap();
    assert!(Telemetry::builder("second").install().unwrap_err().is_already_installed());

    formatting_may_log(&telemetry);
    records_of_the_log_crate(&telemetry);

    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let lines = lines.read();
    let find = |message: &str| lines.iter().find(|line| line["message"] == message);
    let count = |message: &str| lines.iter().filter(|line| line["message"] == message).count();

    // Mutations caught: formatting under the lock of the scratch, of the stack, or of a span's fields (deadlock or
    // lost lines).
    let outer = find("outer").unwrap();
    assert_eq!((&outer["value"], &outer["opened"]), (&"chatty 2".into(), &"chatty 2".into()));
    assert_eq!(outer["late"], "chatty 2");
    // Each of the four: 1 + 2 below it.
    assert_eq!((count("chat 2"), count("chat 1")), (4, 8));
    assert_eq!((count("logged 2"), count("operated")), (4, 12));
    assert!(lines.iter().filter(|line| line["message"] == "chat 1").all(|line| line["deeper"] == "chatty 0"));

    let plain = find("plain").unwrap();
    assert_eq!((&plain["target"], &plain["level"]), (&"subscriber_installed".into(), &"WARN".into()));
    assert_eq!(ids(plain), "");
    assert!(!plain.to_string().contains("log."));
    let stamped = find("stamped").unwrap();
    assert_eq!(ids(stamped), ids(find("beside").unwrap()));
    assert_eq!(
        (&stamped["order"], &stamped["n"], &stamped["half"]),
        (&9.into(), &u64::MAX.into(), &0.5.into())
    );
    assert_eq!(
        (&stamped["text"], &stamped["yes"], &stamped["shown"]),
        (&"t".into(), &true.into(), &"chatty 0".into())
    );
    assert_eq!((count("hidden"), count("silenced"), count("shown now")), (0, 0, 1));
    assert_eq!(count("scoped"), 0);
}

fn formatting_may_log(telemetry: &Telemetry) {
    let span = info_span!("outer", opened = ?Chatty(2), late = tracing::field::Empty);
    let _inside = span.enter();
    span.record("late", tracing::field::debug(Chatty(2)));
    info!(value = ?Chatty(2), "outer");
    log::info!("{}", Chatty(2));
    telemetry.flush(Duration::from_secs(10)).expect("the lines are written");
}

fn records_of_the_log_crate(telemetry: &Telemetry) {
    thread_local! { static EVALUATED: Cell<u32> = const { Cell::new(0) }; }
    let evaluate = || {
        EVALUATED.set(EVALUATED.get() + 1);
        0
    };
    log::warn!("plain");
    info_span!("span", order = 9).in_scope(|| {
        let shown = Chatty(0);
        log::info!(n = u64::MAX, half = 0.5, text = "t", yes = true, shown:%; "stamped");
        info!("beside");
    });
    log::debug!("hidden {}", evaluate());
    log::error!(target: "quiet", "silenced");
    assert_eq!(EVALUATED.get(), 0);
    assert!(!log::log_enabled!(log::Level::Debug));
    assert!(!log::log_enabled!(target: "quiet", log::Level::Error));

    // Mutation caught: `set_filter` without `LogBridge::follow`.
    telemetry.set_filter("debug".parse().expect("a filter"));
    log::debug!("shown now");

    // In another's scope they are that one's.
    let scoped = lines_of(|_| info_span!("s", mine = 1).in_scope(|| log::info!("scoped")));
    assert_eq!((scoped.len(), &scoped[0]["mine"]), (1, &1.into()));
}
