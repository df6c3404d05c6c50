//! A scrape.

use crate::harness::{Contender, compare};
use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::{Format, Registry};
use std::fmt::Write as _;

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 20_000)]
struct Key(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct Labels {
    key: Key,
}

/// The floor copies each series' finished text and formats its value behind it.
pub(super) fn scrape() {
    let registry = Registry::new();
    let counters = registry.counter::<Labels>("bench_requests_total", "Requests.").expect("a good name");
    let mut key = String::new();
    for n in 0..9_999 {
        key.clear();
        let _ = write!(key, "customer-{n:05}-of-the-bench");
        counters.with(Labels { key: Key::from(key.as_str()) }).add(n);
    }
    let mut text = Vec::new();
    registry.encode(Format::Text, &mut text);
    let finished = String::from_utf8(text.clone()).expect("it is text");
    let series: Vec<&[u8]> =
        finished.lines().filter_map(|line| Some(line.rsplit_once(' ')?.0.as_bytes())).collect();
    let (mut copy, mut out) = (Vec::new(), Vec::new());
    compare(
        "scrape of 10,000 counters",
        20,
        &mut [
            Contender::floor("copying, and formatting the values", || {
                copy.clear();
                for (value, text) in series.iter().enumerate() {
                    copy.extend_from_slice(text);
                    copy.push(b' ');
                    copy.extend_from_slice(
                        itoa::Buffer::new().format(std::hint::black_box(value)).as_bytes(),
                    );
                    copy.push(b'\n');
                }
            }),
            Contender::ours("encode", || {
                out.clear();
                registry.encode(Format::Text, &mut out);
            }),
        ],
        &[],
    );
    assert_eq!(out, text);
}
