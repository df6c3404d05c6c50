//! The guides, to be read in order. Each snippet in them is a test.

/// Where things live, and what happens to one request.
#[doc = include_str!("../docs/architecture.md")]
pub mod architecture {}

/// Labels, and how many series they make.
#[doc = include_str!("../docs/cardinality.md")]
pub mod cardinality {}

/// Every metric, and what it says.
#[doc = include_str!("../docs/metrics.md")]
pub mod metrics {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
