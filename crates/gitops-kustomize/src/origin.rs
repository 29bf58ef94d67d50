//! Where an object came from and what changed it, as `buildMetadata` writes it into annotations.

use crate::resource::{Resource, annotation};
use crate::yaml::{FieldError, Id, Kind, Node, Nodes, ReadLimits};

/// Where an object or a change came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) configured_in: String,
    pub(crate) by: Option<ConfiguredBy>,
}

/// The generator or transformer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ConfiguredBy {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Origin {
    /// Returns the origin one step further along a path.
    pub(crate) fn join(&self, path: &str) -> Self {
        Self { path: join_clean(&self.path, path), ..self.clone() }
    }

    /// Returns the origin of what a builtin of this kustomization makes.
    pub(crate) fn builtin(&self, file: &str, kind: &str) -> Self {
        let by = ConfiguredBy {
            api_version: "builtin".to_owned(),
            kind: kind.to_owned(),
            ..ConfiguredBy::default()
        };
        Self { path: String::new(), configured_in: join_clean(&self.path, file), by: Some(by) }
    }

    fn node(&self, nodes: &mut Nodes) -> Id {
        let by = self.by.clone().unwrap_or_default();
        let inner = [
            ("apiVersion", &by.api_version),
            ("kind", &by.kind),
            ("name", &by.name),
            ("namespace", &by.namespace),
        ];
        let root = nodes.add(Node::of(Kind::Mapping));
        for (key, text) in [("path", &self.path), ("configuredIn", &self.configured_in)] {
            put(nodes, root, key, text);
        }
        if inner.iter().any(|(_, text)| !text.is_empty()) {
            let map = nodes.add(Node::of(Kind::Mapping));
            for (key, text) in inner {
                put(nodes, map, key, text);
            }
            let key = nodes.add(Node::scalar("configuredBy"));
            nodes[root].content.extend([key, map]);
        }
        root
    }

    fn print(&self) -> String {
        let mut nodes = Nodes::default();
        let root = self.node(&mut nodes);
        nodes.print(root)
    }
}

fn put(nodes: &mut Nodes, map: Id, key: &str, text: &str) {
    if !text.is_empty() {
        let key = nodes.add(Node::scalar(key));
        let value = nodes.nodes_of(&serde_json::Value::String(text.to_owned()));
        nodes[map].content.extend([key, value]);
    }
}

/// Joins paths and takes out what leads nowhere, as Go's `filepath.Join` does.
pub(crate) fn join_clean(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let rooted = if base.is_empty() { path.starts_with('/') } else { base.starts_with('/') };
    let joined = parts.join("/");
    match (rooted, base.is_empty() && path.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => joined,
        (false, false) if joined.is_empty() => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Writes an origin into an object's annotations, or removes it.
pub(crate) fn set_origin(
    nodes: &mut Nodes,
    resource: &Resource,
    origin: Option<&Origin>,
) -> Result<(), FieldError> {
    let mut annotations = resource.annotations(nodes);
    match origin {
        Some(origin) => {
            annotations.insert(annotation::ORIGIN.into(), origin.print().into());
        }
        None => {
            annotations.remove(annotation::ORIGIN);
        }
    }
    resource.set_annotations(nodes, &annotations)
}

/// Reads an object's origin.
pub(crate) fn origin_of(nodes: &Nodes, resource: &Resource) -> Option<Origin> {
    let text = resource.annotation(nodes, annotation::ORIGIN)?;
    let mut inner = Nodes::default();
    let root = inner.read_one(&text, &ReadLimits::default()).ok()??;
    let text =
        |map: Id, name: &str| inner.field(map, name).map_or(String::new(), |id| inner.text(id).to_owned());
    let by = inner.field(root, "configuredBy").map(|map| ConfiguredBy {
        api_version: text(map, "apiVersion"),
        kind: text(map, "kind"),
        name: text(map, "name"),
        namespace: text(map, "namespace"),
    });
    Some(Origin { path: text(root, "path"), configured_in: text(root, "configuredIn"), by })
}

/// Notes that a transformer changed the object.
pub(crate) fn add_transformation(
    nodes: &mut Nodes,
    resource: &Resource,
    origin: &Origin,
) -> Result<(), FieldError> {
    if origin_of(nodes, resource).is_none() {
        return set_origin(nodes, resource, Some(origin));
    }
    let mut annotations = resource.annotations(nodes);
    // The list is text, and one more entry is more text.
    let mut list = annotations.get(annotation::TRANSFORMATIONS).map_or(String::new(), ToString::to_string);
    let mut scratch = Nodes::default();
    let entry = origin.node(&mut scratch);
    let entries = scratch.add(Node { kind: Kind::Sequence, content: vec![entry], ..Node::default() });
    list.push_str(&scratch.print(entries));
    annotations.insert(annotation::TRANSFORMATIONS.into(), list.into());
    resource.set_annotations(nodes, &annotations)
}

/// Removes the notes of what changed the object.
pub(crate) fn clear_transformations(nodes: &mut Nodes, resource: &Resource) -> Result<(), FieldError> {
    let mut annotations = resource.annotations(nodes);
    annotations.remove(annotation::TRANSFORMATIONS);
    resource.set_annotations(nodes, &annotations)
}
