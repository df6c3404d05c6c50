//! The options of `#[observed(…)]`, as they are written.

use crate::errors::Errors;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitInt, LitStr, Member, Path, Token, parenthesized};

/// An option that was given, with its name where it was written.
pub(crate) struct Given<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// What was asked for; each option at most once, in any order.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<Given<Expr>>,
    pub(crate) target: Option<Given<Expr>>,
    pub(crate) level: Option<Given<Level>>,
    pub(crate) fields: Option<Given<Vec<Field>>>,
    pub(crate) parent: Option<Given<Expr>>,
    pub(crate) err: Option<Given<Told>>,
    pub(crate) failure: Option<Given<Expr>>,
    pub(crate) ok_level: Option<Given<Level>>,
    pub(crate) dependency: Option<Given<Expr>>,
    pub(crate) buckets: Option<Given<Expr>>,
    /// `metrics = off`.
    pub(crate) metrics: Option<Given<()>>,
    /// `span = off`.
    pub(crate) span: Option<Given<()>>,
    pub(crate) lazy: Option<Given<()>>,
    pub(crate) krate: Option<Given<Path>>,
}

/// The level of a span or a line.
#[derive(Clone)]
pub(crate) enum Level {
    /// One of the five, with its place.
    Known(&'static str, Span),
    /// A constant of the user's.
    Path(Path),
}

/// How the text of an error is made.
#[derive(Clone, Copy)]
pub(crate) enum Told {
    /// `err(Debug)`, at this place.
    Debug(Span),
    /// `err(Display)`, at this place.
    Display(Span),
    /// `err(off)`.
    Off,
}

/// A field of the span.
pub(crate) struct Field {
    /// Its name, as text.
    pub(crate) name: LitStr,
    /// `?` or `%`, or nothing.
    pub(crate) sigil: TokenStream,
    pub(crate) value: TokenStream,
    /// The variable that a bare field is of: it has no value of its own.
    pub(crate) bare: Option<Ident>,
}

/// Every option, for those who mistype one.
const KNOWN: [&str; 14] = [
    "name",
    "target",
    "level",
    "fields",
    "parent",
    "err",
    "failure",
    "ok_level",
    "dependency",
    "buckets",
    "metrics",
    "span",
    "lazy",
    "crate",
];

impl Options {
    /// Reads all of them; what cannot be read is skipped to the next comma, so that every mistake is told.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = options.option(input).and_then(|()| comma_or_end(input)) {
                    errors.push(error);
                    skip_to_comma(input);
                }
            }
            Ok(())
        };
        let read = parser.parse2(tokens);
        errors.keep(read);
        options
    }

    fn option(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        if let Ok(text) = input.fork().parse::<LitStr>() {
            return Err(syn::Error::new(text.span(), "a name is given as `name = \"…\"`"));
        }
        let key = input.call(Ident::parse_any)?;
        match key.to_string().as_str() {
            "name" => once(&mut self.name, key, || text(input)),
            "target" => once(&mut self.target, key, || text(input)),
            "dependency" => once(&mut self.dependency, key, || text(input)),
            "level" => once(&mut self.level, key, || value(input)),
            "ok_level" => once(&mut self.ok_level, key, || value(input)),
            "parent" => once(&mut self.parent, key, || value(input)),
            "failure" => once(&mut self.failure, key, || value(input)),
            "buckets" => once(&mut self.buckets, key, || value(input)),
            "fields" => once(&mut self.fields, key.clone(), || fields(input, &key)),
            "err" => once(&mut self.err, key.clone(), || told(input, &key)),
            "metrics" => once(&mut self.metrics, key.clone(), || off(input, &key)),
            "span" => once(&mut self.span, key.clone(), || off(input, &key)),
            "lazy" => once(&mut self.lazy, key, || Ok(())),
            "crate" => once(&mut self.krate, key, || {
                input.parse::<Token![=]>()?;
                input.call(Path::parse_mod_style)
            }),
            unknown => Err(syn::Error::new(key.span(), unknown_option(unknown))),
        }
    }
}

/// What is said about an option that there is not: to those who come from `#[instrument]`, where its job is done.
fn unknown_option(name: &str) -> String {
    match name {
        "skip" | "skip_all" => {
            "there is nothing to skip: arguments are recorded only when `fields(…)` names them".into()
        }
        "ret" => "a returned value is not recorded; `tracing::info!` it where it is known".into(),
        "follows_from" => {
            "`#[observed]` has no `follows_from`; call `Span::current().follows_from(…)` in the body".into()
        }
        _ => match nearest(name) {
            Some(known) => format!("unknown option `{name}`; did you mean `{known}`?"),
            None => format!("unknown option `{name}`; `#[observed(…)]` knows `{}`", KNOWN.join("`, `")),
        },
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    let distances = KNOWN.map(|known| (distance(name, known), known));
    let (distance, known) = distances.into_iter().min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.chars().count() / 4).then_some(known)
}

