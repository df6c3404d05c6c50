//! A label set is passed by value at each use: it has to be `Copy`.
use observe_core::label::LabelSet;

#[derive(LabelSet)]
struct Neither {
    retried: bool,
}

#[derive(Clone, LabelSet)]
struct CloneOnly {
    retried: bool,
}

fn main() {}
