//! Fields that would record nothing, or not what they seem to.

use observe_core::observed;

struct Order {
    id: u64,
}

#[observed(fields(ordr.id))]
fn mistyped(order: Order) -> u64 {
    order.id
}

#[observed(fields(SHOP))]
fn no_arguments() {}

#[observed(fields(order.id, a = 1, a = 2, order.id))]
fn twice(order: Order) -> u64 {
    order.id
}

#[observed(fields(%a = 1))]
fn sigil_in_front() {}

#[observed(fields(order.id()))]
fn computed(order: Order) -> u64 {
    order.id
}

#[observed(fields("a"))]
fn without_a_value() {}

#[observed(fields = a)]
fn without_parentheses() {}

#[observed(fields(order))]
fn no_value(order: Order) -> u64 {
    order.id
}

#[observed(fields(?order))]
fn no_debug(order: Order) -> u64 {
    order.id
}

fn main() {
    mistyped(Order { id: 1 });
    no_arguments();
    twice(Order { id: 1 });
    sigil_in_front();
    computed(Order { id: 1 });
    without_a_value();
    without_parentheses();
    no_value(Order { id: 1 });
    no_debug(Order { id: 1 });
}
