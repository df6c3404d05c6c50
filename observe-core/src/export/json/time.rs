//! RFC 3339, in UTC, with microseconds.

use std::cell::Cell;

/// `2026-01-02T03:04:05.678901Z`
pub(crate) const LENGTH: usize = 27;

/// `1769655845678901234`
pub(crate) const NANOS_LENGTH: usize = 19;

const EPOCH: [u8; LENGTH] = *b"1970-01-01T00:00:00.000000Z";

thread_local! {
    /// The latest second that was written, and its text.
    static LATEST: Cell<(u64, [u8; LENGTH])> = const { Cell::new((0, EPOCH)) };
}

/// The time as text (RFC 3339, section 5.6); microseconds are cut, not rounded.
#[inline]
pub(crate) fn rfc3339(unix_nanos: u64) -> [u8; LENGTH] {
    let (second, nanos) = (unix_nanos / 1_000_000_000, unix_nanos % 1_000_000_000);
    let (latest, text) = LATEST.try_with(Cell::get).unwrap_or((0, EPOCH));
    let mut text = if second == latest { text } else { next_second(second) };
    let micros = (nanos / 1000) as u32;
    let [.., a, b, c, d, e, f, _] = &mut text;
    [*a, *b] = two(micros / 10_000);
    [*c, *d] = two(micros / 100 % 100);
    [*e, *f] = two(micros % 100);
    text
}

#[cold]
#[inline(never)]
fn next_second(second: u64) -> [u8; LENGTH] {
    let text = whole_second(second);
    // A thread that ends has no memory of it.
    let _ = LATEST.try_with(|latest| latest.set((second, text)));
    text
}

/// The nanoseconds since 1970, in 19 digits; right until November 2286, and from then on they stand still there.
pub(crate) fn nanos(unix_nanos: u64) -> [u8; NANOS_LENGTH] {
    let mut rest = unix_nanos.min(9_999_999_999_999_999_999);
    let mut text = [b'0'; NANOS_LENGTH];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text
}

/// Right until the end of the year 9999; from then on the text stands still there.
fn whole_second(second: u64) -> [u8; LENGTH] {
    const LAST: u64 = 253_402_300_799;
    let second = second.min(LAST);
    let (year, month, day) = civil((second / 86_400) as u32);
    let time = (second % 86_400) as u32;
    let mut text = EPOCH;
    let [y1, y2, y3, y4, _, m1, m2, _, d1, d2, _, h1, h2, _, i1, i2, _, s1, s2, ..] = &mut text;
    [*y1, *y2] = two(year / 100);
    [*y3, *y4] = two(year % 100);
    [*m1, *m2] = two(month);
    [*d1, *d2] = two(day);
    [*h1, *h2] = two(time / 3600);
    [*i1, *i2] = two(time / 60 % 60);
    [*s1, *s2] = two(time % 60);
    text
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar. Years are taken
/// to begin in March, so that the leap day is the last.
fn civil(day: u32) -> (u32, u32, u32) {
    // Days from 0000-03-01, in eras of 400 years.
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u32::from(month <= 2), month, day_of_month)
}

/// Two digits of a number below 100.
#[inline]
fn two(number: u32) -> [u8; 2] {
    static PAIRS: [[u8; 2]; 100] = {
        let mut pairs = [[b'0'; 2]; 100];
        let mut number = 0;
        while number < 100 {
            pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
            number += 1;
        }
        pairs
    };
    PAIRS.get(number as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation caught: any constant of `civil` changed by one.
    #[test]
    fn every_day_to_9999_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for index in 0..=2_932_896 {
            assert_eq!(civil(index), (year, month, day), "day {index}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = match month {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > days {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!((year, month, day), (10_000, 1, 1));
    }

    // Mutation caught: not comparing the second; digits in the wrong order.
    #[test]
    fn times_are_written_as_they_should_be() {
        for (nanos, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (999, "1970-01-01T00:00:00.000000Z"),
            (1_704_067_199_999_999_999, "2023-12-31T23:59:59.999999Z"),
            (1_709_210_096_012_345_678, "2024-02-29T12:34:56.012345Z"),
            (1_709_210_096_987_654_321, "2024-02-29T12:34:56.987654Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551Z"),
        ] {
            assert_eq!(rfc3339(nanos), expected.as_bytes(), "{expected}");
        }
        assert_eq!(whole_second(u64::MAX), *b"9999-12-31T23:59:59.000000Z");
    }
    #[test]
    fn nanoseconds_have_nineteen_digits() {
        for (time, expected) in [
            (0, "0000000000000000000"),
            (1_709_210_096_012_345_678, "1709210096012345678"),
            (u64::MAX, "9999999999999999999"),
        ] {
            assert_eq!(nanos(time), expected.as_bytes());
        }
    }
}
