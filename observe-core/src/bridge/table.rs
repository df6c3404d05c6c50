//! The families of one kind that a bridge brought in, and the way to a series.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use metrics::{Key, Unit as SaidUnit};

use super::names;
use crate::metric::{Loose, LooseSeries, Metric};
use crate::registry::Registry;
use crate::semconv::metric as reasons;

/// How many names of one kind are taken in.
const MAX_NAMES: usize = 1_000;

/// How many names of one kind are described before they are recorded.
const MAX_DESCRIBED: usize = 1_000;

/// How much of a description is kept, in bytes.
const MAX_HELP: usize = 1_024;

/// Parts of the cache: each its own lock.
const STRIPES: usize = 16;

/// How many keys one part remembers. Those that it does not take longer, no more.
const MAX_CACHED: usize = 8_192;

/// The families of one kind.
pub(super) struct Table<M: Metric> {
    cache: [RwLock<Cache<M>>; STRIPES],
    families: RwLock<HashMap<String, Place<M>>>,
    described: Mutex<HashMap<String, Description>>,
}

/// By the key as it was said, which comes with its hash.
type Cache<M> = HashMap<Key, Arc<LooseSeries<M>>, BuildHasherDefault<AsSaid>>;

type Place<M> = Result<Arc<Loose<M>>, Refused>;

#[derive(Clone, Default)]
struct Description {
    unit: Option<SaidUnit>,
    help: String,
}

/// Why there is no family of a name.
#[derive(Clone)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) why: String,
    /// Whether this name's refusal was told; `None` where names are too many for that.
    pub(super) told: Option<Arc<AtomicBool>>,
}

/// Why something is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Invalid,
    Clash,
    Excess,
}

impl Refusal {
    pub(super) const ALL: [Refusal; 3] = [Refusal::Invalid, Refusal::Clash, Refusal::Excess];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Refusal::Invalid => reasons::BRIDGE_INVALID,
            Refusal::Clash => reasons::BRIDGE_CLASH,
            Refusal::Excess => reasons::BRIDGE_EXCESS,
        }
    }
}

/// What a handle without a series records into: how often it did.
#[derive(Debug, Default)]
pub(super) struct Lost(AtomicU64);

impl Lost {
    pub(super) fn lose(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<M: Metric> Table<M> {
    /// The series of a key that was asked for before.
    pub(super) fn cached(&self, key: &Key) -> Option<Arc<LooseSeries<M>>> {
        let cache = self.stripe(key).read().unwrap_or_else(PoisonError::into_inner);
        cache.get(key).cloned()
    }

    pub(super) fn cache(&self, key: &Key, series: &Arc<LooseSeries<M>>) {
        let key = key.to_retained();
        let mut cache = self.stripe(&key).write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() < MAX_CACHED {
            cache.insert(key, Arc::clone(series));
        }
    }

    /// The family that `name` stands for, taken in by the registry if it is new.
    pub(super) fn family(
        &self,
        name: &str,
        registry: &Registry,
        max_series: usize,
        config: impl Fn(Option<SaidUnit>) -> M::Config,
    ) -> Place<M> {
        let full = {
            let families = self.families.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = families.get(name) {
                return place.clone();
            }
            families.len() >= MAX_NAMES
        };
        let excess = || Refused {
            refusal: Refusal::Excess,
            why: format!(
                "metric `{name}` and further ones: there are more than {MAX_NAMES} names of its kind"
            ),
            told: None,
        };
        if full {
            return Err(excess());
        }
        let mut families = self.families.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = families.get(name) {
            return place.clone();
        }
        if families.len() >= MAX_NAMES {
            return Err(excess());
        }
        let said =
            self.described.lock().unwrap_or_else(PoisonError::into_inner).remove(name).unwrap_or_default();
        let place = Loose::new(names::metric_name(M::KIND, name), &config(said.unit), max_series)
            .and_then(|family| {
                family.describe(&said.help);
                registry.register::<Loose<M>>(family)
            })
            .map_err(|error| Refused {
                refusal: if error.is_duplicate() { Refusal::Clash } else { Refusal::Invalid },
                why: format!("metric `{name}`: {error}"),
                told: Some(Arc::default()),
            });
        families.insert(name.to_owned(), place.clone());
        place
    }

    /// Says what `name` counts, and in which unit. The first that says something counts.
    pub(super) fn describe(&self, name: &str, unit: Option<SaidUnit>, help: &str) {
        let help = help.get(..help.floor_char_boundary(MAX_HELP)).unwrap_or_default();
        // Held to the end: whoever makes the family meanwhile waits for what is said here.
        let families = self.families.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = families.get(name) {
            if let Ok(family) = place {
                family.describe(help);
            }
            return;
        }
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        if described.len() >= MAX_DESCRIBED && !described.contains_key(name) {
            return;
        }
        let said = described.entry(name.to_owned()).or_default();
        said.unit = said.unit.or(unit);
        if said.help.is_empty() {
            help.clone_into(&mut said.help);
        }
    }

    fn stripe(&self, key: &Key) -> &RwLock<Cache<M>> {
        // The bits in the middle: a table takes its places by the lowest, and its tags by the highest.
        &self.cache[(key.get_hash() >> 32) as usize % STRIPES]
    }
}

impl<M: Metric> Default for Table<M> {
    fn default() -> Self {
        Self { cache: Default::default(), families: RwLock::default(), described: Mutex::default() }
    }
}

/// Takes the hash that a [`Key`] brings.
#[derive(Default)]
struct AsSaid(u64);

impl Hasher for AsSaid {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    /// Not what a key does today; right all the same.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0.rotate_left(5) ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}
