//! Labels: what a metric may be split by.
//!
//! How many series a metric can have is a matter of types. A label's value is an enum or a `bool` (closed: every
//! series is known when the program is built, and is there at 0 from the start), or an open value, interned
//! under a stated limit, past which it becomes `_OTHER`. Text and numbers are no labels: they belong on the
//! span or on the log line.
//!
//! No implementation here is recommended by the compiler: the list of them would hide the advice that
//! [`trait@LabelValue`] gives to whoever tries a text.

pub(crate) mod assert;
pub mod name;
mod open;
pub(crate) mod own;
mod shape;

use crate::outcome::Outcome;
pub use name::MAX_LABELS;
pub use open::{LabelId, MAX_OPEN, MAX_TEXT, OTHER, OpenSet};
pub(crate) use open::{fold, within};
pub use shape::{Shape, closed, digit, space};
pub(crate) use shape::{checked_space, closed_space, collapsed};

/// ```
/// use observe_core::label::LabelSet;
///
/// #[derive(Clone, Copy, LabelSet)]
/// struct Labels {
///     #[label(name = "http_route_found")]
///     found: bool,
///     retried: Option<bool>,
/// }
///
/// assert_eq!(Labels::NAMES, ["http_route_found", "retried"]);
/// assert_eq!(Labels::SPACE, 2 * 3);
/// ```
#[cfg(feature = "macros")]
pub use observe_macros::LabelSet;

/// ```
/// use observe_core::label::{LabelId, LabelValue};
///
/// #[derive(Clone, Copy, LabelValue)]
/// enum Method {
///     Card,
///     GoldCard,
///     #[label("PayPal")]
///     Paypal,
/// }
///
/// #[derive(Clone, Copy, LabelValue)]
/// #[label(open, max = 100)]
/// struct Tenant(LabelId);
///
/// assert_eq!(Method::text(Method::GoldCard.code()), "gold_card");
/// assert_eq!(Method::text(Method::Paypal.code()), "PayPal");
/// assert_eq!(Tenant::text(Tenant::from("acme").code()), "acme");
/// ```
///
/// Text does not compile as a label; it belongs on the span or the log line:
///
/// ```compile_fail
/// use observe_core::label::LabelSet;
///
/// #[derive(Clone, Copy, LabelSet)]
/// struct Labels {
///     user: &'static str,
/// }
/// ```
#[cfg(feature = "macros")]
pub use observe_macros::LabelValue;

/// One label's value. Closed: an enum or a `bool`; open: interned under a limit.
///
/// Derived: `#[derive(LabelValue)]` on an enum without fields, or on a struct around a [`LabelId`]. An
/// implementation by hand keeps the codes dense and below [`CARDINALITY`](LabelValue::CARDINALITY), and
/// gives no two codes one text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a metric label",
    label = "not a label value",
    note = "a metric label is an enum with #[derive(LabelValue)], a bool, an open value with #[label(open, max = N)], \
            or an `Option` of one",
    note = "free text and numbers belong on the span or the log line: tracing::info!(user.id = ..)"
)]
pub trait LabelValue: Copy + 'static {
    /// How many codes there are. Closed: the number of variants; open: [`OpenSet::cardinality`].
    const CARDINALITY: u32;

    /// The code of `_OTHER`, for an open value ([`LabelId::OTHER`]'s); `None` for a closed one.
    const OTHER: Option<u32> = None;

    /// The code whose text is empty, if there is one: an `Option` around the value lets it coincide with
    /// `None`, as both leave the label out.
    const EMPTY: Option<u32> = None;

    /// Whether all values are known when the program is built.
    const CLOSED: bool = Self::OTHER.is_none();

    /// What a label of this type contributes to a set's [`SHAPE`](LabelSet::SHAPE). Not to be overridden.
    const SHAPE: Shape = Shape::of::<Self>();

    /// The number of this value, below [`CARDINALITY`](LabelValue::CARDINALITY). Hot: a cast.
    fn code(self) -> u32;

    /// The text of a code, unescaped. An empty one leaves the label out.
    fn text(code: u32) -> &'static str;

    /// Whether this value is `_OTHER`.
    #[inline]
    fn is_other(self) -> bool {
        Self::OTHER.is_some_and(|other| self.code() == other)
    }
}

