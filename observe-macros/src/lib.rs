//! The macros of observe-core. Use them through it: `observe_core::label` has the derives, and
//! `#[observe_core::metric]` is beside the module of the same name.
//!
//! The examples are there too, where they are compiled as tests.

use proc_macro::TokenStream;

mod attr;
mod errors;
mod expand;
mod fallback;
mod hygiene;
mod label;
mod metric;
mod valid;

/// Makes a type a metric label: an enum without fields, or an open value under a stated limit.
///
/// An enum is closed: its variants are the label's values, written in snake case, unless `#[label("text")]`
/// (or `#[label(rename = "text")]`) on a variant says otherwise. An empty text leaves the label out.
///
/// An open value is `#[label(open, max = N)] struct Name(LabelId);` with `N` from 1 to 100,000: the texts
/// are interned, at most `N` of them, and any further one becomes `_OTHER` and is counted. It gets
/// `From<&S>` for every `S: AsRef<str>`, and the constant `OTHER`.
///
/// `#[label(crate = path)]` says where `observe_core` is, for crates that re-export it.
#[proc_macro_derive(LabelValue, attributes(label))]
pub fn derive_label_value(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    label::value::expand(&input).into()
}

/// Makes a struct the labels of a metric family: one label for each field, at most 32.
///
/// A label is named like its field, unless `#[label(name = "other_name")]` on the field says otherwise.
/// Names are checked when the program is built, and so is that the number of combinations fits 64 bits.
///
/// `#[label(crate = path)]` on the struct says where `observe_core` is, for crates that re-export it.
#[proc_macro_derive(LabelSet, attributes(label))]
pub fn derive_label_set(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    label::set::expand(&input).into()
}

/// Puts a static metric family on every telemetry's `/metrics`, at 0 from the start of the process.
///
/// The static stays as it is written; its name, unit, labels and buckets are checked when the program is
/// built, and the linker collects it. Where the linker cannot (wasm, Miri), it is there from its first use.
///
/// `#[metric(lazy)]` does without the linker everywhere: the family is on `/metrics` from its first use, and
/// the expansion has no unsafe attributes, for crates that say `#![forbid(unsafe_code)]`.
/// `#[metric(crate = path)]` says where `observe_core` is, for crates that re-export it.
#[proc_macro_attribute]
pub fn metric(options: TokenStream, item: TokenStream) -> TokenStream {
    metric::expand(options.into(), &item.into()).into()
}

/// Observes a function: its span, how often it is called, how long it takes, and how it ends.
#[proc_macro_attribute]
pub fn observed(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(options.into(), &item.into()).into()
}
