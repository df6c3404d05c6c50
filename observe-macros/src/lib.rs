//! The macros of observe-core. Use them through it: `observe_core::label` has the derives, `observe_core::metric` is
//! the attribute and a module of one name, and `observe_core::observed` is at the root.
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

/// Puts a static metric family on every telemetry's `/metrics`, unless that was given a registry without statics (use
/// `Registry::with_statics()`). It is at 0 from the start of the process if its labels are closed.
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

/// Observes a function: how often it is called, how long it takes, how it ends, and its span.
///
/// Each call is counted once in `function_duration_seconds{function,outcome}`, which is on `/metrics` at 0 from
/// the start of the process; with `lazy` from the first call. It ended as
///
/// - `ok`, when it returned: anything but an `Err` (an `Option`, or a `T` that happens to be a `Result`, is a
///   value like any other);
/// - `error`, when it returned an `Err`, behind whatever alias;
/// - `cancelled`, when its future was dropped after its first poll (one that was never polled is not counted);
/// - `panicked`, when its body or a poll unwound. Not seen under `panic = "abort"`.
///
/// A failure is one line, that of the outermost operation, with the text of the innermost error: by its `Display`
/// with its sources, else by its `Debug`. Arguments are recorded only when `fields(…)` names them.
///
/// It stands on `fn` and `async fn`, methods, `#[async_trait]` methods, and functions that return `impl Future`,
/// `Pin<Box<dyn Future>>`, `BoxFuture` or `LocalBoxFuture`: of those the future is observed, from its first poll
/// on. The type of the function, what it borrows and whether its future is `Send` stay what they are. A `const fn`
/// is refused. Under `#[track_caller]` the body sees a place of this library in place of its caller's.
///
/// # Options
///
/// In any order:
///
/// - `name = "…"`: its name in the metric, and of its span. Defaults to its module's path and its own name; the
///   type that a method is of is not part of it, as an attribute cannot see it.
/// - `fields(order.id, ?kind, %total, shop = self.shop.name(), …)`: what the span records, and so each line inside:
///   arguments and parts of them, `name = value` for anything else; `?` is `Debug`, `%` is `Display`. They are read
///   when the span begins. (Of a function that returns a future and does not end in an `async` block that is
///   when it is called, and then its time begins there, too.)
///   `rows = tracing::field::Empty` declares one that `Span::current().record("rows", …)` fills in later; what is not
///   declared is not taken, as of every `tracing` span.
/// - `level = "debug"` (or `Level::DEBUG`, or 2): the span's level. Defaults to `info`. A span that is filtered
///   out breaks no trace and loses no metric.
/// - `target = "…"`: the span's target. Defaults to the module's path.
/// - `parent = …`: what it hangs below, a `tracing` span, its id, or a `Context`; `None`: a new trace. Defaults to
///   what is running.
/// - `err(Debug)`, `err(Display)`, `err(off)`: which text an error has; `off` tells none, and it stays an error.
/// - `failure = Declined::is_failure`: which errors are failures, a path or a closure that takes `&E`. The others are
///   answers: it ended well, and no trace is kept for them. Defaults to all.
/// - `ok_level = "info"`: it writes a line of this level when it ends well. Defaults to none.
/// - `dependency = "payment"`: it calls something else: its durations are in
///   `dependency_duration_seconds{dependency,operation,outcome}` instead, and its span is a client's.
/// - `buckets = [0.001, 0.01]`, or a constant of type `Buckets`. Defaults to `Buckets::SECONDS`.
/// - `metrics = off`: a span only. `span = off`: metrics only, the cheapest way.
/// - `lazy`: on `/metrics` from its first call on, without the linker and without unsafe attributes.
/// - `crate = path`: where `observe_core` is, for crates that re-export it.
///
/// Texts may be constants. Options that are unknown, given twice, or leave each other nothing to do are compile
/// errors.
#[proc_macro_attribute]
pub fn observed(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(options.into(), &item.into()).into()
}
