//! The line for a terminal.
