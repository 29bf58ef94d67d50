//! Finding and setting fields, with kustomize's rules of what is created, kept and quoted.

use super::legacy::is_not_text;
use super::{Id, Kind, Node, Nodes, Style, Tag};

/// Why a field cannot be found or set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    /// A node of another kind stands where the path leads.
    #[error("wrong node kind: expected {expected} but got {found}: node contents:\n{contents}", expected = expected.name(), found = found.name())]
    Kind { expected: Kind, found: Kind, contents: String },
    #[error("{0}")]
    Text(String),
    /// More would be made than a build may hold.
    #[error("{0}")]
    Limit(String),
}

impl FieldError {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// How a value is set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Setter {
    /// The style of a key that has to be added.
    pub(crate) key_style: Style,
    /// The value is a null that must be kept, not one that removes the field.
    pub(crate) keep_null: bool,
}

/// One step of a path.
enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Last,
    Element(&'a str, &'a str),
}

impl Nodes {
    /// Returns the first value under the key of a mapping.
    pub(crate) fn field(&self, id: Id, name: &str) -> Option<Id> {
        self.pairs(id).find(|(key, _)| &*self[*key].value == name).map(|(_, value)| value)
    }

    /// Returns key and value of the first such entry of a mapping.
    pub(crate) fn entry(&self, id: Id, name: &str) -> Option<(Id, Id)> {
        self.pairs(id).find(|(key, _)| &*self[*key].value == name)
    }

    /// Returns the text of a scalar, nothing for null.
    pub(crate) fn text(&self, id: Id) -> &str {
        if self[id].is_null() { "" } else { &self[id].value }
    }

    /// Refuses a node of another kind; null passes.
    pub(crate) fn expect(&self, id: Id, kind: Kind) -> Result<(), FieldError> {
        let node = &self[id];
        if node.is_null() || node.kind == kind {
            return Ok(());
        }
        Err(FieldError::Kind { expected: kind, found: node.kind, contents: self.print(id) })
    }

    /// Returns the value under a key, by kustomize's rules: null has no fields, other kinds are an error.
    pub(crate) fn get(&self, id: Id, name: &str) -> Result<Option<Id>, FieldError> {
        if self[id].is_null() {
            return Ok(None);
        }
        self.expect(id, Kind::Mapping)?;
        Ok(self.field(id, name))
    }

    /// Follows a path; nothing when it does not lead anywhere.
    pub(crate) fn lookup<S: AsRef<str>>(&self, id: Id, path: &[S]) -> Result<Option<Id>, FieldError> {
        let mut at = id;
        for part in path.iter().map(|part| part.as_ref().trim()).filter(|part| !part.is_empty()) {
            let next = match step(part)? {
                Step::Field(name) => self.get(at, name)?,
                Step::Index(index) => {
                    self.expect(at, Kind::Sequence)?;
                    self[at].content.get(index).copied()
                }
                Step::Last => {
                    self.expect(at, Kind::Sequence)?;
                    self[at].content.last().copied()
                }
                Step::Element(name, value) => self.element(at, &[name], &[value])?,
            };
            let Some(next) = next else { return Ok(None) };
            at = next;
        }
        Ok(Some(at))
    }

    /// Follows a path and makes what is missing; the last node made is of this kind.
    pub(crate) fn lookup_create<S: AsRef<str>>(
        &mut self,
        id: Id,
        path: &[S],
        kind: Kind,
    ) -> Result<Option<Id>, FieldError> {
        let parts: Vec<&str> =
            path.iter().map(|part| part.as_ref().trim()).filter(|part| !part.is_empty()).collect();
        let mut at = id;
        for (index, part) in parts.iter().enumerate() {
            let next = match step(part)? {
                Step::Field(name) => {
                    let kind = part_kind(parts.get(index + 1).copied().unwrap_or_default(), kind);
                    self.get_or_create(at, name, kind)?
                }
                Step::Index(index) => {
                    self.expect(at, Kind::Sequence)?;
                    self[at].content.get(index).copied()
                }
                Step::Last => {
                    self.expect(at, Kind::Sequence)?;
                    self[at].content.last().copied()
                }
                Step::Element(name, value) => match self.element(at, &[name], &[value])? {
                    Some(found) => Some(found),
                    None => Some(self.append_element(at, name, value)?),
                },
            };
            let Some(next) = next else { return Ok(None) };
            at = next;
        }
        Ok(Some(at))
    }

    fn get_or_create(&mut self, id: Id, name: &str, kind: Kind) -> Result<Option<Id>, FieldError> {
        if self[id].is_null() {
            return Ok(None);
        }
        if let Some(found) = self.get(id, name)? {
            return Ok(Some(found));
        }
        let value = self.add(Node::of(kind));
        self.set_field(id, name, Some(value)).map(|set| set.or(Some(value)))
    }

    /// Adds an element that such a step of a path finds.
    pub(crate) fn append_element(&mut self, id: Id, name: &str, value: &str) -> Result<Id, FieldError> {
        self.expect(id, Kind::Sequence)?;
        let value = self.add(Node::scalar(value));
        let element = if name.is_empty() {
            value
        } else {
            let key = self.add(Node::scalar(name));
            self.add(Node { kind: Kind::Mapping, content: vec![key, value], ..Node::default() })
        };
        self[id].content.push(element);
        Ok(element)
    }

