//! #[metric].
