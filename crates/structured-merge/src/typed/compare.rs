//! What changed from one value to another.

use std::fmt;

use serde_json::Value;

use super::error::{Problems, TypedError};
use super::list_items::ListItems;
use super::validate::validate_scalar;
use super::{entries, items};
use crate::path::PathElement;
use crate::schema::{ItemIdentity, ListShape, MapShape, Scalar, Shapes, TypeRef};
use crate::set::{Node, Set};
use crate::value::{equal_values, zip_sorted};

/// What changed from one value to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What is only in the later value.
    pub added: Set,
    /// What is in both, but different.
    pub modified: Set,
    /// What was only in the earlier value.
    pub removed: Set,
}

impl Comparison {
    /// Returns true if nothing changed.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// Returns the comparison without these paths and everything below them.
    #[must_use]
    pub fn exclude(&self, paths: &Set) -> Self {
        self.map(|set| set.recursive_difference(paths))
    }

    /// Returns the comparison with each of its sets changed.
    #[must_use]
    pub(crate) fn map(&self, change: impl Fn(&Set) -> Set) -> Self {
        Self { added: change(&self.added), modified: change(&self.modified), removed: change(&self.removed) }
    }
}

/// One paragraph for each kind of change.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paragraphs = [("Modified", &self.modified), ("Added", &self.added), ("Removed", &self.removed)];
        paragraphs
            .iter()
            .filter(|(_, set)| !set.is_empty())
            .try_for_each(|(title, set)| writeln!(f, "- {title} Fields:\n{set}"))
    }
}

/// What changed at one place: the place itself, and what is below it.
#[derive(Default)]
struct Change {
    added: bool,
    modified: bool,
    removed: bool,
    /// A scalar or an atomic part: nothing below it counts.
    is_leaf: bool,
    below: Comparison,
}

/// The nodes of one level, while they are collected.
#[derive(Default)]
struct Level {
    added: Vec<Node>,
    modified: Vec<Node>,
    removed: Vec<Node>,
}

impl Level {
    fn add(&mut self, change: Change, element: impl FnOnce() -> PathElement) {
        let Change { added, modified, removed, below, .. } = change;
        if !added && !modified && !removed && below.is_same() {
            return;
        }
        let element = element();
        let into = [
            (&mut self.added, added, below.added),
            (&mut self.modified, modified, below.modified),
            (&mut self.removed, removed, below.removed),
        ];
        for (nodes, member, children) in into {
            if member || !children.is_empty() {
                nodes.push(Node { element: element.clone(), member, children });
            }
        }
    }

    fn finish(self) -> Change {
        let below = Comparison {
            added: Set::from_nodes(self.added),
            modified: Set::from_nodes(self.modified),
            removed: Set::from_nodes(self.removed),
        };
        Change { below, ..Change::default() }
    }
}

