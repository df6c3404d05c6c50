//! `#[derive(LabelValue)]`.

use super::{Options, Place, fallback_impl, plain, refuse_generics};
use crate::errors::Errors;
use crate::hygiene::{ours, private};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use std::collections::HashMap;
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DataStruct, DeriveInput, Fields, LitInt, Type};

/// What a closed label may have at most, so that a family's table stays small.
const MAX_VARIANTS: usize = 65_536;
/// What an open label may state as its limit.
const MAX_OPEN: u32 = 100_000;

const NOT_A_LABEL: &str = "free text and numbers have no limit: each new value would be a new series for ever. \
    They belong on the span or the log line, `tracing::info!(user.id = ..)`. \
    If the values are few, hold a `LabelId`, which interns them under the limit: `struct Tenant(LabelId);`";

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(&input.attrs, Place::Value, &mut errors);
    let private = private(options.krate.as_ref());
    refuse_generics(input, &mut errors);
    let body = match &input.data {
        Data::Enum(data) => closed(input, data, &options, &private, &mut errors),
        Data::Struct(data) => open(input, data, &options, &private, &mut errors),
        Data::Union(data) => {
            errors.at(data.union_token, "a label is an enum, or an open struct around a `LabelId`");
            None
        }
    };
    let body = match body {
        Some(body) if errors.is_empty() => body,
        _ => fallback(input, &private),
    };
    quote!(#body #errors)
}

fn closed(
    input: &DeriveInput,
    data: &DataEnum,
    options: &Options,
    private: &TokenStream,
    errors: &mut Errors,
) -> Option<TokenStream> {
    if let Some(open) = &options.open {
        errors.at(
            open,
            "an enum is closed: its variants are its values. `open` is for `struct Name(LabelId);`",
        );
    } else if let Some(max) = &options.max {
        errors.at(max, "an enum is closed: its variants are its values, and need no limit");
    }
    if data.variants.is_empty() {
        errors.at(&input.ident, "a label has at least one value: this enum has no variant");
    }
    if data.variants.len() > MAX_VARIANTS {
        errors.at(&input.ident, format_args!("a label has at most {MAX_VARIANTS} values"));
    }
    let mut texts = Vec::with_capacity(data.variants.len());
    let mut seen = HashMap::with_capacity(data.variants.len());
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            errors.at(
                &variant.fields,
                "a label's variant has no fields: each value of a field would be a series of its own. \
                 Give the field a label of its own, or put it on the span or the log line",
            );
        }
        let renamed = Options::parse(&variant.attrs, Place::Variant, errors).text;
        let name = plain(&variant.ident);
        let text = renamed.as_ref().map_or_else(|| snake_case(&name), syn::LitStr::value);
        match seen.get(&text) {
            Some(first) => {
                let rule = format!("`{name}` has the text `{text}`, which `{first}` has already");
                match &renamed {
                    Some(literal) => errors.at(literal, rule),
                    None => errors.at(&variant.ident, rule),
                }
            }
            None => drop(seen.insert(text.clone(), name)),
        }
        texts.push(text);
    }

    let ident = &input.ident;
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let codes: Vec<_> = (0u32..).take(variants.len()).collect();
    let empty = match codes.iter().zip(&texts).find(|(_, text)| text.is_empty()) {
        Some((code, _)) => quote!(::core::option::Option::Some(#code)),
        None => quote!(::core::option::Option::None),
    };
    let cardinality = u32::try_from(variants.len()).unwrap_or(u32::MAX);
    // A match and not `self as u32`: a variant may have a discriminant of the user's. It compiles to a cast.
    Some(quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #private::LabelValue for #ident {
            const CARDINALITY: ::core::primitive::u32 = #cardinality;
            const EMPTY: ::core::option::Option<::core::primitive::u32> = #empty;

            #[inline]
            fn code(self) -> ::core::primitive::u32 {
                match self {
                    #(Self::#variants => #codes,)*
                }
            }

            #[inline]
            fn text(code: ::core::primitive::u32) -> &'static ::core::primitive::str {
                match code {
                    #(#codes => #texts,)*
                    _ => "",
                }
            }
        }
    })
}

fn open(
    input: &DeriveInput,
    data: &DataStruct,
    options: &Options,
    private: &TokenStream,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let field = match &data.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
        _ => None,
    };
    let Some(field) = field else {
        errors.at(
            &input.ident,
            "a label is an enum, or an open value: `#[label(open, max = 100)] struct Name(LabelId);`. \
             For a struct of several labels derive `LabelSet`",
        );
        return None;
    };
    if !is_label_id(&field.ty) {
        let rule = if is_unbounded(&field.ty) { NOT_A_LABEL } else { "an open label holds one `LabelId`" };
        errors.at(&field.ty, rule);
        return None;
    }
    if options.broken {
        return None;
    }
    let max = limit(input, options, errors)?;

    let ident = &input.ident;
    let vis = &input.vis;
    let field_type = &field.ty;
    let other = quote_spanned!(ours(field_type.span())=> #private::LabelId::OTHER);
    Some(quote! {
        const _: () = {
            static SET: #private::OpenSet = #private::OpenSet::new(#max);

            #[automatically_derived]
            impl #private::LabelValue for #ident {
                const CARDINALITY: ::core::primitive::u32 = #private::OpenSet::cardinality(#max);
                const OTHER: ::core::option::Option<::core::primitive::u32> =
                    ::core::option::Option::Some(#private::LabelId::OTHER.code());
                const EMPTY: ::core::option::Option<::core::primitive::u32> =
                    ::core::option::Option::Some(#private::LabelId::EMPTY.code());

                #[inline]
                fn code(self) -> ::core::primitive::u32 {
                    self.0.code()
                }

                fn text(code: ::core::primitive::u32) -> &'static ::core::primitive::str {
                    SET.text(#private::LabelId::from_code(code))
                }
            }

            #[automatically_derived]
            impl #ident {
                /// What every value becomes that came after the limit was reached.
                #[allow(dead_code)]
                #vis const OTHER: Self = Self(#other);
            }

            #[automatically_derived]
            impl<S: ::core::convert::AsRef<::core::primitive::str> + ?::core::marker::Sized>
                ::core::convert::From<&S> for #ident
            {
                #[inline]
                fn from(value: &S) -> Self {
                    Self(SET.intern(::core::convert::AsRef::as_ref(value)))
                }
            }
        };
    })
}

