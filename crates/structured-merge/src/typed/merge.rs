//! Merging what one value says into another.

use serde_json::{Map, Value};

use super::compare::same_shapes;
use super::error::{Problems, TypedError};
use super::list_items::ListItems;
use super::validate::validate_scalar;
use super::{entries, items};
use crate::schema::{ItemIdentity, ListShape, MapShape, Shapes, TypeRef};
use crate::value::zip_sorted;

impl TypeRef<'_> {
    pub(crate) fn merge_unbounded(&self, into: &Value, from: &Value) -> Result<Value, TypedError> {
        let (old, new) = (self.shapes_of(Some(into))?, self.shapes_of(Some(from))?);
        if !same_shapes(&old, &new) {
            // Both must at least be possible; what the later value is decides.
            self.merge_as(&old, into, from)?;
        }
        self.merge_as(&new, into, from)
    }

    fn merge_as(&self, shapes: &Shapes<'_>, into: &Value, from: &Value) -> Result<Value, TypedError> {
        if let Some(map) = shapes.map {
            self.merge_map(&map, into, from)
        } else if let Some(scalar) = shapes.scalar {
            match (validate_scalar(scalar, into), validate_scalar(scalar, from)) {
                (Err(into), Err(from)) => {
                    let mut problems = Problems::default();
                    problems.add(TypedError::new(format!("lhs: {into}")));
                    problems.add(TypedError::new(format!("rhs: {from}")));
                    problems.finish().map(|()| Value::Null)
                }
                _ => Ok(from.clone()),
            }
        } else if let Some(list) = shapes.list {
            self.merge_list(&list, into, from)
        } else {
            Err(TypedError::new("schema error: invalid atom"))
        }
    }

    fn merge_map(&self, map: &MapShape, into: &Value, from: &Value) -> Result<Value, TypedError> {
        let (old, new) = (entries(Some(into)), entries(Some(from)));
        // Both empty: null and the empty map stay different.
        if map.atomic || (old.is_empty() && new.is_empty()) {
            return Ok(from.clone());
        }
        let mut problems = Problems::default();
        let merged = zip_sorted(&old, &new).filter_map(|(name, into, from)| {
            let entry = self.entry(map.element, name);
            let value = match (into, from) {
                (Some(into), Some(from)) => entry.known().and_then(|of| of.merge_unbounded(into, from)),
                (into, from) => entry.known().and_then(|_| {
                    let only = from.or(into).cloned();
                    only.ok_or_else(|| TypedError::new("at least one of lhs and rhs must be provided"))
                }),
            };
            match value {
                Ok(value) => Some((name.clone(), value)),
                Err(error) => {
                    problems.add(error.prefixed(entry.element(name)));
                    None
                }
            }
        });
        let merged: Map<String, Value> = merged.collect();
        problems.finish()?;
        Ok(Value::Object(merged))
    }

    /// Merges two lists item by item.
    ///
    /// Items that both have come in the order of `from`. An item that only one has keeps its place
    /// before the next item that both have; where both have such items at one place, those of `into`
    /// come first.
    fn merge_list(&self, list: &ListShape<'_>, into: &Value, from: &Value) -> Result<Value, TypedError> {
        let (old, new) = (items(Some(into)), items(Some(from)));
        if list.items == ItemIdentity::Atomic || (old.is_empty() && new.is_empty()) {
            return Ok(from.clone());
        }
        let (old_items, new_items) = (ListItems::new(*self, list, old)?, ListItems::new(*self, list, new)?);
        let (old_index, new_index) = (old_items.index(), new_items.index());
        if let Some(twice) = (0..new.len()).find(|position| new_index.next(*position).is_some()) {
            let element = new_items.element(twice);
            return Err(TypedError::new(format!("duplicate entries for key {element}")));
        }
        // Where each item of `into` stands in `from`, and the positions in `from` of items that both have.
        let place: Vec<Option<usize>> =
            (0..old.len()).map(|position| new_index.first(&old_items.key(position))).collect();
        let mut shared =
            (0..new.len()).filter(|position| old_index.first(&new_items.key(*position)).is_some()).peekable();

        let of = self.with(list.element);
        let item_of_both = |position: usize| match old_index.first(&new_items.key(position)) {
            // An item that occurs several times is replaced, for nobody can say which to merge with.
            Some(first) if old_index.next(first).is_none() => of
                .merge_unbounded(&old[first], &new[position])
                .map_err(|error| error.prefixed(new_items.element(position))),
            _ => Ok(new[position].clone()),
        };
        let mut merged = Vec::with_capacity(old.len().max(new.len()));
        let (mut left, mut right) = (0, 0);
        while left < old.len() || right < new.len() {
            if left < old.len() {
                match place[left] {
                    None => {
                        merged.push(old[left].clone());
                        left += 1;
                        continue;
                    }
                    // It was merged before. With nothing more in common, an item of `from` is next.
                    Some(place) if place < right => {
                        left += 1;
                        if right == new.len() || shared.peek().is_some() {
                            continue;
                        }
                    }
                    // It will be merged later.
                    Some(place) if place > right && shared.peek().is_some_and(|next| *next != place) => {
                        left += 1;
                        continue;
                    }
                    Some(place) if place == right => left += 1,
                    Some(_) => {}
                }
            }
            if right < new.len() {
                merged.push(item_of_both(right)?);
                if shared.peek() == Some(&right) {
                    shared.next();
                }
                right += 1;
            }
        }
        Ok(Value::Array(merged))
    }
}
