//! Series of one family.

use super::{nanos, table};
use crate::alloc;
use crate::population::{
    self, Kind, Library, PEERS, Random, check, exposition, fill, hundred_thousands, hundreds, ours, samples,
    ten_thousands, tens, thousands,
};
use plot::Plot;

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
const NAMES: [&str; 4] = ["ours", "prometheus", "prometheus-client", "metrics-exporter-prometheus"];

/// How often series are recorded into in one round.
const TIMES: usize = 20_000;

/// So many counters with three labels: what a scrape takes, what they hold, and what it costs to look one of them up by
/// its labels and count. A family of ours is declared for as many series as it gets.
pub(super) fn series() {
    // The texts of the labels' values are the bench's.
    fill(&population::prometheus(Kind::Counters), Kind::Counters, SIZES[4]);
    let (mut scrape, mut bytes, mut record) = (Vec::new(), Vec::new(), Vec::new());
    for size in SIZES {
        let makes: [&dyn Fn() -> Library; 4] =
            [&|| made(size), &|| PEERS[0](Kind::Counters), &|| PEERS[1](Kind::Counters), &|| {
                PEERS[2](Kind::Counters)
            }];
        let mut shown = None;
        let measured = makes.map(|make| measure(make, size, &mut shown));
        let row = |column: usize| {
            let [a, b, c, d] = measured.map(|figures| figures[column]);
            [size as f64, a, b, c, d]
        };
        scrape.push(row(0));
        bytes.push(row(1));
        record.push(row(2));
    }
    for (name, title, what, rows) in [
        ("series-scrape", "What a scrape takes", "nanoseconds a series", &scrape),
        ("series-bytes", "What a series holds", "bytes a series", &bytes),
        ("series-record", "What counting costs, looked up at random", "nanoseconds", &record),
    ] {
        table(
            &format!("series of one family: {what}, {name}"),
            ["series", NAMES[0], NAMES[1], NAMES[2], NAMES[3]],
            rows,
        );
        let plot = Plot::new(title, "counters of one family", what).logarithmic();
        let line = |at: usize| rows.iter().map(|row| (row[0], row[at])).collect();
        let lines = (0..4).fold(plot, |plot, at| plot.line(NAMES[at], line(at + 1)));
        lines.save(name);
    }
}

fn made(size: usize) -> Library {
    let make = match size {
        10 => ours::<tens::Open>,
        100 => ours::<hundreds::Open>,
        1_000 => ours::<thousands::Open>,
        10_000 => ours::<ten_thousands::Open>,
        _ => ours::<hundred_thousands::Open>,
    };
    make(NAMES[0], Kind::Counters, size)
}

/// Nanoseconds a series of a scrape, bytes a series, and nanoseconds of counting. Fails unless the first and the others
/// show the same.
fn measure(make: &dyn Fn() -> Library, size: usize, shown: &mut Option<(usize, f64)>) -> [f64; 3] {
    let before = alloc::held();
    let library = make();
    fill(&library, Kind::Counters, size);
    drop(exposition(&library));
    let bytes = (alloc::held() - before) as f64 / size as f64;
    let (mut out, repeat) = (Vec::new(), (10_000 / size).max(1));
    let scrape = nanos(repeat * size, || {
        for _ in 0..repeat {
            out.clear();
            (library.encode)(&mut out);
        }
    });
    let mut random = Random::default();
    let record = nanos(TIMES, || {
        for _ in 0..TIMES {
            let at = ((random.next() >> 32) * size as u64) >> 32;
            (library.record)(at as usize, 1);
        }
    });
    let shown = shown.get_or_insert_with(|| samples(&exposition(&library)));
    assert_eq!(shown.0, size);
    check(&library, *shown);
    [scrape, bytes, record]
}
