//! Contenders in turn, round by round, in one process: only ratios within one run count.

use crate::alloc;
use std::time::Instant;

/// How often each contender has its turn.
pub(crate) const ROUNDS: usize = 31;

/// What a contender is to the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The smallest code that does the row's work, written by hand. The first floor of a list is what the others are
    /// measured by.
    Floor,
    /// This library.
    Ours,
    /// Another library that does the same work.
    Peer,
    /// Neither: something to read the others by, such as a service that nobody observes.
    Other,
}

impl Kind {
    /// What a table calls a contender of this kind.
    pub(crate) fn title(self, name: &str) -> String {
        match self {
            Kind::Floor => format!("floor: {name}"),
            Kind::Ours => format!("ours: {name}"),
            Kind::Peer | Kind::Other => name.to_owned(),
        }
    }
}

/// One way to do the work of a scenario.
pub(crate) struct Contender<'a> {
    kind: Kind,
    /// What the table calls it.
    name: &'static str,
    /// Does the work so many times.
    work: Box<dyn FnMut(u64) + 'a>,
}

impl<'a> Contender<'a> {
    /// Written by hand; does one piece of work a call, as the next three.
    pub(crate) fn floor(name: &'static str, once: impl FnMut() + 'a) -> Self {
        Self::once(Kind::Floor, name, once)
    }

    /// This library.
    pub(crate) fn ours(name: &'static str, once: impl FnMut() + 'a) -> Self {
        Self::once(Kind::Ours, name, once)
    }

    /// Another library.
    pub(crate) fn peer(name: &'static str, once: impl FnMut() + 'a) -> Self {
        Self::once(Kind::Peer, name, once)
    }

    /// Something to read the others by.
    pub(crate) fn other(name: &'static str, once: impl FnMut() + 'a) -> Self {
        Self::once(Kind::Other, name, once)
    }

    /// One that is told how many pieces of work it shall do.
    pub(crate) fn batch(kind: Kind, name: &'static str, work: impl FnMut(u64) + 'a) -> Self {
        Self { kind, name, work: Box::new(work) }
    }

    fn once(kind: Kind, name: &'static str, mut once: impl FnMut() + 'a) -> Self {
        Self::batch(kind, name, move |times| (0..times).for_each(|_| once()))
    }
}

/// How often each contender of a comparison is called that asks for so many `times`.
pub(crate) const fn calls(times: u64) -> u64 {
    // One round more, to warm up.
    (ROUNDS as u64 + 1) * times
}

/// Runs the contenders. Prints the median and the minimum of a piece of work in nanoseconds, its allocations, and the
/// median of the ratios of the same rounds: to the first floor, and to the peer whose median is the least.
///
/// `notes` is what is to be said under the table: where the work is not equal.
pub(crate) fn compare(scenario: &str, times: u64, contenders: &mut [Contender<'_>], notes: &[&str]) {
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
    let medians: Vec<f64> = nanos.iter().map(|rounds| median(rounds.clone())).collect();
    let kinds: Vec<Kind> = contenders.iter().map(|contender| contender.kind).collect();
    let floor = kinds.iter().position(|kind| *kind == Kind::Floor);
    let peers = (0..kinds.len()).filter(|at| kinds[*at] == Kind::Peer);
    let peer = peers.min_by(|a, b| medians[*a].total_cmp(&medians[*b]));
    let ratio = |at: usize, to: Option<usize>| match to {
        Some(to) => {
            format!(
                "{:.2}",
                median(nanos[at].iter().zip(&nanos[to]).map(|(own, other)| own / other).collect())
            )
        }
        None => String::new(),
    };
    println!("\n**{scenario}**\n");
    println!("| | median ns | min ns | allocations | × floor | × best peer |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (at, contender) in contenders.iter().enumerate() {
        let (name, median) = (contender.name, medians[at]);
        let name = contender.kind.title(name);
        let least = nanos[at].iter().copied().fold(f64::INFINITY, f64::min);
        let (floor, peer) = (ratio(at, floor), ratio(at, peer));
        println!("| {name} | {median:.1} | {least:.1} | {:.2} | {floor} | {peer} |", allocations[at]);
    }
    if !notes.is_empty() {
        println!();
    }
    for note in notes {
        println!("- {note}");
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
