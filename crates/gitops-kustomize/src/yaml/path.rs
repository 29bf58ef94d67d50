//! Paths of fields: how they are split, and the matcher that may meet several nodes.

use super::edit::{go_index, is_list_step, part_kind, split_element};
use super::{FieldError, Id, Kind, Node, Nodes, ReadLimits};

/// Splits a path at the delimiter; a backslash before it keeps it.
pub(crate) fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts = path.split(delimiter).peekable();
    if path.starts_with(delimiter) {
        parts.next();
    }
    let mut result: Vec<String> = Vec::new();
    for part in parts {
        match result.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => result.push(part.to_owned()),
        }
    }
    result
}

/// Splits a path like [`split_path`] and keeps what stands in brackets together.
pub(crate) fn split_path_smart(path: &str, delimiter: char) -> Vec<String> {
    let mut result = Vec::new();
    let mut parts = split_path(path, delimiter).into_iter();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            result.push(part);
            continue;
        }
        let mut bracketed = part;
        for next in parts.by_ref() {
            bracketed.push(delimiter);
            bracketed.push_str(&next);
            if next.ends_with(']') {
                break;
            }
        }
        if bracketed.contains('=') {
            result.push(bracketed);
        } else {
            result.push(bracketed.trim_matches(['[', ']']).to_owned());
        }
    }
    result
}

/// Finds every node that a path with wildcards and conditions leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathMatcher<'a> {
    pub(crate) path: &'a [String],
    /// The kind of what is created at the end, `Empty` to create nothing.
    pub(crate) create: Kind,
}

impl PathMatcher<'_> {
    /// Returns the nodes found; `None` where kustomize finds nothing rather than an empty list.
    pub(crate) fn find(&self, nodes: &mut Nodes, id: Id) -> Result<Option<Vec<Id>>, FieldError> {
        let Some((part, rest)) = self.path.split_first() else { return Ok(Some(vec![id])) };
        let next = PathMatcher { path: rest, create: self.create };
        if let Some(index) = go_index(part).and_then(|index| usize::try_from(index).ok()) {
            return next.at_index(nodes, id, index);
        }
        if is_list_step(part) {
            return self.elements(nodes, id, part, next);
        }
        if part == "*" {
            nodes.expect(id, Kind::Sequence)?;
            let mut found: Option<Vec<Id>> = None;
            for element in nodes[id].content.clone() {
                if let Some(more) = next.find(nodes, element)? {
                    found.get_or_insert_default().extend(more);
                }
            }
            return Ok(found);
        }
        let field = match nodes.get(id, part)? {
            Some(field) => field,
            None if self.create == Kind::Empty || nodes[id].is_null() => return Ok(None),
            None => {
                let kind = part_kind(rest.first().map_or("", String::as_str), self.create);
                let field = nodes.add(Node::of(kind));
                nodes.set_field(id, part, Some(field))?;
                field
            }
        };
        if nodes[field].kind == Kind::Scalar && !rest.is_empty() {
            // The matches in text that is YAML itself; what is set there is lost, as it is in kustomize.
            let text = nodes[field].value.clone();
            let inner = nodes.read_one(&text, &ReadLimits::default());
            let inner = inner.map_err(|error| FieldError::text(error.to_string()))?;
            let Some(inner) = inner else { return Ok(None) };
            return next.find(nodes, inner);
        }
        next.find(nodes, field)
    }

    fn at_index(self, nodes: &mut Nodes, id: Id, index: usize) -> Result<Option<Vec<Id>>, FieldError> {
        nodes.expect(id, Kind::Sequence)?;
        if nodes[id].content.len() == index && self.create != Kind::Empty {
            let kind = part_kind(self.path.first().map_or("", String::as_str), self.create);
            let element = nodes.add(Node::of(kind));
            nodes[id].content.push(element);
        }
        let count = nodes[id].content.len();
        let Some(element) = nodes[id].content.get(index).copied() else {
            return Err(FieldError::text(format!("index {index} specified but only {count} elements found")));
        };
        self.find(nodes, element)
    }

    fn elements(
        &self,
        nodes: &mut Nodes,
        id: Id,
        part: &str,
        next: PathMatcher<'_>,
    ) -> Result<Option<Vec<Id>>, FieldError> {
        let (field, pattern) = split_element(part)?;
        for _ in 0..2 {
            nodes.expect(id, Kind::Sequence)?;
            let regex = crate::regex::compile(pattern).map_err(FieldError::Text)?;
            let mut found: Option<Vec<Id>> = None;
            for element in nodes[id].content.clone() {
                let subject = if field.is_empty() { Some(element) } else { nodes.field(element, field) };
                let Some(subject) = subject else { continue };
                if !regex.is_match(nodes.print(subject).trim()) {
                    continue;
                }
                if field.is_empty() {
                    found.get_or_insert_default().push(element);
                } else if let Some(more) = next.find(nodes, element)? {
                    found.get_or_insert_default().extend(more);
                }
            }
            let found = found.filter(|found| !found.is_empty());
            if found.is_some() || self.create == Kind::Empty {
                return Ok(found);
            }
            nodes.append_element(id, field, pattern)?;
        }
        Ok(None)
    }
}
