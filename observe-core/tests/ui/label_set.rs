//! Label sets that are refused.
use observe_core::label::{LabelId, LabelSet, LabelValue};

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 10)]
struct Tenant(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct Unnamed(bool, bool);

#[derive(Clone, Copy, LabelSet)]
enum Kind {
    A,
}

#[derive(Clone, Copy, LabelSet)]
union Union {
    a: bool,
}

#[derive(Clone, Copy, LabelSet)]
struct Generic<T: LabelValue> {
    a: T,
}

#[derive(Clone, Copy, LabelSet)]
struct Lifetime<'a> {
    a: &'a bool,
}

#[derive(Clone, Copy, LabelSet)]
struct Twice {
    route: bool,
    #[label(name = "route")]
    path: Tenant,
}

#[derive(Clone, Copy, LabelSet)]
#[label(name = "a")]
struct Unknown {
    #[label(rename = "a")]
    a: bool,
    #[label(name = "b", name = "c")]
    b: bool,
    #[label(name = 1)]
    c: bool,
}

#[derive(Clone, Copy, LabelSet)]
#[rustfmt::skip]
struct TooMany {
    a1: bool, a2: bool, a3: bool, a4: bool, a5: bool, a6: bool, a7: bool, a8: bool, a9: bool, a10: bool, a11: bool,
    b1: bool, b2: bool, b3: bool, b4: bool, b5: bool, b6: bool, b7: bool, b8: bool, b9: bool, b10: bool, b11: bool,
    c1: bool, c2: bool, c3: bool, c4: bool, c5: bool, c6: bool, c7: bool, c8: bool, c9: bool, c10: bool, c11: bool,
}

fn names<L: LabelSet>() -> usize {
    L::NAMES.len()
}

fn main() {
    let _ = (names::<Unnamed>(), names::<Kind>(), names::<Union>(), names::<Generic<bool>>());
    let _ = (names::<Twice>(), names::<Unknown>(), names::<TooMany>());
}
