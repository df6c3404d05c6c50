//! The `baggage` header (W3C Baggage).
