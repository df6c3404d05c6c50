//! Contenders that need a process each: those that set `tracing`'s global subscriber, or another global.
//!
//! A process has one global subscriber. In a scope (`with_default`) a subscriber costs more than that, and all
//! subscribers of a process share what `tracing` remembers of them: the highest level, and whether a call site is heard.
//! One that hears everything would make the others be asked at each event. So this program starts itself once for each
//! contender, and the processes take turns, round by round. Each runs the floor beside its contender; the ratio is taken
//! within one process and round. What counts is the time that the measuring thread has had a processor: the longer a
//! contender's turn, the surer it is interrupted, and none of them waits.

use crate::harness::{Kind, ROUNDS, median};
use crate::{alloc, processor_time};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

/// The argument behind which the scenario and the contender's number stand: a process that runs this one.
pub(crate) const OPTION: &str = "--contender";

/// Does a piece of work so many times.
pub(crate) type Work = Box<dyn FnMut(u64)>;

/// What one process runs.
pub(crate) struct Rig {
    /// The smallest code that does the row's work, written by hand.
    pub floor: Work,
    /// What would run if nobody observed it. With it the table says what is added.
    pub bare: Option<Work>,
    pub own: Work,
    pub checks: Checks,
}

/// What is done with a contender while it is not measured.
pub(crate) struct Checks {
    /// Behind each of its turns, told how often it has done its work: waits until all of it went out, so that no queue
    /// is ever full.
    pub settle: Box<dyn FnMut(u64)>,
    /// At the end, told the same: says what was recorded, and panics if that is not what should have been.
    pub proof: Box<dyn FnOnce(u64) -> String>,
}

impl Checks {
    /// The floor says how often it has done its work, too.
    pub(crate) fn and_floor(self, count: fn() -> u64) -> Self {
        let proof = move |total| {
            assert_eq!(count(), total, "the floor's own");
            (self.proof)(total)
        };
        Self { settle: self.settle, proof: Box::new(proof) }
    }
}

/// A contender, and how its process begins.
pub(crate) struct Entry {
    pub kind: Kind,
    pub name: &'static str,
    pub make: fn() -> Rig,
}

/// A table.
pub(crate) struct Race {
    pub name: &'static str,
    pub title: &'static str,
    pub floor: &'static str,
    /// How often a turn does the work. Queues hold so much.
    pub times: u64,
    pub entries: &'static [Entry],
    /// What is said under the table: where the work is not equal.
    pub notes: &'static [&'static str],
}

/// Nanoseconds and allocations of a piece of work: the floor's, the bare one's, and the contender's own. Then the
/// nanoseconds of its own with all threads of its process, until everything went out.
type Turn = [Option<(f64, f64)>; 4];

/// Runs one contender for the process that asks, a line for a round.
pub(crate) fn child(race: &Race, at: usize) -> ExitCode {
    let Some(entry) = race.entries.get(at) else { return ExitCode::FAILURE };
    let Rig { mut floor, mut bare, mut own, mut checks } = (entry.make)();
    let mut total = 0;
    for (round, line) in io::stdin().lines().enumerate() {
        let Some(times) = line.ok().and_then(|line| line.parse::<u64>().ok()) else {
            return ExitCode::FAILURE;
        };
        let mut turn: Turn = [None; 4];
        let (all, mut others) = (processor_time::process(), 0.0);
        // The order turns, so that none always follows the same one.
        for at in (0..3).map(|at| (at + round) % 3) {
            let work = match at {
                0 => &mut floor,
                1 => match &mut bare {
                    Some(bare) => bare,
                    None => continue,
                },
                _ => &mut own,
            };
            let (before, start) = (alloc::count(), processor_time::thread());
            work(times);
            let nanos = processor_time::thread() - start;
            others += if at == 2 { 0.0 } else { nanos };
            turn[at] = Some((nanos / times as f64, (alloc::count() - before) as f64 / times as f64));
        }
        total += times;
        (checks.settle)(total);
        turn[3] = Some(((processor_time::process() - all - others) / times as f64, 0.0));
        let told: Vec<String> = turn
            .iter()
            .map(|turn| turn.map_or("-".to_owned(), |(nanos, allocations)| format!("{nanos} {allocations}")))
            .collect();
        println!("{}", told.join(" / "));
    }
    println!("{}", (checks.proof)(total));
    ExitCode::SUCCESS
}

