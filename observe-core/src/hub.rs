//! What operations report to.