#[diagnostic::do_not_recommend]
impl LabelValue for bool {
    const CARDINALITY: u32 = 2;

    #[inline]
    fn code(self) -> u32 {
        u32::from(self)
    }

    fn text(code: u32) -> &'static str {
        if code == 0 { "false" } else { "true" }
    }
}

#[diagnostic::do_not_recommend]
impl LabelValue for Outcome {
    const CARDINALITY: u32 = Outcome::ALL.len() as u32;

    #[inline]
    fn code(self) -> u32 {
        self as u32
    }

    fn text(code: u32) -> &'static str {
        Outcome::ALL.get(code as usize).map_or("", |outcome| outcome.as_str())
    }
}

/// `None` leaves the label out. Where a value of `T` does that already, `None` is that value: two codes with one
/// text would be two series with one name.
#[diagnostic::do_not_recommend]
impl<T: LabelValue> LabelValue for Option<T> {
    const CARDINALITY: u32 = match T::EMPTY {
        Some(_) => T::CARDINALITY,
        None => T::CARDINALITY.saturating_add(1),
    };
    const OTHER: Option<u32> = match (T::OTHER, T::EMPTY) {
        (Some(other), None) => Some(other.saturating_add(1)),
        (other, _) => other,
    };
    const EMPTY: Option<u32> = match T::EMPTY {
        Some(empty) => Some(empty),
        None => Some(0),
    };

    #[inline]
    fn code(self) -> u32 {
        match (self, T::EMPTY) {
            (Some(value), Some(_)) => value.code(),
            (Some(value), None) => value.code().saturating_add(1),
            (None, Some(empty)) => empty,
            (None, None) => 0,
        }
    }

    fn text(code: u32) -> &'static str {
        match T::EMPTY {
            Some(_) => T::text(code),
            None => code.checked_sub(1).map_or("", T::text),
        }
    }
}

/// The labels of a metric, all of them. Derived: `#[derive(LabelSet)]` on a struct of [`LabelValue`]s; `()` is the
/// set without labels, and a pair of sets is a set.
///
/// A derived set states `NAMES` and `SHAPE`, and computes its index by Horner's rule, the first label being the
/// most significant:
///
/// ```
/// use observe_core::label::{LabelSet, LabelValue, Shape, digit};
/// use observe_core::Outcome;
///
/// #[derive(Clone, Copy)]
/// struct Labels { cached: bool, outcome: Outcome }
///
/// impl LabelSet for Labels {
///     const NAMES: &'static [&'static str] = &["cached", "outcome"];
///     const SHAPE: &'static [Shape] = &[Shape::of::<bool>(), Shape::of::<Outcome>()];
///
///     fn index(self) -> u64 {
///         let index = u64::from(self.cached.code());
///         index * u64::from(<Outcome as LabelValue>::CARDINALITY) + u64::from(self.outcome.code())
///     }
///
///     fn overflow(self) -> u32 {
///         u32::from(self.cached.is_other()) | u32::from(self.outcome.is_other()) << 1
///     }
///
///     fn text(index: u64, label: usize) -> &'static str {
///         let code = digit(Self::SHAPE, index, label);
///         match label {
///             0 => <bool as LabelValue>::text(code),
///             1 => <Outcome as LabelValue>::text(code),
///             _ => "",
///         }
///     }
/// }
/// assert_eq!(Labels::SPACE, 8);
/// assert_eq!(Labels { cached: true, outcome: Outcome::Error }.index(), 5);
/// assert_eq!(Labels::text(5, 1), "error");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of metric labels",
    label = "not a label set",
    note = "the labels of a metric are a struct with #[derive(Clone, Copy, LabelSet)], or `()` for none"
)]
pub trait LabelSet: Copy + 'static {
    /// The labels' names, in order.
    const NAMES: &'static [&'static str];

    /// The labels' shapes, in the same order.
    const SHAPE: &'static [Shape];

    /// Whether every label is closed.
    const CLOSED: bool = closed(Self::SHAPE);

    /// The product of the cardinalities; an overflow is a compile error.
    const SPACE: u64 = space(Self::SHAPE);

    /// The number of this combination, below [`SPACE`](LabelSet::SPACE).
    fn index(self) -> u64;

    /// Bit *i* is set when label *i* is open and is `_OTHER`; 0 for a closed set.
    fn overflow(self) -> u32;

    /// The text of one label of the combination `index`.
    fn text(index: u64, label: usize) -> &'static str;
}