/// How many letters are to be put in, left out or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        row.first_mut().into_iter().for_each(|first| *first = left);
        for (other, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = *above;
            left = changed.min(left + 1).min(*above + 1);
            *above = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn once<T>(
    slot: &mut Option<Given<T>>,
    key: Ident,
    parse: impl FnOnce() -> syn::Result<T>,
) -> syn::Result<()> {
    let value = parse()?;
    if slot.is_some() {
        return Err(syn::Error::new(key.span(), format!("the option `{key}` is given twice")));
    }
    *slot = Some(Given { key, value });
    Ok(())
}

fn comma_or_end(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() {
        return Ok(());
    }
    input.parse::<Token![,]>().map(drop)
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.parse::<Token![,]>().is_ok() || input.parse::<proc_macro2::TokenTree>().is_err() {
            return;
        }
    }
}

fn value<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// A text that is not empty, or a constant.
fn text(input: ParseStream<'_>) -> syn::Result<Expr> {
    let value: Expr = value(input)?;
    match &value {
        Expr::Lit(lit) => match &lit.lit {
            syn::Lit::Str(text) if !text.value().is_empty() => Ok(value),
            syn::Lit::Str(_) => Err(syn::Error::new(lit.span(), "this text is empty")),
            _ => Err(syn::Error::new(lit.span(), "this is a text: `\"…\"`")),
        },
        Expr::Path(_) | Expr::Macro(_) => Ok(value),
        _ => Err(syn::Error::new(value.span(), "this is a text or a constant")),
    }
}

fn off(input: ParseStream<'_>, key: &Ident) -> syn::Result<()> {
    let wanted = || format!("`{key}` is on unless you say `{key} = off`");
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(key.span(), wanted()));
    }
    input.parse::<Token![=]>()?;
    let value = input.parse::<Expr>()?;
    match &value {
        Expr::Path(path) if path.path.is_ident("off") => Ok(()),
        _ => Err(syn::Error::new(value.span(), wanted())),
    }
}

fn told(input: ParseStream<'_>, key: &Ident) -> syn::Result<Told> {
    let wanted = "an `Err` is an error by itself, told by its `Display` or else its `Debug`; \
                  `err(Debug)` or `err(Display)` settles which, `err(off)` tells no text";
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(key.span(), wanted));
    }
    within(input, |content| {
        let how = content.call(Ident::parse_any).map_err(|_| syn::Error::new(key.span(), wanted))?;
        let told = match how.to_string().as_str() {
            "Debug" => Told::Debug(how.span()),
            "Display" => Told::Display(how.span()),
            "off" => Told::Off,
            _ => return Err(syn::Error::new(how.span(), wanted)),
        };
        if content.is_empty() { Ok(told) } else { Err(content.error(wanted)) }
    })
}

impl Parse for Level {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        const NAMES: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
        let wanted = "a level is one of \"trace\", \"debug\", \"info\", \"warn\" and \"error\", or `Level::INFO`, \
                      or a number from 1 (trace) to 5 (error)";
        let known = |name: &str| NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name));
        if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            let level = known(&text.value()).ok_or_else(|| syn::Error::new(text.span(), wanted))?;
            return Ok(Level::Known(level, text.span()));
        }
        if input.peek(LitInt) {
            let number: LitInt = input.parse()?;
            let rank = number.base10_parse::<usize>().ok().and_then(|rank| rank.checked_sub(1));
            let level = rank
                .and_then(|rank| NAMES.get(rank))
                .ok_or_else(|| syn::Error::new(number.span(), wanted))?;
            return Ok(Level::Known(level, number.span()));
        }
        let path: Path = input.parse().map_err(|error| syn::Error::new(error.span(), wanted))?;
        match path.get_ident() {
            Some(ident) if known(&ident.to_string()).is_some_and(|known| ident != known) => {
                Err(syn::Error::new(path.span(), format!("a level by its name is a text: `\"{ident}\"`")))
            }
            _ => Ok(Level::Path(path)),
        }
    }
}

impl Level {
    /// The level as an expression.
    pub(crate) fn tokens(&self, private: &TokenStream) -> TokenStream {
        match self {
            Level::Known(name, span) => {
                let name = Ident::new(name, *span);
                quote!(#private::tracing::Level::#name)
            }
            Level::Path(path) => path.to_token_stream(),
        }
    }
}

fn fields(input: ParseStream<'_>, key: &Ident) -> syn::Result<Vec<Field>> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(
            key.span(),
            "fields are named in parentheses: `fields(order.id, total = …)`",
        ));
    }
    within(input, |content| content.parse_terminated(Field::parse, Token![,]))
        .map(|fields| fields.into_iter().collect())
}

