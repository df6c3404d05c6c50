//! Where a context is read from and written to.
