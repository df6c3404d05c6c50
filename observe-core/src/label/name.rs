//! The one rule for metric and label names.
