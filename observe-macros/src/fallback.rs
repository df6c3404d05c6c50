//! What `#[observed]` stands on, read as loosely as it can be, and given back as it was when something is wrong.

use crate::errors::Errors;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Item, Signature, Token, Visibility};

/// A function. Its body is not looked into: what does not parse there is for the compiler to say.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// `default`, of an unstable feature.
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    /// The attributes at the start of the body.
    pub(crate) inner: Vec<Attribute>,
    /// The rest of the body, in its braces.
    pub(crate) body: Group,
}

/// Either a function with a body, or one without.
struct Loose(Function, Option<Token![;]>);

impl Parse for Loose {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let defaultness = if input.peek(Token![default]) { Some(input.parse()?) } else { None };
        let sig = input.parse()?;
        let (mut inner, mut body) = (Vec::new(), Group::new(Delimiter::Brace, TokenStream::new()));
        let end: Option<Token![;]> = if input.peek(Token![;]) { Some(input.parse()?) } else { None };
        if end.is_none() {
            let whole = body_of(input.parse()?)?;
            let parser = |input: ParseStream<'_>| {
                inner = input.call(Attribute::parse_inner)?;
                input.parse::<TokenStream>()
            };
            body = Group::new(Delimiter::Brace, parser.parse2(whole.stream())?);
            body.set_span(whole.span());
        }
        Ok(Loose(Function { attrs, vis, defaultness, sig, inner, body }, end))
    }
}

/// The body in its braces: a `$body:block` of a macro comes in a group that nobody wrote.
fn body_of(token: TokenTree) -> syn::Result<Group> {
    match token {
        TokenTree::Group(whole) if whole.delimiter() == Delimiter::Brace => Ok(whole),
        TokenTree::Group(around) if around.delimiter() == Delimiter::None => {
            let mut within = around.stream().into_iter();
            match (within.next(), within.next()) {
                (Some(token), None) => body_of(token),
                _ => Err(syn::Error::new(around.span(), "expected the body")),
            }
        }
        token => Err(syn::Error::new(token.span(), "expected the body")),
    }
}

impl Function {
    /// Reads the item; says what is wrong when it is none with a body.
    pub(crate) fn parse(item: &TokenStream, errors: &mut Errors) -> Option<Self> {
        match syn::parse2::<Loose>(item.clone()) {
            Ok(Loose(function, None)) => Some(function),
            Ok(Loose(function, Some(_))) => {
                errors.at(function.sig, DECLARATION);
                None
            }
            Err(error) => {
                match syn::parse2::<Item>(item.clone()) {
                    Ok(Item::Fn(_)) => errors.push(error),
                    Ok(item) => wrong_place(&item, errors),
                    // `safe fn` in an extern block, which is none by itself.
                    Err(_) if ends_in_semicolon(item) => errors.at(first_word(item), DECLARATION),
                    Err(_) => errors.push(error),
                }
                None
            }
        }
    }
}

const DECLARATION: &str = "`#[observed]` stands on a function with a body: on the one that does the work, not on its \
                           declaration";

fn wrong_place(item: &Item, errors: &mut Errors) {
    let text = match item {
        Item::Impl(_) => {
            "`#[observed]` stands on a function: on each method that it is to observe, not on the `impl`"
        }
        Item::Trait(_) => "`#[observed]` stands on a function: on each method with a body, not on the trait",
        Item::Mod(_) => {
            "`#[observed]` stands on a function: on each that it is to observe, not on the module"
        }
        _ => "`#[observed]` stands on a function",
    };
    // At its first word: the whole item would be underlined otherwise.
    errors.at(first_word(&item.to_token_stream()), text);
}

fn first_word(tokens: &TokenStream) -> TokenStream {
    let mut tokens = tokens.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            // An attribute.
            TokenTree::Punct(punct) if punct.as_char() == '#' => drop(tokens.next()),
            token => return token.into(),
        }
    }
    TokenStream::new()
}

fn ends_in_semicolon(item: &TokenStream) -> bool {
    matches!(item.clone().into_iter().last(), Some(TokenTree::Punct(punct)) if punct.as_char() == ';')
}

/// The item as it was, beside what is wrong: its uses still find it, so that one mistake is one error.
pub(crate) fn unchanged(item: &TokenStream, errors: &Errors) -> TokenStream {
    quote!(#item #errors)
}
