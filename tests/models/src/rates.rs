//! What is let through: `sampling/{rate,callsites}.rs`, `log_sampling.rs`.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, ManualClock, Tick};
use crate::log_sampling::LogRules;
use crate::sampling::{CallsiteRates, KeepRate};
use crate::sync::{explore, explore_up_to, spawn};

/// Three threads ask at once where two may be kept a second: two are.
/// Mutation caught: a slot that is read, and written then.
pub fn no_more_are_kept_than_may_be() {
    explore(|| {
        let rate = Arc::new(KeepRate::per_second(2));
        let threads = [(); 2].map(|()| {
            let rate = Arc::clone(&rate);
            spawn(move || rate.admits("503", Tick::default()))
        });
        let mine = rate.admits("503", Tick::default());
        let admitted =
            threads.into_iter().map(|thread| thread.join().unwrap()).chain([mine]).filter(|is| *is);
        assert_eq!(admitted.count(), 2);
    });
}

/// Of a call site one line a second is let through, whoever asks first, and each that was not is told of once.
/// Mutations caught: a slot that two threads take, each a line of one call site; a count of what was left out that is
/// read, and set to 0 then, or read, and written then.
pub fn what_a_call_site_left_out_is_told_once() {
    explore_up_to(2, || {
        let clock = ManualClock::new();
        let now = Clock::from(clock.clone()).now();
        clock.advance(Duration::from_secs(10));
        let later = Clock::from(clock).now();
        let rates = Arc::new(CallsiteRates::per_second(1));
        let other = {
            let rates = Arc::clone(&rates);
            spawn(move || [now, now, later].map(|tick| rates.admits(64, tick)))
        };
        let mine = [now, later].map(|tick| rates.admits(64, tick));
        let answers = other.join().unwrap().into_iter().chain(mine);
        let last = rates.admits(64, Tick::from_nanos(later.nanos() + 1_000_000_000));
        let answers: Vec<_> = answers.chain([last]).collect();
        let (admitted, told) = (answers.iter().flatten().count(), answers.iter().flatten().sum::<u64>());
        assert!(last.is_some());
        assert_eq!(admitted as u64 + told, answers.len() as u64, "{answers:?}");
    });
}

/// Two call sites that are looked for in one place, by two threads: each has a rate of its own.
/// Mutation caught: a slot that is taken though another was quicker.
pub fn call_sites_do_not_share_a_rate() {
    let place = |callsite: u64| (callsite.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 2_048;
    let alike = (2..).find(|callsite| place(*callsite) == place(1)).unwrap();
    explore(move || {
        let rates = Arc::new(CallsiteRates::per_second(1));
        let ask = |rates: &CallsiteRates, callsite| {
            [(); 2].map(|()| rates.admits(callsite, Tick::default()).is_some())
        };
        let other = {
            let rates = Arc::clone(&rates);
            spawn(move || ask(&rates, alike))
        };
        assert_eq!((ask(&rates, 1), other.join().unwrap()), ([true, false], [true, false]));
    });
}

/// Two requests want the last room for lines that wait: one gets it, and what is held is what was granted.
/// Mutations caught: room that is looked for first and taken then; a refusal that keeps what it took.
pub fn room_for_lines_is_never_given_twice() {
    const LINES: usize = 256 * 1024;
    explore(|| {
        let rules = Arc::new(LogRules::default());
        let room = (0..127).filter(|_| rules.reserve(0, LINES)).count();
        let other = {
            let rules = Arc::clone(&rules);
            spawn(move || rules.reserve(0, LINES))
        };
        let granted = [rules.reserve(0, LINES), other.join().unwrap()].into_iter().filter(|is| *is).count();
        assert_eq!((room, granted, rules.held_bytes()), (127, 1, 128 * LINES));
    });
}
