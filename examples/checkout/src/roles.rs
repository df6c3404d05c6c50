//! The three services.

pub(crate) mod checkout;
pub(crate) mod inventory;
pub(crate) mod payment;

use std::str::FromStr;

/// Which service a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Checkout,
    Payment,
    Inventory,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Role::Checkout => "checkout",
            Role::Payment => "payment",
            Role::Inventory => "inventory",
        }
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Role::Checkout, Role::Payment, Role::Inventory];
        all.into_iter()
            .find(|role| role.name() == text)
            .ok_or("the roles are checkout, payment and inventory")
    }
}
