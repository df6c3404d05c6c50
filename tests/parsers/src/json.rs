//! JSON as `serde_json` reads it, but for keys that come twice, which it would pass over.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// A value in which no object has a key twice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Text(String),
    Object(BTreeMap<String, Json>),
    List(Vec<Json>),
    /// A number, `true`, `false`, `null`.
    Other,
}

impl Json {
    /// # Panics
    ///
    /// If it is none.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// What stands behind this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        if let Json::Object(object) = self { object.get(key) } else { None }
    }

    /// What stands behind this key, in it or in what is in it.
    pub(crate) fn find(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(object) => {
                object.get(key).or_else(|| object.values().find_map(|value| value.find(key)))
            }
            Json::List(list) => list.iter().find_map(|value| value.find(key)),
            Json::Text(_) | Json::Other => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Json::Text(text) = self { Some(text) } else { None }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((key, value)) = entries.next_entry::<String, Json>()? {
            if let Some(_twice) = object.insert(key.clone(), value) {
                return Err(A::Error::custom(format!("the key `{key}` twice")));
            }
        }
        Ok(Json::Object(object))
    }
}
