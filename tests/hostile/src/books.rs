//! What the attacker knows of his requests, and whether the metrics say the same.

use processes::Metrics;
use std::collections::BTreeMap;
use std::ops::AddAssign;

const COUNT: &str = "http_server_request_duration_seconds_count";
/// The route of what is reset in the moment in which it is sent.
pub(crate) const RESET: &str = "/reset";

/// The requests whose heads arrived whole, by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Answered to the end, by status.
    pub answered: BTreeMap<u16, u64>,
    /// Left before their answers began.
    pub cancelled: u64,
    /// Left within their answers' bodies.
    pub cut: u64,
    /// Their handlers panicked.
    pub panicked: u64,
    /// They arrived, and were left at a moment when they may have been answered already.
    pub open_ended: u64,
    /// Left in the moment in which they were sent: each arrived or did not, and may have been answered.
    pub unsure: u64,
    /// Reset in that moment, on a route of their own: each arrived or did not.
    pub reset: u64,
    /// Calls by gRPC, which have a metric of their own.
    pub calls: u64,
    /// With a method that nobody knows; among the others, too.
    pub unknown_methods: u64,
    /// Streams and upgrades, which have a metric of their own; among the answered, too.
    pub streams: u64,
    /// What the server itself refused, or what never was a whole head. No service has seen it.
    pub refused: u64,
}

impl Books {
    pub(crate) fn answer(&mut self, status: u16) {
        *self.answered.entry(status).or_default() += 1;
    }

    /// How many arrived for certain.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.answered.values().sum::<u64>()
            + self.cancelled
            + self.cut
            + self.panicked
            + self.open_ended
            + self.calls
    }

    /// Whether the metrics of before and after say the same.
    ///
    /// # Errors
    ///
    /// What they say else.
    pub fn compare(&self, before: &Metrics, after: &Metrics) -> Result<(), String> {
        let (before, after) = (Counted::of(before), Counted::of(after));
        let since = |pick: fn(&Counted) -> u64| pick(&after) - pick(&before);
        let more = |what: &str, counted: u64, known: u64| {
            counted.checked_sub(known).ok_or_else(|| format!("{what}: {counted} counted, {known} known"))
        };
        let mut open = 0;
        let statuses = self.answered.keys().chain(after.answered.keys());
        for status in statuses.collect::<std::collections::BTreeSet<_>>() {
            let at = |counted: &BTreeMap<u16, u64>| counted.get(status).copied().unwrap_or(0);
            let counted = at(&after.answered) - at(&before.answered);
            open += more(&format!("answered {status}"), counted, at(&self.answered))?;
        }
        open += more("cut", since(|counted| counted.cut), self.cut)?;
        open += more("cancelled", since(|counted| counted.cancelled), self.cancelled)?;
        let reset = since(|counted| counted.reset);
        let is_right =
            (self.open_ended..=self.open_ended + self.unsure).contains(&open) && reset <= self.reset;
        if !is_right {
            let counted = since(|counted| counted.all);
            return Err(format!(
                "{counted} counted, {} arrived: {self:?}, {before:?}, {after:?}",
                self.arrived()
            ));
        }
        for (what, counted, known) in [
            ("panicked", since(|counted| counted.panicked), self.panicked),
            ("unknown methods", since(|counted| counted.unknown_methods), self.unknown_methods),
            ("streams", since(|counted| counted.streams), self.streams),
            ("calls", since(|counted| counted.calls), self.calls),
        ] {
            if counted != known {
                return Err(format!("{what}: {counted} counted, {known} known"));
            }
        }
        Ok(())
    }
}

impl AddAssign for Books {
    fn add_assign(&mut self, other: Self) {
        for (status, count) in other.answered {
            *self.answered.entry(status).or_default() += count;
        }
        self.cancelled += other.cancelled;
        self.cut += other.cut;
        self.panicked += other.panicked;
        self.open_ended += other.open_ended;
        self.unsure += other.unsure;
        self.reset += other.reset;
        self.calls += other.calls;
        self.unknown_methods += other.unknown_methods;
        self.streams += other.streams;
        self.refused += other.refused;
    }
}

/// What a page says.
#[derive(Debug, Default)]
struct Counted {
    answered: BTreeMap<u16, u64>,
    cancelled: u64,
    cut: u64,
    panicked: u64,
    unknown_methods: u64,
    streams: u64,
    calls: u64,
    reset: u64,
    all: u64,
}

impl Counted {
    fn of(page: &Metrics) -> Self {
        let mut counted = Self::default();
        for (name, labels, value) in page.samples() {
            let label = |name: &str| labels.get(name).map_or("", String::as_str);
            let count = *value as u64;
            match name.as_str() {
                "http_server_stream_duration_seconds_count" => counted.streams += count,
                "rpc_server_call_duration_seconds_count" => counted.calls += count,
                _ => {}
            }
            if name != COUNT {
                continue;
            }
            counted.all += count;
            if label("http_route") == RESET {
                counted.reset += count;
                continue;
            }
            if label("http_request_method") == "_OTHER" {
                counted.unknown_methods += count;
            }
            match (label("http_response_status_code").parse(), label("error_type")) {
                (_, "panicked") => counted.panicked += count,
                (Ok(_), "cancelled") => counted.cut += count,
                (Err(_), "cancelled") => counted.cancelled += count,
                (Ok(status), _) => *counted.answered.entry(status).or_default() += count,
                (Err(_), other) => counted.cancelled += if other.is_empty() { 0 } else { count },
            }
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: a sum that hides one too many behind one too few; an outcome that is not looked at.
    #[test]
    fn each_one_too_many_or_too_few_is_told() {
        let page = |ok: u32, cancelled: u32, cut: u32, panicked: u32| {
            Metrics::read(&format!(
                "{COUNT}{{http_response_status_code=\"200\"}} {ok}\n\
                 {COUNT}{{http_response_status_code=\"200\",error_type=\"cancelled\"}} {cut}\n\
                 {COUNT}{{error_type=\"cancelled\"}} {cancelled}\n\
                 {COUNT}{{error_type=\"panicked\"}} {panicked}\n"
            ))
        };
        let before = page(1, 1, 1, 1);
        let answered = BTreeMap::from([(200, 5)]);
        let books = Books { answered, cancelled: 4, cut: 3, panicked: 2, open_ended: 1, ..Books::default() };
        for good in [page(7, 5, 4, 3), page(6, 6, 4, 3), page(6, 5, 5, 3)] {
            assert_eq!(books.compare(&before, &good), Ok(()));
        }
        for bad in [
            page(6, 5, 4, 3),
            page(8, 5, 4, 3),
            page(5, 7, 4, 3),
            page(7, 4, 5, 3),
            page(7, 5, 4, 4),
            page(7, 5, 4, 2),
        ] {
            assert!(books.compare(&before, &bad).is_err(), "{bad:?}");
        }
        let unsure = Books { unsure: 2, ..books };
        assert_eq!(unsure.compare(&before, &page(6, 8, 4, 3)), Ok(()));
        assert!(unsure.compare(&before, &page(6, 9, 4, 3)).is_err());
    }
}
