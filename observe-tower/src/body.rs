//! The response body: the operation rides in it to its end.
