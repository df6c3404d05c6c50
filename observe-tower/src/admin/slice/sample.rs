//! Requests with their attributes, each text held once.

use observe_core::context::TraceId;
use std::collections::HashMap;

/// The most attributes.
const ATTRIBUTES: usize = 200;
/// The most values of all attributes together.
const VALUES: usize = 20_000;
/// The longest value, in bytes. Longer ones are cut, and those that begin alike are one.
const VALUE_MAX: usize = 200;

/// A request, and the numbers of the values that it has.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) trace_id: TraceId,
    pub(super) nanos: u64,
    pub(super) is_failed: bool,
    pub(super) values: Vec<usize>,
}

/// A value of an attribute.
#[derive(Debug)]
pub(super) struct Named {
    /// The number of the attribute.
    pub(super) attribute: usize,
    pub(super) text: String,
}

/// Requests that are looked at.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) taken: Vec<Taken>,
    pub(super) names: Vec<String>,
    pub(super) values: Vec<Named>,
    name_numbers: HashMap<String, usize>,
    value_numbers: Vec<HashMap<String, usize>>,
    /// Attributes of requests that found no room, counted each time.
    pub(super) attributes_left_out: usize,
    /// Values of requests, likewise.
    pub(super) values_left_out: usize,
}

impl Sample {
    /// The number of a value of an attribute; `None`: there is no room for it.
    pub(super) fn value(&mut self, name: &str, value: &str) -> Option<usize> {
        let attribute = match self.name_numbers.get(name) {
            Some(number) => *number,
            None if self.names.len() >= ATTRIBUTES => {
                self.attributes_left_out += 1;
                return None;
            }
            None => {
                self.names.push(name.to_owned());
                self.value_numbers.push(HashMap::new());
                self.name_numbers.insert(name.to_owned(), self.names.len() - 1);
                self.names.len() - 1
            }
        };
        let text = value.get(..value.floor_char_boundary(VALUE_MAX)).unwrap_or_default();
        let numbers = self.value_numbers.get_mut(attribute)?;
        if let Some(number) = numbers.get(text) {
            return Some(*number);
        }
        if self.values.len() >= VALUES {
            self.values_left_out += 1;
            return None;
        }
        numbers.insert(text.to_owned(), self.values.len());
        self.values.push(Named { attribute, text: text.to_owned() });
        Some(self.values.len() - 1)
    }

    /// The value of an attribute that a request has.
    pub(super) fn value_of(&self, taken: &Taken, name: &str) -> Option<&str> {
        let attribute = self.name_numbers.get(name)?;
        let mut values = taken.values.iter().filter_map(|number| self.values.get(*number));
        values.find(|value| value.attribute == *attribute).map(|value| value.text.as_str())
    }

    /// Every attribute, how many values it has, and how many requests have it.
    pub(super) fn attributes(&self) -> Vec<(&str, usize, usize)> {
        let mut requests = vec![0; self.names.len()];
        for number in self.taken.iter().flat_map(|taken| &taken.values) {
            let attribute = self.values.get(*number).and_then(|value| requests.get_mut(value.attribute));
            if let Some(count) = attribute {
                *count += 1;
            }
        }
        let values = self.value_numbers.iter().map(HashMap::len);
        self.names
            .iter()
            .map(String::as_str)
            .zip(values)
            .zip(requests)
            .map(|((name, values), count)| (name, values, count))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: values or attributes without end, or texts; two attributes with one value taken for one.
    #[test]
    fn texts_are_held_once_and_bounded() {
        let mut sample = Sample::default();
        let one = sample.value("a", "x");
        assert_eq!((sample.value("a", "x"), sample.value("b", "x"), one), (Some(0), Some(1), Some(0)));
        let long = "é".repeat(VALUE_MAX);
        let cut = sample.value("a", &long).unwrap();
        assert_eq!(sample.values[cut].text.len(), VALUE_MAX);
        assert_eq!(sample.value("a", &long[..VALUE_MAX]), Some(cut));
        for number in 0..ATTRIBUTES {
            sample.value(&format!("n{number}"), "x");
        }
        assert_eq!((sample.names.len(), sample.attributes_left_out), (ATTRIBUTES, 2));
        for number in 0..VALUES {
            sample.value("a", &number.to_string());
        }
        assert_eq!(sample.values.len(), VALUES);
        assert_eq!(sample.values_left_out, ATTRIBUTES + 1);
        assert_eq!(sample.value("a", "x"), one);
    }
}
