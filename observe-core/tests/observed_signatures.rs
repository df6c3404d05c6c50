//! A function compiles under `#[observed]` exactly when it does without it, and with the same warnings: some hundred
//! signatures, made of every kind of each part, are compiled as they are and observed, each as one crate.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(feature = "macros")]

#[path = "observed_signatures/special.rs"]
mod special;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Stands where the attribute does.
const OBSERVED: &str = "#[observed";

/// An argument: generics, the argument, what the body does with it, what a caller gives.
const ARGUMENTS: [(&str, &str, &str, &str); 23] = [
    ("", "", "", ""),
    ("", "x: u8", "let _ = x + 1;", "1"),
    ("", "mut x: u8", "x += 1; let _ = x;", "1"),
    ("", "_: String", "", "String::new()"),
    ("", "_unused: String", "", "String::new()"),
    ("", "unused: u8", "", "1"),
    ("", "mut unchanged: u8", "drop(unchanged);", "1"),
    ("", "x: String", "drop(x);", "String::new()"),
    ("", "(a, mut b): (u8, u8)", "b += a; let _ = b;", "(1, 2)"),
    ("", "Pair { left, .. }: Pair", "drop(left);", "Pair { left: String::new(), right: 1 }"),
    ("", "[first, rest @ ..]: [u8; 3]", "let _ = (first, rest);", "[1, 2, 3]"),
    ("", "&x: &u8", "let _ = x;", "&1"),
    ("", "x: &mut Vec<u8>", "x.push(1);", "&mut Vec::new()"),
    ("", "f: impl Fn(&str) -> &str + Send", "let _ = f(\"a\").len();", "str::trim"),
    ("", "f: &mut (dyn FnMut() -> u8 + Send)", "let _ = f();", "&mut || 1"),
    // `Send`, and not by reference.
    ("", "x: Cell<u8>", "x.set(1);", "Cell::new(1)"),
    ("", "x: Rc<u8>", "let _ = *x;", "Rc::new(1)"),
    ("<T: Clone + Send>", "x: T", "drop(x.clone());", "1u8"),
    ("<T: ?Sized + AsRef<str> + Sync>", "x: &T", "let _ = x.as_ref().len();", "\"a\""),
    ("<const N: usize>", "x: [u8; N]", "let _ = x.len() + N;", "[1, 2]"),
    ("<'a, 'b: 'a>", "a: &'a str, b: &'b str", "let c: &'a str = b; let _ = (a, c);", "\"a\", \"b\""),
    ("<I: IntoIterator<Item: Send, IntoIter: Send>>", "items: I", "for item in items { drop(item); }", "[1]"),
    ("", "#[cfg(any())] gone: u8, #[cfg(not(any()))] r#type: u8", "let _ = r#type;", "1"),
];

/// A return type, and the end of a body.
const RETURNS: [(&str, &str); 14] = [
    ("", ""),
    ("()", "if early() { return; }"),
    ("u8", "if early() { return 2; } 1"),
    ("Result<u8, String>", "let n: u8 = \"1\".parse().map_err(|_| String::new())?; Ok(n)"),
    ("io::Result<()>", "if early() { return Err(io::Error::other(\"no\")); } Ok(())"),
    ("Result<u8, Box<dyn Error + Send + Sync>>", "Ok(\"1\".parse::<u8>()?)"),
    ("Result<impl Iterator<Item = u8>, NoDebug>", "if early() { Err(NoDebug)? } Ok([1].into_iter())"),
    ("Option<u8>", "let n = None?; Some(n)"),
    ("impl Iterator<Item = u8>", "vec![1].into_iter().map(|n| n + 1)"),
    ("Box<dyn Fn(u8) -> u8 + Send>", "Box::new(|n| n + 1)"),
    ("(u8, [Vec<String>; 2])", "loop { break (1, Default::default()); }"),
    ("std::ops::ControlFlow<u8, &'static str>", "std::ops::ControlFlow::Continue(\"a\")"),
    ("!", "panic!(\"never\")"),
    ("u8", "todo!()"),
];

/// Whose function it is: the receiver, and what a caller calls it on.
const RECEIVERS: [(&str, &str); 11] = [
    ("", ""),
    ("&self", "(&Me(\"a\"))"),
    ("", ""),
    ("&mut self", "(&mut Me(\"a\"))"),
    ("self", "Me(\"a\")"),
    ("mut self", "Me(\"a\")"),
    ("self: Box<Self>", "Box::new(Me(\"a\"))"),
    ("self: Arc<Self>", "Arc::new(Me(\"a\"))"),
    ("self: &Rc<Self>", "(&Rc::new(Me(\"a\")))"),
    ("self: Pin<&mut Self>", "Box::pin(Me(\"a\")).as_mut()"),
    ("&'s self", "Me(\"a\")"),
];

