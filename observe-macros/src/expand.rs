//! `#[observed]`.

use crate::attr::{Options, Told};
use crate::errors::Errors;
use crate::fallback::{Function, unchanged};
use crate::hygiene::{ours, private, written_at};
use crate::valid::{Returns, Shape, async_block};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprAsync, ReturnType, Stmt, Type};

pub(crate) fn expand(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(options, &mut errors);
    let Some(function) = Function::parse(item, &mut errors) else {
        return unchanged(item, &errors);
    };
    let shape = Shape::of(&function, &options, &mut errors);
    if !errors.is_empty() {
        return unchanged(item, &errors);
    }
    let private = private(options.krate.as_ref().map(|krate| &krate.value));
    Expansion { options: &options, function: &function, private }.function(shape)
}

struct Expansion<'a> {
    options: &'a Options,
    function: &'a Function,
    private: TokenStream,
}

impl Expansion<'_> {
    /// The function as it was, but for its body.
    fn function(&self, shape: Shape) -> TokenStream {
        let Function { attrs, vis, defaultness, sig, inner, body } = self.function;
        let work = match shape {
            Shape::Plain(returns) => self.plain(&returns),
            Shape::Async(returns) => self.asynchronous(&returns),
            Shape::Future { output, boxed, block } => match block {
                Some(stmts) => self.async_block(&output, stmts),
                None => self.returned_future(&output, boxed),
            },
        };
        let mut whole = Group::new(body.delimiter(), quote!(#(#inner)* #work));
        whole.set_span(body.span());
        quote!(#(#attrs)* #vis #defaultness #sig #whole)
    }

    /// `fn`: the body becomes a closure, so that `return` and `?` end there.
    fn plain(&self, returns: &Returns) -> TokenStream {
        let (private, body) = (&self.private, &self.function.body);
        let (work, verdict) = (self.work(), self.verdict(matches!(returns, Returns::Value(_))));
        let returned = match returns {
            Returns::Nothing => TokenStream::new(),
            Returns::Never => quote!(-> !),
            Returns::Value(ty) => quote!(-> #ty),
        };
        // A closure with a return type has braces; one without is given them, for its own are the body's.
        let ty = value_type(returns);
        quote!(#private::observed::call::<#ty, _, _, _>(#work, move || #returned #body, #verdict))
    }

    /// `async fn`: the body becomes an async block. The return type is told to it beforehand, so that a value of
    /// another type is an error where it stands.
    fn asynchronous(&self, returns: &Returns) -> TokenStream {
        let (private, body) = (&self.private, &self.function.body);
        let (work, verdict) = (self.work(), self.verdict(matches!(returns, Returns::Value(_))));
        let result = Ident::new("result", Span::mixed_site());
        // An error that says what was expected shows this place.
        let early = match &self.function.sig.output {
            ReturnType::Type(_, ty) => Ident::new("result", ours(ty.span())),
            ReturnType::Default => result.clone(),
        };
        let block = match returns {
            Returns::Never => quote!(#body),
            Returns::Nothing => quote!({ let #result: () = #body; #result }),
            Returns::Value(ty) => quote!({
                if let ::core::option::Option::Some(#result) = ::core::option::Option::None::<#ty> {
                    #[allow(unreachable_code)]
                    return #early;
                }
                let #result: #ty = #body;
                #[allow(unreachable_code)]
                #result
            }),
        };
        let ty = value_type(returns);
        quote!(#private::observed::future::<#ty, _, _, _>(#work, async move #block, #verdict).await)
    }

    /// A function that ends in an async block: it is the one that is observed, from its first poll on.
    fn async_block(&self, output: &Type, mut stmts: Vec<Stmt>) -> TokenStream {
        let private = &self.private;
        let (work, verdict) = (self.work(), self.verdict(true));
        if let Some(expr) = stmts.last_mut().and_then(async_block) {
            let observed = match &*expr {
                // What the fields are made of belongs to the block.
                Expr::Async(block) if self.has_arguments() => {
                    let ExprAsync { async_token, capture, .. } = block;
                    quote!(#async_token #capture { #private::observed::future::<#output, _, _, _>(#work, #block, #verdict).await })
                }
                block => quote!(#private::observed::later::<#output, _, _, _, _>(|| #work, #block, #verdict)),
            };
            *expr = Expr::Verbatim(observed);
        }
        quote!(#(#stmts)*)
    }

    /// A function that makes its future in some other way: that future is wrapped.
    fn returned_future(&self, output: &Type, boxed: bool) -> TokenStream {
        let (private, body) = (&self.private, &self.function.body);
        let (work, verdict) = (self.work(), self.verdict(true));
        let returned = match &self.function.sig.output {
            output @ ReturnType::Type(..) if boxed => output.to_token_stream(),
            _ => TokenStream::new(),
        };
        let made = quote!(#private::observed::body(move || #returned #body));
        let observed = if self.has_arguments() {
            // The body takes the arguments: they are read before, in this order.
            quote!(#private::observed::future::<#output, _, _, _>(#work, #made, #verdict))
        } else {
            quote!(#private::observed::later::<#output, _, _, _, _>(|| #work, #made, #verdict))
        };
        if boxed { quote!(#private::Box::pin(#observed)) } else { observed }
    }

    /// Whether something of the user's is evaluated at the start.
    fn has_arguments(&self) -> bool {
        self.options.fields.is_some() || self.options.parent.is_some()
    }

    /// What is observed, begun.
    fn work(&self) -> TokenStream {
        let private = &self.private;
        let (name, function) = (self.name(), self.statics());
        let item = item_name();
        if self.options.span.is_some() {
            return quote!({ #function #private::observed::timed(&#item) });
        }
        let target = match &self.options.target {
            Some(target) => target.value.to_token_stream(),
            None => quote!(::core::module_path!()),
        };
        let level = match &self.options.level {
            Some(level) => level.value.tokens(private),
            None => quote!(#private::tracing::Level::INFO),
        };
        let fields = self.fields();
        match &self.options.parent {
            Some(parent) => {
                let (expr, parent) = (&parent.value, Ident::new("parent", Span::mixed_site()));
                let origin = quote!(#private::observed::parent(#expr));
                quote!({
                    #function
                    #private::observed::spanned_below(&#item, #origin, |#parent| {
                        #private::tracing::span!(target: #target, parent: #parent, #level, #name, #fields)
                    })
                })
            }
            // Nothing of the user's is in it: our own subscriber need not be asked, but others are told all.
            None if self.options.fields.is_none() => quote!({
                #function
                #private::observed::plain(
                    &#item,
                    #private::callsite!(#target, #level, #name, "otel.status_code", "otel.kind"),
                    || #private::tracing::span!(target: #target, #level, #name, #fields),
                )
            }),
            None => quote!({
                #function
                #private::observed::spanned(&#item, || {
                    #private::tracing::span!(target: #target, #level, #name, #fields)
                })
            }),
        }
    }

    /// The static that stands for the function, on `/metrics` from the start of the process.
    fn statics(&self) -> TokenStream {
        let Options { dependency, metrics, buckets, ok_level, lazy, .. } = self.options;
        let (private, name, item) = (&self.private, self.name(), item_name());
        let dependency = dependency.as_ref().map(|given| &given.value).map(|text| quote!(.dependency(#text)));
        let ok_level =
            ok_level.as_ref().map(|given| given.value.tokens(private)).map(|level| quote!(.ok_level(#level)));
        let without = metrics.as_ref().map(|_| quote!(.without_metrics()));
        let buckets = buckets.as_ref().map(|given| {
            let value = match &given.value {
                Expr::Array(bounds) => quote!(#private::Buckets::new(&#bounds)),
                value => value.to_token_stream(),
            };
            let mut value = Group::new(Delimiter::Parenthesis, value);
            value.set_span(given.value.span());
            let checked = written_at(given.value.span(), &quote!(#private::checked));
            quote!(.buckets(const { &#checked #value }))
        });
        let function = quote! {
            static #item: #private::Function = #private::Function::new(#name) #dependency #ok_level #without #buckets;
        };
        if lazy.is_some() || metrics.is_some() {
            return function;
        }
        // `cfg` is asked in the crate that is being built, of the target it is built for: both are the user's.
        quote! {
            #function
            #[cfg(not(any(miri, target_family = "wasm")))]
            const _: () = {
                #[#private::linkme::distributed_slice(#private::FUNCTIONS)]
                #[linkme(crate = #private::linkme)]
                static OBSERVED: &#private::Function = &#item;
            };
        }
    }

    /// The name of the span, and in the metric.
    fn name(&self) -> TokenStream {
        match &self.options.name {
            Some(name) => name.value.to_token_stream(),
            None => {
                let name = self.function.sig.ident.unraw().to_string();
                quote!(::core::concat!(::core::module_path!(), "::", #name))
            }
        }
    }

    /// The user's, then ours.
    fn fields(&self) -> TokenStream {
        let private = &self.private;
        let given = self.options.fields.as_ref().map_or(&[][..], |fields| &fields.value);
        let mut added = vec![("otel.status_code", quote!(#private::tracing::field::Empty))];
        if self.options.dependency.is_some() {
            added.push(("otel.kind", quote!("client")));
        }
        added.retain(|(name, _)| given.iter().all(|field| field.name.value() != *name));
        let given = given.iter().map(|field| {
            let (name, value, place) = (&field.name, &field.value, ours(field.value.span()));
            let how = match field.sigil.to_string().as_str() {
                "?" => quote_spanned!(place=> debug_field),
                "%" => quote_spanned!(place=> display_field),
                _ => quote_spanned!(place=> field),
            };
            // What does not fit is told of at this name.
            let field = Ident::new("field", place);
            quote!(#name = match &(#value) { #field => #private::observed::#how(#field) })
        });
        let added = added.iter().map(|(name, value)| quote!(#name = #value));
        let all = given.chain(added);
        quote!(#(#all),*)
    }

    /// How a result is told from an error: by its type, where the compiler knows it.
    fn verdict(&self, has_value: bool) -> TokenStream {
        let private = &self.private;
        if !has_value {
            return quote!(|_| #private::observed::Verdict::Ok);
        }
        let mut value = Ident::new("value", Span::mixed_site());
        let probe = match self.options.err.as_ref().map(|err| err.value) {
            None => quote! {
                use #private::observed::probe::*;
                (&&&&&#private::observed::probe::Probe(#value)).observed_verdict()
            },
            Some(Told::Off) => quote! {
                use #private::observed::probe::*;
                (&#private::observed::probe::Probe(#value)).observed_verdict()
            },
            Some(Told::Debug(place)) => {
                value.set_span(ours(place));
                quote_spanned!(ours(place)=> #private::observed::probe::told_by_debug(#value))
            }
            Some(Told::Display(place)) => {
                value.set_span(ours(place));
                quote_spanned!(ours(place)=> #private::observed::probe::told_by_display(#value))
            }
        };
        let excused = self.options.failure.as_ref().map(|failure| {
            let is_failure = &failure.value;
            let place = ours(failure.key.span());
            let excused = quote_spanned!(place=> #private::observed::probe::is_excused);
            let mut value = value.clone();
            value.set_span(place);
            quote!(if #excused(#value, #is_failure) { return #private::observed::Verdict::Ok; })
        });
        quote!(|#value| { #excused #probe })
    }
}

/// What a body yields, as far as it can be written.
fn value_type(returns: &Returns) -> TokenStream {
    match returns {
        Returns::Nothing => quote!(()),
        Returns::Never => quote!(_),
        Returns::Value(ty) => quote!(#ty),
    }
}

/// Items have no hygiene: this one is found by the fields' expressions, and must be nothing of the user's.
fn item_name() -> Ident {
    Ident::new("__OBSERVED_FUNCTION", Span::mixed_site())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: an expansion in part beside an error, from which more errors come.
    #[test]
    fn what_was_refused_stays_as_it_was() {
        let function = quote!(
            pub fn f(a: u8) -> u8 {
                a
            }
        );
        let refused = [
            (quote!(unknown), function.clone()),
            (quote!(span = off, metrics = off), function.clone()),
            (quote!(fields(b)), function),
            (
                quote!(),
                quote!(
                    const fn f() {}
                ),
            ),
            (
                quote!(),
                quote!(
                    fn declared();
                ),
            ),
            (
                quote!(),
                quote!(
                    safe fn declared();
                ),
            ),
            (
                quote!(),
                quote!(
                    struct S;
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

    // Catches: a body that has to parse, so that its mistakes hide the function.
    #[test]
    fn a_body_is_not_looked_into() {
        let item = quote!(
            async fn f() -> u8 {
                #![allow(unused)]
                let let = , match { 1 }
            }
        );
        let expanded = expand(quote!(), &item).to_string();
        assert!(expanded.contains("let let = , match { 1 }") && !expanded.contains("compile_error"));
        assert!(expanded.starts_with("async fn f () -> u8 { # ! [allow (unused)]"), "{expanded}");
    }

    #[test]
    fn the_linker_is_left_out_where_it_is_not_wanted() {
        let item = quote!(
            fn f() {}
        );
        assert!(expand(quote!(), &item).to_string().contains("linkme"));
        for options in [quote!(lazy), quote!(metrics = off)] {
            assert!(!expand(options, &item).to_string().contains("linkme"));
        }
    }
}
