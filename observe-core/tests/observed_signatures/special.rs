//! Functions that no product of parts makes.

/// They compile.
pub(crate) const GOOD: [&str; 58] = [
    "#[observed]
    pub fn longest<'a>(a: &'a str, b: &'a str) -> &'a str { if a.len() > b.len() { a } else { b } }",
    "#[observed]
    pub fn captures<'a, T>(a: &'a str, _: T) -> impl Iterator<Item = u8> + use<'a, T> { a.bytes() }
    pub fn caller<'a>(a: &'a str) -> impl Iterator<Item = u8> + use<'a> { captures(a, 1) }",
    "pub trait Work { fn work(&self) -> u8 { 1 }
    #[observed]
    fn more(&self) -> u8 { self.work() + 1 } }
    impl Work for Me<'_> {
    #[observed]
    fn work(&self) -> u8 { 2 } }",
    "pub trait Work { fn work(&self) -> impl Future<Output = u8> + Send; }
    impl Work for Me<'_> {
    #[observed]
    async fn work(&self) -> u8 { tick().await; 2 } }",
    "pub trait Work<T> { type Out; fn work(self, x: T) -> Self::Out; }
    impl<'s, T: Clone> Work<T> for Me<'s> { type Out = (&'s str, T);
    #[observed]
    fn work(self, x: T) -> Self::Out { (self.0, x.clone()) } }",
    "impl<'s> Me<'s> {
    #[observed]
    pub fn map<R>(&'s self, f: impl for<'x> FnOnce(&'x str) -> R) -> R { f(self.0) } }",
    "impl<'s> Me<'s> {
    #[observed]
    pub fn new(text: &'s str) -> Self { Self(text) } }",
    "#[observed]
    pub fn recursive(n: u8) -> u8 { if n == 0 { 0 } else { recursive(n - 1) } }",
    "#[observed]
    pub async fn recursive(n: u8) -> u8 { if n == 0 { 0 } else { Box::pin(recursive(n - 1)).await } }",
    "#[observed]
    pub fn pointer(x: &str) -> usize { x.len() }
    pub const POINTER: for<'x> fn(&'x str) -> usize = pointer;",
    "#[observed]
    pub fn moves(x: String) -> impl FnOnce() -> String { move || x }",
    "#[observed]
    pub fn mutates(x: &mut Vec<u8>) -> &mut u8 { x.push(1); x.last_mut().unwrap() }",
    "#[observed]
    pub async fn holds<'a>(x: &'a mut Vec<u8>) -> &'a mut u8 { tick().await; x.push(1); x.last_mut().unwrap() }",
    "#[observed]
    pub fn labelled() -> u8 { let n = 'outer: loop { for i in 0.. { if i > 3 { break 'outer i; } } }; n }",
    "#[observed]
    pub fn items() -> u8 { fn inner() -> u8 { N } const N: u8 = 1; use inner as other; other() }",
    "#[observed]
    pub fn coerces() -> Box<dyn Error + Send + Sync> { \"a\".into() }",
    "#[observed]
    pub fn coerces_a_result(x: &[u8; 3]) -> Result<&[u8], Box<dyn Error>> { if early() { return Ok(x); } Ok(x) }",
    "#[observed]
    pub async fn coerces_later(x: &[u8; 3]) -> Result<&[u8], Box<dyn Error>> { if early() { return Ok(x); } Ok(x) }",
    "#[observed]
    pub unsafe fn unsafe_body(x: *const u8) -> u8 { unsafe { *x } }",
    "macro_rules! make { ($name:ident, $ty:ty, $e:expr) => {
    #[observed]
    pub fn $name(x: $ty) -> $ty { let _ = x; $e } } }
    make!(made, u8, 1 + 1);",
    "#[observed]
    pub fn inner_attribute() { #![allow(unused_variables)] let a = 1; }",
    "#[observed]
    #[expect(unused_variables)]
    pub fn expects() { let a = 1; }",
    "#[observed]
    pub fn pair() -> (impl Iterator<Item = u8>, u8) { ([1].into_iter(), 2) }",
    "#[observed]
    pub fn opaque_or<'a>(x: &'a str) -> Result<impl Iterator<Item = &'a str>, Box<dyn Error + 'a>> { if early() { return Err(x.into()); } Ok(x.lines()) }",
    "#[observed]
    pub async fn future_later() -> Result<impl Future<Output = u8>, String> { Ok(async { 1 }) }",
    "#[observed]
    pub async fn calls(f: impl AsyncFn(u8) -> u8) -> u8 { f(1).await }",
    "#[observed]
    pub fn async_closure() -> impl AsyncFn(u8) -> u8 { async |x| x }",
    "#[observed]
    pub fn function_pointer() -> fn(u8) -> u8 { |x| x + 1 }",
    "#[observed]
    pub async fn function_pointer() -> fn(u8) -> u8 { if early() { return |x| x; } |x| x + 1 }",
    "#[observed]
    pub async fn boxes() -> Box<dyn Fn() + Send> { if early() { return Box::new(|| ()); } Box::new(|| {}) }",
    "#[observed]
    pub fn diverges() -> u8 { loop {} }",
    "#[observed]
    pub async fn diverges() -> ! { loop { tick().await; } }",
    "#[observed]
    pub fn higher<T>(x: T) -> T where T: for<'a> Fn(&'a u8) -> &'a u8 { let _ = x(&1); x }",
    "#[observed]
    pub fn projects<T: Iterator>(mut x: T) -> <T as Iterator>::Item where T::Item: Default { x.next().unwrap_or_default() }",
    "#[observed]
    pub unsafe fn unsafe_without_a_block(x: *const u8) -> u8 { *x }",
    "#[observed]
    pub fn constant<const B: bool>() -> u8 { if B { 1 } else { 2 } }",
    "#[observed]
    pub fn lets(x: Option<u8>) -> u8 { let Some(x) = x else { return 1 }; x }",
    "#[observed]
    #[track_caller]
    pub fn tracks() {}",
    "#[observed]
    pub fn hidden(x: &str) -> Me { Me(x) }",
    "#[observed]
    #[allow(non_snake_case)]
    pub fn NotSnake() {}",
    "#[observed]
    pub fn NotSnakeAtAll(Argument: u8) -> u8 { Argument }",
    "#[observed]
    pub fn unreachable() -> u8 { return 1; 2 }",
    "#[observed]
    pub async fn unreachable() -> u8 { return 1; 2 }",
    "#[observed]
    pub async fn returns() -> u8 { return 1; }",
    "#[observed]
    pub fn unused_result() { Ok::<u8, u8>(1); }",
    "#[observed]
    pub async fn unused_result() { Ok::<u8, u8>(1); tick(); }",
    "#[observed]
    pub fn parens() -> u8 { (1 + 1) }",
    "#[observed]
    pub async fn parens() -> u8 { (1 + 1) }",
    "#[observed]
    pub async fn braces() -> u8 { { 1 } }",
    "#[observed]
    pub fn shadows(result: u8, value: u8) -> u8 { let result = result + value; result }",
    "#[observed]
    pub fn dyn_coerces(x: &u8) -> Option<&(dyn Sync + '_)> { Some(x) }",
    "#[observed]
    pub fn drops(x: String) -> impl Drop { struct D(String); impl Drop for D { fn drop(&mut self) {} } D(x) }",
    "#[observed]
    pub async fn arguments_live(x: &mut String, y: String) -> &mut String { tick().await; x.push_str(&y); x }",
    "#[observed]
    pub fn boxed<'a>(x: &'a mut u8) -> Pin<Box<dyn Future<Output = &'a mut u8> + Send + 'a>> { *x += 1; Box::pin(async move { tick().await; x }) }",
    "#[observed]
    pub fn boxed_early(x: &str) -> Pin<Box<dyn Future<Output = Result<u8, std::num::ParseIntError>> + Send + '_>> { if x.is_empty() { return Box::pin(async { Ok(1) }); } Box::pin(async move { x.parse::<u8>() }) }",
    "#[observed]
    pub fn made_elsewhere() -> impl Future<Output = ()> + Send + Sync + Unpin { std::future::ready(()) }",
    "#[observed]
    pub fn is_static() -> impl Future<Output = ()> + Send + Unpin + 'static { Box::pin(async {}) }",
    "pub struct Own; impl Own { const N: usize = 2;
    #[observed]
    pub fn constants(&self) -> [u8; Self::N] { [1; Self::N] }
    #[observed]
    pub async fn made() -> Result<Self, ()> { if early() { return Err(()); } Ok(Self) } }",
];

