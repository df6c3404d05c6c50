//! What stays when the input is wrong.
