//! Headers in and out.
