//! What `#[observed]` has to do for a function, and whether its options make sense there.

use crate::attr::{Field, Given, Options};
use crate::errors::Errors;
use crate::fallback::Function;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, FnArg, GenericArgument, Ident, PatIdent, PathArguments, PathSegment, ReturnType, Stmt, Type,
    TypeInfer, TypeParamBound,
};

/// Where the work of a function is done.
pub(crate) enum Shape {
    /// In its body.
    Plain(Returns),
    /// In its body, as a future.
    Async(Returns),
    /// In the future that it returns.
    Future {
        /// What the future yields.
        output: Box<Type>,
        /// The future is in a box, which is its return type.
        boxed: bool,
        /// The body, where all that it does is to make an async block.
        block: Option<Vec<Stmt>>,
    },
}

/// What a body yields.
pub(crate) enum Returns {
    /// Nothing: `()`.
    Nothing,
    /// It never does: `!`.
    Never,
    /// A value; `_` stands where the type is not named.
    Value(Box<Type>),
}

impl Shape {
    /// Tells one from the other by the signature, and checks the options against it.
    pub(crate) fn of(function: &Function, options: &Options, errors: &mut Errors) -> Self {
        let sig = &function.sig;
        if let Some(token) = &sig.constness {
            errors.at(token, "a `const fn` cannot be observed: it may run while the program is built, where there is no clock");
        }
        if let Some(variadic) = &sig.variadic {
            errors
                .at(variadic, "a function with `...` cannot be observed: its arguments cannot be handed on");
        }
        contradictions(options, errors);
        if let Some(fields) = &options.fields {
            check_fields(&fields.value, function, errors);
        }
        let returns = returns(&sig.output);
        let of_errors = [key(&options.err), key(&options.failure)];
        let of_results = of_errors.into_iter().chain([key(&options.ok_level)]);
        match &returns {
            Returns::Never => {
                for key in of_results.flatten() {
                    errors.at(
                        key,
                        "a function that returns `!` ends by a panic, or is dropped: it has no result to tell of",
                    );
                }
            }
            Returns::Nothing => {
                for key in of_errors.into_iter().flatten() {
                    errors.at(key, "this function returns no `Result`, so it has no error to tell of");
                }
            }
            Returns::Value(_) => {}
        }
        if sig.asyncness.is_some() {
            return Shape::Async(returns);
        }
        let ReturnType::Type(_, ty) = &sig.output else { return Shape::Plain(returns) };
        match future(ty) {
            Some((output, boxed)) => {
                let block = syn::parse2::<Block>(TokenTree::from(function.body.clone()).into()).ok();
                let block = block.filter(is_one_async_block).map(|block| block.stmts);
                Shape::Future { output: Box::new(inferred(output)), boxed, block }
            }
            None => Shape::Plain(returns),
        }
    }
}

/// Where an option was written.
fn key<T>(option: &Option<Given<T>>) -> Option<&Ident> {
    option.as_ref().map(|given| &given.key)
}

/// Options that leave each other nothing to do.
fn contradictions(options: &Options, errors: &mut Errors) {
    let of_span = [
        key(&options.fields),
        key(&options.level),
        key(&options.target),
        key(&options.parent),
        key(&options.ok_level),
    ];
    let of_metrics = [key(&options.buckets), key(&options.dependency), key(&options.lazy)];
    if options.span.is_some() {
        for key in of_span.into_iter().flatten() {
            errors.at(key, format!("`{key}` has nothing to do where there is no span: `span = off`"));
        }
    }
    if options.metrics.is_some() {
        for key in of_metrics.into_iter().flatten() {
            errors.at(key, format!("`{key}` has nothing to do where there are no metrics: `metrics = off`"));
        }
    }
    if let (Some(span), Some(_)) = (&options.span, &options.metrics) {
        errors
            .at(&span.key, "without a span and without metrics nothing is observed: take `#[observed]` away");
    }
}

/// A field that is only a name is an argument: anything else would be a slip, or record nothing.
fn check_fields(fields: &[Field], function: &Function, errors: &mut Errors) {
    let mut arguments = Arguments(Vec::new());
    for input in &function.sig.inputs {
        match input {
            FnArg::Receiver(_) => arguments.0.push("self".into()),
            FnArg::Typed(input) => arguments.visit_pat(&input.pat),
        }
    }
    let mut names = Vec::new();
    for field in fields {
        let name = field.name.value();
        if names.contains(&name) {
            errors.at(&field.name, format!("the field `{name}` is given twice"));
        }
        if let Some(bare) = &field.bare
            && !arguments.0.contains(&bare.unraw().to_string())
        {
            let known = match arguments.0.as_slice() {
                [] => "it has none".to_owned(),
                all => format!("it has `{}`", all.join("`, `")),
            };
            let what = format!(
                "`{bare}` is no argument of this function ({known}); to record something else, say `{name} = …`"
            );
            errors.push(syn::Error::new(bare.span(), what));
        }
        names.push(name);
    }
}

struct Arguments(Vec<String>);

impl Visit<'_> for Arguments {
    fn visit_pat_ident(&mut self, pat: &PatIdent) {
        self.0.push(pat.ident.unraw().to_string());
        visit::visit_pat_ident(self, pat);
    }
}

fn returns(output: &ReturnType) -> Returns {
    match output {
        ReturnType::Default => Returns::Nothing,
        ReturnType::Type(_, ty) => match &**ty {
            Type::Never(_) => Returns::Never,
            Type::Tuple(tuple) if tuple.elems.is_empty() => Returns::Nothing,
            ty => Returns::Value(Box::new(inferred(ty.clone()))),
        },
    }
}

