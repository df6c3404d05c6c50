//! Which exponential bucket a number falls into.
//!
//! At the schema `s` the bucket `i` reaches from above 2^((i-1)/2^s) to 2^(i/2^s), that included. Those of a schema are
//! pairs of the next finer one's, so one table, of the finest, serves all. (Prometheus, "Native Histograms"; there the
//! same indices are meant, while OpenTelemetry counts them from one lower.)

/// The finest schema: 256 buckets in an octave.
pub(super) const FINEST: i8 = 8;

/// The coarsest: a bucket is 16 octaves.
pub(super) const COARSEST: i8 = -4;

/// Bounds of an octave at the finest schema.
const PARTS: usize = 1 << FINEST;

/// Bits of an `f64` below its exponent.
const MANTISSA: u32 = 52;

/// 2^(1/256), with 127 bits behind the point.
const ROOT: u128 = 0x8058_d7d2_d5e5_f6b0_94d5_89f6_08ee_4aa2;

/// Of each bound 2^(k/256) the largest mantissa that is not above it. None of these bounds but the first is an `f64`, so
/// what is compared with one is told apart exactly. The last stands for 2; as many as the classes, in place.
const BOUNDS: [u64; CLASSES] = {
    let mut bounds = [u64::MAX; CLASSES];
    let mut power: u128 = 1 << 127;
    let mut k = 0;
    while k < PARTS {
        bounds[k] = (power >> (127 - MANTISSA)) as u64 & MANTISSAS;
        power = product(power, ROOT);
        k += 1;
    }
    bounds
};

const MANTISSAS: u64 = (1 << MANTISSA) - 1;

/// Mantissas by their nine highest bits: narrow enough for one bound at most to lie within.
const CLASSES: usize = 2 * PARTS;

/// The first bound that is not below the smallest mantissa of each class.
const FIRST: [u16; CLASSES] = {
    let mut first = [0; CLASSES];
    let mut k = 0;
    let mut class = 0;
    while class < CLASSES {
        while BOUNDS[k] < (class as u64) << CLASS_SHIFT {
            k += 1;
        }
        first[class] = k as u16;
        class += 1;
    }
    first
};

const CLASS_SHIFT: u32 = MANTISSA - CLASSES.trailing_zeros();

/// The product of two numbers from 1 to 2, with 127 bits behind the point.
const fn product(a: u128, b: u128) -> u128 {
    let (a_high, a_low) = (a >> 64, a as u64 as u128);
    let (b_high, b_low) = (b >> 64, b as u64 as u128);
    let (x, y) = (a_high * b_low, a_low * b_high);
    let carry = ((a_low * b_low) >> 64) + (x as u64 as u128) + (y as u64 as u128);
    let high = a_high * b_high + (x >> 64) + (y >> 64) + (carry >> 64);
    // The product has 254 bits behind the point, of which `high` has 126.
    (high << 1) | ((carry as u64) >> 63) as u128
}

/// The bucket of a finite number above 0.
#[inline]
pub(super) fn index(value: f64, schema: i8) -> i32 {
    let bits = value.to_bits();
    let exponent = (bits >> MANTISSA) as i32;
    let (exponent, mantissa) = match exponent {
        0 => subnormal(bits),
        exponent => (exponent - 1_023, bits & MANTISSAS),
    };
    let first = usize::from(FIRST[(mantissa >> CLASS_SHIFT) as usize % CLASSES]);
    let part = first as i32 + i32::from(BOUNDS[first % CLASSES] < mantissa);
    coarser((exponent << FINEST) + part, FINEST.abs_diff(schema))
}

/// The exponent and mantissa that it would have if exponents went so far down.
#[cold]
fn subnormal(bits: u64) -> (i32, u64) {
    let shift = bits.leading_zeros().saturating_sub(63 - MANTISSA);
    (-1_022 - shift as i32, bits.wrapping_shl(shift) & MANTISSAS)
}

/// The bucket that has this one in it, at a schema so much lower.
#[inline]
pub(super) const fn coarser(index: i32, by: u8) -> i32 {
    let ones = (1 << by) - 1;
    (index + ones) >> by
}

