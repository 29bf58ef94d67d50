//! Looking things up: types, and their fields.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use structured_merge::schema::{TypeId, TypeRef as MergeType};

use crate::table::{Body, FieldDef, ListType, MapType, ScalarType, Table};

const CRD_STATUS: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus";

/// A type of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct TypeRef<'t> {
    table: &'t Table,
    id: TypeId,
}

/// What a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeKind {
    /// A scalar.
    Scalar(ScalarType),
    /// A list.
    List,
    /// A map with any keys.
    Map,
    /// A map with declared fields.
    Struct,
    /// Anything.
    Any,
}

/// A field of a struct.
#[derive(Clone, Copy, Debug)]
pub struct Field<'t> {
    table: &'t Table,
    def: &'t FieldDef,
}

impl<'t> TypeRef<'t> {
    pub(crate) fn new(table: &'t Table, id: TypeId) -> Self {
        Self { table, id }
    }

    /// Returns the type for [`structured_merge`]: to validate, compare and merge its values.
    #[must_use]
    pub fn merge_type(&self) -> MergeType<'t> {
        MergeType::new(self.table, self.id)
    }

    /// Returns its name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&'t str> {
        self.table.def(self.id)?.name.as_deref()
    }

    /// Returns what it is; `None` when the document that it comes from does not say.
    #[must_use]
    pub fn kind(&self) -> Option<TypeKind> {
        Some(match self.table.body(self.id)?.0 {
            Body::Scalar(scalar) => TypeKind::Scalar(*scalar),
            Body::Any { .. } => TypeKind::Any,
            Body::List { .. } => TypeKind::List,
            Body::Map { fields, .. } if fields.is_empty() => TypeKind::Map,
            Body::Map { .. } => TypeKind::Struct,
            Body::Copy { .. } | Body::Missing => return None,
        })
    }

    /// Returns the field with this name.
    ///
    /// ```
    /// use kubernetes_schema::ListType;
    /// let pod = kubernetes_schema::builtin().resolve("", "v1", "Pod").expect("it is built in");
    /// let spec = pod.field("spec").expect("pods have one").of();
    /// let containers = spec.field("containers").expect("pods have them");
    /// assert_eq!(containers.list_type(), Some(ListType::Map));
    /// assert_eq!(containers.map_keys().collect::<Vec<_>>(), ["name"]);
    /// assert_eq!(containers.patch_merge_key(), Some("name"));
    /// assert!(containers.patch_strategy().any(|strategy| strategy == "merge"));
    /// ```
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Field<'t>> {
        self.table.field_def(self.id, name).map(|def| Field { table: self.table, def })
    }

    /// Iterates over the fields of a struct, by name.
    pub fn fields(&self) -> impl Iterator<Item = Field<'t>> + use<'t> {
        let table = self.table;
        let fields: &[FieldDef] = match table.body(self.id) {
            Some((Body::Map { fields, .. }, _)) => fields,
            _ => &[],
        };
        fields.iter().map(move |def| Field { table, def })
    }

    /// Returns the type of a list's items, or of a map's values that are no declared fields.
    #[must_use]
    pub fn element(&self) -> Option<Self> {
        let id = match self.table.body(self.id)?.0 {
            Body::List { element, .. } | Body::Any { element, .. } => *element,
            Body::Map { element, .. } => (*element)?,
            _ => return None,
        };
        Some(Self { table: self.table, id })
    }

    /// Returns how the items of a list are told apart; `None` for what is no list.
    #[must_use]
    pub fn list_type(&self) -> Option<ListType> {
        match self.table.body(self.id)?.0 {
            Body::List { list_type, .. } => Some(*list_type),
            _ => None,
        }
    }

    /// Iterates over the key fields of a list of maps.
    pub fn map_keys(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        let keys: &[Arc<str>] = match self.table.body(self.id) {
            Some((Body::List { keys, .. }, _)) => keys,
            _ => &[],
        };
        keys.iter().map(AsRef::as_ref)
    }

    /// Returns whether a map is merged by field; `None` for what is no map.
    #[must_use]
    pub fn map_type(&self) -> Option<MapType> {
        let (body, copied) = self.table.body(self.id)?;
        match body {
            Body::Map { map_type, .. } => Some(copied.or(*map_type).unwrap_or(MapType::Granular)),
            Body::Any { .. } => Some(MapType::Granular),
            _ => None,
        }
    }

    /// Returns the value that the API server starts from before it reads an object of this type: what
    /// Go writes of an empty struct.
    ///
    /// Its parts are there before anybody wrote them. That is why whoever creates a Deployment comes to
    /// own `.spec.replicas`, but not `.spec` itself.
    ///
    /// ```
    /// use serde_json::json;
    /// let strategy = kubernetes_schema::builtin().named("io.k8s.api.apps.v1.DeploymentSpec").expect("it is there");
    /// assert_eq!(strategy.zero()["strategy"], json!({}));
    /// ```
    #[must_use]
    pub fn zero(&self) -> Value {
        self.zero_within(32)
    }

    /// Whether Go writes an optional field even when it is not set, which OpenAPI does not tell.
    fn writes_null(&self, field: &str) -> bool {
        const WRITTEN: &[(&str, &str)] = &[
            ("io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus", "currentMetrics"),
            ("io.k8s.api.core.v1.Event", "eventTime"),
            ("io.k8s.api.core.v1.Event", "firstTimestamp"),
            ("io.k8s.api.core.v1.Event", "lastTimestamp"),
            ("io.k8s.api.discovery.v1.EndpointSlice", "ports"),
            ("io.k8s.api.events.v1.Event", "deprecatedFirstTimestamp"),
            ("io.k8s.api.events.v1.Event", "deprecatedLastTimestamp"),
            ("io.k8s.api.rbac.v1.ClusterRole", "rules"),
            ("io.k8s.api.rbac.v1.Role", "rules"),
            (CRD_STATUS, "conditions"),
            (CRD_STATUS, "storedVersions"),
        ];
        WRITTEN.iter().any(|(of, name)| Some(*of) == self.name() && *name == field)
    }

    fn zero_within(&self, depth: usize) -> Value {
        let mut zero = Map::new();
        let Some(depth) = depth.checked_sub(1) else { return Value::Object(zero) };
        for field in self.fields() {
            let value = match field.default() {
                Some(Value::Object(default)) if default.is_empty() => field.of().zero_within(depth),
                Some(default)
                    if *default == json!("") || *default == json!(0) || *default == json!(false) =>
                {
                    default.clone()
                }
                None if field.is_required() || self.writes_null(field.name()) => Value::Null,
                _ => continue,
            };
            zero.insert(field.name().to_owned(), value);
        }
        Value::Object(zero)
    }
}

impl<'t> Field<'t> {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &'t str {
        &self.def.name
    }

    /// Returns its type.
    #[must_use]
    pub fn of(&self) -> TypeRef<'t> {
        TypeRef { table: self.table, id: self.def.id }
    }

    /// Returns whether an object without it is invalid.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.def.required
    }

    /// Returns its default. Zero values (`""`, `0`, `{}`) are only Go's: they are there to be seen, but
    /// the API server does not add them.
    #[must_use]
    pub fn default(&self) -> Option<&'t Value> {
        self.def.default.as_ref()
    }

    /// Returns how its items are told apart when it is a list.
    #[must_use]
    pub fn list_type(&self) -> Option<ListType> {
        self.of().list_type()
    }

    /// Iterates over the key fields of its items when it is a list of maps.
    pub fn map_keys(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        self.of().map_keys()
    }

    /// Iterates over its strategies in a strategic merge patch: `merge`, `replace`, `retainKeys`.
    pub fn patch_strategy(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        self.def.patch_strategy.iter().map(String::as_str)
    }

    /// Returns the field by which a strategic merge patch tells its items apart.
    #[must_use]
    pub fn patch_merge_key(&self) -> Option<&'t str> {
        self.def.patch_merge_key.as_deref()
    }
}
