//! `#[metric]`.

use crate::errors::Errors;
use crate::hygiene::{ours, private};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Ident, Item, ItemStatic, Path, StaticMutability};

/// The options of `#[metric(…)]`.
#[derive(Default)]
struct Options {
    lazy: bool,
    krate: Option<Path>,
}

impl Options {
    fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Options::default();
        let parser = syn::meta::parser(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            match name.as_str() {
                "lazy" if !options.lazy => options.lazy = true,
                "crate" if options.krate.is_none() => {
                    options.krate = Some(meta.value()?.call(Path::parse_mod_style)?);
                }
                "lazy" | "crate" => return Err(meta.error("this option is given twice")),
                _ => {
                    return Err(meta.error(
                        "unknown option; `#[metric(…)]` knows `lazy` and `crate = path`. \
                         Units, buckets and limits are set on the family: `Family::counter(..).unit(..)`",
                    ));
                }
            }
            Ok(())
        });
        parser.parse2(tokens)?;
        Ok(options)
    }
}

pub(crate) fn expand(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = errors.keep(Options::parse(options));
    let metric = parse(item, &mut errors);
    match (options, metric) {
        (Some(options), Some(metric)) if errors.is_empty() => expansion(&options, &metric),
        // The item stays, so that one mistake is one error.
        _ => quote!(#item #errors),
    }
}

fn parse(item: &TokenStream, errors: &mut Errors) -> Option<ItemStatic> {
    const A_STATIC: &str = "`#[metric]` stands on a static: \
        `#[metric] static ORDERS: Family<OrderLabels, Counter> = Family::counter(\"orders_total\", \"Orders placed.\");`";
    let metric = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Static(metric)) => metric,
        Ok(Item::Const(item)) => {
            errors.at(
                item.const_token,
                "`#[metric]` stands on a static: each use of a const would be a metric of its own",
            );
            return None;
        }
        Ok(_) | Err(_) => {
            errors.at(item, A_STATIC);
            return None;
        }
    };
    if let StaticMutability::Mut(token) = &metric.mutability {
        errors.at(token, "a metric is not `mut`: it counts through a shared reference");
    }
    Some(metric)
}

fn expansion(options: &Options, metric: &ItemStatic) -> TokenStream {
    let private = private(options.krate.as_ref());
    let lazy = lazy(metric, &private);
    if options.lazy {
        return lazy;
    }
    let ItemStatic { attrs, vis, ident, ty, .. } = metric;
    let checked = checked(metric);
    let hidden = hidden(ident);
    let element = quote_spanned!(ours(ty.span())=> &#ident);
    // `cfg` is asked in the crate that is being built, of the target it is built for: both are the user's.
    quote! {
        #[cfg(not(any(miri, target_family = "wasm")))]
        #(#attrs)*
        #vis static #ident: #ty = #checked;

        #[cfg(not(any(miri, target_family = "wasm")))]
        const _: () = {
            #[allow(deprecated, non_upper_case_globals)]
            #[#private::linkme::distributed_slice(#private::METRICS)]
            #[linkme(crate = #private::linkme)]
            static #hidden: &'static dyn #private::AnyFamily = #element;
        };

        #[cfg(any(miri, target_family = "wasm"))]
        #lazy
    }
}

/// The same behind a `LazyMetric`, which registers at its first use.
fn lazy(metric: &ItemStatic, private: &TokenStream) -> TokenStream {
    let ItemStatic { attrs, vis, ident, ty, .. } = metric;
    let checked = checked(metric);
    let hidden = hidden(ident);
    quote! {
        #(#attrs)*
        #vis static #ident: #private::LazyMetric<#ty> = {
            #[allow(non_upper_case_globals)]
            static #hidden: #ty = #checked;
            #private::LazyMetric::new(&#hidden)
        };
    }
}

/// Items have no hygiene: this name is no other item's.
fn hidden(ident: &Ident) -> Ident {
    format_ident!("__observe_{}", ident)
}

/// The family, checked while the static is evaluated: at compile time.
fn checked(metric: &ItemStatic) -> TokenStream {
    let ItemStatic { ty, expr, .. } = metric;
    let metric = Ident::new("metric", Span::mixed_site());
    // The place is the user's, with nothing of ours about it: a constant's panic is shown where the call was
    // written, and a macro's call would be the whole attribute.
    let check = quote_spanned!(expr.span()=> <#ty>::assert_valid(&#metric););
    quote! {
        {
            let #metric: #ty = #expr;
            #check
            #metric
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_stays_as_it_was() {
        let metric = quote!(
            static ORDERS: Family<(), Counter> = Family::counter("orders_total", "Orders.");
        );
        let refused = [
            (quote!(eager), metric.clone()),
            (quote!(lazy, lazy), metric),
            (
                quote!(),
                quote!(
                    static mut ORDERS: Family<(), Counter> = Family::counter("a_total", "A.");
                ),
            ),
            (
                quote!(),
                quote!(
                    const ORDERS: Family<(), Counter> = Family::counter("a_total", "A.");
                ),
            ),
            (
                quote!(),
                quote!(
                    fn orders() {}
                ),
            ),
            (quote!(), quote!(not rust at all)),
        ];
        for (options, item) in refused {
            let expanded = expand(options, &item).to_string();
            let rest = expanded.strip_prefix(&item.to_string());
            assert!(rest.is_some_and(|rest| rest.contains("compile_error")), "{expanded}");
        }
    }

    #[test]
    fn lazy_has_no_linker_section() {
        let item = quote!(
            static ORDERS: Family<(), Counter> = Family::counter("orders_total", "Orders.");
        );
        assert!(expand(quote!(), &item).to_string().contains("linkme"));
        assert!(!expand(quote!(lazy), &item).to_string().contains("linkme"));
    }
}
