//! The series of a family: `metric/{family,series}.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::label::own::label_set;
use crate::label::{LabelValue, fold, within};
use crate::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values, Visitor};
use crate::metric::{AnyFamily, Counter, Family};
use crate::sync::{explore_up_to, seed, spawn};

/// An open value whose texts are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tenant(u32);

impl LabelValue for Tenant {
    const CARDINALITY: u32 = TENANTS.len() as u32;
    const OTHER: Option<u32> = Some(0);

    fn code(self) -> u32 {
        self.0
    }

    fn text(code: u32) -> &'static str {
        TENANTS[code as usize]
    }
}

const TENANTS: [&str; 4] = ["_OTHER", "a", "b", "c"];
const OTHER: ByTenant = ByTenant { tenant: Tenant(0) };
const A: ByTenant = ByTenant { tenant: Tenant(1) };
const B: ByTenant = ByTenant { tenant: Tenant(2) };
const C: ByTenant = ByTenant { tenant: Tenant(3) };

label_set!(ByTenant { tenant: Tenant = "tenant" });
label_set!(ByRetry { retried: bool = "retried" });

fn family(max: u32) -> Arc<Family<ByTenant, Counter>> {
    Arc::new(Family::counter("calls_total", "Calls made.").max_series(max))
}

/// Counts on another thread.
fn count(
    family: &Arc<Family<ByTenant, Counter>>,
    labels: &'static [ByTenant],
) -> loom::thread::JoinHandle<()> {
    let family = Arc::clone(family);
    spawn(move || labels.iter().for_each(|labels| family.with(*labels).inc()))
}

/// What a scrape shows, by the texts of the series.
fn scrape(family: &dyn AnyFamily) -> BTreeMap<String, u64> {
    #[derive(Default)]
    struct Shown(BTreeMap<String, u64>);

    impl Visitor for Shown {
        fn family(&mut self, _: &Head<'_>) {}

        fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
            let Values::U64(values) = values else { unreachable!() };
            for (at, (text, value)) in rows.texts().zip(values).enumerate() {
                let mut tenant = String::new();
                rows.labels(at, &mut |_, value| value.clone_into(&mut tenant));
                // The text was made at its birth, the labels are told by the key.
                let text = String::from_utf8(text.to_vec()).unwrap();
                assert!(text.contains(&format!("=\"{tenant}\"}} ")), "{text} of {tenant}");
                assert_eq!(self.0.insert(tenant, *value), None, "{text} twice");
            }
        }

        fn histograms(&mut self, _: &Rows<'_>, _: &Histograms<'_>) {}

        fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
    }

    let mut shown = Shown::default();
    family.read(&mut shown);
    shown.0
}

fn shown<const N: usize>(series: [(&str, u64); N]) -> BTreeMap<String, u64> {
    series.map(|(tenant, value)| (tenant.to_owned(), value)).into()
}

/// The first touch of a family by two threads makes one body, and a series asked for by both is born once.
/// Mutations caught: a body of its own for who comes second; a birth that does not look again under the lock.
pub fn a_series_is_born_once() {
    explore_up_to(3, || {
        let family = family(2);
        let other = count(&family, &[A]);
        family.with(A).inc();
        other.join().unwrap();
        assert_eq!((scrape(&*family), family.len()), (shown([("a", 2)]), 1));
    });
}

/// The same of closed labels, whose series are all there from the start.
/// Mutation caught: a body of its own for who comes second.
pub fn a_dense_family_is_made_once() {
    explore_up_to(3, || {
        let family: Arc<Family<ByRetry, Counter>> = Arc::new(Family::counter("calls_total", "Calls made."));
        let other = {
            let family = Arc::clone(&family);
            spawn(move || family.with(ByRetry { retried: true }).inc())
        };
        family.with(ByRetry { retried: true }).inc();
        other.join().unwrap();
        assert_eq!(scrape(&*family), shown([("false", 0), ("true", 2)]));
    });
}

