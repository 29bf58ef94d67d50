//! What stands in a file, in its order, with its comments.

use super::number;
use super::time::Time;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Text that is not UTF-8.
    Bytes(Vec<u8>),
    Time(Time),
    /// A comment in a list, or a value that says it is one.
    Comment(Comment),
    Map(Vec<Item>),
    List(Vec<Value>),
    /// What SOPS cannot hold, for example an integer above 64 bits with sign.
    Foreign(&'static str),
}

/// One entry of a map, or a comment between two.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) key: Key,
    pub(super) value: Value,
}

/// What stands before the value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    Text(String),
    Comment(Comment),
    /// A key that is no text, which SOPS refuses.
    Foreign,
}

/// A comment without its sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    pub(super) text: String,
    /// Whether it stands beside its value.
    pub(super) inline: bool,
}

/// The entries of one document.
pub(super) type Branch = Vec<Item>;

impl Item {
    pub(super) fn new(key: impl Into<String>, value: Value) -> Self {
        Self { key: Key::Text(key.into()), value }
    }

    pub(super) fn comment(text: impl Into<String>, inline: bool) -> Self {
        Self { key: Key::Comment(Comment { text: text.into(), inline }), value: Value::Null }
    }

    /// Returns the key, unless it is a comment or no text.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.key {
            Key::Text(name) => Some(name),
            _ => None,
        }
    }
}

impl Value {
    /// Tells whether it has values in it.
    pub(super) fn is_collection(&self) -> bool {
        matches!(self, Self::Map(_) | Self::List(_))
    }

    /// Returns a simple value as a line of a dotenv or ini file shows it.
    pub(super) fn plain(&self) -> Vec<u8> {
        let text = match self {
            Self::Bytes(bytes) => return bytes.clone(),
            Self::Null => "<nil>".to_owned(),
            Self::Bool(flag) => flag.to_string(),
            Self::Int(int) => int.to_string(),
            Self::Float(float) => number::with_point(*float),
            Self::Text(text) => text.clone(),
            Self::Time(time) => time.to_seconds(),
            // As Go prints a struct that nobody taught to print itself.
            Self::Comment(comment) => format!("{{{} {}}}", comment.text, comment.inline),
            Self::Map(_) | Self::List(_) | Self::Foreign(_) => self.debug(),
        };
        text.into_bytes()
    }

    /// Returns a value as Go prints one that nobody taught to print itself. It comes out where a value with values in it
    /// is forced into a format that has none.
    fn debug(&self) -> String {
        let joined = |parts: Vec<String>| format!("[{}]", parts.join(" "));
        match self {
            Self::Map(items) => joined(
                items
                    .iter()
                    .map(|item| match &item.key {
                        Key::Text(name) => format!("{{{name} {}}}", item.value.debug()),
                        Key::Comment(comment) => format!("{{{{{} {}}} <nil>}}", comment.text, comment.inline),
                        Key::Foreign => "{}".to_owned(),
                    })
                    .collect(),
            ),
            Self::List(items) => joined(items.iter().map(Self::debug).collect()),
            Self::Float(float) => number::plain(*float),
            Self::Foreign(_) => String::new(),
            other => String::from_utf8_lossy(&other.plain()).into_owned(),
        }
    }
}
