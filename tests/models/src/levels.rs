//! Levels that change while the process runs: `levels.rs`.

use std::sync::Arc;
use std::time::Duration;

use tracing_core::LevelFilter;

use crate::clock::{Clock, ManualClock};
use crate::filter::Filter;
use crate::hub::Hub;
use crate::sync::{explore_up_to, spawn, thread};

#[allow(dead_code, unreachable_pub, reason = "the library uses what the models do not")]
#[path = "../../../observe-core/src/levels.rs"]
mod shipped;

use shipped::Levels;

fn world() -> (Arc<Hub>, Levels, ManualClock) {
    let clock = ManualClock::new();
    let hub = Arc::new(Hub::new(Clock::from(clock.clone())));
    let levels = Levels::new(&hub, Filter::default());
    (hub, levels, clock)
}

fn heard(hub: &Hub) -> String {
    hub.filter.lock().unwrap().to_string()
}

/// Two threads change levels at once: neither change is lost, and what is heard is what is said to be.
/// Mutations caught: what holds read before the lock is taken; what holds told without the lock, so that an older one is
/// told last.
pub fn changes_are_not_lost() {
    explore_up_to(3, || {
        let (hub, levels, _) = world();
        let other = {
            let levels = levels.clone();
            spawn(move || levels.set_target("a", LevelFilter::DEBUG).unwrap())
        };
        levels.set_target("b", LevelFilter::WARN).unwrap();
        other.join().unwrap();
        assert_eq!(levels.filter().to_string(), "info,b=warn,a=debug");
        assert_eq!(heard(&hub), levels.filter().to_string());
    });
}

/// Levels are raised again while it is time to lower them: they stay raised, and are lowered when it is time for that.
/// Mutations caught: the thread that lowers them does so without another look; it is asked for before they are raised; it
/// ends and does not say so.
pub fn what_is_raised_again_stays_and_is_lowered_in_time() {
    explore_up_to(2, || {
        let (hub, levels, clock) = world();
        let time = Duration::from_secs(10);
        levels.raise(Filter::from(LevelFilter::DEBUG), time).unwrap();
        clock.advance(time);
        levels.raise(Filter::from(LevelFilter::TRACE), time).unwrap();
        assert_eq!((levels.filter().to_string(), heard(&hub)), ("trace".to_owned(), "trace".to_owned()));
        assert!(levels.raised_for().is_some());
        clock.advance(time);
        while levels.raised_for().is_some() {
            thread::park_timeout(time);
        }
        drop(levels);
        thread::join_all();
        assert_eq!(heard(&hub), "info");
    });
}