#[diagnostic::do_not_recommend]
impl LabelSet for () {
    const NAMES: &'static [&'static str] = &[];
    const SHAPE: &'static [Shape] = &[];

    #[inline]
    fn index(self) -> u64 {
        0
    }

    #[inline]
    fn overflow(self) -> u32 {
        0
    }

    fn text(_: u64, _: usize) -> &'static str {
        ""
    }
}

/// The labels of both, those of `A` first.
#[diagnostic::do_not_recommend]
impl<A: LabelSet, B: LabelSet> LabelSet for (A, B) {
    const NAMES: &'static [&'static str] = Joined::<A, B>::NAMES.split_at(Joined::<A, B>::LEN).0;
    const SHAPE: &'static [Shape] = Joined::<A, B>::SHAPE.split_at(Joined::<A, B>::LEN).0;

    #[inline]
    fn index(self) -> u64 {
        self.0.index() * B::SPACE + self.1.index()
    }

    #[inline]
    fn overflow(self) -> u32 {
        self.0.overflow() | self.1.overflow().checked_shl(A::NAMES.len() as u32).unwrap_or(0)
    }

    fn text(index: u64, label: usize) -> &'static str {
        match label.checked_sub(A::NAMES.len()) {
            None => A::text(index / B::SPACE, label),
            Some(label) => B::text(index % B::SPACE, label),
        }
    }
}

struct Joined<A, B>(std::marker::PhantomData<(A, B)>);