/// The type with `_` in place of every `impl Trait`, which cannot be written in a body.
fn inferred(mut ty: Type) -> Type {
    struct Infer;
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(opaque) = ty {
                let underscore_token = syn::Token![_](opaque.impl_token.span);
                *ty = Type::Infer(TypeInfer { attrs: Vec::new(), underscore_token });
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    Infer.visit_type_mut(&mut ty);
    ty
}

/// What the future of a return type yields, and whether it is boxed: `impl Future<Output = T>`,
/// `Pin<Box<dyn Future<Output = T>>>` and the names that the `futures` crate has for the latter.
fn future(ty: &Type) -> Option<(Type, bool)> {
    match ty {
        Type::Paren(ty) => future(&ty.elem),
        Type::Group(ty) => future(&ty.elem),
        Type::ImplTrait(ty) => future_bound(&ty.bounds).map(|output| (output, false)),
        Type::Path(ty) => {
            let last = ty.path.segments.last()?;
            match last.ident.to_string().as_str() {
                "BoxFuture" | "LocalBoxFuture" => Some((types(last).last()?.clone(), true)),
                "Pin" => {
                    let Some(Type::Path(inner)) = types(last).next() else { return None };
                    let inner = inner.path.segments.last().filter(|inner| inner.ident == "Box")?;
                    let Some(Type::TraitObject(object)) = types(inner).next() else { return None };
                    future_bound(&object.bounds).map(|output| (output, true))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn types(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments.args.iter()),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn future_bound<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> Option<Type> {
    let last = bounds.into_iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|last| last.ident == "Future"),
        _ => None,
    })?;
    let output = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::AssocType(assoc) if assoc.ident == "Output" => Some(assoc.ty.clone()),
                _ => None,
            })
        }
        _ => None,
    };
    Some(output.unwrap_or_else(|| syn::parse_quote!(_)))
}

/// Whether every way out of the block is the async block that it ends in, boxed or not.
fn is_one_async_block(block: &Block) -> bool {
    let Some((last, before)) = block.stmts.split_last() else { return false };
    let mut last = last.clone();
    async_block(&mut last).is_some() && !before.iter().any(|stmt| leaves(stmt.to_token_stream()))
}

/// The async block that a statement is: `async { … }`, `Box::pin(async { … })`, `async { … }.boxed()`.
pub(crate) fn async_block(stmt: &mut Stmt) -> Option<&mut Expr> {
    let Stmt::Expr(expr, None) = stmt else { return None };
    fn within(expr: &mut Expr) -> Option<&mut Expr> {
        if matches!(expr, Expr::Async(_)) {
            return Some(expr);
        }
        match expr {
            Expr::Paren(inner) => within(&mut inner.expr),
            Expr::Group(inner) => within(&mut inner.expr),
            Expr::Call(call) if call.args.len() == 1 => {
                let Expr::Path(path) = &*call.func else { return None };
                let mut names = path.path.segments.iter().rev().map(|segment| &segment.ident);
                let is_pin = names.next().is_some_and(|name| name == "pin")
                    && names.next().is_some_and(|name| name == "Box");
                if is_pin { within(call.args.first_mut()?) } else { None }
            }
            Expr::MethodCall(call) if call.method == "boxed" || call.method == "boxed_local" => {
                within(&mut call.receiver)
            }
            _ => None,
        }
    }
    within(expr)
}

/// Whether `return` or `?` is anywhere in it.
fn leaves(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "return",
        TokenTree::Punct(punct) => punct.as_char() == '?',
        TokenTree::Group(group) => leaves(group.stream()),
        TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn shape(item: &TokenStream) -> Shape {
        let mut errors = Errors::default();
        let function = Function::parse(item, &mut errors).unwrap();
        Shape::of(&function, &Options::default(), &mut errors)
    }

    // Catches: a name that was not thought of; an early `return` whose future would not be observed.
    #[test]
    fn futures_are_known_by_their_types_and_blocks_by_their_only_end() {
        let returned = [
            quote!(impl Future<Output = u8> + Send),
            quote!(impl Send + std::future::Future<Output = u8> + '_),
            quote!(Pin<Box<dyn Future<Output = u8> + Send + 'async_trait>>),
            quote!(::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u8>>>),
            quote!(BoxFuture<'static, u8>),
        ];
        for ty in returned {
            let ends = [
                (quote!(async move { 1 }), true),
                (quote!(let a = 1; Box::pin(async move { return a; })), true),
                (quote!((async { 1 }).boxed()), true),
                (quote!(if a { return x; } Box::pin(async { 1 })), false),
                (quote!(let a = b?; async { a }), false),
                (quote!(inner()), false),
                (quote!(Box::pin(async { 1 });), false),
            ];
            for (body, is_block) in ends {
                let Shape::Future { output, block, .. } = shape(&quote!(fn f() -> #ty { #body })) else {
                    panic!("{ty}");
                };
                assert_eq!(output.to_token_stream().to_string(), "u8");
                assert_eq!(block.is_some(), is_block, "{body}");
            }
        }
        for ty in
            [quote!(impl Iterator<Item = u8>), quote!(Pin<Box<u8>>), quote!(Box<dyn Future<Output = u8>>)]
        {
            assert!(matches!(shape(&quote!(fn f() -> #ty { a })), Shape::Plain(_)), "{ty}");
        }
    }
}
