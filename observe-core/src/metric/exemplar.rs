//! exemplar