/// A scrape while series are born: whole rows, each series once under its own name, none lost between one scrape and the
/// next, and no value runs back.
/// Mutations caught: a page that takes the place of those before it; the youngest texts left out.
pub fn a_scrape_beside_births_shows_whole_rows() {
    explore_up_to(3, || {
        let family = family(4);
        [A, B].iter().for_each(|labels| family.with(*labels).inc());
        // Their texts are in a page, which that of the next does not join.
        let mut last = scrape(&*family);
        let threads = [count(&family, &[C]), count(&family, &[C, OTHER])];
        for _ in 0..2 {
            let now = scrape(&*family);
            for (tenant, value) in last {
                assert!(now.get(&tenant).is_some_and(|now| *now >= value), "{tenant} {value}: {now:?}");
            }
            last = now;
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(scrape(&*family), shown([("_OTHER", 1), ("a", 1), ("b", 1), ("c", 2)]));
    });
}

/// A look-up beside a birth that takes the first place where it looks, or the second: it never finds another's series.
/// Mutations caught: a place filled before the key of its series, or without release; a place read without acquire, the
/// first or a further one.
pub fn a_look_up_finds_its_own_series() {
    // Hashed: three that are looked for in one place, the first of them `_OTHER`, whose key is what an entry begins with.
    let other = Caller(0);
    let mut alike = (1..CALLERS).map(Caller).filter(|caller| place(*caller) == place(other));
    let (one, two) = (alike.next().unwrap(), alike.next().unwrap());
    for before in [&[][..], &[two]] {
        let before: Vec<Caller> = before.to_vec();
        explore_up_to(3, move || {
            let family: Arc<Family<ByCaller, Counter>> =
                Arc::new(Family::counter("calls_total", "Calls made.").max_series(2));
            before.iter().for_each(|caller| family.with(ByCaller { caller: *caller }).inc());
            let birth = {
                let family = Arc::clone(&family);
                spawn(move || family.with(ByCaller { caller: one }).inc())
            };
            family.with(ByCaller { caller: other }).inc();
            birth.join().unwrap();
            for caller in [&before[..], &[one, other]].concat() {
                assert_eq!(family.with(ByCaller { caller }).get(), 1, "{caller:?}");
            }
        });
    }
}

/// One of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Caller(u32);

const CALLERS: u32 = 1_000;

impl LabelValue for Caller {
    const CARDINALITY: u32 = CALLERS;
    const OTHER: Option<u32> = Some(0);

    fn code(self) -> u32 {
        self.0
    }

    fn text(code: u32) -> &'static str {
        if code == 0 { "_OTHER" } else { "somebody" }
    }
}

label_set!(ByCaller { caller: Caller = "caller" });

/// Where a caller is looked for first, in a family of two series and `_OTHER`.
fn place(caller: Caller) -> usize {
    within(fold(u64::from(caller.0) ^ seed(), 0x9e37_79b9_7f4a_7c15), 6)
}

/// Two threads want the last place: one has it, and what the other counts is with `_OTHER`, and said to be. Totals are
/// right, and nothing of a series is in two places.
/// Mutations caught: the cap not asked for again under the lock; `capped` counted before the place is filled, or without
/// release; the look of whoever finds the family full left out; an overflow that is not counted.
pub fn past_the_cap_totals_are_right() {
    explore_up_to(3, || {
        let family = family(1);
        assert!(family.is_empty());
        let threads = [count(&family, &[A]), count(&family, &[A])];
        family.with(B).inc();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let (seen, overflow) = (scrape(&*family), family.overflow(0).unwrap());
        if seen.contains_key("a") {
            assert_eq!((seen, overflow), (shown([("_OTHER", 1), ("a", 2)]), 1));
        } else {
            assert_eq!((seen, overflow), (shown([("_OTHER", 2), ("b", 1)]), 2));
        }
    });
}
