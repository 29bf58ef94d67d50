//! The table: types by number, found by name or kind.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;
use structured_merge::schema::{
    Field as MergeField, ItemIdentity, ListShape, MapShape, Scalar, Schema, Shapes, TypeId,
};

use crate::lookup::TypeRef;

/// Group, version and kind of an object; the core group is `""`.
pub(crate) type Kind = (String, String, String);

/// The types of Kubernetes objects.
///
/// The built-in ones are [`builtin`](crate::builtin); those of custom resources are read with
/// [`Table::from_crd`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub(crate) server: String,
    pub(crate) types: Vec<TypeDef>,
    pub(crate) names: BTreeMap<Arc<str>, TypeId>,
    pub(crate) kinds: BTreeMap<Kind, TypeId>,
    /// The numbers of types without a name, so that each is there once.
    pub(crate) unnamed: HashMap<String, TypeId>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TypeDef {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    /// A scalar and its format.
    Scalar(ScalarType),
    /// Anything.
    Any {
        element: TypeId,
        list_element: TypeId,
    },
    List {
        element: TypeId,
        list_type: ListType,
        keys: Vec<Arc<str>>,
    },
    /// A map or a struct: declared fields, sorted by name, and the type of the others.
    Map {
        fields: Vec<FieldDef>,
        element: Option<TypeId>,
        map_type: Option<MapType>,
        free_form: bool,
    },
    /// Another type, with another granularity.
    Copy {
        of: TypeId,
        map_type: MapType,
    },
    /// Not defined (yet).
    Missing,
}

/// The scalar types of OpenAPI, with the formats that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScalarType {
    /// `string`.
    String,
    /// `string` of format `byte`: base64.
    Bytes,
    /// `string` of any other format, as times.
    Formatted,
    /// `integer`.
    Integer,
    /// `number`.
    Number,
    /// `boolean`.
    Boolean,
    /// A quantity: a string or a number.
    Quantity,
}

/// How the items of a list are told apart (`x-kubernetes-list-type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListType {
    /// Not at all.
    Atomic,
    /// By their value.
    Set,
    /// By their key fields.
    Map,
}

/// Whether a map is merged by field (`x-kubernetes-map-type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapType {
    /// It is one value.
    Atomic,
    /// It is merged by field, as is everything that does not say.
    Granular,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldDef {
    pub(crate) name: Arc<str>,
    pub(crate) id: TypeId,
    pub(crate) required: bool,
    pub(crate) default: Option<Value>,
    /// As in `x-kubernetes-patch-strategy`, split at commas.
    pub(crate) patch_strategy: Vec<String>,
    pub(crate) patch_merge_key: Option<String>,
}

impl Table {
    /// Returns the version of the server that the table was read from (`v1.35.4`); empty if unknown.
    #[must_use]
    pub fn server_version(&self) -> &str {
        &self.server
    }

