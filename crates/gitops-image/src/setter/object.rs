//! Which object an edit belongs to.

use std::fmt;

use gitops_manifest::{Document, PathPart};
use serde_json::Value;

/// An object's identity as far as the file tells it; what it does not tell is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The API group and version.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectName {
    fn of(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = value.get("metadata").unwrap_or(&Value::Null);
        Self {
            api_version: text(value.get("apiVersion").unwrap_or(&Value::Null)),
            kind: text(value.get("kind").unwrap_or(&Value::Null)),
            namespace: text(metadata.get("namespace").unwrap_or(&Value::Null)),
            name: text(metadata.get("name").unwrap_or(&Value::Null)),
        }
    }
}

/// Prints `Kind/namespace/name`, or `Kind/name` without a namespace, or `file` for what is no object.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind.as_str(), self.namespace.as_str()) {
            ("", _) => f.write_str("file"),
            (kind, "") => write!(f, "{kind}/{}", self.name),
            (kind, namespace) => write!(f, "{kind}/{namespace}/{}", self.name),
        }
    }
}

/// The objects of one document: itself, or its items.
pub(super) struct Objects<'d> {
    root: &'d Value,
    is_list: bool,
}

impl<'d> Objects<'d> {
    /// Returns the objects of a document. The items of a list that is the file's only document are objects, as kyaml
    /// has it.
    pub(super) fn new(document: &'d Document, is_only: bool) -> Self {
        let root = document.value();
        let kind = root.get("kind").and_then(Value::as_str);
        let is_list = is_only
            && matches!(kind, Some("List" | "ResourceList"))
            && root.get("items").is_some_and(Value::is_array);
        Self { root, is_list }
    }

    /// Returns the object of a value, by the value's path in the document.
    pub(super) fn name(&self, path: &[PathPart]) -> ObjectName {
        ObjectName::of(self.at(path).0)
    }

    /// Returns whether the value is one of those that a Secret keeps.
    pub(super) fn is_secret(&self, path: &[PathPart]) -> bool {
        let (object, rest) = self.at(path);
        object.get("kind").and_then(Value::as_str) == Some("Secret")
            && matches!(rest.first(), Some(PathPart::Key(key)) if key == "data" || key == "stringData")
    }

    fn at<'p>(&self, path: &'p [PathPart]) -> (&'d Value, &'p [PathPart]) {
        if let [PathPart::Key(items), PathPart::Index(index), rest @ ..] = path
            && self.is_list
            && items == "items"
            && let Some(item) = self.root.get("items").and_then(|items| items.get(index))
        {
            return (item, rest);
        }
        (self.root, path)
    }
}
