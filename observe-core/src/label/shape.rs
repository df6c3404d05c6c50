//! The shape of a label set: how many combinations there are, and which number is whose.

use super::LabelValue;

/// What one label contributes to the space of series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    cardinality: u32,
    other: Option<u32>,
}

impl Shape {
    pub(super) const NONE: Shape = Shape { cardinality: 1, other: None };

    /// The shape of a label whose values are of type `T`.
    #[must_use]
    pub const fn of<T: LabelValue>() -> Shape {
        Shape { cardinality: T::CARDINALITY, other: T::OTHER }
    }

    /// How many codes the label has.
    #[must_use]
    pub const fn cardinality(self) -> u32 {
        self.cardinality
    }

    /// Whether the label is closed.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        self.other.is_none()
    }
}

/// Whether every label of a shape is closed.
#[must_use]
pub const fn closed(shape: &[Shape]) -> bool {
    let mut i = 0;
    while i < shape.len() {
        if !shape[i].is_closed() {
            return false;
        }
        i += 1;
    }
    true
}

/// The product of the cardinalities.
///
/// # Panics
///
/// If it is beyond 2^64; as it is evaluated for a constant, that is a compile error.
#[must_use]
pub const fn space(shape: &[Shape]) -> u64 {
    match checked_space(shape) {
        Some(space) => space,
        None => panic!("the labels of this set have more than 2^64 combinations"),
    }
}

/// The product of the cardinalities, unless it is beyond 2^64.
pub(crate) const fn checked_space(shape: &[Shape]) -> Option<u64> {
    let mut product = 1_u64;
    let mut i = 0;
    while i < shape.len() {
        product = match product.checked_mul(shape[i].cardinality as u64) {
            Some(product) => product,
            None => return None,
        };
        i += 1;
    }
    Some(product)
}

/// The code of one label in the combination `index`; 0 for a label that is not there.
#[must_use]
pub const fn digit(shape: &[Shape], index: u64, label: usize) -> u32 {
    if label >= shape.len() || shape[label].cardinality == 0 {
        return 0;
    }
    let mut rest = index;
    let mut i = shape.len() - 1;
    while i > label {
        rest = match rest.checked_div(shape[i].cardinality as u64) {
            Some(rest) => rest,
            None => return 0,
        };
        i -= 1;
    }
    (rest % shape[label].cardinality as u64) as u32
}

/// The combination `index` with every open label set to `_OTHER`.
pub(crate) fn collapsed(shape: &[Shape], index: u64) -> u64 {
    let mut collapsed = 0_u64;
    for (label, part) in shape.iter().enumerate() {
        let code = part.other.unwrap_or_else(|| digit(shape, index, label));
        collapsed = collapsed.wrapping_mul(u64::from(part.cardinality)).wrapping_add(u64::from(code));
    }
    collapsed
}

/// How many combinations the closed labels have among themselves.
pub(crate) const fn closed_space(shape: &[Shape]) -> u64 {
    let mut product = 1_u64;
    let mut i = 0;
    while i < shape.len() {
        if shape[i].is_closed() {
            product = product.saturating_mul(shape[i].cardinality as u64);
        }
        i += 1;
    }
    product
}
