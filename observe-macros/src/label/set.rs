//! `#[derive(LabelSet)]`.

use super::{Options, Place, fallback_impl, plain, refuse_generics};
use crate::errors::Errors;
use crate::hygiene::{ours, private, written_at};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use std::collections::HashMap;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Ident, Type};

/// `LabelSet::overflow` has one bit for each label.
const MAX_LABELS: usize = 32;

/// One label of the set.
struct Label<'a> {
    field: &'a Ident,
    ty: &'a Type,
    name: String,
    /// Where the name stands.
    span: Span,
}

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(&input.attrs, Place::Set, &mut errors);
    let private = private(options.krate.as_ref());
    refuse_generics(input, &mut errors);
    let labels = labels(input, &mut errors);
    let body =
        if errors.is_empty() { implementation(input, &labels, &private) } else { fallback(input, &private) };
    quote!(#body #errors)
}

fn labels<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Vec<Label<'a>> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            Fields::Unit => return Vec::new(),
            Fields::Unnamed(fields) => {
                errors.at(fields, "a label is named like its field: this struct's fields have no names");
                return Vec::new();
            }
        },
        Data::Enum(data) => {
            errors.at(data.enum_token, "a label set is a struct; an enum is one label: derive `LabelValue`");
            return Vec::new();
        }
        Data::Union(data) => {
            errors.at(data.union_token, "a label set is a struct with one field for each label");
            return Vec::new();
        }
    };
    if fields.len() > MAX_LABELS {
        errors.at(&input.ident, format_args!("a metric has at most {MAX_LABELS} labels"));
    }
    let mut seen = HashMap::with_capacity(fields.len());
    let mut labels = Vec::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        let Some(ident) = &field.ident else { continue };
        let renamed = Options::parse(&field.attrs, Place::Field, errors).name;
        let name = renamed.as_ref().map_or_else(|| plain(ident), syn::LitStr::value);
        let span = renamed.as_ref().map_or_else(|| ident.span(), syn::LitStr::span);
        if seen.insert(name.clone(), at).is_some() {
            errors.push(syn::Error::new(span, format_args!("two labels are named `{name}`")));
        }
        labels.push(Label { field: ident, ty: &field.ty, name, span });
    }
    labels
}

fn implementation(input: &DeriveInput, labels: &[Label<'_>], private: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let set = ident.to_string();
    let names: Vec<_> = labels.iter().map(|label| &label.name).collect();
    let fields: Vec<_> = labels.iter().map(|label| label.field).collect();
    let positions: Vec<_> = (0usize..).take(labels.len()).collect();
    let bits: Vec<_> = (0u32..).take(labels.len()).collect();
    // Each use of a field's type as a label points at that type, and all have one form: one mistake, one error.
    let values: Vec<_> = labels
        .iter()
        .map(|label| {
            let ty = label.ty;
            quote_spanned!(ours(ty.span())=> <#ty as #private::LabelValue>)
        })
        .collect();
    let shape = quote!([#(#values::SHAPE),*]);
    let checks = labels.iter().map(|label| {
        let (name, private) = (&label.name, written_at(label.span, private));
        quote_spanned!(label.span=> const _: () = #private::assert_label(#set, #name);)
    });
    let space = {
        let private = written_at(ident.span(), private);
        quote_spanned!(ident.span()=> const _: () = #private::assert_space(#set, &#shape);)
    };
    // The first label is the most significant digit, so that series stand in the order of the fields.
    quote! {
        #(#checks)*
        #space

        #[automatically_derived]
        impl #private::LabelSet for #ident {
            const NAMES: &'static [&'static ::core::primitive::str] = &[#(#names),*];
            const SHAPE: &'static [#private::Shape] = &#shape;

            #[inline]
            fn index(self) -> ::core::primitive::u64 {
                let index: ::core::primitive::u64 = 0;
                #(let index = index
                    .wrapping_mul(::core::convert::From::from(#values::CARDINALITY))
                    .wrapping_add(::core::convert::From::from(#values::code(self.#fields)));)*
                index
            }

            #[inline]
            fn overflow(self) -> ::core::primitive::u32 {
                let labels: ::core::primitive::u32 = 0;
                #(let labels = labels | (<::core::primitive::u32 as ::core::convert::From<_>>::from(
                    #values::is_other(self.#fields),
                ) << #bits);)*
                labels
            }

            fn text(
                index: ::core::primitive::u64,
                label: ::core::primitive::usize,
            ) -> &'static ::core::primitive::str {
                let code = #private::digit(&#shape, index, label);
                match label {
                    #(#positions => #values::text(code),)*
                    _ => "",
                }
            }
        }
    }
}

/// Keeps the type usable, so that one mistake is one error.
fn fallback(input: &DeriveInput, private: &TokenStream) -> TokenStream {
    let set = fallback_impl(input, &quote!(#private::LabelSet));
    quote! {
        #set {
            const NAMES: &'static [&'static ::core::primitive::str] = &[];
            const SHAPE: &'static [#private::Shape] = &[];
            fn index(self) -> ::core::primitive::u64 {
                0
            }
            fn overflow(self) -> ::core::primitive::u32 {
                0
            }
            fn text(_: ::core::primitive::u64, _: ::core::primitive::usize) -> &'static ::core::primitive::str {
                ""
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn what_was_refused_still_has_an_impl() {
        let fields = (0..=MAX_LABELS).map(|at| quote::format_ident!("f{at}"));
        let refused: [DeriveInput; 5] = [
            parse_quote!(
                enum E {
                    A,
                }
            ),
            parse_quote!(
                struct S(bool);
            ),
            parse_quote!(
                struct S<T> {
                    a: T,
                }
            ),
            parse_quote!(
                struct S {
                    a: bool,
                    #[label(name = "a")]
                    b: bool,
                }
            ),
            parse_quote!(struct S { #(#fields: bool),* }),
        ];
        for input in refused {
            let tokens = expand(&input).to_string();
            assert!(tokens.contains("LabelSet for"), "{tokens}");
            assert!(tokens.contains("compile_error"), "{tokens}");
        }
    }

    #[test]
    fn raw_names_are_stripped_and_the_last_bit_is_the_32nd() {
        let fields = (1..MAX_LABELS).map(|at| quote::format_ident!("f{at}"));
        let input: DeriveInput = parse_quote!(struct S { r#type: bool, #(#fields: bool),* });
        let tokens = expand(&input).to_string();
        assert!(!tokens.contains("compile_error"), "{tokens}");
        assert!(tokens.contains("\"type\""), "{tokens}");
        assert!(tokens.contains("<< 31u32"), "{tokens}");
    }
}