    /// Returns the first element of a list whose fields have these values; an empty key means the element itself.
    pub(crate) fn element(&self, id: Id, keys: &[&str], values: &[&str]) -> Result<Option<Id>, FieldError> {
        self.expect(id, Kind::Sequence)?;
        if self[id].kind != Kind::Sequence {
            return Ok(None);
        }
        let mut elements = self[id].content.iter().copied();
        if keys.first().is_none_or(|key| key.is_empty()) {
            let want = values.first().copied().unwrap_or_default();
            return Ok(elements.find(|element| &*self[*element].value == want));
        }
        Ok(elements.find(|element| {
            self[*element].kind == Kind::Mapping
                && keys.iter().zip(values).all(|(key, want)| self.field_has(*element, key, want))
        }))
    }

    /// Tells whether the mapping has such a field; its text must be the same, whatever its type.
    pub(crate) fn field_has(&self, id: Id, key: &str, want: &str) -> bool {
        self.field(id, key).is_some_and(|value| &*self[value].value == want)
    }

    /// Removes the first such field.
    pub(crate) fn clear(&mut self, id: Id, name: &str) -> Result<(), FieldError> {
        self.expect(id, Kind::Mapping)?;
        let at = self.pairs(id).position(|(key, _)| &*self[key].value == name);
        if let Some(at) = at {
            self[id].content.drain(2 * at..2 * at + 2);
        }
        Ok(())
    }

    /// Sets the field of a mapping; no value or a null removes it. Returns the node that holds the value now.
    pub(crate) fn set_field(
        &mut self,
        id: Id,
        name: &str,
        value: Option<Id>,
    ) -> Result<Option<Id>, FieldError> {
        self.set_field_with(id, name, value, Setter::default())
    }

    /// Sets the field of a mapping as told.
    pub(crate) fn set_field_with(
        &mut self,
        id: Id,
        name: &str,
        value: Option<Id>,
        how: Setter,
    ) -> Result<Option<Id>, FieldError> {
        if let Some(value) = value {
            self.quote_if_ambiguous(value);
        }
        let Some(value) = value.filter(|value| how.keep_null || !self[*value].is_null()) else {
            self.clear(id, name)?;
            return Ok(None);
        };
        if let Some(field) = self.get(id, name)? {
            self.take_style(value, field);
            self.overwrite(field, value);
            return Ok(Some(field));
        }
        let key = self.add(Node { style: how.key_style, ..Node::scalar(name) });
        self[id].content.extend([key, value]);
        Ok(Some(value))
    }

    /// Writes the value over a scalar, which keeps its style; a null value changes nothing.
    pub(crate) fn set_scalar(&mut self, id: Id, value: Id) -> Result<(), FieldError> {
        self.quote_if_ambiguous(value);
        self.expect(id, Kind::Scalar)?;
        if !self[value].is_null() {
            self.take_style(value, id);
            self.overwrite(id, value);
        }
        Ok(())
    }

    /// Sets a text under the mapping `parent`, making the mapping when it is missing.
    pub(crate) fn set_text(&mut self, id: Id, path: &[&str], text: &str) -> Result<(), FieldError> {
        let Some((name, parents)) = path.split_last() else { return Ok(()) };
        if let Some(parent) = self.lookup_create(id, parents, Kind::Mapping)? {
            let value = self.add(Node::scalar(text));
            self.set_field(parent, name, Some(value))?;
        }
        Ok(())
    }

    fn take_style(&mut self, value: Id, from: Id) {
        if value != from {
            self[value].style = self[from].style;
        }
    }

    fn quote_if_ambiguous(&mut self, value: Id) {
        let node = &self[value];
        if node.is_string() && node.style == Style::PLAIN && is_not_text(&node.value) {
            self[value].style = Style::DOUBLE;
        }
    }

    /// Returns a mapping of texts, as the labels and annotations are.
    pub(crate) fn texts(&self, id: Id) -> Vec<(std::rc::Rc<str>, std::rc::Rc<str>)> {
        self.pairs(id).map(|(key, value)| (self[key].value.clone(), self[value].value.clone())).collect()
    }

    /// Turns a null into an empty node of this kind.
    pub(crate) fn revive(&mut self, id: Id, kind: Kind, tag: Tag) {
        let node = &mut self[id];
        node.kind = kind;
        node.tag = tag;
    }
}

fn step(part: &str) -> Result<Step<'_>, FieldError> {
    if let Some(index) = go_index(part) {
        return usize::try_from(index)
            .map(Step::Index)
            .map_err(|_| FieldError::text(format!("array index {index} cannot be negative")));
    }
    match part {
        "-" => Ok(Step::Last),
        "*" => Err(FieldError::text("wildcard is not supported in PathGetter")),
        part if is_list_step(part) => split_element(part).map(|(name, value)| Step::Element(name, value)),
        name => Ok(Step::Field(name)),
    }
}

/// Returns the number a step names, by Go's `Atoi`.
pub(super) fn go_index(part: &str) -> Option<i64> {
    let digits = part.strip_prefix(['+', '-']).unwrap_or(part);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    part.parse().ok()
}

/// Tells whether a step is one like `[name=value]`.
pub(super) fn is_list_step(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// Splits `[name=value]`.
pub(super) fn split_element(part: &str) -> Result<(&str, &str), FieldError> {
    let inner = part.strip_suffix(']').unwrap_or(part);
    let inner = inner.strip_prefix('[').unwrap_or(inner);
    inner.split_once('=').ok_or_else(|| {
        FieldError::text("list path element must contain fieldName=fieldValue for element to match")
    })
}

/// Returns the kind that a node needs so that the next step can follow.
pub(super) fn part_kind(next: &str, last: Kind) -> Kind {
    if is_list_step(next) || go_index(next).is_some_and(|index| index >= 0) {
        Kind::Sequence
    } else if next.is_empty() {
        last
    } else {
        Kind::Mapping
    }
}
