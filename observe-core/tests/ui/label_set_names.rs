//! Names that break the rule. Error at each label, not at the first only.
use observe_core::label::LabelSet;

#[derive(Clone, Copy, LabelSet)]
struct Labels {
    #[label(name = "http.route")]
    route: bool,
    #[label(name = "")]
    empty: bool,
    #[label(name = "1st")]
    first: bool,
    le: bool,
    quantile: bool,
    __internal: bool,
    größe: bool,
    right: bool,
}

fn main() {}
