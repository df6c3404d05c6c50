//! Whatever carries context: HTTP headers, message headers, a map.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// A carrier that context can be read from.
///
/// ```
/// use observe_core::context::{Context, Extract, Propagation};
///
/// struct Message {
///     headers: Vec<(&'static str, Vec<u8>)>,
/// }
///
/// impl Extract for Message {
///     fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
///         for (name, value) in &self.headers {
///             offer(name, value);
///         }
///     }
/// }
///
/// let message = Message { headers: vec![("X-Correlation-ID", b"order-4711".to_vec())] };
/// let context = Context::extract(&message, &Propagation::default()).context;
/// assert_eq!(context.correlation_id().unwrap().as_str(), "order-4711");
/// ```
pub trait Extract {
    /// Offers every header by name and value, in order; one with several values as often. What is not wanted
    /// is passed over, so there is no need to look at the names, but a carrier that is dear to walk may offer
    /// only [`Propagation::headers`](crate::context::Propagation::headers).
    ///
    /// Upper and lower case are the same in a name. A value may be anything.
    fn each<'a>(&'a self, offer: impl FnMut(&'a str, &'a [u8]));
}

/// A carrier that context can be written to.
pub trait Inject {
    /// Sets a header to one value, in the place of all it had. The name is in lower case, the value printable
    /// ASCII. A carrier that cannot take it leaves it out.
    fn set(&mut self, name: &str, value: &str);

    /// Removes all values of a header, whatever the case of its name.
    fn remove(&mut self, name: &str);

    /// Sets each header to its value (printable ASCII), or removes it if that is `None`. By default one after the other,
    /// by way of the methods above: for carriers that can make use of names that have been checked.
    fn put<const N: usize>(&mut self, headers: [(&HeaderName, Option<&[u8]>); N]) {
        for (name, value) in headers {
            match value.map(str::from_utf8) {
                Some(Ok(value)) => self.set(name.as_str(), value),
                None | Some(Err(_)) => self.remove(name.as_str()),
            }
        }
    }
}

impl Extract for HeaderMap {
    // One pass costs less than one lookup.
    fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
        for (name, value) in self {
            offer(name.as_str(), value.as_bytes());
        }
    }
}

impl Inject for HeaderMap {
    fn set(&mut self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            // It fails beyond 32,768 headers.
            let _ = self.try_insert(name, value);
        }
    }

    fn remove(&mut self, name: &str) {
        HeaderMap::remove(self, name);
    }

    #[inline]
    fn put<const N: usize>(&mut self, headers: [(&HeaderName, Option<&[u8]>); N]) {
        // There is hardly ever one to remove. Up to about so many names, looking at each costs less than hashing.
        let unwanted = |key| headers.iter().any(|(name, value)| value.is_none() && key == *name);
        if self.keys_len() > 20 || self.keys().any(unwanted) {
            for (name, _) in headers.iter().filter(|(_, value)| value.is_none()) {
                discard(self, name);
            }
        }
        for (name, value) in headers {
            if let Some(value) = value {
                replace(self, name, value);
            }
        }
    }
}

fn replace(headers: &mut HeaderMap, name: &HeaderName, value: &[u8]) {
    // A length that the compiler knows, that of `traceparent`, is checked and copied without a loop.
    let value = match value.as_array::<55>() {
        Some(value) => HeaderValue::from_bytes(value),
        None => HeaderValue::from_bytes(value),
    };
    match value {
        // It fails beyond 32,768 headers.
        Ok(value) => drop(headers.try_insert(name, value)),
        Err(_) => discard(headers, name),
    }
}

#[cold]
fn discard(headers: &mut HeaderMap, name: &HeaderName) {
    headers.remove(name);
}

impl<S: BuildHasher> Extract for HashMap<String, String, S> {
    fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
        for (name, value) in self {
            offer(name, value.as_bytes());
        }
    }
}

impl<S: BuildHasher> Inject for HashMap<String, String, S> {
    fn set(&mut self, name: &str, value: &str) {
        Inject::remove(self, name);
        self.insert(name.to_owned(), value.to_owned());
    }

    fn remove(&mut self, name: &str) {
        self.retain(|other, _| !other.eq_ignore_ascii_case(name));
    }
}

impl Extract for BTreeMap<String, String> {
    fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
        for (name, value) in self {
            offer(name, value.as_bytes());
        }
    }
}

impl Inject for BTreeMap<String, String> {
    fn set(&mut self, name: &str, value: &str) {
        Inject::remove(self, name);
        self.insert(name.to_owned(), value.to_owned());
    }

    fn remove(&mut self, name: &str) {
        self.retain(|other, _| !other.eq_ignore_ascii_case(name));
    }
}

impl Extract for Vec<(String, String)> {
    fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
        for (name, value) in self {
            offer(name, value.as_bytes());
        }
    }
}

impl Inject for Vec<(String, String)> {
    fn set(&mut self, name: &str, value: &str) {
        Inject::remove(self, name);
        self.push((name.to_owned(), value.to_owned()));
    }

    fn remove(&mut self, name: &str) {
        self.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(carrier: &impl Extract) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        carrier
            .each(|name, value| headers.push((name.to_owned(), String::from_utf8_lossy(value).into_owned())));
        headers.sort();
        headers
    }

    /// Every carrier must end the same way, whatever case its names were in.
    fn exercise<C: Inject + Extract + Default>(fill: impl Fn(&mut C)) {
        let (a, b, c) =
            (HeaderName::from_static("a"), HeaderName::from_static("b"), HeaderName::from_static("c"));
        let mut carrier = C::default();
        fill(&mut carrier);
        assert_eq!(offered(&carrier).len(), 3);
        carrier.put([(&a, Some(b"new")), (&b, None), (&c, None)]);
        let expected = [("a".to_owned(), "new".to_owned()), ("other".to_owned(), "kept".to_owned())];
        assert_eq!(offered(&carrier), expected);
        carrier.set("b", "2");
        carrier.set("b", "3");
        carrier.remove("a");
        let expected = [("b".to_owned(), "3".to_owned()), ("other".to_owned(), "kept".to_owned())];
        assert_eq!(offered(&carrier), expected);
        // What no header can be is left out, not a panic.
        carrier.put([(&b, Some(b"\xff"))]);
    }

    #[test]
    fn every_carrier_sets_and_removes_alike() {
        let headers = || [("A", "1"), ("B", "2"), ("other", "kept")];
        let owned = || headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        exercise::<HashMap<String, String>>(|carrier| carrier.extend(owned()));
        exercise::<BTreeMap<String, String>>(|carrier| carrier.extend(owned()));
        exercise::<Vec<(String, String)>>(|carrier| carrier.extend(owned()));
        exercise::<HeaderMap>(|carrier| {
            for (name, value) in headers() {
                carrier.insert(
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_static(value),
                );
            }
        });
    }

    // Mutation: `insert` or `remove` of one value only.
    #[test]
    fn all_values_of_a_header_are_replaced() {
        let mut carrier = HeaderMap::new();
        for _ in 0..3 {
            carrier.append("a", HeaderValue::from_static("1"));
            carrier.append("b", HeaderValue::from_static("1"));
        }
        let (a, b) = (HeaderName::from_static("a"), HeaderName::from_static("b"));
        assert_eq!(offered(&carrier).len(), 6);
        carrier.put([(&a, Some(b"2")), (&b, None)]);
        assert_eq!(offered(&carrier), [("a".to_owned(), "2".to_owned())]);
        carrier.set("a b", "no header name");
        carrier.set("a", "no header\nvalue");
        carrier.remove("a b");
        assert_eq!(carrier.len(), 1);
    }
}
