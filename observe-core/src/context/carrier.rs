//! Whatever carries context: HTTP headers, message headers, a map.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::context::propagator::TRACEPARENT;

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

    /// Offers the values of these headers alone, in order, each with its name's place in the list. By default by way of
    /// the method above: for carriers that can make use of names that have been checked.
    fn pick<'a, const N: usize>(&'a self, names: [&HeaderName; N], mut offer: impl FnMut(usize, &'a [u8])) {
        self.each(|name, value| {
            if let Some(place) = names.iter().position(|wanted| is(name, wanted.as_str())) {
                offer(place, value);
            }
        });
    }
}

/// The length decides for most headers; it is compared in place.
#[inline(always)]
pub(super) fn is(name: &str, wanted: &str) -> bool {
    #[inline(never)]
    fn same(name: &str, wanted: &str) -> bool {
        name == wanted || name.eq_ignore_ascii_case(wanted)
    }
    name.len() == wanted.len() && same(name, wanted)
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

    /// Sets `traceparent`, as the method above does.
    fn put_traceparent(&mut self, value: &[u8; 55]) {
        self.put([(&TRACEPARENT, Some(value.as_slice()))]);
    }
}

impl Extract for HeaderMap {
    // One pass costs less than one lookup.
    fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
        for (name, value) in self {
            offer(name.as_str(), value.as_bytes());
        }
    }

    // Names are compared as they are held: most headers are known to `http` by a number, and these are not.
    #[inline]
    fn pick<'a, const N: usize>(&'a self, names: [&HeaderName; N], mut offer: impl FnMut(usize, &'a [u8])) {
        for (name, value) in self {
            if let Some(place) = names.iter().position(|wanted| name == *wanted) {
                offer(place, value.as_bytes());
            }
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

    // The hash of a constant, which is not borrowed, is one too, and the check and the copy of a value whose length is.
    #[inline]
    fn put_traceparent(&mut self, value: &[u8; 55]) {
        match HeaderValue::from_bytes(value) {
            Ok(value) => drop(self.try_insert(TRACEPARENT, value)),
            Err(_) => discard(self, &TRACEPARENT),
        }
    }

    // Inline, so that names which are constants are compared as such.
    #[inline(always)]
    fn put<const N: usize>(&mut self, headers: [(&HeaderName, Option<&[u8]>); N]) {
        if headers.iter().any(|(_, value)| value.is_none()) {
            // There is hardly ever one to remove. Up to about so many names, looking at each costs less than hashing.
            let mut known = self.keys_len() > 20;
            if !known {
                for key in self.keys() {
                    for (name, _) in &headers {
                        known |= key == *name;
                    }
                }
            }
            if known {
                for (name, _) in headers.iter().filter(|(_, value)| value.is_none()) {
                    discard(self, name);
                }
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
    match HeaderValue::from_bytes(value) {
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
        carrier.put_traceparent(&[b'0'; 55]);
        carrier.put_traceparent(&[b'1'; 55]);
        let mut values = Vec::new();
        carrier.pick([&a, &TRACEPARENT, &c], |place, value| values.push((place, value.to_vec())));
        assert_eq!(values, [(1, vec![b'1'; 55])]);
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
        let mut picked = Vec::new();
        carrier.pick([&HeaderName::from_static("host"), &b], |place, value| picked.push((place, value)));
        assert_eq!(picked, [(1, b"1".as_slice()); 3]);
        carrier.put([(&a, Some(b"2")), (&b, None)]);
        assert_eq!(offered(&carrier), [("a".to_owned(), "2".to_owned())]);
        carrier.set("a b", "no header name");
        carrier.set("a", "no header\nvalue");
        carrier.remove("a b");
        assert_eq!(carrier.len(), 1);
    }
}
