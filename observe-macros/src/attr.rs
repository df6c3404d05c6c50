//! Options, parsed.
