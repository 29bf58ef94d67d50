//! Lists that merge by key, with kustomize's order: what the patch names comes first.

use super::strategic::{Merged, Walker};
use crate::schema::Schema;
use crate::yaml::{FieldError, Id, Kind, Node, Nodes};

/// Merges a patch's list into another one.
pub(super) fn merge_list<'a>(
    walker: Walker<'a>,
    nodes: &mut Nodes,
    dest: Id,
    patch: Option<Id>,
    schema: Schema<'a>,
    keys: &[String],
) -> Result<Merged, FieldError> {
    let sources = [patch, Some(dest)];
    let plain = [String::new()];
    let (keys, mut identities) = if keys.is_empty() {
        (&plain[..], plain_values(nodes, sources))
    } else {
        (keys, key_values(nodes, sources, keys))
    };
    if keys.len() > 1 {
        unify(&mut identities);
    }
    let elements = walker.schemas.elements(schema);
    let items = nodes.add(Node::of(Kind::Sequence));
    let mut last_keys: Vec<String> = Vec::new();
    for identity in &identities {
        let (keys, values) = relevant(&identities, identity, keys);
        let own = find(nodes, Some(dest), &keys, &values)?;
        let theirs = find(nodes, patch, &keys, &values)?;
        let merged = walker.walk(nodes, own, theirs, elements)?.node();
        last_keys.clone_from(&keys);
        let left = merged.filter(|merged| !nodes[*merged].is_null());
        let left = left.filter(|left| nodes[*left].kind != Kind::Mapping || !nodes[*left].content.is_empty());
        let Some(element) = left else {
            set_element(nodes, dest, None, &keys, &values)?;
            continue;
        };
        for (key, value) in keys.iter().zip(&values) {
            if nodes.field(element, key).is_none() && !value.is_empty() {
                let value = nodes.add(Node::scalar(value));
                if key.is_empty() {
                    nodes.set_scalar(element, value)?;
                } else {
                    nodes.set_field(element, key, Some(value))?;
                }
            }
        }
        set_element(nodes, items, Some(element), &keys, &values)?;
    }
    if identities.is_empty() {
        return Ok(Merged::Node(dest));
    }
    append_rest(nodes, items, dest, &last_keys)?;
    Ok(Merged::Node(items))
}

/// Adds the elements of a list to another one, or puts them in the place of those with the same keys.
fn append_rest(nodes: &mut Nodes, into: Id, from: Id, keys: &[String]) -> Result<(), FieldError> {
    for element in nodes[from].content.clone() {
        if keys.first().is_none_or(String::is_empty) {
            let value = nodes[element].value.to_string();
            set_element(nodes, into, Some(element), &[String::new()], &[value])?;
            continue;
        }
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            match nodes.get(element, key)? {
                Some(value) => values.push(nodes[value].value.to_string()),
                None => nodes[into].content.push(element),
            }
        }
        if keys.len() > 1 {
            set_element(nodes, into, None, keys, &values)?;
        }
        set_element(nodes, into, Some(element), keys, &values)?;
    }
    Ok(())
}

/// Puts an element in the place of those with these keys, or at the end; no element removes them.
pub(super) fn set_element(
    nodes: &mut Nodes,
    list: Id,
    element: Option<Id>,
    keys: &[String],
    values: &[String],
) -> Result<(), FieldError> {
    nodes.expect(list, Kind::Sequence)?;
    let by_field =
        keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
    let (mut content, mut placed) = (Vec::new(), false);
    for known in nodes[list].content.clone() {
        let node = &nodes[known];
        if node.is_null() || node.kind == Kind::Mapping && node.content.is_empty() {
            continue;
        }
        if node.kind != Kind::Mapping && by_field {
            content.push(known);
            continue;
        }
        if !has_keys(nodes, known, keys, values)? {
            if !values.is_empty() {
                content.push(known);
            }
            continue;
        }
        placed = true;
        content.extend(element);
    }
    if let Some(element) = element.filter(|element| !nodes[*element].is_null())
        && !placed
    {
        content.push(element);
    }
    nodes[list].content = content;
    Ok(())
}

