//! Places where there is nothing to observe.

use observe_core::observed;

#[observed]
const fn constant() -> u8 {
    1
}

#[observed]
#[derive(Clone)]
struct Type {
    field: u8,
}

#[observed]
impl Type {
    fn method(&self) -> u8 {
        self.field
    }
}

#[observed]
mod module {}

trait Trait {
    #[observed]
    fn declared(&self);
}

impl Trait for Type {
    fn declared(&self) {}
}

#[observed]
trait Whole {}

unsafe extern "C" {
    #[observed]
    safe fn abs(n: i32) -> i32;
}

#[observed]
const VALUE: u8 = 1;

fn main() {
    let _ = (constant(), VALUE, abs(1));
    Type { field: 1 }.clone().declared();
    Type { field: 1 }.method();
}
