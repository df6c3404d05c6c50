//! Trace and span ids, and their generator.

use std::cell::Cell;
use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use crate::clock::unix_now;
use crate::context::hex;

/// The id of a whole trace: 128 bits, not all of them zero.
///
/// ```
/// use observe_core::context::TraceId;
///
/// let id = TraceId::from_hex(b"4bf92f3577b34da6a3ce929d0e0e4736").unwrap();
/// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_eq!(TraceId::from_hex(b"4BF92F3577B34DA6A3CE929D0E0E4736"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(NonZeroU128);

/// The id of one span: 64 bits, not all of them zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(NonZeroU64);

impl TraceId {
    /// A new id. All of its bits are random (Trace Context level 2 asks for the right-most 56).
    ///
    /// The generator is each thread's own, xoshiro256++ seeded by the operating system: fast and evenly
    /// spread, but not secret. Whoever sees some ids can tell the next ones: an id is no password.
    ///
    /// A thread looks every 256 draws (a trace id takes two, a span id one) whether it still runs in the
    /// process that seeded it, and seeds anew if not. So after a `fork` without `exec` the child and its
    /// parent can both give out the same ids, up to 255 draws long. A process image that is restored twice
    /// repeats itself likewise.
    #[must_use]
    pub fn random() -> Self {
        let (high, low) = GENERATOR
            .try_with(|generator| (generator.next(), generator.next()))
            .unwrap_or_else(|_| (fallback_seed(0), fallback_seed(1)));
        Self(NonZeroU128::new(u128::from(high) << 64 | u128::from(low)).unwrap_or(NonZeroU128::MIN))
    }

    /// Reads 32 lowercase hexadecimal digits; `None` for anything else, and for zero.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let (&[a, b, c, d], []) = digits.as_chunks::<8>() else { return None };
        let [a, b, c, d] = [hex::read8(a)?, hex::read8(b)?, hex::read8(c)?, hex::read8(d)?].map(u128::from);
        NonZeroU128::new(a << 96 | b << 64 | c << 32 | d).map(Self)
    }

    /// Takes 16 bytes, the most significant first; `None` for zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        NonZeroU128::new(u128::from_be_bytes(bytes)).map(Self)
    }

    /// The 16 bytes, the most significant first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.get().to_be_bytes()
    }

    /// The id as 32 lowercase hexadecimal digits, as it stands in headers and log lines.
    #[must_use]
    #[inline]
    pub fn write_hex(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.to_bytes());
        let mut digits = [0; 32];
        digits.copy_from_slice(&hex::write(bytes)[..32]);
        digits
    }

    /// The right-most 56 bits: the random value that consistent sampling (`ot=th:`) compares with its
    /// threshold.
    #[must_use]
    pub fn randomness(self) -> u64 {
        self.0.get() as u64 & ((1 << 56) - 1)
    }
}

impl SpanId {
    /// A new id, from the generator that [`TraceId::random`] describes.
    #[must_use]
    pub fn random() -> Self {
        let number = GENERATOR.try_with(Generator::next).unwrap_or_else(|_| fallback_seed(0));
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN))
    }

    /// Reads 16 lowercase hexadecimal digits; `None` for anything else, and for zero.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let (&[high, low], []) = digits.as_chunks::<8>() else { return None };
        let [high, low] = [hex::read8(high)?, hex::read8(low)?].map(u64::from);
        NonZeroU64::new(high << 32 | low).map(Self)
    }

    /// Takes 8 bytes, the most significant first; `None` for zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        NonZeroU64::new(u64::from_be_bytes(bytes)).map(Self)
    }

    /// The 8 bytes, the most significant first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.get().to_be_bytes()
    }

    /// The id as 16 lowercase hexadecimal digits.
    #[must_use]
    #[inline]
    pub fn write_hex(self) -> [u8; 16] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.to_bytes());
        let mut digits = [0; 16];
        digits.copy_from_slice(&hex::write(bytes)[..16]);
        digits
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(&self.write_hex()).unwrap_or_default())
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(&self.write_hex()).unwrap_or_default())
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

thread_local! {
    static GENERATOR: Generator = const { Generator::unseeded() };
}

/// Asking for the process id is a system call: this many draws share one.
const DRAWS_PER_CHECK: u32 = 256;

/// xoshiro256++ (Blackman and Vigna), in cells: no destructor, no borrow flag.
struct Generator {
    state: [Cell<u64>; 4],
    /// The process that seeded it; 0 before that.
    process: Cell<u32>,
    /// Draws until the process id is looked at again.
    left: Cell<u32>,
}

impl Generator {
    const fn unseeded() -> Self {
        let state = [const { Cell::new(0) }; 4];
        Self { state, process: Cell::new(0), left: Cell::new(0) }
    }

