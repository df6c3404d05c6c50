//! A scrape.

use crate::harness::{Contender, compare};
use crate::population::{self, Kind, Library, PEERS, check, exposition, fill, samples};
use std::hint::black_box;

/// The floor copies each line's finished text and formats its number behind it.
pub(super) fn scrape() {
    let sparse = "encode, sparse: a label is open";
    let counters = population::ours::<population::scraped_counters::Open>(sparse, Kind::Counters, 10_000);
    let dense = population::ours::<population::Closed>("encode, dense", Kind::Counters, 10_000);
    scrape_of("scrape of 10,000 counters", Kind::Counters, 10_000, &[counters, dense]);
    let histograms =
        population::ours::<population::scraped_histograms::Open>(sparse, Kind::Histograms, 1_000);
    scrape_of("scrape of 1,000 histograms", Kind::Histograms, 1_000, &[histograms]);
}

fn scrape_of(scenario: &str, kind: Kind, series: usize, ours: &[Library]) {
    let peers = PEERS.map(|peer| peer(kind));
    ours.iter().chain(&peers).for_each(|library| fill(library, kind, series));
    let exposition = exposition(&ours[0]);
    let floor = Floor::of(&exposition, kind);
    let mut copy = Vec::new();
    let mut outs = vec![Vec::new(); ours.len() + peers.len()];
    let by_hand = Contender::floor("copying finished text, and formatting the numbers", || {
        copy.clear();
        black_box(&floor).write(&mut copy);
    });
    let contenders = ours.iter().chain(&peers).zip(&mut outs).enumerate().map(|(at, (library, out))| {
        let once = move || {
            out.clear();
            (library.encode)(out);
        };
        if at < ours.len() {
            Contender::ours(library.name, once)
        } else {
            Contender::peer(library.name, once)
        }
    });
    let mut contenders: Vec<Contender<'_>> = std::iter::once(by_hand).chain(contenders).collect();
    compare(scenario, 5, &mut contenders, &["`prometheus-client` writes OpenMetrics, its only text format."]);
    drop(contenders);
    assert!(copy == exposition && outs[0] == exposition, "the floor or the scrape shows something else");
    let shown = samples(&exposition);
    assert_eq!(shown.0, if kind == Kind::Counters { series } else { LINES * series });
    ours.iter().chain(&peers).for_each(|library| check(library, shown));
}

/// How many lines a histogram of 14 bounds has; the last but one is the sum.
const LINES: usize = 17;

/// The least that an exposition takes: each line's text is ready up to the number.
struct Floor {
    /// What stands above the series, and below.
    around: [Vec<u8>; 2],
    texts: Vec<u8>,
    ends: Vec<u32>,
    /// A sum as its bits.
    numbers: Vec<u64>,
    kind: Kind,
}

impl Floor {
    fn of(exposition: &[u8], kind: Kind) -> Self {
        let mut floor =
            Self { around: Default::default(), texts: vec![], ends: vec![], numbers: vec![], kind };
        for line in std::str::from_utf8(exposition).expect("it is text").lines() {
            let (text, number) = line.rsplit_once(' ').expect("each line has one");
            if !line.starts_with(kind.name()) {
                let below = usize::from(!floor.ends.is_empty());
                floor.around[below].extend([line, "\n"].concat().bytes());
                continue;
            }
            let number = if floor.is_sum(floor.numbers.len()) {
                number.parse().map(f64::to_bits).ok()
            } else {
                number.parse().ok()
            };
            floor.texts.extend([text, " "].concat().bytes());
            floor.ends.push(floor.texts.len() as u32);
            floor.numbers.push(number.expect("it is one"));
        }
        floor
    }

    fn is_sum(&self, line: usize) -> bool {
        self.kind == Kind::Histograms && line % LINES == LINES - 2
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.around[0]);
        let mut begin = 0;
        for (line, (end, number)) in self.ends.iter().zip(&self.numbers).enumerate() {
            let end = *end as usize;
            out.extend_from_slice(&self.texts[begin..end]);
            begin = end;
            if self.is_sum(line) {
                out.extend_from_slice(ryu::Buffer::new().format_finite(f64::from_bits(*number)).as_bytes());
            } else {
                out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
            }
            out.push(b'\n');
        }
        out.extend_from_slice(&self.around[1]);
    }
}
