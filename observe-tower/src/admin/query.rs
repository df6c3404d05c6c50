//! The parameters of a request.

use super::aside::Asker;
use super::refusal::{Refusal, Rule};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The longest query, in bytes.
pub(super) const QUERY_MAX: usize = 4 * 1024;

/// What is asked for, and by whom.
pub(super) struct Query {
    /// The parameters that nobody has taken yet: what stays at the end is unknown.
    left: Vec<(String, String)>,
    asker: Asker,
}

impl Query {
    pub(super) fn read(query: Option<&str>) -> Result<Self, Refusal> {
        let query = query.unwrap_or_default();
        if query.len() > QUERY_MAX {
            return Err(Refusal::new(Rule::QuerySize, format!("a query has at most {QUERY_MAX} bytes")));
        }
        let left = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Self { left, asker: Asker::default() })
    }

    /// Every value of a parameter, at most so many.
    pub(super) fn take_all(&mut self, name: &str, most: usize) -> Result<Vec<String>, Refusal> {
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for (key, value) in self.left.drain(..) {
            if key == name {
                taken.push(value);
            } else {
                left.push((key, value));
            }
        }
        self.left = left;
        if taken.len() > most {
            let times = if most == 1 { "once".to_owned() } else { format!("{most} times") };
            return Err(wrong(name, &format!("may be there {times}")));
        }
        Ok(taken)
    }

    /// The value of a parameter that is there once, or not.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        Ok(self.take_all(name, 1)?.pop())
    }

    /// A value that is read; `form` says in words how it looks.
    pub(super) fn take_as<T: FromStr>(&mut self, name: &str, form: &str) -> Result<Option<T>, Refusal> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| wrong(name, &format!("is {form}")))
    }

    /// How many are to be answered.
    pub(super) fn limit(&mut self, usual: usize, range: RangeInclusive<usize>) -> Result<usize, Refusal> {
        let form = format!("a whole number from {} to {}", range.start(), range.end());
        let limit = self.take_as("limit", &form)?.unwrap_or(usual);
        if range.contains(&limit) { Ok(limit) } else { Err(wrong("limit", &format!("is {form}"))) }
    }

    /// A time in milliseconds, as nanoseconds.
    pub(super) fn millis(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        let form = "a number of milliseconds";
        match self.take_as::<f64>(name, form)? {
            None => Ok(None),
            // The longest is 584 years.
            Some(millis) if millis.is_finite() && millis >= 0.0 => Ok(Some((millis * 1e6) as u64)),
            Some(_) => Err(wrong(name, &format!("is {form}"))),
        }
    }

    /// The same, for whom it is made on another thread.
    pub(super) fn of(self, asker: Asker) -> Self {
        Self { asker, ..self }
    }

    /// Whoever asked.
    pub(super) fn asker(&self) -> Asker {
        self.asker.clone()
    }

    /// Whether nobody asks for something that is none of these.
    pub(super) fn only(&self, names: &[&[&str]]) -> Result<(), Refusal> {
        let is_known = |name: &str| names.iter().any(|names| names.contains(&name));
        match self.left.iter().find(|(name, _)| !is_known(name)) {
            None => Ok(()),
            Some((name, _)) => Err(wrong(&clip(name), "is no parameter of this view")),
        }
    }

    /// Whether nobody asked for something that was not taken.
    pub(super) fn finish(&self) -> Result<(), Refusal> {
        self.only(&[])
    }
}

/// A refusal that names the parameter and the rule.
pub(super) fn wrong(name: &str, rule: &str) -> Refusal {
    Refusal::new(Rule::Parameter, format!("`{name}` {rule}"))
}

/// What is said back of a text that a client sent.
fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::read(Some(text)).ok().unwrap()
    }

    // Mutations caught: an unknown parameter that is passed over; the second of two that counts; escapes taken literally.
    #[test]
    fn parameters_are_read_and_none_is_passed_over() {
        let mut given = query("a=1+2%2F3&limit=7&min_ms=1.5");
        assert_eq!(given.take("a").unwrap().as_deref(), Some("1 2/3"));
        assert_eq!(given.limit(5, 1..=10).unwrap(), 7);
        assert_eq!(given.millis("min_ms").unwrap(), Some(1_500_000));
        assert!(given.finish().is_ok());
        assert_eq!(query("").limit(5, 1..=10).unwrap(), 5);
        assert!(query("b=1").finish().unwrap_err().message.contains("`b`"));
        assert!(query("a=1&a=2").take("a").unwrap_err().message.contains("once"));
        assert!(query("b=1&a=1").only(&[&["a"], &["b"]]).is_ok());
        assert!(query("a=1&b=1").only(&[&["a"], &[]]).unwrap_err().message.contains("`b`"));
        for wrong in ["limit=0", "limit=11", "limit=x", "limit=-1"] {
            assert!(query(wrong).limit(5, 1..=10).unwrap_err().message.contains("from 1 to 10"), "{wrong}");
        }
        for wrong in ["min_ms=-1", "min_ms=NaN", "min_ms=inf", "min_ms="] {
            assert_eq!(query(wrong).millis("min_ms").unwrap_err().rule, Rule::Parameter, "{wrong}");
        }
        assert!(query("a=1&a=2&a=3").take_all("a", 2).unwrap_err().message.contains("2 times"));
        let long = "x".repeat(QUERY_MAX + 1);
        assert_eq!(Query::read(Some(&long)).err().unwrap().rule, Rule::QuerySize);
        assert!(Query::read(Some(&long[1..])).is_ok());
    }
}
