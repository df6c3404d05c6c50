//! What is allowed where.