const ATTRIBUTES: [&str; 9] = [
    "",
    "#[must_use]",
    "/// Said of it.",
    "#[inline(always)]",
    "#[allow(unused_variables, unused_mut)]",
    "#[cfg_attr(any(), gone)] #[cfg(not(any()))]",
    "#[deprecated]",
    "#[cold]",
    "#[deny(unused_must_use)]",
];

const OPTIONS: [&str; 9] = [
    "",
    "",
    "(name = \"a.name\")",
    "(span = off)",
    "(metrics = off)",
    "(lazy, level = \"debug\")",
    "(fields(answer = 42))",
    "(parent = None)",
    "(dependency = \"other\", buckets = [0.1, 1.0])",
];

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Sync,
    Async,
    /// `-> impl Future`, of an async block.
    Future,
    /// The same after a statement that may leave.
    FutureAfter,
    Boxed,
}

/// The functions that are the product of all forms, arguments and returns, with the rest in turn.
fn product() -> Vec<String> {
    let mut modules = Vec::new();
    let forms = [Form::Sync, Form::Async, Form::Future, Form::FutureAfter, Form::Boxed];
    for (turn, form) in forms.into_iter().enumerate() {
        for (n, argument) in ARGUMENTS.into_iter().enumerate() {
            // Every other of them, for the time it takes: what one form leaves out, the next has.
            for returns in RETURNS.into_iter().skip((turn + n) % 2).step_by(2) {
                modules.push(module(modules.len(), form, argument, returns));
            }
        }
    }
    modules
}

fn module(
    n: usize,
    form: Form,
    (generics, argument, uses, given): (&str, &str, &str, &str),
    (ty, end): (&str, &str),
) -> String {
    let (receiver, on) = RECEIVERS[n % RECEIVERS.len()];
    let attribute = ATTRIBUTES[n % ATTRIBUTES.len()];
    let options = OPTIONS[n / 3 % OPTIONS.len()];
    let quality = match n % 7 {
        3 => "unsafe ",
        5 if form == Form::Sync => "extern \"C\" ",
        _ => "",
    };
    let output = match ty {
        "" => "()",
        "!" => "std::convert::Infallible",
        ty => ty,
    };
    let arrow = if ty.is_empty() { String::new() } else { format!("-> {ty}") };
    let uses = if receiver.is_empty() { uses.to_owned() } else { format!("let _ = self.0; {uses}") };
    let borrowed = if [receiver, argument].concat().contains('&') { " + '_" } else { "" };
    let (asyncness, arrow, body) = match form {
        Form::Sync => ("", arrow, format!("{uses} {end}")),
        Form::Async => ("async ", arrow, format!("tick().await; {uses} {end}")),
        Form::Future => (
            "",
            format!("-> impl Future<Output = {output}> + Send"),
            format!("async move {{ tick().await; {uses} {end} }}"),
        ),
        Form::FutureAfter => (
            "",
            format!("-> impl Future<Output = {output}>"),
            format!(
                "let once = early(); let made = async move {{ tick().await; let _ = once; {uses} {end} }}; made"
            ),
        ),
        Form::Boxed => (
            "",
            format!("-> Pin<Box<dyn Future<Output = {output}> + Send{borrowed}>>"),
            format!("Box::pin(async move {{ tick().await; {uses} {end} }})"),
        ),
    };
    let arguments =
        [receiver, argument].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
    let (before, after) = if n.is_multiple_of(2) { (attribute, "") } else { ("", attribute) };
    let function = format!(
        "{before}\n{OBSERVED}{options}]\n{after}\npub {asyncness}{quality}fn f{generics}({arguments}) {arrow} {{ {body} }}"
    );
    let call = if receiver.is_empty() { format!("f({given})") } else { format!("{on}.f({given})") };
    let call = if form == Form::Sync || n.is_multiple_of(3) {
        format!("let _ = {call};")
    } else {
        format!("send({call});")
    };
    let call = if quality == "unsafe " { format!("unsafe {{ {call} }}") } else { call };
    let function = if receiver.is_empty() { function } else { format!("impl<'s> Me<'s> {{\n{function}\n}}") };
    format!("{function}\n#[allow(deprecated, unreachable_code)]\npub fn caller() {{ {call} }}")
}

const START: &str = "#![allow(dead_code, unused_imports)]
use std::{cell::Cell, error::Error, future::Future, io, pin::Pin, rc::Rc, sync::Arc};
pub struct Pair { pub left: String, pub right: u8 }
pub struct NoDebug;
fn early() -> bool { false }
async fn tick() {}
fn send(_: impl Send) {}
";

/// What the compiler said of each module.
#[derive(Default)]
struct Said {
    errors: BTreeMap<usize, Vec<String>>,
    /// The lints.
    warnings: BTreeMap<usize, BTreeSet<String>>,
}

