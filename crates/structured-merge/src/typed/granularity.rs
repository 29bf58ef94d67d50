//! Sets that were recorded before a part of the schema became atomic.

use super::error::TypedError;
use crate::path::PathElement;
use crate::schema::{ItemIdentity, TypeRef};
use crate::set::{Node, Set};

/// What becomes of the paths below one place.
enum Outcome {
    Unchanged,
    /// The place is atomic now: it is owned itself, and nothing below it.
    Whole,
    Changed(Set),
}

impl<'s> TypeRef<'s> {
    pub(super) fn reconcile_granularity(&self, set: &Set) -> Result<Option<Set>, TypedError> {
        Ok(match self.outcome(set)? {
            // Nobody owns the object itself.
            Outcome::Whole => Some(Set::new()),
            Outcome::Unchanged => None,
            Outcome::Changed(set) => Some(set),
        })
    }

    /// Looks at the paths below one place of this type.
    fn outcome(&self, below: &Set) -> Result<Outcome, TypedError> {
        let shapes = self.shapes().ok_or_else(|| TypedError::new("could not resolve the type"))?;
        type TypeOf<'a, 's> = Box<dyn Fn(&PathElement) -> Option<TypeRef<'s>> + 'a>;
        let element_type: TypeOf<'_, 's> = if let Some(map) = shapes.map {
            if map.free_form {
                return Ok(Outcome::Unchanged);
            }
            if map.atomic {
                return Ok(if below.is_empty() { Outcome::Unchanged } else { Outcome::Whole });
            }
            Box::new(move |element| match element {
                PathElement::Field(name) => self.entry(map.element, name).of,
                _ => map.element.map(|id| self.with(id)),
            })
        } else if shapes.scalar.is_some() {
            return Ok(Outcome::Unchanged);
        } else if let Some(list) = shapes.list {
            if list.items == ItemIdentity::Atomic {
                return Ok(if below.is_empty() { Outcome::Unchanged } else { Outcome::Whole });
            }
            Box::new(move |_| Some(self.with(list.element)))
        } else {
            return Err(TypedError::new("schema error: invalid atom"));
        };
        let mut changed = None;
        for (position, node) in below.nodes().iter().enumerate() {
            // Fields that the schema does not know are left alone.
            let Some(of) = element_type(&node.element) else { continue };
            let (member, children) = match of.outcome(&node.children)? {
                Outcome::Unchanged => continue,
                Outcome::Whole => (true, Set::new()),
                Outcome::Changed(children) => (node.member, children),
            };
            let nodes: &mut Vec<Node> = changed.get_or_insert_with(|| below.nodes().to_vec());
            nodes[position] = Node { element: node.element.clone(), member, children };
        }
        Ok(changed.map_or(Outcome::Unchanged, |nodes| Outcome::Changed(Set::from_nodes(nodes))))
    }
}

pub(super) fn add_declared_parents(of: Option<TypeRef<'_>>, set: &Set) -> Set {
    let Some(shapes) = of.and_then(|of| of.shapes()) else { return set.clone() };
    let mut changed = None;
    for (position, node) in set.nodes().iter().enumerate() {
        if node.children.is_empty() {
            continue;
        }
        let mut member = node.member;
        let below = match (&node.element, of) {
            (PathElement::Field(name), Some(of)) if shapes.map.is_some() => {
                let entry = of.entry(shapes.map.and_then(|map| map.element), name);
                member |= entry.declared.is_some();
                entry.of
            }
            (PathElement::Key(_), Some(of)) => shapes.list.map(|list| of.with(list.element)),
            _ => None,
        };
        let children = add_declared_parents(below, &node.children);
        if member != node.member || !children.is_shared_with(&node.children) {
            let nodes: &mut Vec<Node> = changed.get_or_insert_with(|| set.nodes().to_vec());
            nodes[position] = Node { element: node.element.clone(), member, children };
        }
    }
    changed.map_or_else(|| set.clone(), Set::from_nodes)
}