struct Process {
    child: Child,
    asked: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Process {
    fn start(race: &Race, at: usize) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([OPTION, race.name, &at.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (asked, told) = (child.stdin.take(), child.stdout.take());
        let (Some(asked), Some(told)) = (asked, told) else { return Err(io::ErrorKind::BrokenPipe.into()) };
        Ok(Self { child, asked, told: BufReader::new(told) })
    }

    fn turn(&mut self, times: u64) -> io::Result<Turn> {
        writeln!(self.asked, "{times}")?;
        let mut line = String::new();
        self.told.read_line(&mut line)?;
        let mut turn: Turn = [None; 4];
        for (at, part) in line.trim_end().split(" / ").enumerate() {
            let numbers = part.split_once(' ').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
            *turn.get_mut(at).ok_or(io::ErrorKind::InvalidData)? = numbers;
        }
        turn[0].and(turn[2]).map(|_| turn).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Ends it; what it recorded.
    fn end(mut self) -> io::Result<String> {
        drop(self.asked);
        let mut proof = String::new();
        self.told.read_line(&mut proof)?;
        let status = self.child.wait()?;
        let is_proof = status.success() && !proof.is_empty();
        is_proof.then(|| proof.trim_end().to_owned()).ok_or_else(|| io::Error::other(status.to_string()))
    }
}

/// Runs all contenders, and prints their table.
pub(crate) fn compare(race: &Race) {
    let failed = |at: usize| move |error: io::Error| -> ! { panic!("{}: {error}", race.entries[at].name) };
    let entries = 0..race.entries.len();
    let mut processes: Vec<Process> =
        entries.map(|at| Process::start(race, at).unwrap_or_else(|error| failed(at)(error))).collect();
    let mut turns: Vec<Vec<Turn>> = vec![Vec::with_capacity(ROUNDS); processes.len()];
    // The first is for caches and pools, and is not counted.
    for round in 0..=ROUNDS {
        for turn in 0..processes.len() {
            let at = (turn + round) % processes.len();
            let took = processes[at].turn(race.times).unwrap_or_else(|error| failed(at)(error));
            if round > 0 {
                turns[at].push(took);
            }
        }
    }
    for (at, process) in processes.into_iter().enumerate() {
        let proof = process.end().unwrap_or_else(|error| failed(at)(error));
        eprintln!("{}: {} recorded {proof}", race.name, race.entries[at].name);
    }
    print(race, &turns);
}

/// What is added is a difference of two: ratios are those of its medians, within one process, and to the best peer's.
fn print(race: &Race, turns: &[Vec<Turn>]) {
    let has_bare = turns.iter().flatten().any(|turn| turn[1].is_some());
    let all = |which: usize| turns.iter().flatten().filter_map(|turn| turn[which]).collect();
    // What is added to the bare one, of floor or own.
    let added = |turn: &Turn, which: usize| {
        let nanos = |which: usize| turn[which].map_or(0.0, |(nanos, _)| nanos);
        nanos(which) - nanos(1)
    };
    let adds = |at: usize| median(turns[at].iter().map(|turn| added(turn, 2)).collect());
    let peers = (0..turns.len()).filter(|at| race.entries[*at].kind == Kind::Peer);
    let peer = peers.min_by(|a, b| adds(*a).total_cmp(&adds(*b)));

    println!("\n**{}**\n", race.title);
    let ratios =
        if has_bare { " added ns | added × floor | added × best peer |" } else { " × best peer |" };
    println!("| | median ns | min ns | allocations | all threads, ns | × floor |{ratios}");
    println!("| --- |{}", " ---: |".repeat(if has_bare { 8 } else { 6 }));
    let start = |name: &str, numbers: Vec<(f64, f64)>, threads: String| {
        let nanos: Vec<f64> = numbers.iter().map(|(nanos, _)| *nanos).collect();
        let least = nanos.iter().copied().fold(f64::INFINITY, f64::min);
        // A queue's block now and then is not the work's.
        let allocations = median(numbers.iter().map(|(_, allocations)| *allocations).collect());
        print!("| {name} | {:.1} | {least:.1} | {allocations:.2} | {threads} |", median(nanos));
    };
    start(&Kind::Floor.title(race.floor), all(0), String::new());
    print!(" 1.00 |");
    let floor_adds = median(turns.iter().flatten().map(|turn| added(turn, 0)).collect());
    println!("{}", if has_bare { format!(" {floor_adds:.1} | 1.00 | |") } else { " |".to_owned() });
    if has_bare {
        start("bare", all(1), String::new());
        println!(" | | | |");
    }
    for (at, entry) in race.entries.iter().enumerate() {
        let own = |which: usize| turns[at].iter().filter_map(|turn| turn[which]).collect::<Vec<_>>();
        let threads = median(own(3).iter().map(|(nanos, _)| *nanos).collect());
        start(&entry.kind.title(entry.name), own(2), format!("{threads:.1}"));
        let total = |turn: &Turn| Some(turn[2]?.0 / turn[0]?.0);
        print!(" {:.2} |", median(turns[at].iter().filter_map(total).collect()));
        if has_bare {
            let floor = median(turns[at].iter().map(|turn| added(turn, 0)).collect());
            print!(" {:.1} | {:.2} |", adds(at), adds(at) / floor);
        }
        println!(" {} |", peer.map_or_else(String::new, |peer| format!("{:.2}", adds(at) / adds(peer))));
    }
    if !race.notes.is_empty() {
        println!();
    }
    for note in race.notes {
        println!("- {note}");
    }
}
