//! The schema of objects that have none.

use std::sync::LazyLock;

use super::table::{ListDef, ListRelation, MapDef, TypeDef};
use super::{Scalar, Table, TypeId, TypeRef};

/// The name of the type whose values are one thing each, whatever they hold.
pub(super) const UNTYPED_ATOMIC: &str = "__untyped_atomic_";
/// The name of the type whose maps are merged and whose lists are one thing each.
pub(super) const UNTYPED_DEDUCED: &str = "__untyped_deduced_";

static DEDUCED: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    add_untyped(&mut table);
    table
});

/// Returns the type of objects without a schema: maps are merged field by field, lists are atomic.
///
/// The API server treats parts under `x-kubernetes-preserve-unknown-fields` so.
///
/// ```
/// use serde_json::json;
/// use structured_merge::schema::deduced;
/// let merged = deduced().merge(&json!({"a": {"b": 1, "c": [1]}}), &json!({"a": {"c": [2]}}))?;
/// assert_eq!(merged, json!({"a": {"b": 1, "c": [2]}}));
/// # Ok::<(), structured_merge::TypedError>(())
/// ```
#[must_use]
pub fn deduced() -> TypeRef<'static> {
    DEDUCED.named(UNTYPED_DEDUCED).unwrap_or_else(|| TypeRef::new(&*DEDUCED, TypeId(u32::MAX)))
}

/// Adds both untyped types to a table, unless they are defined there already.
pub(super) fn add_untyped(table: &mut Table) -> (TypeId, TypeId) {
    let atomic = table.declare(UNTYPED_ATOMIC);
    let deduced = table.declare(UNTYPED_DEDUCED);
    let list = ListDef { element: atomic, relation: ListRelation::Atomic, keys: Vec::new() };
    for (id, is_atomic) in [(atomic, true), (deduced, false)] {
        let map =
            MapDef { fields: Vec::new(), element: Some(id), atomic: is_atomic, untyped_element: !is_atomic };
        table.define(id, TypeDef { scalar: Some(Scalar::Untyped), list: Some(list.clone()), map: Some(map) });
    }
    (atomic, deduced)
}