    fn next(&self) -> u64 {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => self.check(process_id()),
        }
        let [a, b, c, d] = &self.state;
        let [mut s0, mut s1, mut s2, mut s3] = [a.get(), b.get(), c.get(), d.get()];
        let drawn = s0.wrapping_add(s3).rotate_left(23).wrapping_add(s0);
        let shifted = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= shifted;
        s3 = s3.rotate_left(45);
        a.set(s0);
        b.set(s1);
        c.set(s2);
        d.set(s3);
        drawn
    }

    #[cold]
    fn check(&self, process: u32) {
        self.left.set(DRAWS_PER_CHECK - 1);
        if self.process.replace(process) == process {
            return;
        }
        let mut seed = [0; 32];
        let filled = getrandom::fill(&mut seed).is_ok() && seed != [0; 32];
        for (index, (cell, bytes)) in self.state.iter().zip(seed.as_chunks::<8>().0).enumerate() {
            cell.set(if filled { u64::from_ne_bytes(*bytes) } else { fallback_seed(index as u64) });
        }
    }
}

fn process_id() -> u32 {
    // There std's answer is a panic.
    if cfg!(target_family = "wasm") { 1 } else { std::process::id() }
}

/// For when the system gives no random bytes. std's `RandomState` may panic just then: this does not. The
/// wall clock, the process and where this thread's stack lies tell generators apart.
#[cold]
fn fallback_seed(index: u64) -> u64 {
    let here = std::ptr::from_ref(&index).addr() as u64;
    let sources = [here, unix_now(), u64::from(process_id()), index];
    sources.into_iter().fold(0x9e37_79b9_7f4a_7c15, |seed, source| mix(seed ^ source)).max(1)
}

/// The finisher of SplitMix64.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn digits_are_32_or_16_lowercase_and_not_all_zero() {
        let good = b"0123456789abcdef0123456789abcdef";
        assert_eq!(TraceId::from_hex(good).map(TraceId::write_hex), Some(*good));
        assert_eq!(
            SpanId::from_hex(&good[..16]).map(|id| id.to_string()),
            Some("0123456789abcdef".to_owned())
        );
        for bad in [&good[..31], &good[..16], b"", b"0123456789abcdef0123456789abcdef0", &[b'0'; 32]] {
            assert_eq!(TraceId::from_hex(bad), None);
        }
        for bad in
            [&good[..15], &good[..17], good, b"", &[b'0'; 16], b"0123456789abcdeF", b"0123456789abcde "]
        {
            assert_eq!(SpanId::from_hex(bad), None);
        }
    }

    #[test]
    fn bytes_are_big_endian() {
        let id = TraceId::from_hex(b"0123456789abcdef0011223344556677").unwrap();
        assert_eq!(id.to_bytes()[..3], [0x01, 0x23, 0x45]);
        assert_eq!(TraceId::from_bytes(id.to_bytes()), Some(id));
        assert_eq!(TraceId::from_bytes([0; 16]), None);
        assert_eq!(SpanId::from_bytes([0; 8]), None);
        let span = SpanId::from_bytes([0, 0, 0, 0, 0, 0, 1, 2]).unwrap();
        assert_eq!(format!("{span:?}"), "SpanId(0000000000000102)");
        assert_eq!(span.to_bytes(), [0, 0, 0, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn randomness_is_the_right_most_seven_bytes() {
        let id = TraceId::from_hex(b"ffffffffffffffffff22334455667788").unwrap();
        assert_eq!(id.randomness(), 0x22_3344_5566_7788);
    }

    // Mutation: dropping a line of the generator's step, or seeding every thread alike.
    #[test]
    fn ids_differ_within_a_thread_and_between_threads() {
        let draw = || (0..2_000).map(|_| (TraceId::random(), SpanId::random())).collect::<Vec<_>>();
        let mut drawn = draw();
        for thread in [std::thread::spawn(draw), std::thread::spawn(draw)] {
            drawn.extend(thread.join().unwrap());
        }
        assert_eq!(drawn.iter().map(|(trace, _)| trace).collect::<HashSet<_>>().len(), 6_000);
        assert_eq!(drawn.iter().map(|(_, span)| span).collect::<HashSet<_>>().len(), 6_000);
        // Each of the 128 bits is set about half of the time: 6,000 draws stray by 400 (10 sigma) practically
        // never.
        for bit in 0..128 {
            let set = drawn.iter().filter(|(trace, _)| trace.0.get() >> bit & 1 == 1).count();
            assert!(set.abs_diff(3_000) < 400, "bit {bit} was set {set} times");
        }
    }

    // The reference implementation's first outputs for the state 1, 2, 3, 4.
    #[test]
    fn the_generator_is_xoshiro256_plus_plus() {
        let generator = Generator::unseeded();
        generator.process.set(process_id());
        for (cell, number) in generator.state.iter().zip(1..) {
            cell.set(number);
        }
        let drawn = [generator.next(), generator.next(), generator.next(), generator.next()];
        assert_eq!(drawn, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    // Mutation: leaving out the comparison of process ids in `check`.
    #[test]
    fn another_process_seeds_anew() {
        let generator = Generator::unseeded();
        generator.next();
        let before: Vec<_> = generator.state.iter().map(Cell::get).collect();
        generator.check(process_id());
        assert_eq!(before, generator.state.iter().map(Cell::get).collect::<Vec<_>>());
        generator.check(process_id().wrapping_add(1));
        assert_ne!(before, generator.state.iter().map(Cell::get).collect::<Vec<_>>());
    }

    #[test]
    fn the_fallback_seeds_differ() {
        let seeds: HashSet<_> = (0..4).map(fallback_seed).collect();
        assert_eq!(seeds.len(), 4);
    }
}
