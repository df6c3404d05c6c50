//! RED: rate, errors, duration.
