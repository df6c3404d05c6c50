//! Mistakes in a body are told where they are, as without the attribute.

use observe_core::observed;

#[observed]
fn wrong_value() -> u8 {
    "text"
}

#[observed]
fn wrong_return(early: bool) -> u8 {
    if early {
        return "text";
    }
    1
}

#[observed]
async fn wrong_value_later() -> u8 {
    "text"
}

#[observed]
async fn wrong_return_later(early: bool) -> Result<u8, String> {
    if early {
        return 1;
    }
    Ok(1)
}

#[observed]
async fn nothing_at_the_end() -> u8 {
    let _one = 1;
}

#[observed]
fn borrows_for_too_long<'a>(a: &'a str, b: &str) -> &'a str {
    let _ = a;
    b
}

#[observed]
async fn not_send() {
    let held = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(held);
}

fn send(_: impl Send) {}

fn main() {
    send(not_send());
}