/// The stated limit.
fn limit(input: &DeriveInput, options: &Options, errors: &mut Errors) -> Option<u32> {
    match (&options.open, &options.max) {
        (Some(_), Some(max)) => in_range(max, errors),
        (Some(open), None) => {
            errors.at(
                open,
                "an open label states its limit: `#[label(open, max = 100)]`. Its values come from outside, and \
                 each is a series that stays for ever; past the limit they are counted as `_OTHER`",
            );
            None
        }
        (None, _) => {
            errors.at(
                &input.ident,
                "a label that is a struct is open, and says so with its limit: `#[label(open, max = 100)]`",
            );
            None
        }
    }
}

fn in_range(max: &LitInt, errors: &mut Errors) -> Option<u32> {
    let parsed = max.base10_parse::<u32>().ok().filter(|max| (1..=MAX_OPEN).contains(max));
    if parsed.is_none() {
        errors.at(max, format_args!("the limit of an open label is from 1 to {MAX_OPEN}"));
    }
    parsed
}

/// Keeps the type usable, so that one mistake is one error.
fn fallback(input: &DeriveInput, private: &TokenStream) -> TokenStream {
    let value = fallback_impl(input, &quote!(#private::LabelValue));
    let from = match &input.data {
        Data::Struct(_) if input.generics.params.is_empty() => {
            let ident = &input.ident;
            quote! {
                impl<S: ::core::convert::AsRef<::core::primitive::str> + ?::core::marker::Sized>
                    ::core::convert::From<&S> for #ident
                {
                    fn from(_: &S) -> Self {
                        ::core::unreachable!()
                    }
                }
            }
        }
        _ => TokenStream::new(),
    };
    quote! {
        #value {
            const CARDINALITY: ::core::primitive::u32 = 1;
            fn code(self) -> ::core::primitive::u32 {
                0
            }
            fn text(_: ::core::primitive::u32) -> &'static ::core::primitive::str {
                ""
            }
        }
        #from
    }
}

fn is_label_id(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "LabelId"))
}

/// Whether people put users, paths and amounts into such a type.
fn is_unbounded(ty: &Type) -> bool {
    const NAMES: [&str; 20] = [
        "String", "str", "Cow", "Arc", "Rc", "Box", "Uuid", "char", "u8", "u16", "u32", "u64", "u128",
        "usize", "i32", "i64", "i128", "isize", "f32", "f64",
    ];
    match ty {
        Type::Reference(reference) => is_unbounded(&reference.elem),
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| NAMES.iter().any(|name| last.ident == name))
        }
        _ => false,
    }
}

/// `GoldCard` is `gold_card`, `HTTPError` is `http_error`, `Http2` is `http2`.
fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut text = String::with_capacity(name.len() + 4);
    for (at, &char) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(at + 1);
        let starts_word = char.is_uppercase()
            && before.is_some_and(|before| {
                *before != '_' && (!before.is_uppercase() || after.is_some_and(|after| after.is_lowercase()))
            });
        if starts_word {
            text.push('_');
        }
        text.extend(char.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn errors_of(input: &DeriveInput) -> String {
        let file: syn::File = syn::parse2(expand(input)).unwrap();
        let macros = file.items.iter().filter_map(|item| match item {
            syn::Item::Macro(item) => Some(item.mac.tokens.to_string()),
            _ => None,
        });
        macros.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn names_become_snake_case() {
        for (name, text) in [
            ("Card", "card"),
            ("GoldCard", "gold_card"),
            ("HTTPError", "http_error"),
            ("Http2", "http2"),
            ("V2Beta", "v2_beta"),
            ("Gold_Card", "gold_card"),
            ("A", "a"),
            ("ÄrgerÜber", "ärger_über"),
        ] {
            assert_eq!(snake_case(name), text);
        }
    }

    #[test]
    fn what_was_refused_still_has_an_impl() {
        let refused: [DeriveInput; 4] = [
            parse_quote!(
                enum E {}
            ),
            parse_quote!(
                struct S(String);
            ),
            parse_quote!(
                struct S<'a, T>(&'a T);
            ),
            parse_quote!(union U { a: u8 }),
        ];
        for input in refused {
            let tokens = expand(&input).to_string();
            assert!(tokens.contains("LabelValue for"), "{tokens}");
            assert!(!errors_of(&input).is_empty());
        }
    }

    #[test]
    fn the_limit_of_a_closed_label_holds() {
        let variants = (0..=MAX_VARIANTS).map(|at| quote::format_ident!("V{at}"));
        let input: DeriveInput = parse_quote!(enum E { #(#variants),* });
        assert!(errors_of(&input).contains("at most 65536 values"));
    }

    #[test]
    fn the_limit_of_an_open_label_is_in_range() {
        for (max, right) in [("0", false), ("1", true), ("100_000", true), ("100001", false), ("-1", false)] {
            let max: TokenStream = max.parse().unwrap();
            let input: DeriveInput = parse_quote!(
                #[label(open, max = #max)]
                struct S(LabelId);
            );
            assert_eq!(errors_of(&input).is_empty(), right, "{max}");
        }
    }
}
