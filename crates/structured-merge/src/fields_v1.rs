//! FieldsV1: the JSON form of field sets in `metadata.managedFields`.
//!
//! Each key is one path element (`f:` a field, `k:` the key fields of a list item, `v:` the item of a
//! set, `i:` a position), `.` says that the parent itself is in the set, and an empty object that
//! the element is. See <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.35/#fieldsv1-v1-meta>.

use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::path::{KeyFields, PathElement};
use crate::set::{Node, Set};
use crate::value::{Escape, MAX_DEPTH, write_json, write_json_string};

/// Why a text is not a field set or not one of its elements.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FieldsV1Error {
    /// The element's kind is none of `f`, `k`, `v`, `i`: a newer server may know it.
    #[error("path element {0:?} is of an unknown kind")]
    UnknownKind(String),
    /// The element cannot be read.
    #[error("path element {0:?} is malformed")]
    Malformed(String),
    /// The field set cannot be read.
    #[error("field set is malformed")]
    Json(#[source] serde_json::Error),
}

/// Reads one path element (`f:spec`, `k:{"name":"app"}`, `v:3`, `i:0`).
///
/// ```
/// use structured_merge::PathElement;
/// let element: PathElement = r#"k:{"protocol":"TCP","containerPort":80}"#.parse()?;
/// assert_eq!(element.to_string(), r#"[containerPort=80,protocol="TCP"]"#);
/// assert_eq!(element.to_fields_v1(), r#"k:{"containerPort":80,"protocol":"TCP"}"#);
/// # Ok::<(), structured_merge::FieldsV1Error>(())
/// ```
impl FromStr for PathElement {
    type Err = FieldsV1Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || FieldsV1Error::Malformed(text.to_owned());
        let (kind, rest) = text.split_at_checked(2).ok_or_else(malformed)?;
        match kind {
            "f:" => Ok(Self::field(rest)),
            "k:" => {
                let fields: Map<String, Value> = serde_json::from_str(rest).map_err(|_| malformed())?;
                Ok(Self::Key(KeyFields::new(fields)))
            }
            "v:" => {
                let value: Value = serde_json::from_str(rest).map_err(|_| malformed())?;
                Ok(Self::value(value))
            }
            "i:" => rest.parse().map(Self::Index).map_err(|_| malformed()),
            other if other.ends_with(':') => Err(FieldsV1Error::UnknownKind(text.to_owned())),
            _ => Err(malformed()),
        }
    }
}

impl PathElement {
    /// Returns the element as a key of FieldsV1.
    #[must_use]
    pub fn to_fields_v1(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Field(name) => {
                text.push_str("f:");
                text.push_str(name);
            }
            Self::Key(key) => {
                text.push_str("k:{");
                for (position, (name, value)) in key.iter().enumerate() {
                    if position > 0 {
                        text.push(',');
                    }
                    write_json_string(name, Escape::Plain, &mut text);
                    text.push(':');
                    write_json(value, &mut text);
                }
                text.push('}');
            }
            Self::Value(value) => {
                text.push_str("v:");
                write_json(value, &mut text);
            }
            Self::Index(index) => text = format!("i:{index}"),
        }
        text
    }
}

impl Set {
    /// Reads a set from FieldsV1 as it stands in a `managedFields` entry; its keys may be in any order.
    ///
    /// # Errors
    /// Fails when the value is not FieldsV1. Elements of unknown kinds are left out, as the API server
    /// does.
    ///
    /// ```
    /// use serde_json::json;
    /// use structured_merge::Set;
    /// let set = Set::from_fields_v1(&json!({"f:spec": {"f:replicas": {}, ".": {}}}))?;
    /// assert_eq!(set.to_string(), ".spec\n.spec.replicas");
    /// # Ok::<(), structured_merge::FieldsV1Error>(())
    /// ```
    pub fn from_fields_v1(fields: &Value) -> Result<Self, FieldsV1Error> {
        Self::deserialize(fields).map_err(FieldsV1Error::Json)
    }