impl<A: LabelSet, B: LabelSet> Joined<A, B> {
    const LEN: usize = {
        let len = A::NAMES.len() + B::NAMES.len();
        assert!(len <= MAX_LABELS, "a metric has at most 32 labels");
        len
    };
    const NAMES: &'static [&'static str; MAX_LABELS] = &{
        let mut names = [""; MAX_LABELS];
        let mut i = 0;
        while i < Self::LEN {
            names[i] = if i < A::NAMES.len() { A::NAMES[i] } else { B::NAMES[i - A::NAMES.len()] };
            i += 1;
        }
        names
    };
    const SHAPE: &'static [Shape; MAX_LABELS] = &{
        let mut shapes = [Shape::NONE; MAX_LABELS];
        let mut i = 0;
        while i < Self::LEN {
            shapes[i] = if i < A::SHAPE.len() { A::SHAPE[i] } else { B::SHAPE[i - A::SHAPE.len()] };
            i += 1;
        }
        shapes
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    static TENANTS: OpenSet = OpenSet::new(2);

    #[derive(Clone, Copy)]
    struct Tenant(LabelId);

    impl LabelValue for Tenant {
        const CARDINALITY: u32 = OpenSet::cardinality(2);
        const OTHER: Option<u32> = Some(LabelId::OTHER.code());
        const EMPTY: Option<u32> = Some(LabelId::EMPTY.code());

        fn code(self) -> u32 {
            self.0.code()
        }

        fn text(code: u32) -> &'static str {
            TENANTS.text(LabelId::from_code(code))
        }
    }

    #[derive(Clone, Copy)]
    struct One<T>(T);

    impl<T: LabelValue> LabelSet for One<T> {
        const NAMES: &'static [&'static str] = &["one"];
        const SHAPE: &'static [Shape] = &[Shape::of::<T>()];

        fn index(self) -> u64 {
            u64::from(self.0.code())
        }

        fn overflow(self) -> u32 {
            u32::from(self.0.is_other())
        }

        fn text(index: u64, _: usize) -> &'static str {
            T::text(digit(Self::SHAPE, index, 0))
        }
    }

    #[test]
    fn an_option_leaves_its_label_out() {
        assert_eq!(<Option<Outcome>>::CARDINALITY, 5);
        assert_eq!(<Option<Outcome>>::text(None::<Outcome>.code()), "");
        assert_eq!(<Option<Outcome>>::text(Some(Outcome::Panicked).code()), "panicked");
        const { assert!(!<Option<Tenant>>::CLOSED) };
        assert!(Some(Tenant(LabelId::OTHER)).is_other());
        assert!(!None::<Tenant>.is_other());
    }

    // Catches: two series with one text, `None` and `Some("")`.
    #[test]
    fn none_and_the_empty_text_are_one() {
        assert_eq!(Some(Tenant(TENANTS.intern(""))).code(), None::<Tenant>.code());
    }

    // Catches: a code that no value has, whose text another has: a closed family shows every code.
    #[test]
    fn an_option_of_what_can_be_left_out_has_no_code_of_its_own() {
        type Nested = Option<Option<Option<Outcome>>>;
        assert_eq!(Nested::CARDINALITY, <Option<Outcome>>::CARDINALITY);
        assert_eq!((None as Nested).code(), Some(Some(None::<Outcome>)).code());
        let texts: std::collections::HashSet<_> = (0..Nested::CARDINALITY).map(Nested::text).collect();
        assert_eq!(texts.len(), Nested::CARDINALITY as usize);
        for outcome in Outcome::ALL {
            assert_eq!(Nested::text(Some(Some(Some(outcome))).code()), outcome.as_str());
        }
        assert_eq!(<Option<Tenant>>::OTHER, Tenant::OTHER);
        assert_eq!(<Option<Tenant>>::text(Some(Tenant(TENANTS.intern("a"))).code()), "a");
    }

    // Catches: a shift by the width of the bits, which panics in a build with checks.
    #[test]
    fn a_full_set_beside_none() {
        #[derive(Clone, Copy)]
        struct Full;

        impl LabelSet for Full {
            const NAMES: &'static [&'static str] = &["l"; MAX_LABELS];
            const SHAPE: &'static [Shape] = &[Shape::of::<bool>(); MAX_LABELS];

            fn index(self) -> u64 {
                0
            }

            fn overflow(self) -> u32 {
                1 << 31
            }

            fn text(_: u64, _: usize) -> &'static str {
                ""
            }
        }

        assert_eq!((Full, ()).overflow(), 1 << 31);
        assert_eq!(((), Full).overflow(), 1 << 31);
    }

    // Catches: the radices of the two halves swapped, in the index or in the text.
    #[test]
    fn a_pair_of_sets_is_a_set() {
        type Pair = (One<Tenant>, (One<bool>, One<Outcome>));
        assert_eq!(Pair::NAMES, ["one", "one", "one"]);
        assert_eq!(Pair::SPACE, 4 * 2 * 4);
        let mut seen = std::collections::HashSet::new();
        for text in ["a", "b", "", "_OTHER"] {
            for flag in [false, true] {
                for outcome in Outcome::ALL {
                    let labels: Pair = (One(Tenant(TENANTS.intern(text))), (One(flag), One(outcome)));
                    let index = labels.index();
                    assert!(index < Pair::SPACE && seen.insert(index));
                    assert_eq!(Pair::text(index, 0), text);
                    assert_eq!(Pair::text(index, 1), if flag { "true" } else { "false" });
                    assert_eq!(Pair::text(index, 2), outcome.as_str());
                    let gone = collapsed(Pair::SHAPE, index);
                    assert_eq!(Pair::text(gone, 0), OTHER);
                    assert_eq!(Pair::text(gone, 1), Pair::text(index, 1));
                    assert_eq!(Pair::text(gone, 2), Pair::text(index, 2));
                }
            }
        }
        assert_eq!(closed_space(Pair::SHAPE), 8);
        assert_eq!((One(Tenant(LabelId::OTHER)), One(true)).overflow(), 1);
        assert_eq!((One(true), One(Tenant(LabelId::OTHER))).overflow(), 2);
    }
}
