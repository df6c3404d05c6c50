//! A bounded queue and the worker behind it.