    /// Returns the set as FieldsV1.
    ///
    /// A [`Value`] may order its keys; [`Set::to_fields_v1_text`] has them in the server's order.
    #[must_use]
    pub fn to_fields_v1(&self) -> Value {
        fn map(set: &Set, include_self: bool) -> Value {
            let own = include_self.then(|| (".".to_owned(), Value::Object(Map::new())));
            let nodes = set.nodes().iter().map(|node| {
                (node.element.to_fields_v1(), map(&node.children, node.member && !node.children.is_empty()))
            });
            Value::Object(own.into_iter().chain(nodes).collect())
        }
        map(self, false)
    }

    /// Returns the set as FieldsV1 in JSON, byte for byte as the API server writes it.
    ///
    /// ```
    /// use structured_merge::Set;
    /// let text = r#"{"f:spec":{"f:replicas":{},".":{}},"f:metadata":{"f:labels":{}}}"#;
    /// let set: Set = text.parse()?;
    /// assert_eq!(
    ///     set.to_fields_v1_text(),
    ///     r#"{"f:metadata":{"f:labels":{}},"f:spec":{".":{},"f:replicas":{}}}"#,
    /// );
    /// # Ok::<(), structured_merge::FieldsV1Error>(())
    /// ```
    #[must_use]
    pub fn to_fields_v1_text(&self) -> String {
        fn write(set: &Set, include_self: bool, out: &mut String) {
            out.push('{');
            if include_self {
                out.push_str("\".\":{}");
            }
            for (position, node) in set.nodes().iter().enumerate() {
                if include_self || position > 0 {
                    out.push(',');
                }
                write_json_string(&node.element.to_fields_v1(), Escape::Plain, out);
                out.push(':');
                write(&node.children, node.member && !node.children.is_empty(), out);
            }
            out.push('}');
        }
        let mut text = String::new();
        write(self, false, &mut text);
        text
    }
}

impl FromStr for Set {
    type Err = FieldsV1Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map_err(FieldsV1Error::Json)
    }
}

/// Writes FieldsV1 in the server's order.
impl Serialize for Set {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Level { set: self, include_self: false }.serialize(serializer)
    }
}

struct Level<'a> {
    set: &'a Set,
    include_self: bool,
}

impl Serialize for Level<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nodes = self.set.nodes();
        let mut map = serializer.serialize_map(Some(nodes.len() + usize::from(self.include_self)))?;
        if self.include_self {
            map.serialize_entry(".", &Map::new())?;
        }
        for node in nodes {
            let include_self = node.member && !node.children.is_empty();
            map.serialize_entry(&node.element.to_fields_v1(), &Level { set: &node.children, include_self })?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Set {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LevelSeed { left: MAX_DEPTH }.deserialize(deserializer).map(|level| level.children)
    }
}

/// What stands below one element.
#[derive(Default)]
struct ReadLevel {
    children: Set,
    has_dot: bool,
}

struct LevelSeed {
    left: usize,
}

impl<'de> DeserializeSeed<'de> for LevelSeed {
    type Value = ReadLevel;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for LevelSeed {
    type Value = ReadLevel;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of path elements")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(ReadLevel::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let left = self.left.checked_sub(1).ok_or_else(|| A::Error::custom("nested too deep"))?;
        let mut nodes = Vec::new();
        let mut has_dot = false;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let element = match key {
                Key::Dot => {
                    has_dot = true;
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Key::Element(element) => element,
            };
            let ReadLevel { children, has_dot } = map.next_value_seed(LevelSeed { left })?;
            nodes.push(Node { element, member: has_dot || children.is_empty(), children });
        }
        Ok(ReadLevel { children: Set::from_nodes(nodes), has_dot })
    }
}

/// A key of FieldsV1.
enum Key {
    Dot,
    Element(PathElement),
    /// An element of a kind that is not known.
    Unknown,
}

/// Reads a key where it stands, without a copy of its text.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path element")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Key, E> {
        if text == "." {
            return Ok(Key::Dot);
        }
        match text.parse() {
            Ok(element) => Ok(Key::Element(element)),
            Err(FieldsV1Error::UnknownKind(_)) => Ok(Key::Unknown),
            Err(error) => Err(E::custom(error)),
        }
    }
}
