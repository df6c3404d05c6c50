//! The propagated context: what one service tells the next.
