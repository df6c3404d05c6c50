//! A line of the log, read strictly: one object, no key twice, at no depth.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// A value of JSON.
#[derive(Debug, PartialEq)]
pub(crate) enum Json {
    Text(String),
    Number(f64),
    Other,
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub(crate) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Json>, String> {
        match serde_json::from_slice(bytes) {
            Ok(Json::Object(members)) => Ok(members),
            Ok(_) => Err("no object".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Strict)
    }
}

struct Strict;

impl<'de> Visitor<'de> for Strict {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<Json>()?.is_some() {}
        Ok(Json::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            if let Some(twice) = members.insert(key, value) {
                return Err(A::Error::custom(format_args!("a key comes twice, at first with {twice:?}")));
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation caught: a reader that takes the last of two keys.
    #[test]
    fn what_is_no_single_object_is_refused() {
        assert!(Json::read(b"{\"a\":1,\"b\":[{\"a\":\"\\r\"}]}").is_ok());
        for bad in [
            &b"{\"a\":1,\"a\":1}"[..],
            b"{\"a\":1,\"\\u0061\":1}",
            b"{\"a\":[{\"b\":1,\"b\":1}]}",
            b"{}{}",
            b"[]",
            b"",
            b"{\"a\":\"\x1b\"}",
            b"{\"a\":\"\xff\"}",
        ] {
            assert!(Json::read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