    /// Returns the type of objects of this kind; `""` is the core group.
    #[must_use]
    pub fn resolve(&self, group: &str, version: &str, kind: &str) -> Option<TypeRef<'_>> {
        let kind = (group.to_owned(), version.to_owned(), kind.to_owned());
        self.kinds.get(&kind).map(|id| TypeRef::new(self, *id))
    }

    /// Returns the type of objects with this `apiVersion` and `kind`.
    ///
    /// ```
    /// let deployment = kubernetes_schema::builtin().of("apps/v1", "Deployment").expect("it is built in");
    /// assert_eq!(deployment.name(), Some("io.k8s.api.apps.v1.Deployment"));
    /// ```
    #[must_use]
    pub fn of(&self, api_version: &str, kind: &str) -> Option<TypeRef<'_>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.resolve(group, version, kind)
    }

    /// Returns the type with this name (`io.k8s.api.core.v1.PodSpec`).
    #[must_use]
    pub fn named(&self, name: &str) -> Option<TypeRef<'_>> {
        self.names.get(name).map(|id| TypeRef::new(self, *id))
    }

    /// Iterates over the kinds in order: group, version, kind, and the type of each.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str, &str, TypeRef<'_>)> {
        self.kinds.iter().map(|((group, version, kind), id)| {
            (group.as_str(), version.as_str(), kind.as_str(), TypeRef::new(self, *id))
        })
    }

    /// Iterates over the named types in order.
    pub fn types(&self) -> impl Iterator<Item = TypeRef<'_>> {
        self.names.values().map(|id| TypeRef::new(self, *id))
    }

    pub(crate) fn def(&self, id: TypeId) -> Option<&TypeDef> {
        self.types.get(id.0 as usize)
    }

    /// Returns what a type is, behind changes of granularity.
    pub(crate) fn body(&self, id: TypeId) -> Option<(&Body, Option<MapType>)> {
        match &self.def(id)?.body {
            Body::Copy { of, map_type } => match &self.def(*of)?.body {
                Body::Copy { .. } => None,
                body => Some((body, Some(*map_type))),
            },
            body => Some((body, None)),
        }
    }

    pub(crate) fn declare(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.names.get(name) {
            return *id;
        }
        let name: Arc<str> = name.into();
        let id = self.push(TypeDef { name: Some(Arc::clone(&name)), body: Body::Missing });
        self.names.insert(name, id);
        id
    }

    pub(crate) fn define(&mut self, id: TypeId, body: Body) {
        if let Some(def) = self.types.get_mut(id.0 as usize) {
            def.body = body;
        }
    }

    /// Returns the number of an unnamed type; types that are alike share one.
    pub(crate) fn intern(&mut self, body: Body) -> TypeId {
        let key = format!("{body:?}");
        if let Some(id) = self.unnamed.get(&key) {
            return *id;
        }
        let id = self.push(TypeDef { name: None, body });
        self.unnamed.insert(key, id);
        id
    }

    /// Returns the two types of values that nobody declared: one thing each, and merged by field.
    pub(crate) fn untyped(&mut self) -> (TypeId, TypeId) {
        let atomic = self.declare(ATOMIC);
        self.define(atomic, Body::Any { element: atomic, list_element: atomic });
        let deduced = self.declare(DEDUCED);
        self.define(deduced, Body::Any { element: deduced, list_element: atomic });
        (atomic, deduced)
    }

    fn push(&mut self, def: TypeDef) -> TypeId {
        let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        self.types.push(def);
        id
    }
}

/// The name of the type of values that are one thing each, whatever they hold.
pub(crate) const ATOMIC: &str = "__untyped_atomic_";
/// The name of the type of values whose maps are merged and whose lists are one thing each.
pub(crate) const DEDUCED: &str = "__untyped_deduced_";

impl Schema for Table {
    fn shapes(&self, id: TypeId) -> Option<Shapes<'_>> {
        let (body, copied) = self.body(id)?;
        Some(match body {
            Body::Scalar(scalar) => Shapes { scalar: Some(scalar.for_merging()), ..Shapes::default() },
            Body::Any { element, list_element } => {
                let atomic = self.names.get(ATOMIC) == Some(&id);
                Shapes {
                    scalar: Some(Scalar::Untyped),
                    list: Some(ListShape { element: *list_element, items: ItemIdentity::Atomic }),
                    map: Some(MapShape { element: Some(*element), atomic, free_form: !atomic }),
                }
            }
            Body::List { element, list_type, keys } => {
                let items = match list_type {
                    ListType::Atomic => ItemIdentity::Atomic,
                    ListType::Set => ItemIdentity::Set,
                    ListType::Map => ItemIdentity::Keys(keys),
                };
                Shapes { list: Some(ListShape { element: *element, items }), ..Shapes::default() }
            }
            Body::Map { element, map_type, free_form, .. } => {
                let atomic = copied.or(*map_type) == Some(MapType::Atomic);
                let map = MapShape { element: *element, atomic, free_form: *free_form };
                Shapes { map: Some(map), ..Shapes::default() }
            }
            Body::Copy { .. } | Body::Missing => return None,
        })
    }

    fn field(&self, id: TypeId, name: &str) -> Option<MergeField<'_>> {
        let field = self.field_def(id, name)?;
        Some(MergeField { name: &field.name, id: field.id, default: field.default.as_ref() })
    }
}

impl Table {
    pub(crate) fn field_def(&self, id: TypeId, name: &str) -> Option<&FieldDef> {
        let (Body::Map { fields, .. }, _) = self.body(id)? else { return None };
        let position = fields.binary_search_by(|field| field.name.as_ref().cmp(name)).ok()?;
        fields.get(position)
    }
}

impl ScalarType {
    fn for_merging(self) -> Scalar {
        match self {
            Self::String | Self::Bytes => Scalar::String,
            Self::Integer | Self::Number => Scalar::Numeric,
            Self::Boolean => Scalar::Boolean,
            Self::Formatted | Self::Quantity => Scalar::Untyped,
        }
    }
}
