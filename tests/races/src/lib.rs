//! Threads that meet in everything that threads share: see `run`.
