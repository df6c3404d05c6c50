//! Which families there are, how they are shown, and which names are taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::roll::{Listed, Source};
use crate::catalogue::Entry;
use crate::error::{self, Error};
use crate::metric::snapshot::Head;
use crate::metric::{AnyFamily, Buckets, Kind, Shown, Unit, View};

/// The families of a registry, and what views make of them.
#[derive(Default)]
pub(super) struct Listing {
    /// By the name that a family was declared with.
    views: BTreeMap<String, View>,
    /// In the order in which they were taken in, also those that are not shown.
    sources: Vec<Source>,
    /// By the name that they are shown under.
    families: BTreeMap<String, Listed>,
    claims: Claims,
}

/// How a family is shown.
pub(super) enum Look {
    AsDeclared,
    Otherwise(Shown),
    NotAtAll,
}

/// Every name a sample can have, and the family it belongs to.
#[derive(Clone, Default)]
struct Claims(BTreeMap<String, String>);

impl Listing {
    /// Takes a family in.
    pub(super) fn admit(&mut self, source: Source) -> Result<(), Error> {
        let look = self.examine_source(&source)?;
        self.rebucket(&source)?;
        self.insert(source, look);
        Ok(())
    }

    /// Takes in all, or none.
    pub(super) fn admit_all(&mut self, families: &[Arc<dyn AnyFamily>]) -> Result<(), Error> {
        let mut all = Vec::new();
        for family in families {
            let source = Source::Shared(Arc::clone(family));
            all.push((self.examine_source(&source)?, source));
        }
        all.iter().try_for_each(|(_, source)| self.rebucket(source))?;
        all.into_iter().for_each(|(look, source)| self.insert(source, look));
        Ok(())
    }

