//! How an expansion stays out of the user's way: absolute paths, and names that cannot clash.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Path;

/// The hidden module that every expansion goes through, so that nothing depends on what the user imported.
pub(crate) fn private(krate: Option<&Path>) -> TokenStream {
    match krate {
        Some(path) => quote!(#path::__private),
        None => quote!(::observe_core::__private),
    }
}

/// A place of the user's, so that errors point there, with names that are ours.
pub(crate) fn ours(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}

/// The same tokens, written at a place of the user's with nothing of ours about them: the panic of a constant
/// is shown where its call was written, and for a macro's call that would be the whole macro.
pub(crate) fn written_at(span: Span, tokens: &TokenStream) -> TokenStream {
    let tokens = tokens.clone().into_iter();
    tokens
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}