fn has_keys(nodes: &Nodes, element: Id, keys: &[String], values: &[String]) -> Result<bool, FieldError> {
    let mut found = false;
    for (at, key) in keys.iter().enumerate() {
        if let Some(want) = values.get(at) {
            found = if key.is_empty() {
                nodes.expect(element, Kind::Scalar)?;
                nodes.text(element) == want
            } else {
                nodes.expect(element, Kind::Mapping)?;
                // No value asks for the field alone.
                nodes
                    .field(element, key)
                    .is_some_and(|field| want.is_empty() || *nodes[field].value == **want)
            };
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(found)
}

/// Returns the element of a list with these keys.
fn find(
    nodes: &Nodes,
    list: Option<Id>,
    keys: &[String],
    values: &[String],
) -> Result<Option<Id>, FieldError> {
    let Some(list) = list.filter(|list| nodes[*list].kind == Kind::Sequence) else { return Ok(None) };
    let own = [values.to_vec()];
    let (keys, values) = relevant(&own, values, keys);
    if !keys.is_empty() && keys.len() != values.len() && !keys[0].is_empty() {
        return Ok(None);
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    nodes.element(list, &keys, &values)
}

/// Returns the keys that some element has, and this element's values of them.
fn relevant(identities: &[Vec<String>], identity: &[String], keys: &[String]) -> (Vec<String>, Vec<String>) {
    let used =
        |at: usize| identities.iter().any(|values| values.get(at).is_some_and(|value| !value.is_empty()));
    let known: Vec<bool> = (0..keys.len()).map(used).collect();
    if !known.contains(&true) {
        return (keys.to_vec(), identity.to_vec());
    }
    let keep = |at: usize| known.get(at).copied().unwrap_or(false);
    let valid = keys.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, key)| key.clone()).collect();
    let values = identity.iter().enumerate().filter(|(at, value)| !value.is_empty() || keep(*at));
    (valid, values.map(|(_, value)| value.clone()).collect())
}

/// Returns the distinct values of the keys, the patch's first.
fn key_values(nodes: &Nodes, sources: [Option<Id>; 2], keys: &[String]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    for element in elements(nodes, sources) {
        let value = |key: &String| {
            let field = nodes.field(element, key).filter(|field| !nodes[*field].is_nil_or_empty());
            field.map_or_else(String::new, |field| nodes[field].value.to_string())
        };
        let values: Vec<String> = keys.iter().map(value).collect();
        if !found.contains(&values) {
            found.push(values);
        }
    }
    found
}

/// Returns the distinct plain values, the patch's first.
fn plain_values(nodes: &Nodes, sources: [Option<Id>; 2]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    for element in elements(nodes, sources) {
        let values = vec![nodes[element].value.to_string()];
        if !found.contains(&values) {
            found.push(values);
        }
    }
    found
}

fn elements(nodes: &Nodes, sources: [Option<Id>; 2]) -> Vec<Id> {
    sources.into_iter().flatten().flat_map(|list| nodes[list].content.clone()).collect()
}

/// Makes identities equal that agree in a key and contradict in none.
fn unify(identities: &mut [Vec<String>]) {
    for i in 0..identities.len() {
        let values = identities[i].clone();
        for j in 0..identities.len() {
            if let Some(both) = agree(&values, &identities[j]) {
                identities[i].clone_from(&both);
                identities[j] = both;
            }
        }
    }
}

fn agree(one: &[String], other: &[String]) -> Option<Vec<String>> {
    if one.len() != other.len() {
        return None;
    }
    let mut common = false;
    let mut both = Vec::with_capacity(one.len());
    for (one, other) in one.iter().zip(other) {
        if one == other {
            common = true;
        } else if !one.is_empty() && !other.is_empty() {
            return None;
        }
        both.push(if one.is_empty() { other.clone() } else { one.clone() });
    }
    common.then_some(both)
}
