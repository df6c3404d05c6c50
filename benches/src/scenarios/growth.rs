//! What an operation costs, and what it takes, when there are many: tables, and with `--plots` pictures of them.

mod spans;

use crate::plot::number;
use std::time::Instant;

/// One after the other; the sizes ascend, so that pools have grown to what the size at hand needs.
pub(super) fn growth() {
    spans::spans();
}

const ROUNDS: usize = 7;

/// Nanoseconds for one of `times` pieces of work: the median of some rounds, after one that is not counted.
fn nanos(times: usize, mut work: impl FnMut()) -> f64 {
    work();
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_nanos() as f64 / times as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// Prints a table: its heads, and its rows of numbers.
fn table<const N: usize>(title: &str, heads: [&str; N], rows: &[[f64; N]]) {
    println!("\n**{title}**\n\n| {} |\n|{}", heads.join(" | "), " ---: |".repeat(N));
    for row in rows {
        println!("| {} |", row.map(number).join(" | "));
    }
}
