//! The combinations of values have to fit 64 bits.
use observe_core::label::{LabelId, LabelSet, LabelValue};

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100_000)]
struct Open(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct Labels {
    a: Open,
    b: Open,
    c: Open,
    d: Open,
}

fn main() {}