/// Reads what is in parentheses; after a mistake the rest is let go, so that it is told of once.
fn within<T>(
    input: ParseStream<'_>,
    parse: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let content;
    parenthesized!(content in input);
    let parsed = parse(&content);
    if parsed.is_err() {
        content.parse::<TokenStream>()?;
    }
    parsed
}

impl Parse for Field {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let early = sigil(input)?;
        if input.peek(LitStr) {
            let name: LitStr = input.parse()?;
            return Self::named(input, name, &early);
        }
        let begin = input.span();
        let first = input.call(Ident::parse_any).map_err(|error| {
            syn::Error::new(
                error.span(),
                "a field is `argument`, `argument.part`, `name = value`, `?debug` or `%display`",
            )
        })?;
        let mut parts = vec![first.unraw().to_string()];
        let mut path = first.to_token_stream();
        while input.peek(Token![.]) {
            let dot: Token![.] = input.parse()?;
            let member: Member = match input.fork().call(Ident::parse_any) {
                Ok(_) => Member::Named(input.call(Ident::parse_any)?),
                Err(_) => input.parse()?,
            };
            parts.push(match &member {
                Member::Named(name) => name.unraw().to_string(),
                Member::Unnamed(index) => index.index.to_string(),
            });
            path.extend(quote!(#dot #member));
        }
        if input.peek(Token![=]) {
            return Self::named(input, LitStr::new(&parts.join("."), begin), &early);
        }
        if input.peek(syn::token::Paren) || input.peek(Token![::]) || input.peek(syn::token::Bracket) {
            return Err(syn::Error::new(begin, "a value that is computed is given a name: `name = …`"));
        }
        // `self.id` is known as `id`.
        let name = match parts.as_slice() {
            [first, rest @ ..] if first == "self" && !rest.is_empty() => rest.join("."),
            all => all.join("."),
        };
        Ok(Field { name: LitStr::new(&name, begin), sigil: early, value: path, bare: Some(first) })
    }
}

impl Field {
    fn named(input: ParseStream<'_>, name: LitStr, early: &TokenStream) -> syn::Result<Self> {
        if !input.peek(Token![=]) {
            return Err(syn::Error::new(
                name.span(),
                "a field with a text as its name has a value: `\"name\" = …`",
            ));
        }
        input.parse::<Token![=]>()?;
        if !early.is_empty() {
            return Err(syn::Error::new_spanned(
                early,
                format!("`{early}` stands before the value: `name = {early}value`"),
            ));
        }
        let sigil = sigil(input)?;
        let value: Expr = input.parse()?;
        Ok(Field { name, sigil, value: value.into_token_stream(), bare: None })
    }
}

fn sigil(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    if input.peek(Token![?]) {
        input.parse::<Token![?]>().map(ToTokens::into_token_stream)
    } else if input.peek(Token![%]) {
        input.parse::<Token![%]>().map(ToTokens::into_token_stream)
    } else {
        Ok(TokenStream::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(tokens: TokenStream) -> (Options, String) {
        let mut errors = Errors::default();
        let options = Options::parse(tokens, &mut errors);
        (options, errors.to_token_stream().to_string())
    }

    #[test]
    fn options_come_in_any_order() {
        let (options, errors) = parse(quote!(
            parent = &span, target = "t", fields(order.id, ?b, c.d = %x.y(), "e-f" = 1, self.g,), lazy, level = 2,
            err(Debug), buckets = [0.1, 1.0], name = NAME, crate = a::b,
        ));
        assert_eq!(errors, "");
        let fields: Vec<_> = options.fields.unwrap().value;
        let seen: Vec<_> =
            fields.iter().map(|f| format!("{} {}{}", f.name.value(), f.sigil, f.value)).collect();
        assert_eq!(seen, ["order.id order . id", "b ?b", "c.d %x . y ()", "e-f 1", "g self . g"]);
        assert!(matches!(options.level.unwrap().value, Level::Known("DEBUG", _)));
        assert!(options.parent.is_some() && options.krate.is_some() && options.lazy.is_some());
    }

    // Catches: an error that ends the reading of the rest.
    #[test]
    fn every_mistake_is_told() {
        let (options, errors) =
            parse(quote!(nam = "x", level = "loud", span = on, name = "", lazy, lazy, fields(?a = 1)));
        assert_eq!(errors.matches("compile_error").count(), 6, "{errors}");
        assert!(errors.contains("did you mean `name`"));
        assert!(options.lazy.is_some());
    }

    #[test]
    fn the_nearest_option_is_hinted_at() {
        for (mistyped, meant) in [
            ("nmae", "name"),
            ("field", "fields"),
            ("bucket", "buckets"),
            ("metric", "metrics"),
            ("Level", "level"),
        ] {
            assert_eq!(nearest(mistyped), Some(meant));
        }
        assert_eq!(nearest("something_else"), None);
    }
}