/// A crate of such modules, as they are or observed.
fn compile(name: &str, observed: bool, modules: &[String], which: impl Fn(usize) -> bool) -> Said {
    let mut source = format!("{START}{}", if observed { "use observe_core::observed;\n" } else { "" });
    // In which line each ends.
    let mut ends = BTreeMap::new();
    for (n, module) in modules.iter().enumerate().filter(|(n, _)| which(*n)) {
        writeln!(source, "pub mod m{n} {{ use super::*; pub struct Me<'s>(pub &'s str);").unwrap();
        for line in module.lines().filter(|line| observed || !line.trim_start().starts_with(OBSERVED)) {
            writeln!(source, "{line}").unwrap();
        }
        source.push_str("}\n");
        ends.insert(source.lines().count(), n);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let project = target.join("observed_signatures").join(name);
    fs::create_dir_all(project.join("src")).unwrap();
    fs::write(project.join("src/lib.rs"), source).unwrap();
    let manifest = format!(
        "[package]\nname = \"signatures_{name}\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         observe-core = {{ path = {root:?} }}\n"
    );
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("../Cargo.lock"), project.join("Cargo.lock")).unwrap();
    let told = Command::new(std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from))
        .args(["check", "--offline", "--quiet", "--message-format=json", "--target-dir"])
        .arg(target.parent().unwrap())
        .current_dir(&project)
        .stderr(Stdio::piped())
        .output()
        .unwrap();

    let (mut said, mut lines) = (Said::default(), 0);
    for line in String::from_utf8(told.stdout).unwrap().lines() {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        lines += usize::from(json["reason"] == "build-finished");
        let message = &json["message"];
        let of_crate = json["target"]["name"].as_str().is_some_and(|target| target.ends_with(name));
        if json["reason"] != "compiler-message" || !of_crate {
            continue;
        }
        let spans = message["spans"].as_array().unwrap();
        let Some(mut span) = spans.iter().find(|span| span["is_primary"] == true) else { continue };
        // What a macro of the standard library made is where it was called.
        while span["file_name"] != "src/lib.rs" && span["expansion"].is_object() {
            span = &span["expansion"]["span"];
        }
        let place = usize::try_from(span["line_start"].as_u64().unwrap()).unwrap();
        let Some((_, n)) = ends.range(place..).next() else { panic!("outside of all modules: {message}") };
        if message["level"] == "error" {
            said.errors.entry(*n).or_default().push(message["rendered"].as_str().unwrap().to_owned());
        } else {
            let lint = message["code"]["code"].as_str().unwrap_or_default().to_owned();
            said.warnings.entry(*n).or_default().insert(lint);
        }
    }
    assert_eq!(lines, 1, "{}", String::from_utf8_lossy(&told.stderr));
    let built = told.status.success();
    assert_eq!(built, said.errors.is_empty(), "{}", String::from_utf8_lossy(&told.stderr));
    said
}

// Mutations caught: a type that an early return, or the end, is not told; attributes left out, on it or in it; a lint
// that the expansion wakes; arguments that a future borrows.
#[test]
fn it_compiles_exactly_when_the_function_does() {
    let mut modules = product();
    let special = modules.len();
    modules.extend(special::GOOD.into_iter().chain(special::BAD).map(str::to_owned));
    let plain = compile("plain", false, &modules, |_| true);
    let is_bad = |n: usize| plain.errors.contains_key(&n);
    for (n, module) in modules.iter().enumerate().skip(special) {
        let meant = n >= special + special::GOOD.len();
        assert_eq!(is_bad(n), meant, "{module}\n{:?}", plain.errors.get(&n));
    }

    let good = compile("good", true, &modules, |n| !is_bad(n));
    let bad = compile("bad", true, &modules, is_bad);
    // Most lints are silent beside errors.
    let same = compile("same", false, &modules, |n| !is_bad(n));
    assert!(same.errors.is_empty(), "{:?}", same.errors);
    let mut wrong = Vec::new();
    for (n, module) in modules.iter().enumerate() {
        let said = match (is_bad(n), good.errors.get(&n)) {
            (true, _) if bad.errors.contains_key(&n) => continue,
            (true, _) => format!("compiles only observed, and else: {}", plain.errors[&n].join("\n")),
            (false, Some(errors)) => errors.join("\n"),
            (false, None) if same.warnings.get(&n) == good.warnings.get(&n) => continue,
            (false, None) => format!("{:?} became {:?}", same.warnings.get(&n), good.warnings.get(&n)),
        };
        wrong.push(format!("=== {module}\n--- {said}"));
    }
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), modules.len(), wrong.join("\n"));
    let bad = plain.errors.len();
    assert!(modules.len() > 800 && bad > 100, "{} signatures, {bad} of them bad", modules.len());
}