/// The upper bound of a bucket.
#[cfg(test)]
pub(super) fn upper(index: i32, schema: i8) -> f64 {
    (f64::from(index) * f64::from(-schema).exp2()).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of a whole number in words of 32 bits, the lowest first.
    fn squared(number: &[u32]) -> Vec<u32> {
        let mut square = vec![0_u32; 2 * number.len()];
        for (i, a) in number.iter().enumerate() {
            let mut carry = 0;
            for (j, b) in number.iter().enumerate() {
                let sum = u64::from(square[i + j]) + u64::from(*a) * u64::from(*b) + carry;
                (square[i + j], carry) = (sum as u32, sum >> 32);
            }
            square[i + number.len()] = carry as u32;
        }
        square
    }

    /// The power of 2 that is not above the 256th power of a whole number, and whether it is that.
    fn power(number: u64) -> (usize, bool) {
        let mut power = vec![number as u32, (number >> 32) as u32];
        for _ in 0..8 {
            power = squared(&power);
        }
        let bits: Vec<usize> =
            (0..32 * power.len()).filter(|bit| power[bit / 32] >> (bit % 32) & 1 == 1).collect();
        (*bits.last().unwrap(), bits.len() == 1)
    }

    // Catches: a wrong digit of the root that matters, or a step of the multiplication: a whole number m of 2^-52 is not above 2^(k/256)
    // exactly when m^256 is not above 2^(52 * 256 + k).
    #[test]
    fn bounds_are_exact() {
        for (k, bound) in BOUNDS.iter().enumerate().take(PARTS) {
            let (below, is_power) = power(bound | 1 << MANTISSA);
            assert!(below < 52 * 256 + k || k == 0 && below == 52 * 256 && is_power, "{k}");
            assert!(power((bound | 1 << MANTISSA) + 1).0 >= 52 * 256 + k, "{k}");
        }
        assert!(FIRST.windows(2).all(|pair| pair[1] - pair[0] <= 1), "a class has one bound at most");
    }

    // Catches: a bound counted in the bucket above it, the exponent of subnormals off by one, a shift that rounds towards
    // zero.
    #[test]
    fn powers_of_two_end_their_buckets() {
        for exponent in -1_074..=1_023 {
            let value = if exponent < -1_022 {
                f64::from_bits(1 << (exponent + 1_074))
            } else {
                f64::from(exponent).exp2()
            };
            for schema in 0..=FINEST {
                assert_eq!(index(value, schema), exponent << schema, "2^{exponent} at {schema}");
                if exponent > -1_022 {
                    assert_eq!(index(value.next_up(), schema), (exponent << schema) + 1);
                    assert_eq!(index(value.next_down(), schema), exponent << schema);
                }
            }
            for schema in COARSEST..0 {
                let octaves = 1 << -schema;
                assert_eq!(
                    index(value, schema),
                    exponent.div_euclid(octaves) + i32::from(exponent.rem_euclid(octaves) > 0)
                );
            }
        }
        assert_eq!(index(f64::MAX, 0), 1_024);
        assert_eq!(index(f64::MAX, COARSEST), 64);
        assert_eq!(index(f64::MIN_POSITIVE.next_down(), FINEST), -1_022 << FINEST);
        assert_eq!(index(f64::from_bits(3), 0), -1_072);
    }

    proptest! {
        // The definition, in floating point: only next to a bound can it be off by one.
        #[test]
        fn as_the_logarithm_says(bits in 1..f64::INFINITY.to_bits(), schema in COARSEST..=FINEST) {
            let value = f64::from_bits(bits);
            let exact = value.log2() * f64::from(schema).exp2();
            let near = (exact - exact.round()).abs() < 1e-9 * exact.abs().max(1.0);
            let index = index(value, schema);
            prop_assert!(index == exact.ceil() as i32 || near && (f64::from(index) - exact).abs() < 1.001);
        }

        // Catches: a bucket of a schema that is not made of those of a finer one.
        #[test]
        fn a_lower_schema_has_pairs(bits in 1..f64::INFINITY.to_bits(), schema in COARSEST..=FINEST) {
            let value = f64::from_bits(bits);
            for lower in COARSEST..=schema {
                prop_assert_eq!(coarser(index(value, schema), schema.abs_diff(lower)), index(value, lower));
            }
        }

        #[test]
        fn it_grows(a in 1..f64::INFINITY.to_bits(), b in 1..f64::INFINITY.to_bits(), schema in COARSEST..=FINEST) {
            let (small, large) = (f64::from_bits(a.min(b)), f64::from_bits(a.max(b)));
            prop_assert!(index(small, schema) <= index(large, schema));
        }
    }
}
