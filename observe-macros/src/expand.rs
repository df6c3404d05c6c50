//! What an annotated function becomes.
