//! Open label values: interned under a stated limit.
