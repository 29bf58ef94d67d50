//! One Kubernetes object.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

/// A Kubernetes object: a JSON map, and where it was read.
///
/// Only the shape is certain: the value is a map. Whether it names an API version, a kind and a name is
/// for those who need them to check; the accessors answer with `""` or `None` when a field is missing or is
/// not text.
///
/// ```
/// use gitops_manifest::Object;
/// use serde_json::json;
///
/// let mut object = Object::new(json!({
///     "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
/// }))?;
/// object.set_namespace("shop");
/// assert_eq!((object.group(), object.version(), object.kind()), ("apps", "v1", "Deployment"));
/// assert_eq!(object.namespace(), Some("shop"));
/// # Ok::<(), gitops_manifest::NotAnObject>(())
/// ```
#[derive(Clone)]
pub struct Object {
    value: Value,
    origin: Option<Origin>,
}

/// The file and the line (from 1) at which an object begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The name that was given to the parser, as a rule a path.
    pub file: Arc<str>,
    /// The line of the object's first token, counted from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A value that is not a map cannot be a Kubernetes object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a Kubernetes object must be a map, this is {found}")]
pub struct NotAnObject {
    found: &'static str,
}

impl NotAnObject {
    pub(crate) fn found(value: &Value) -> Self {
        Self { found: kind_of(value) }
    }
}

/// Names the JSON kind of a value for an error text.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

impl Object {
    /// Returns the object over a JSON map.
    ///
    /// # Errors
    /// When the value is not a map.
    pub fn new(value: Value) -> Result<Self, NotAnObject> {
        if value.is_object() { Ok(Self { value, origin: None }) } else { Err(NotAnObject::found(&value)) }
    }

    /// Returns the object with the place it was read from.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Returns where the object was read, when it came from a file.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Returns `apiVersion`, or `""`.
    pub fn api_version(&self) -> &str {
        self.text("apiVersion")
    }

    /// Returns the API group, `""` for the core group.
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// Returns the API version without the group.
    pub fn version(&self) -> &str {
        let api_version = self.api_version();
        api_version.split_once('/').map_or(api_version, |(_, version)| version)
    }

    /// Returns `kind`, or `""`.
    pub fn kind(&self) -> &str {
        self.text("kind")
    }

    /// Returns `metadata.name`, or `""`.
    pub fn name(&self) -> &str {
        self.metadata("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns `metadata.namespace` when it is set and not empty.
    pub fn namespace(&self) -> Option<&str> {
        self.metadata("namespace").and_then(Value::as_str).filter(|namespace| !namespace.is_empty())
    }

    /// Returns the label of that key, when it is text.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata("labels")?.get(key)?.as_str()
    }

    /// Returns the annotation of that key, when it is text.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata("annotations")?.get(key)?.as_str()
    }

    /// Sets `metadata.namespace`.
    pub fn set_namespace(&mut self, namespace: impl Into<String>) {
        self.metadata_mut().insert("namespace".to_owned(), Value::String(namespace.into()));
    }

    /// Sets a label.
    pub fn set_label(&mut self, key: impl Into<String>, value: impl Into<String>) {
        map_at(self.metadata_mut(), "labels").insert(key.into(), Value::String(value.into()));
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, key: impl Into<String>, value: impl Into<String>) {
        map_at(self.metadata_mut(), "annotations").insert(key.into(), Value::String(value.into()));
    }

    /// Removes an annotation and returns its value; an annotations map that becomes empty goes too.
    pub fn remove_annotation(&mut self, key: &str) -> Option<Value> {
        let metadata = self.value.get_mut("metadata")?.as_object_mut()?;
        let annotations = metadata.get_mut("annotations")?.as_object_mut()?;
        let removed = annotations.remove(key)?;
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
        Some(removed)
    }

    /// Returns the JSON value, always a map.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the map for changes.
    pub fn value_mut(&mut self) -> &mut Map<String, Value> {
        as_map(&mut self.value)
    }

    /// Returns the JSON value, always a map.
    pub fn into_value(self) -> Value {
        self.value
    }

    fn text(&self, field: &str) -> &str {
        self.value.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn metadata(&self, field: &str) -> Option<&Value> {
        self.value.get("metadata")?.get(field)
    }

    fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        map_at(as_map(&mut self.value), "metadata")
    }
}

/// Returns the map under a key, in place of whatever else stood there.
fn map_at<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    as_map(map.entry(key).or_insert(Value::Null))
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("because a value that was no map has just become one")
}

/// Equal when the values are; where an object was read is no part of it.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Object {}

/// Names the object without its content: what it holds may be secret.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut it = f.debug_struct("Object");
        it.field("api_version", &self.api_version()).field("kind", &self.kind());
        it.field("namespace", &self.namespace()).field("name", &self.name());
        if let Some(origin) = &self.origin {
            it.field("origin", &format_args!("{origin}"));
        }
        it.finish_non_exhaustive()
    }
}

/// `Kind/namespace/name`, or `Kind/name` without a namespace.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace() {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind(), self.name()),
            None => write!(f, "{}/{}", self.kind(), self.name()),
        }
    }
}
