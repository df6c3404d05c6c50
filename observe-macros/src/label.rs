//! The label derives, and the options of `#[label(…)]`.

use crate::errors::Errors;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, DeriveInput, Ident, LitInt, LitStr, Path, meta::ParseNestedMeta};

pub(crate) mod set;
pub(crate) mod value;

/// Where a `#[label(…)]` stands; each place has options of its own.
#[derive(Clone, Copy)]
enum Place {
    Value,
    Variant,
    Set,
    Field,
}

impl Place {
    fn known(self) -> &'static str {
        match self {
            Place::Value => "`open`, `max = N` and `crate = path`",
            Place::Variant => "`\"text\"` and `rename = \"text\"`",
            Place::Set => "`crate = path`",
            Place::Field => "`name = \"label_name\"`",
        }
    }
}

/// The options of one place, each at most once.
#[derive(Default)]
struct Options {
    open: Option<Path>,
    max: Option<LitInt>,
    text: Option<LitStr>,
    name: Option<LitStr>,
    krate: Option<Path>,
    /// Some option did not parse: what it would have said is not known.
    broken: bool,
}

impl Options {
    fn parse(attrs: &[Attribute], place: Place, errors: &mut Errors) -> Self {
        let mut options = Options::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("label")) {
            if matches!(place, Place::Variant)
                && let Ok(text) = attr.parse_args::<LitStr>()
            {
                if options.text.is_some() {
                    errors.at(attr, "the text of this variant is given twice");
                }
                options.text = Some(text);
                continue;
            }
            let parsed = attr.parse_nested_meta(|meta| options.option(place, &meta));
            options.broken |= errors.keep(parsed).is_none();
        }
        options
    }

    fn option(&mut self, place: Place, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match (place, name.as_str()) {
            (Place::Value, "open") => once(&mut self.open, meta, |meta| Ok(meta.path.clone())),
            (Place::Value, "max") => once(&mut self.max, meta, |meta| meta.value()?.parse()),
            (Place::Value | Place::Set, "crate") => {
                once(&mut self.krate, meta, |meta| meta.value()?.call(Path::parse_mod_style))
            }
            (Place::Variant, "rename") => once(&mut self.text, meta, |meta| meta.value()?.parse()),
            (Place::Field, "name") => once(&mut self.name, meta, |meta| meta.value()?.parse()),
            _ => Err(meta.error(format_args!("unknown option; here `#[label(…)]` knows {}", place.known()))),
        }
    }
}

fn once<T>(
    slot: &mut Option<T>,
    meta: &ParseNestedMeta<'_>,
    parse: impl FnOnce(&ParseNestedMeta<'_>) -> syn::Result<T>,
) -> syn::Result<()> {
    if slot.is_some() {
        return Err(meta.error("this option is given twice"));
    }
    *slot = Some(parse(meta)?);
    Ok(())
}

/// Generics are refused: what a metric is split by is known when the program is built.
fn refuse_generics(input: &DeriveInput, errors: &mut Errors) {
    if !input.generics.params.is_empty() {
        errors.at(
            &input.generics,
            "a label has no generics and no lifetimes: its values are known when the program is built, \
             and live as long as it",
        );
    }
}

/// The head of an impl that compiles whatever the type's generics are, for input that was refused.
fn fallback_impl(input: &DeriveInput, what: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let (params, args, bounds) = input.generics.split_for_impl();
    if input.generics.params.is_empty() {
        return quote!(impl #what for #ident);
    }
    let bounds = match bounds {
        Some(bounds) if bounds.predicates.trailing_punct() || bounds.predicates.is_empty() => quote!(#bounds),
        Some(bounds) => quote!(#bounds,),
        None => quote!(where),
    };
    quote!(impl #params #what for #ident #args #bounds Self: ::core::marker::Copy + 'static)
}

/// A name without `r#`.
fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn a_fallback_keeps_the_bounds() {
        let input: DeriveInput = syn::parse2(quote!(
            struct A<'a, T: Send>(&'a T)
            where
                T: Sync;
        ))
        .unwrap();
        let head = fallback_impl(&input, &quote!(Trait)).to_string();
        let wanted =
            quote!(impl<'a, T: Send> Trait for A<'a, T> where T: Sync, Self: ::core::marker::Copy + 'static);
        assert_eq!(head, wanted.to_string());
    }
}
