//! What is not a label says where it belongs.
use observe_core::label::LabelSet;
use observe_core::metric::{Counter, Family};

#[derive(Clone, LabelSet)]
struct Text {
    user: String,
}

#[derive(Clone, Copy, LabelSet)]
struct Borrowed {
    path: &'static str,
}

#[derive(Clone, Copy, LabelSet)]
struct Number {
    id: u64,
}

#[derive(Clone, Copy)]
enum Plain {
    A,
}

#[derive(Clone, Copy, LabelSet)]
struct Underived {
    plain: Option<Plain>,
}

#[observe_core::metric]
static ORDERS: Family<String, Counter> = Family::counter("orders_total", "Orders placed.");

fn main() {
    let _ = Plain::A;
}
