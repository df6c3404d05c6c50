//! Every name that goes over the wire, once.