impl TypeRef<'_> {
    pub(crate) fn compare_unbounded(&self, from: &Value, to: &Value) -> Result<Comparison, TypedError> {
        self.change(Some(from), Some(to)).map(|change| change.below)
    }

    fn change(&self, from: Option<&Value>, to: Option<&Value>) -> Result<Change, TypedError> {
        let shapes = match (from, to) {
            (None, None) => return Err(TypedError::new("at least one of lhs and rhs must be provided")),
            (_, None) => self.shapes_of(from)?,
            (None, _) => self.shapes_of(to)?,
            (Some(_), Some(_)) => {
                let (old, new) = (self.shapes_of(from)?, self.shapes_of(to)?);
                if !same_shapes(&old, &new) {
                    // The value became another kind of thing: what it was is gone, what it is is new.
                    let mut change = self.change_as(&old, from, to)?;
                    let other = self.change_as(&new, from, to)?;
                    change.added |= other.added;
                    change.modified |= other.modified;
                    change.removed |= other.removed;
                    change.below.added.extend_with(other.below.added);
                    change.below.modified.extend_with(other.below.modified);
                    change.below.removed.extend_with(other.below.removed);
                    return Ok(change);
                }
                new
            }
        };
        let mut change = self.change_as(&shapes, from, to)?;
        if !change.is_leaf {
            change.added |= from.is_none();
            change.removed |= to.is_none();
        }
        Ok(change)
    }

    fn change_as(
        &self,
        shapes: &Shapes<'_>,
        from: Option<&Value>,
        to: Option<&Value>,
    ) -> Result<Change, TypedError> {
        if let Some(map) = shapes.map {
            self.change_of_map(&map, from, to)
        } else if let Some(scalar) = shapes.scalar {
            change_of_scalar(scalar, from, to)
        } else if let Some(list) = shapes.list {
            self.change_of_list(&list, from, to)
        } else {
            Err(TypedError::new("schema error: invalid atom"))
        }
    }

    fn change_of_map(
        &self,
        map: &MapShape,
        from: Option<&Value>,
        to: Option<&Value>,
    ) -> Result<Change, TypedError> {
        let (old, new) = (entries(from), entries(to));
        // Both empty: a leaf, so that null and the empty map stay different.
        if map.atomic || (old.is_empty() && new.is_empty()) {
            return Ok(leaf(from, to));
        }
        let mut level = Level::default();
        let mut problems = Problems::default();
        for (name, from, to) in zip_sorted(&old, &new) {
            let entry = self.entry(map.element, name);
            match entry.known().and_then(|of| of.change(from, to)) {
                Ok(change) => level.add(change, || entry.element(name)),
                Err(error) => problems.add(error.prefixed(entry.element(name))),
            }
        }
        problems.finish()?;
        Ok(level.finish())
    }

    fn change_of_list(
        &self,
        list: &ListShape<'_>,
        from: Option<&Value>,
        to: Option<&Value>,
    ) -> Result<Change, TypedError> {
        let (old, new) = (items(from), items(to));
        if list.items == ItemIdentity::Atomic || (old.is_empty() && new.is_empty()) {
            return Ok(leaf(from, to));
        }
        if old.len() == new.len() && old.iter().zip(new).all(|(old, new)| equal_values(old, new)) {
            return Ok(Change::default());
        }
        let (old_items, new_items) = (ListItems::new(*self, list, old)?, ListItems::new(*self, list, new)?);
        let (old_index, new_index) = (old_items.index(), new_items.index());
        let of = self.with(list.element);
        let mut level = Level::default();
        let compare = |from: Option<usize>, to: Option<usize>, element: &dyn Fn() -> PathElement| {
            let (from, to) = (from.map(|position| &old[position]), to.map(|position| &new[position]));
            of.change(from, to).map_err(|error| error.prefixed(element()))
        };
        for position in 0..old.len() {
            let key = old_items.key(position);
            if old_index.first(&key) != Some(position) {
                continue;
            }
            let element = || old_items.element(position);
            let (was, is) = (old_index.next(position).is_some(), new_index.first(&key));
            let change = match (was, is, is.and_then(|is| new_index.next(is))) {
                (false, is, None) => compare(Some(position), is, &element)?,
                // Several before and after: they are compared as one thing.
                (true, Some(_), Some(_)) => {
                    let before = old_index.all(&key).map(|position| &old[position]);
                    let after = new_index.all(&key).map(|position| &new[position]);
                    Change { modified: !before.eq_by_value(after), ..Change::default() }
                }
                // Several before: the mark that there are several goes, the one item is new.
                (true, is, None) => {
                    let mut change = match is {
                        Some(_) => compare(None, is, &element)?,
                        None => Change::default(),
                    };
                    change.removed = true;
                    change
                }
                // Several now: the one item goes, the mark is new.
                (false, _, Some(_)) => {
                    let mut change = compare(Some(position), None, &element)?;
                    change.added = true;
                    change
                }
                (true, None, Some(_)) => Change::default(),
            };
            level.add(change, element);
        }
        for position in 0..new.len() {
            let key = new_items.key(position);
            if old_index.first(&key).is_some() || new_index.first(&key) != Some(position) {
                continue;
            }
            let element = || new_items.element(position);
            let change = if new_index.next(position).is_some() {
                Change { added: true, ..Change::default() }
            } else {
                compare(None, Some(position), &element)?
            };
            level.add(change, element);
        }
        Ok(level.finish())
    }
}

/// Compares what two iterators give, numbers by value.
trait EqByValue<'a>: Iterator<Item = &'a Value> + Sized {
    fn eq_by_value(mut self, mut other: impl Iterator<Item = &'a Value>) -> bool {
        loop {
            match (self.next(), other.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if equal_values(a, b) => {}
                _ => return false,
            }
        }
    }
}

impl<'a, I: Iterator<Item = &'a Value>> EqByValue<'a> for I {}

fn change_of_scalar(scalar: Scalar, from: Option<&Value>, to: Option<&Value>) -> Result<Change, TypedError> {
    let problem = |side: &str, value: Option<&Value>| {
        let message = value.and_then(|value| validate_scalar(scalar, value).err())?;
        Some(TypedError::new(format!("{side}: {message}")))
    };
    // One valid side is enough: the value may have been another kind of thing before.
    match (problem("lhs", from), problem("rhs", to)) {
        (Some(from), Some(to)) => {
            let mut problems = Problems::default();
            problems.add(from);
            problems.add(to);
            problems.finish().map(|()| Change::default())
        }
        _ => Ok(leaf(from, to)),
    }
}

fn leaf(from: Option<&Value>, to: Option<&Value>) -> Change {
    let modified = match (from, to) {
        (Some(from), Some(to)) => !equal_values(from, to),
        _ => false,
    };
    Change { added: from.is_none(), modified, removed: to.is_none(), is_leaf: true, ..Change::default() }
}

/// Whether both have the same of the three shapes.
pub(super) fn same_shapes(a: &Shapes<'_>, b: &Shapes<'_>) -> bool {
    a.scalar.is_some() == b.scalar.is_some()
        && a.list.is_some() == b.list.is_some()
        && a.map.is_some() == b.map.is_some()
}
