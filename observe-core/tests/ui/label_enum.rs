//! Closed labels that are refused. Each still has an impl: `main` adds no error.
use observe_core::label::LabelValue;

#[derive(Clone, Copy, LabelValue)]
enum Nothing {}

#[derive(Clone, Copy, LabelValue)]
enum WithFields {
    Status(u16),
    Named { code: u16 },
    Plain,
}

#[derive(Clone, Copy, LabelValue)]
enum Twice {
    #[label("visa")]
    A,
    Visa,
    #[label(rename = "visa")]
    B,
}

#[derive(Clone, Copy, LabelValue)]
enum Generic<T: Copy + 'static> {
    #[allow(dead_code)]
    A(std::marker::PhantomData<T>),
}

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
enum Open {
    A,
}

#[derive(Clone, Copy, LabelValue)]
#[label(max = 100)]
enum Limited {
    A,
}

#[derive(Clone, Copy, LabelValue)]
#[label(rename_all = "lowercase")]
enum Unknown {
    #[label(name = "a")]
    A,
    #[label("b", "c")]
    B,
    #[label("b")]
    #[label("c")]
    C,
    #[label(rename = "b", rename = "c")]
    D,
    #[label]
    E,
}

fn text(label: impl LabelValue) -> &'static str {
    let _ = label;
    ""
}

fn main() {
    text(WithFields::Plain);
    text(Twice::B);
    text(Generic::A(std::marker::PhantomData::<u8>));
    text(Open::A);
    text(Limited::A);
    text(Unknown::A);
}