/// They do not.
pub(crate) const BAD: [&str; 22] = [
    "#[observed]
    pub fn wrong_type() -> u8 { \"a\" }",
    "#[observed]
    pub async fn wrong_type() -> u8 { \"a\" }",
    "#[observed]
    pub fn wrong_early() -> u8 { if early() { return \"a\"; } 1 }",
    "#[observed]
    pub async fn wrong_early() -> u8 { if early() { return \"a\"; } 1 }",
    "#[observed]
    pub fn nothing() -> u8 { let _ = 1; }",
    "#[observed]
    pub fn local<'a>() -> &'a str { let text = String::new(); &text }",
    "#[observed]
    pub async fn local<'a>() -> &'a str { let text = String::new(); &text }",
    "#[observed]
    pub fn other<'a>(a: &'a str, b: &str) -> &'a str { let _ = a; b }",
    "#[observed]
    pub async fn other<'a>(a: &'a str, b: &str) -> &'a str { let _ = a; b }",
    "#[observed]
    pub fn moved(x: String) -> usize { drop(x); x.len() }",
    "#[observed]
    pub async fn moved(x: String) -> usize { drop(x); x.len() }",
    "#[observed]
    pub fn not_mut(x: Vec<u8>) { x.push(1); }",
    "#[observed]
    pub async fn not_mut(x: Vec<u8>) { x.push(1); }",
    "#[observed]
    pub fn question() -> u8 { Err::<u8, u8>(1)? }",
    "#[observed]
    pub async fn question() { Err::<u8, u8>(1)?; }",
    "#[observed]
    pub fn bound<T>(x: &T) -> T { x.clone() }",
    "#[observed]
    pub async fn not_send() { let held = Rc::new(1); tick().await; drop(held); }
    pub fn caller() { send(not_send()); }",
    "#[observed]
    pub fn not_send() -> Pin<Box<dyn Future<Output = ()> + Send>> { let held = Rc::new(1); Box::pin(async move { tick().await; drop(held); }) }",
    "#[observed]
    pub async fn borrows(x: &str) -> usize { x.len() }
    pub fn caller() -> impl Future<Output = usize> { let text = String::new(); borrows(&text) }",
    "#[observed]
    pub unsafe fn dangerous() {}
    pub fn caller() { dangerous(); }",
    "#[observed]
    pub fn twice(x: &mut u8) -> &mut u8 { x }
    pub fn caller() { let mut x = 1; let a = twice(&mut x); let b = twice(&mut x); *a = *b; }",
    "#[observed]
    pub fn takes<'a>(x: &'a str) -> Box<dyn Fn() -> &'a str> { Box::new(|| x) }",
];
