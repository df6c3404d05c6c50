//! What a response means.
