//! Contenders in turn, round by round, in one process: only ratios within one run count.

use crate::alloc;
use std::time::Instant;

const ROUNDS: usize = 31;

/// One way to do the work of a scenario.
pub(crate) struct Contender<'a> {
    /// What the table calls it.
    pub name: &'static str,
    /// Does the work so many times.
    pub work: Box<dyn FnMut(u64) + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender that does one piece of work a call.
    pub(crate) fn new(name: &'static str, mut once: impl FnMut() + 'a) -> Self {
        Self { name, work: Box::new(move |times| (0..times).for_each(|_| once())) }
    }
}

/// Runs the contenders; the first is the floor. Prints the median and the minimum of a piece of work in nanoseconds,
/// its allocations, and the median of the ratios to the floor's same round.
pub(crate) fn compare(scenario: &str, times: u64, contenders: &mut [Contender<'_>]) {
    for contender in &mut *contenders {
        (contender.work)(times);
    }
    let mut nanos = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    let mut allocations = vec![0.0; contenders.len()];
    for round in 0..ROUNDS {
        // The order turns, so that none always follows the same one.
        for turn in 0..contenders.len() {
            let at = (turn + round) % contenders.len();
            let (before, start) = (alloc::count(), Instant::now());
            (contenders[at].work)(times);
            nanos[at].push(start.elapsed().as_nanos() as f64 / times as f64);
            allocations[at] = (alloc::count() - before) as f64 / times as f64;
        }
    }
    println!("\n{scenario}");
    println!("| | median ns | min ns | allocations | × floor |\n| --- | ---: | ---: | ---: | ---: |");
    for (at, contender) in contenders.iter().enumerate() {
        let ratios = nanos[at].iter().zip(&nanos[0]).map(|(own, floor)| own / floor).collect();
        let (name, median, ratio) = (contender.name, median(nanos[at].clone()), self::median(ratios));
        let least = nanos[at].iter().copied().fold(f64::INFINITY, f64::min);
        println!("| {name} | {median:.1} | {least:.1} | {:.2} | {ratio:.2} |", allocations[at]);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
