//! What series hold.

use crate::alloc;
use crate::population::{self, Kind, Library, PEERS, check, exposition, fill, samples};

const SERIES: usize = 10_000;

/// The floor is a series' text, once, and its words.
pub(super) fn memory() {
    use population::{Closed, held_counters, held_histograms, ours};
    // The texts of the labels' values are the bench's.
    fill(&population::prometheus(Kind::Counters), Kind::Counters, SERIES);
    let [sparse, dense] = ["sparse: a label is open", "dense: all labels are closed"];
    memory_of(
        "memory of 10,000 counters",
        Kind::Counters,
        &[
            held(&|kind| ours::<held_counters::Open>(sparse, kind, SERIES), Kind::Counters),
            held(&|kind| ours::<Closed>(dense, kind, SERIES), Kind::Counters),
        ],
    );
    memory_of(
        "memory of 10,000 histograms",
        Kind::Histograms,
        &[
            held(&|kind| ours::<held_histograms::Open>(sparse, kind, SERIES), Kind::Histograms),
            held(&|kind| ours::<Closed>(dense, kind, SERIES), Kind::Histograms),
        ],
    );
}

fn memory_of(scenario: &str, kind: Kind, ours: &[(Library, f64); 2]) {
    let peers = PEERS.map(|peer| held(&peer, kind));
    let shown = exposition(&ours[0].0);
    let (floor, shown) = (floor(&shown, kind), samples(&shown));
    let best = peers.iter().map(|(_, bytes)| *bytes).fold(f64::INFINITY, f64::min);
    println!("\n**{scenario}**\n");
    println!("| | bytes a series | × floor | × best peer |\n| --- | ---: | ---: | ---: |");
    let row = |name: &str, bytes: f64| {
        println!("| {name} | {bytes:.1} | {:.2} | {:.2} |", bytes / floor, bytes / best);
    };
    row("floor: its text and its words", floor);
    for (library, bytes) in ours {
        check(library, shown);
        row(&format!("ours: {}", library.name), *bytes);
    }
    for (library, bytes) in &peers {
        check(library, shown);
        row(library.name, *bytes);
    }
}

/// What a library holds a series, each recorded and all scraped once.
fn held(make: &dyn Fn(Kind) -> Library, kind: Kind) -> (Library, f64) {
    let before = alloc::held();
    let library = make(kind);
    fill(&library, kind, SERIES);
    drop(exposition(&library));
    let bytes = (alloc::held() - before) as f64 / SERIES as f64;
    (library, bytes)
}

/// Of a counter the text before the number and the number, of a histogram the text of its labels, 15 buckets and the
/// sum.
fn floor(exposition: &[u8], kind: Kind) -> f64 {
    let text = std::str::from_utf8(exposition).expect("it is text");
    let lines = text.lines().filter(|line| line.starts_with(kind.name()));
    let (texts, words): (Vec<usize>, usize) = match kind {
        Kind::Counters => (lines.filter_map(|line| Some(line.rfind(' ')? + 1)).collect(), 1),
        Kind::Histograms => {
            let firsts = lines.filter(|line| line.contains("le=\"+Inf\""));
            (firsts.filter_map(|line| Some(line.find(",le=")? - line.find('{')? - 1)).collect(), 16)
        }
    };
    assert_eq!(texts.len(), SERIES);
    texts.iter().sum::<usize>() as f64 / SERIES as f64 + 8.0 * words as f64
}
