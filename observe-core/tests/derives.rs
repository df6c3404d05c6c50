//! The label derives and `#[metric]`, in a crate that forbids unsafe code and denies every lint there is.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic, unused_qualifications)]
#![cfg(feature = "macros")]

use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric::{Counter, Family};
use observe_core::{Format, Registry};

/// A closed label.
#[derive(Clone, Copy, Debug, LabelValue)]
pub enum Method {
    /// By its name.
    Card,
    /// By its name, in snake case.
    GoldCard,
    /// By a text.
    #[label("PayPal")]
    Paypal,
    /// By a text, with the option's name.
    #[label(rename = "")]
    None,
    /// A keyword.
    r#Type,
    /// Still compiles, without a warning.
    #[deprecated]
    Cheque,
}

/// A label whose variants have discriminants of their own.
#[derive(Clone, Copy, LabelValue)]
#[repr(u16)]
pub enum Status {
    /// 404.
    NotFound = 404,
    /// 200.
    Ok = 200,
}

/// An open label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, LabelValue)]
#[label(open, max = 2)]
pub struct Tenant(LabelId);

/// A set of all kinds.
#[derive(Clone, Copy, LabelSet)]
pub struct Labels {
    /// Closed.
    pub method: Method,
    /// Open.
    pub tenant: Tenant,
    /// With another name.
    #[label(name = "http_status")]
    pub status: Status,
    /// A keyword, and optional.
    pub r#type: Option<bool>,
}

/// A set of nothing.
#[derive(Clone, Copy, LabelSet)]
pub struct Nothing;

/// A set of closed labels.
#[derive(Clone, Copy, LabelSet)]
pub struct Closed {
    /// Closed.
    pub method: Method,
    /// Closed.
    pub retried: bool,
}

/// A metric, with a comment and a visibility.
#[observe_core::metric]
pub static ORDERS: Family<Closed, Counter> = Family::counter("test_orders_total", "Orders.");

/// A metric without the linker.
#[observe_core::metric(lazy)]
pub(crate) static LAZY: Family<Closed, Counter> = Family::counter("test_lazy_total", "Orders.");

#[observe_core::metric(crate = observe_core)]
#[deprecated]
static ELSEWHERE: Family<Nothing, Counter> = Family::counter("test_elsewhere_total", "Never used in code.");

/// Elsewhere, as a facade would have it.
mod facade {
    pub(crate) mod inner {
        pub(crate) use observe_core::*;
    }
}

/// Through the facade, without a prelude, and with names that would be in the way if the expansion used them.
#[no_implicit_prelude]
mod shadowed {
    use super::facade;
    use super::facade::inner::label::{LabelId, LabelSet, LabelValue};
    use super::facade::inner::metric::{Counter, Family};
    use ::std::prelude::rust_2024::derive;
    use ::std::{clone::Clone, marker::Copy};

    #[allow(dead_code, reason = "it only stands in the way")]
    struct Option;
    #[allow(dead_code, non_camel_case_types, reason = "it only stands in the way")]
    struct u32;
    #[allow(dead_code, reason = "it only stands in the way")]
    mod core {}

    #[derive(Clone, Copy, LabelValue)]
    #[label(crate = facade::inner)]
    pub(super) enum Kind {
        Some,
        None,
    }

    #[derive(Clone, Copy, LabelValue)]
    #[label(open, max = 1, crate = facade::inner)]
    pub(super) struct Peer(LabelId);

    #[derive(Clone, Copy, LabelSet)]
    #[label(crate = facade::inner)]
    pub(super) struct Labels {
        pub(super) index: Kind,
        pub(super) code: Peer,
        pub(super) label: bool,
        pub(super) bits: bool,
    }

    #[facade::inner::metric(crate = facade::inner)]
    pub(super) static METRIC: Family<Labels, Counter> = Family::counter("test_shadowed_total", "Shadowed.");

    #[facade::inner::metric(crate = facade::inner, lazy)]
    pub(super) static INNER: Family<Labels, Counter> =
        Family::counter("test_shadowed_lazy_total", "Shadowed.");
}

const CARD: Closed = Closed { method: Method::Card, retried: false };

fn in_a_generic_function<T>(_: T) -> u64 {
    #[observe_core::metric]
    static INNER: Family<Closed, Counter> = Family::counter("test_inner_total", "Inside a generic function.");
    INNER.with(CARD).inc();
    INNER.with(CARD).get()
}

fn texts<T: LabelValue>() -> Vec<&'static str> {
    (0..T::CARDINALITY).map(T::text).collect()
}

fn page() -> String {
    let mut page = Vec::new();
    Registry::with_statics().encode(Format::Text, &mut page);
    String::from_utf8_lossy(&page).into_owned()
}

