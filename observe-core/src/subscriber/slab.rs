//! Open spans, found by id.
