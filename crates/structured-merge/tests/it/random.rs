//! Random sets, and random objects of a type that has everything.

use std::sync::LazyLock;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use structured_merge::schema::{Table, TypeRef};
use structured_merge::{Path, PathElement, Set};

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let text = json!({"type": "string"});
    Table::from_openapi(&json!({"Everything": {"type": "object", "properties": {
        "text": text,
        "number": {"type": "integer"},
        "set": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
        "numbers": {"type": "array", "items": {"type": "integer"}, "x-kubernetes-list-type": "set"},
        "atomic": {"type": "array", "items": text},
        "atomicMap": {"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"},
        "map": {"type": "object", "additionalProperties": text},
        "nested": {"type": "object", "properties": {"a": text, "b": {"type": "object", "properties": {"c": text}}}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["port", "protocol"],
            "items": {"type": "object", "properties": {
                "port": {"type": "integer"},
                "protocol": {"type": "string", "default": "TCP"},
                "name": text,
                "tags": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            }},
        },
    }}}))
    .unwrap()
});

/// Returns the type of the objects.
pub(crate) fn everything() -> TypeRef<'static> {
    TABLE.named("Everything").unwrap()
}

fn word() -> impl Strategy<Value = String> {
    "[a-d]"
}

fn words() -> impl Strategy<Value = Value> {
    btree_set(word(), 1..4).prop_shuffle_items()
}

/// Sets come sorted; lists need not be.
trait Shuffled: Strategy + Sized {
    fn prop_shuffle_items(self) -> BoxedStrategy<Value>;
}

impl<T: Into<Value> + Clone + std::fmt::Debug + 'static, S> Shuffled for S
where
    S: Strategy<Value = std::collections::BTreeSet<T>> + 'static,
{
    fn prop_shuffle_items(self) -> BoxedStrategy<Value> {
        self.prop_map(|items| items.into_iter().collect::<Vec<T>>())
            .prop_shuffle()
            .prop_map(|items| items.into_iter().map(Into::into).collect())
            .boxed()
    }
}

fn texts() -> impl Strategy<Value = Value> {
    btree_map(word(), word(), 1..4).prop_map(|map| json!(map))
}

fn ports() -> impl Strategy<Value = Value> {
    let port = |(port, udp): (u8, bool), name: Option<String>, tags: Option<Value>| {
        let mut item = json!({"port": port, "protocol": if udp { "UDP" } else { "TCP" }});
        if let Some(name) = name {
            item["name"] = json!(name);
        }
        if let Some(tags) = tags {
            item["tags"] = tags;
        }
        item
    };
    btree_map((1..4_u8, any::<bool>()), (proptest::option::of(word()), proptest::option::of(words())), 1..5)
        .prop_map(|items| items.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
        .prop_map(move |items| items.into_iter().map(|(key, (name, tags))| port(key, name, tags)).collect())
}

/// Anything that is not empty: emptiness is not owned.
fn free() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        word().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            btree_map(word(), inner.clone(), 1..3).prop_map(|map| json!(map)),
            vec(inner, 1..3).prop_map(Value::from),
        ]
    })
}

/// Returns an object; none of its maps and lists is empty.
pub(crate) fn object() -> impl Strategy<Value = Value> {
    let some = |strategy: BoxedStrategy<Value>| proptest::option::of(strategy);
    let fields = (
        (some(word().prop_map(Value::from).boxed()), some((0..3).prop_map(Value::from).boxed())),
        (some(words().boxed()), some(btree_set(0..5, 1..4).prop_shuffle_items())),
        (some(vec(word(), 1..3).prop_map(Value::from).boxed()), some(texts().boxed()), some(texts().boxed())),
        some(
            (word(), proptest::option::of(word()))
                .prop_map(|(a, c)| match c {
                    Some(c) => json!({"a": a, "b": {"c": c}}),
                    None => json!({"a": a}),
                })
                .boxed(),
        ),
        some(btree_map(word(), free(), 1..3).prop_map(|map| json!(map)).boxed()),
        some(ports().boxed()),
    );
    fields.prop_map(|((text, number), (set, numbers), (atomic, atomic_map, map), nested, free, ports)| {
        let fields = [
            ("text", text),
            ("number", number),
            ("set", set),
            ("numbers", numbers),
            ("atomic", atomic),
            ("atomicMap", atomic_map),
            ("map", map),
            ("nested", nested),
            ("free", free),
            ("ports", ports),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let mut object: Map<String, Value> = given.collect();
        object.entry("text").or_insert(json!("z"));
        Value::Object(object)
    })
}

/// Returns anything that JSON can say.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3..3).prop_map(Value::from),
        "[a-c.:<\"]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![
            word(),
            proptest::sample::select(vec![
                "text", "set", "ports", "port", "free", "map", "nested", "metadata"
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            btree_map(name, inner.clone(), 0..4).prop_map(|map| json!(map)),
            vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

fn element() -> impl Strategy<Value = PathElement> {
    let number = prop_oneof![(0..3_i64).prop_map(Value::from), Just(json!(1.0)), Just(json!(1.5))];
    let scalar = prop_oneof![number, word().prop_map(Value::from), any::<bool>().prop_map(Value::from)];
    prop_oneof![
        "[a-c<\"\\\\é]{1,2}".prop_map(PathElement::field),
        btree_map(word(), scalar.clone(), 1..3).prop_map(PathElement::key),
        scalar.prop_map(PathElement::value),
        (0..3_i64).prop_map(PathElement::index),
    ]
}

/// Returns a set.
pub(crate) fn set() -> impl Strategy<Value = Set> {
    vec(vec(element(), 1..4).prop_map(Path::new), 0..10).prop_map(|paths| paths.into_iter().collect())
}
