//! Open labels that are refused. Each still has an impl: `main` adds no error.
use observe_core::label::{LabelId, LabelValue};

#[derive(Clone, Copy, LabelValue)]
#[label(open)]
struct NoLimit(LabelId);

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 0)]
struct Zero(LabelId);

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100_001)]
struct TooMany(LabelId);

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = "100")]
struct NotANumber(LabelId);

#[derive(Clone, Copy, LabelValue)]
#[label(open, open, max = 1, max = 2)]
struct Twice(LabelId);

#[derive(Clone, Copy, LabelValue)]
struct NotOpen(LabelId);

#[derive(Clone, LabelValue)]
#[label(open, max = 100)]
struct Text(String);

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
struct Borrowed(&'static str);

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
struct Number(u64);

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
struct Other(std::net::Ipv4Addr);

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
struct Named {
    id: LabelId,
}

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
struct Two(LabelId, LabelId);

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
struct Lifetime<'a>(LabelId, std::marker::PhantomData<&'a ()>);

#[derive(Clone, Copy, LabelValue)]
union Union {
    id: u8,
}

fn main() {
    let _ = (NoLimit::from("a"), Zero::from("a"), TooMany::from(&String::new()), Number::from("a"));
}
