//! Those of the library run there; what it imports for them is used.
const _: Option<super::Protocol> = None;
