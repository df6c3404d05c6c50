//! Models of concurrent parts: every order of steps that two or three threads can take, by the model checker loom.
//!
//! Each test takes in files of the library as they are shipped. They get their primitives from `crate::sync`, which is
//! the model checker's here, and of the rest of the library what stands in the test.