    /// The same families by these views instead, and the views that are of none of them, nor of `own`.
    pub(super) fn viewed<'a>(
        &self,
        views: Vec<View>,
        own: impl Iterator<Item = &'a Entry>,
    ) -> Result<(Self, Vec<String>), Error> {
        let mut next = Self::default();
        for view in views {
            view.fault()?;
            if next.views.contains_key(view.metric()) {
                return Err(view.refuse("there is another view of it"));
            }
            next.views.insert(view.metric().to_owned(), view);
        }
        // Those with new names last: a clash is theirs.
        let has_new_name = |source: &&Source| {
            next.views.get(source.head().name).is_some_and(|view| view.new_name().is_some())
        };
        let (renamed, others): (Vec<_>, Vec<_>) = self.sources.iter().partition(has_new_name);
        for source in others.into_iter().chain(renamed) {
            let look = next.examine_source(source)?;
            next.insert(source.clone(), look);
        }
        let mut unknown: Vec<String> = next.views.keys().cloned().collect();
        unknown.retain(|name| next.sources.iter().all(|source| source.head().name != name));
        let mut claims = next.claims.clone();
        for entry in own {
            unknown.retain(|name| name != entry.name);
            if next.sources.iter().all(|source| source.head().name != entry.name) {
                next.expect(entry, &mut claims)?;
            }
        }
        // What cannot be taken back comes last.
        next.sources.iter().try_for_each(|source| next.rebucket(source))?;
        Ok((next, unknown))
    }

    /// Whether a family that comes later will have its place, as far as views have to do with it.
    fn expect(&self, entry: &Entry, claims: &mut Claims) -> Result<(), Error> {
        let head = Head::new(entry.name, "", entry.kind, Unit::of(entry.name));
        let look = self.look(&head, Some(entry.labels))?;
        let Some(shown) = look.name(entry.name) else { return Ok(()) };
        let is_new = |name: &str| self.views.values().any(|view| view.new_name() == Some(name));
        match claims.examine(entry.name, shown, entry.kind) {
            Err((owner, error)) if is_new(shown) || is_new(&owner) => Err(error),
            Err(_) => Ok(()),
            Ok(()) => {
                claims.insert(shown, entry.kind);
                Ok(())
            }
        }
    }

    /// Whether a name is free for a family of this kind, with all the samples it would have.
    pub(super) fn examine(&self, name: &str, kind: Kind) -> Result<(), Error> {
        let look = self.look(&Head::new(name, "", kind, Unit::of(name)), None)?;
        self.free(name, &look, kind)
    }

    fn examine_source(&self, source: &Source) -> Result<Look, Error> {
        if let Some(family) = source.family() {
            family.check()?;
        }
        let head = source.head();
        let look = self.look(&head, source.label_names().as_deref())?;
        self.free(head.name, &look, head.kind)?;
        Ok(look)
    }

    /// What the views make of a family whose labels are these, or are known only as its series come.
    pub(super) fn look(&self, head: &Head<'_>, labels: Option<&[&str]>) -> Result<Look, Error> {
        let Some(view) = self.views.get(head.name) else { return Ok(Look::AsDeclared) };
        Ok(view.apply(head, labels)?.map_or(Look::NotAtAll, Look::Otherwise))
    }

    fn free(&self, name: &str, look: &Look, kind: Kind) -> Result<(), Error> {
        let Some(shown) = look.name(name) else { return Ok(()) };
        self.claims.examine(name, shown, kind).map_err(|(_, error)| error)
    }

    /// Whether a sample of a family of this kind has a name that is taken.
    pub(super) fn clashes(&self, name: &str, kind: Kind) -> bool {
        self.claims.examine(name, name, kind).is_err()
    }

    /// The views, by the name that a family was declared with.
    pub(super) fn views(&self) -> &BTreeMap<String, View> {
        &self.views
    }

    /// The buckets that a view chose for a histogram.
    pub(super) fn buckets(&self, name: &str) -> Option<&Buckets> {
        self.views.get(name)?.chosen_buckets()
    }

    fn rebucket(&self, source: &Source) -> Result<(), Error> {
        let (Some(family), Some(view)) = (source.family(), self.views.get(source.head().name)) else {
            return Ok(());
        };
        let Some(buckets) = view.chosen_buckets() else { return Ok(()) };
        family.rebucket(buckets).map_err(|fault| view.refuse(fault))
    }

    fn insert(&mut self, source: Source, look: Look) {
        let head = source.head();
        if let Some(name) = look.name(head.name) {
            self.claims.insert(name, head.kind);
            let name = name.to_owned();
            let shown = match look {
                Look::Otherwise(shown) => Some(Arc::new(shown)),
                Look::AsDeclared | Look::NotAtAll => None,
            };
            self.families.insert(name, Listed { source: source.clone(), shown });
        }
        self.sources.push(source);
    }

    /// Those that are shown, by name.
    pub(super) fn shown(&self) -> Vec<Listed> {
        self.families.values().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.sources.len()
    }
}

impl Look {
    /// The name that a family of this name is shown under.
    pub(super) fn name<'a>(&'a self, declared: &'a str) -> Option<&'a str> {
        match self {
            Look::AsDeclared => Some(declared),
            Look::Otherwise(shown) => Some(shown.name()),
            Look::NotAtAll => None,
        }
    }
}

impl Claims {
    /// Whether a family is free to be shown under this name; else whose the name is.
    fn examine(&self, declared: &str, shown: &str, kind: Kind) -> Result<(), (String, Error)> {
        let taken = claims(shown, kind).find_map(|claim| self.0.get_key_value(&claim));
        let Some((claim, owner)) = taken else { return Ok(()) };
        let whose = if declared == shown {
            format!("metric `{declared}`")
        } else {
            format!("view of metric `{declared}`: the name `{shown}`")
        };
        let text = if owner == shown {
            format!("{whose}: the name is taken")
        } else {
            format!("{whose}: the name `{claim}` belongs to metric `{owner}`")
        };
        Err((owner.clone(), Error::new(error::Kind::Duplicate, text)))
    }

    fn insert(&mut self, name: &str, kind: Kind) {
        self.0.extend(claims(name, kind).map(|claim| (claim, name.to_owned())));
    }
}

/// The names that the samples of a family can have, in either format, and the family itself.
pub(super) fn claims(name: &str, kind: Kind) -> impl Iterator<Item = String> {
    let base = kind.family_name(name).to_owned();
    kind.sample_suffixes().iter().map(move |suffix| format!("{base}{suffix}"))
}
