//! Lists, with what makes two of them the same.

use std::ops::Deref;

use super::declared::ListIdentity;
use super::value::{Key, Value};

/// Items, and whether their order counts.
#[derive(Debug, Clone)]
pub(super) struct List {
    items: Vec<Value>,
    identity: ListIdentity,
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        List { items, identity: ListIdentity::Ordered }
    }
}

impl Deref for List {
    type Target = Vec<Value>;

    fn deref(&self) -> &Self::Target {
        &self.items
    }
}

impl List {
    pub(super) fn new(items: Vec<Value>, identity: ListIdentity) -> Self {
        List { items, identity }
    }

    /// Returns whether both lists are the same, by what this one takes for the same.
    pub(super) fn same(&self, other: &List) -> bool {
        if self.len() != other.len() {
            return false;
        }
        match &self.identity {
            ListIdentity::Ordered => self.iter().zip(other.iter()).all(|(a, b)| a.same(b)),
            ListIdentity::Set => other.iter().all(|b| self.iter().any(|a| a.same(b))),
            ListIdentity::Keyed(keys) => {
                other.iter().all(|b| self.iter().find(|a| same_keys(keys, a, b)).is_some_and(|a| a.same(b)))
            }
        }
    }

    /// Returns both lists as one: sets are joined, items with the same keys replaced.
    pub(super) fn plus(&self, other: &List) -> List {
        let mut items = self.items.clone();
        for item in other.iter() {
            let known = match &self.identity {
                ListIdentity::Ordered => None,
                ListIdentity::Set => items.iter().position(|known| known.same(item)),
                ListIdentity::Keyed(keys) => items.iter().position(|known| same_keys(keys, known, item)),
            };
            match known {
                Some(place) => items[place] = item.clone(),
                None => items.push(item.clone()),
            }
        }
        List { items, identity: self.identity.clone() }
    }
}

fn same_keys(keys: &[String], a: &Value, b: &Value) -> bool {
    let key = |value: &Value, key: &str| match value {
        Value::Map(entries) => entries.get(&Key::String(key.into())).cloned(),
        _ => None,
    };
    keys.iter().all(|name| match (key(a, name), key(b, name)) {
        (Some(a), Some(b)) => a.same(&b),
        (None, None) => true,
        _ => false,
    })
}