// Catches: codes by discriminant, a rename ignored, words split at the wrong letter.
#[test]
fn a_closed_label_has_a_code_and_a_text_for_each_variant() {
    assert_eq!(texts::<Method>(), ["card", "gold_card", "PayPal", "", "type", "cheque"]);
    assert_eq!((Method::Card.code(), Method::r#Type.code()), (0, 4));
    assert_eq!(Method::text(6), "");
    assert_eq!(Method::EMPTY, Some(Method::None.code()));
    assert_eq!(texts::<Status>(), ["not_found", "ok"]);
    assert_eq!((Status::NotFound.code(), Status::Ok.code()), (0, 1));
    assert_eq!(Status::EMPTY, None);
    const { assert!(Method::CLOSED && Status::CLOSED) };
}

// Catches: a limit off by one, two types sharing one table.
#[test]
fn an_open_label_is_interned_under_its_limit() {
    let acme = Tenant::from("acme");
    assert_eq!(acme, Tenant::from(&"acme".to_owned()));
    assert_eq!(acme, Tenant::from(&std::borrow::Cow::from("acme")));
    assert_eq!(shadowed::Peer::text(shadowed::Peer::from("peer").code()), "peer");
    let globex = Tenant::from("globex");
    assert_eq!((Tenant::text(acme.code()), Tenant::text(globex.code())), ("acme", "globex"));
    assert_eq!(Tenant::from("initech"), Tenant::OTHER);
    assert_eq!(Tenant::text(Tenant::OTHER.code()), "_OTHER");
    assert!(Tenant::OTHER.is_other() && !acme.is_other());
    assert_eq!(Tenant::EMPTY, Some(Tenant::from("").code()));
    const { assert!(!Tenant::CLOSED) };
}

// Catches: two combinations with one index, a text of another label, a bit at the wrong place.
#[test]
fn a_set_numbers_its_combinations() {
    assert_eq!(Labels::NAMES, ["method", "tenant", "http_status", "type"]);
    let (acme, other) = (Tenant::from("acme"), Tenant::OTHER);
    let mut seen = std::collections::HashSet::new();
    for method in [Method::Card, Method::Paypal, Method::r#Type] {
        for tenant in [acme, other] {
            for status in [Status::NotFound, Status::Ok] {
                for r#type in [None, Some(false), Some(true)] {
                    let labels = Labels { method, tenant, status, r#type };
                    let index = labels.index();
                    assert!(index < Labels::SPACE && seen.insert(index));
                    assert_eq!(Labels::text(index, 0), Method::text(method.code()));
                    assert_eq!(Labels::text(index, 1), Tenant::text(tenant.code()));
                    assert_eq!(Labels::text(index, 2), Status::text(status.code()));
                    assert_eq!(Labels::text(index, 3), <Option<bool>>::text(r#type.code()));
                    assert_eq!(Labels::text(index, 4), "");
                    assert_eq!(labels.overflow(), if tenant == other { 0b10 } else { 0 });
                }
            }
        }
    }
    assert_eq!(Labels::SPACE, 6 * u64::from(Tenant::CARDINALITY) * 2 * 3);
    const { assert!(!Labels::CLOSED && Closed::CLOSED && Nothing::CLOSED && Nothing::SPACE == 1) };
}

// Mutation caught: an `Option` of a label with an empty text that counts it and `None` apart.
#[test]
fn no_two_series_of_a_family_have_one_name() {
    #[expect(clippy::option_option, reason = "it is what is tested")]
    #[derive(Clone, Copy, LabelSet)]
    struct Optional {
        method: Option<Method>,
        retried: Option<Option<bool>>,
    }
    let registry = Registry::new();
    let family = registry.counter::<Optional>("optional_total", "Optional labels.").unwrap();
    family.with(Optional { method: None, retried: None }).inc();
    family.with(Optional { method: Some(Method::None), retried: Some(None) }).inc();
    let mut out = Vec::new();
    registry.encode(Format::Text, &mut out);
    let text = String::from_utf8(out).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("optional_total"));
    let names: Vec<_> = lines.filter_map(|line| line.rsplit_once(' ')).collect();
    assert_eq!(names.len(), 6 * 3);
    assert_eq!(names.iter().map(|(name, _)| name).collect::<std::collections::HashSet<_>>().len(), 6 * 3);
    assert!(names.contains(&("optional_total", "2")), "{text}");
}

// The first label is the most significant digit: series stand in the order of the fields.
#[test]
fn a_set_is_sorted_by_its_first_label() {
    let last = Closed { method: Method::Card, retried: true };
    let first = Closed { method: Method::GoldCard, retried: false };
    assert_eq!((CARD.index(), last.index(), first.index()), (0, 1, 2));
}

#[test]
fn names_in_the_way_do_not_matter() {
    let labels = |index| shadowed::Labels { index, code: shadowed::Peer::OTHER, label: true, bits: false };
    assert!(labels(shadowed::Kind::Some).index() < labels(shadowed::Kind::None).index());
    assert_eq!(labels(shadowed::Kind::Some).overflow(), 2);
    shadowed::METRIC.with(labels(shadowed::Kind::Some)).inc();
    shadowed::INNER.with(labels(shadowed::Kind::Some)).inc();
    for metric in ["test_shadowed_total", "test_shadowed_lazy_total"] {
        let line = format!("{metric}{{index=\"some\",code=\"_OTHER\",label=\"true\",bits=\"false\"}} 1\n");
        assert!(page().contains(&line), "{}", page());
    }
}

// Catches: a metric that is shown from its first use only. Where the linker cannot help, that is what it is.
#[cfg(not(any(miri, target_family = "wasm")))]
#[test]
fn a_static_metric_is_there_from_the_start() {
    let before = page();
    for metric in ["test_orders_total", "test_elsewhere_total", "test_inner_total"] {
        assert!(before.contains(&format!("# TYPE {metric} counter\n")), "{metric} in {before}");
    }
    assert!(before.contains("test_orders_total{method=\"gold_card\",retried=\"true\"} 0\n"), "{before}");
    assert_eq!(in_a_generic_function(1_u8), 1);
    assert_eq!(in_a_generic_function("the same static"), 2);
    assert!(page().contains("test_inner_total{method=\"card\",retried=\"false\"} 2\n"));
}

// Catches: a lazy metric that is linked, or never shown.
#[test]
fn a_lazy_metric_is_there_from_its_first_use() {
    assert!(!page().contains("test_lazy_total"));
    LAZY.with(CARD).inc();
    assert!(page().contains("test_lazy_total{method=\"card\",retried=\"false\"} 1\n"));
}
