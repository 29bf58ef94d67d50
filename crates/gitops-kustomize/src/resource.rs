//! One object of a build: its node and what kustomize remembers about it in annotations of its own.

use std::rc::Rc;

use crate::id::{Gvk, ResId};
use crate::yaml::{FieldError, Id, Kind, Node, Nodes, Style};

/// The annotations of a build, which no output keeps.
pub(crate) mod annotation {
    pub(crate) const PREVIOUS_KINDS: &str = "internal.config.kubernetes.io/previousKinds";
    pub(crate) const PREVIOUS_NAMES: &str = "internal.config.kubernetes.io/previousNames";
    pub(crate) const PREVIOUS_NAMESPACES: &str = "internal.config.kubernetes.io/previousNamespaces";
    pub(crate) const PREFIXES: &str = "internal.config.kubernetes.io/prefixes";
    pub(crate) const SUFFIXES: &str = "internal.config.kubernetes.io/suffixes";
    pub(crate) const ALLOW_NAME_CHANGE: &str = "internal.config.kubernetes.io/allowNameChange";
    pub(crate) const ALLOW_KIND_CHANGE: &str = "internal.config.kubernetes.io/allowKindChange";
    pub(crate) const REF_BY: &str = "internal.config.kubernetes.io/refBy";
    pub(crate) const BEHAVIOR: &str = "internal.config.kubernetes.io/generatorBehavior";
    pub(crate) const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";
    pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
    pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";
    pub(crate) const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

    /// Every annotation that is removed at the end of a build.
    pub(crate) const BUILD: &[&str] = &[
        PREVIOUS_KINDS,
        PREVIOUS_NAMES,
        PREFIXES,
        SUFFIXES,
        PREVIOUS_NAMESPACES,
        ALLOW_NAME_CHANGE,
        ALLOW_KIND_CHANGE,
        REF_BY,
        BEHAVIOR,
        NEEDS_HASH,
        "internal.config.kubernetes.io/path",
        "internal.config.kubernetes.io/index",
        "internal.config.kubernetes.io/seqindent",
        "internal.config.kubernetes.io/id",
        "internal.config.kubernetes.io/annotations-migration-resource-id",
        "config.kubernetes.io/path",
        "config.kubernetes.io/index",
        "config.k8s.io/id",
        "internal.config.kubernetes.io/helm-generated",
    ];
}

/// Texts by their key, in the order of the keys.
pub(crate) type Texts = std::collections::BTreeMap<Rc<str>, Rc<str>>;

/// How a generated object meets one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behavior {
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

/// One object of a build.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) node: Id,
    /// The names of the variables whose value is one of its fields.
    pub(crate) variables: Vec<String>,
    /// The file and line it was read from.
    pub(crate) read_from: Option<(Rc<str>, u32)>,
}

impl Resource {
    pub(crate) fn new(node: Id) -> Self {
        Self { node, variables: Vec::new(), read_from: None }
    }

    pub(crate) fn copy(&self, nodes: &mut Nodes) -> Self {
        Self { node: nodes.copy(self.node), ..self.clone() }
    }

    pub(crate) fn kind(&self, nodes: &Nodes) -> Rc<str> {
        nodes.field(self.node, "kind").map_or_else(|| "".into(), |kind| nodes[kind].value.clone())
    }

    pub(crate) fn api_version(&self, nodes: &Nodes) -> Rc<str> {
        nodes.field(self.node, "apiVersion").map_or_else(|| "".into(), |field| nodes[field].value.clone())
    }

    pub(crate) fn gvk(&self, nodes: &Nodes) -> Gvk {
        let api_version = self.api_version(nodes);
        let (group, version) = crate::id::split_api_version(&api_version);
        Gvk { group: group.into(), version: version.into(), kind: self.kind(nodes) }
    }

    pub(crate) fn name(&self, nodes: &Nodes) -> Rc<str> {
        self.metadata_text(nodes, "name")
    }

    pub(crate) fn namespace(&self, nodes: &Nodes) -> Rc<str> {
        self.metadata_text(nodes, "namespace")
    }

    fn metadata(&self, nodes: &Nodes) -> Option<Id> {
        nodes.field(self.node, "metadata").filter(|metadata| !nodes[*metadata].is_nil_or_empty())
    }

    fn metadata_text(&self, nodes: &Nodes, name: &str) -> Rc<str> {
        self.metadata(nodes)
            .and_then(|metadata| nodes.field(metadata, name))
            .filter(|field| !nodes[*field].is_nil_or_empty())
            .map_or_else(|| "".into(), |field| nodes[field].value.clone())
    }

    /// Returns the identity it has now.
    pub(crate) fn id(&self, nodes: &Nodes) -> ResId {
        let gvk = self.gvk(nodes);
        let cluster_scoped = gvk.is_cluster_scoped();
        ResId { gvk, name: self.name(nodes), namespace: self.namespace(nodes), cluster_scoped }
    }

    /// Returns the identity it was read with.
    pub(crate) fn original_id(&self, nodes: &Nodes) -> ResId {
        self.previous_ids(nodes).into_iter().next().unwrap_or_else(|| self.id(nodes))
    }

    /// Returns the identities it had before, oldest first.
    pub(crate) fn previous_ids(&self, nodes: &Nodes) -> Vec<ResId> {
        let Some(names) = self.annotation(nodes, annotation::PREVIOUS_NAMES) else { return Vec::new() };
        let namespaces = self.annotation(nodes, annotation::PREVIOUS_NAMESPACES).unwrap_or_default();
        let kinds = self.annotation(nodes, annotation::PREVIOUS_KINDS).unwrap_or_default();
        let api_version = self.api_version(nodes);
        let (group, version) = crate::id::split_api_version(&api_version);
        let (group, version): (Rc<str>, Rc<str>) = (group.into(), version.into());
        names
            .split(',')
            .zip(namespaces.split(','))
            .zip(kinds.split(','))
            .map(|((name, namespace), kind)| ResId {
                gvk: Gvk { group: group.clone(), version: version.clone(), kind: kind.into() },
                name: name.into(),
                namespace: namespace.into(),
                cluster_scoped: false,
            })
            .collect()
    }

    /// Returns every identity, oldest first.
    pub(crate) fn all_ids(&self, nodes: &Nodes) -> Vec<ResId> {
        let mut ids = self.previous_ids(nodes);
        ids.push(self.id(nodes));
        ids
    }

    /// Remembers the identity it has now.
    pub(crate) fn store_previous_id(&self, nodes: &mut Nodes) -> Result<(), FieldError> {
        let id = self.id(nodes);
        self.append_previous(nodes, id.effective_namespace(), &id.name, &id.gvk.kind)
    }

    fn append_previous(
        &self,
        nodes: &mut Nodes,
        namespace: &str,
        name: &str,
        kind: &str,
    ) -> Result<(), FieldError> {
        self.append_annotation(nodes, annotation::PREVIOUS_NAMES, name)?;
        self.append_annotation(nodes, annotation::PREVIOUS_NAMESPACES, namespace)?;
        self.append_annotation(nodes, annotation::PREVIOUS_KINDS, kind)
    }

    pub(crate) fn set_gvk(&self, nodes: &mut Nodes, gvk: &Gvk) -> Result<(), FieldError> {
        self.set_kind(nodes, &gvk.kind)?;
        nodes.set_text(self.node, &["apiVersion"], &gvk.api_version())
    }

    pub(crate) fn set_kind(&self, nodes: &mut Nodes, kind: &str) -> Result<(), FieldError> {
        nodes.set_text(self.node, &["kind"], kind)
    }

    pub(crate) fn set_name(&self, nodes: &mut Nodes, name: &str) -> Result<(), FieldError> {
        if name.is_empty() {
            // An empty text, not nothing: lists have no name.
            let Some(metadata) = nodes.lookup_create(self.node, &["metadata"], Kind::Mapping)? else {
                return Ok(());
            };
            let value = nodes.add(Node::string(name));
            return nodes.set_field(metadata, "name", Some(value)).map(|_| ());
        }
        nodes.set_text(self.node, &["metadata", "name"], name)
    }

    pub(crate) fn set_namespace(&self, nodes: &mut Nodes, namespace: &str) -> Result<(), FieldError> {
        if !namespace.is_empty() {
            return nodes.set_text(self.node, &["metadata", "namespace"], namespace);
        }
        match nodes.lookup(self.node, &["metadata"])? {
            Some(metadata) => nodes.clear(metadata, "namespace"),
            None => Ok(()),
        }
    }

    pub(crate) fn annotation(&self, nodes: &Nodes, key: &str) -> Option<Rc<str>> {
        let annotations = nodes.field(self.metadata(nodes)?, "annotations")?;
        nodes.field(annotations, key).map(|value| nodes[value].value.clone())
    }

    pub(crate) fn annotations(&self, nodes: &Nodes) -> Texts {
        self.texts(nodes, "annotations")
    }

    pub(crate) fn labels(&self, nodes: &Nodes) -> Texts {
        self.texts(nodes, "labels")
    }

    fn texts(&self, nodes: &Nodes, field: &str) -> Texts {
        self.metadata(nodes)
            .and_then(|metadata| nodes.field(metadata, field))
            .map(|texts| nodes.texts(texts).into_iter().collect())
            .unwrap_or_default()
    }

    pub(crate) fn set_annotations(&self, nodes: &mut Nodes, texts: &Texts) -> Result<(), FieldError> {
        self.set_texts(nodes, "annotations", texts)
    }

    pub(crate) fn set_labels(&self, nodes: &mut Nodes, texts: &Texts) -> Result<(), FieldError> {
        self.set_texts(nodes, "labels", texts)
    }

    /// Replaces a map of texts in the metadata; an empty one is removed.
    fn set_texts(&self, nodes: &mut Nodes, field: &str, texts: &Texts) -> Result<(), FieldError> {
        let Some(metadata) = nodes.lookup_create(self.node, &["metadata"], Kind::Mapping)? else {
            return Ok(());
        };
        nodes.clear(metadata, field)?;
        if texts.is_empty() {
            return Ok(());
        }
        let Some(map) = nodes.lookup_create(metadata, &[field], Kind::Mapping)? else { return Ok(()) };
        for (key, value) in texts {
            let value = nodes.add(Node::string(value));
            nodes.set_field(map, key, Some(value))?;
        }
        Ok(())
    }

    /// Sets one annotation; empty annotations and empty metadata are made anew.
    pub(crate) fn set_annotation(&self, nodes: &mut Nodes, key: &str, value: &str) -> Result<(), FieldError> {
        if let Some(metadata) = nodes.lookup(self.node, &["metadata"])? {
            nodes.expect(metadata, Kind::Mapping)?;
            if nodes.field(metadata, "annotations").is_some_and(|field| nodes[field].content.is_empty()) {
                nodes.clear(metadata, "annotations")?;
            }
            if nodes[metadata].content.is_empty() {
                nodes.clear(self.node, "metadata")?;
            }
        }
        self.set_metadata_text(nodes, "annotations", key, value)
    }

    pub(crate) fn set_label(&self, nodes: &mut Nodes, key: &str, value: &str) -> Result<(), FieldError> {
        self.set_metadata_text(nodes, "labels", key, value)
    }

    fn set_metadata_text(
        &self,
        nodes: &mut Nodes,
        field: &str,
        key: &str,
        value: &str,
    ) -> Result<(), FieldError> {
        if let Some(map) = nodes.lookup_create(self.node, &["metadata", field], Kind::Mapping)? {
            let value = nodes.add(Node { style: Style::SINGLE, ..Node::string(value) });
            nodes.set_field(map, key, Some(value))?;
        }
        Ok(())
    }

    /// Appends to a list that an annotation holds; nothing for an empty text.
    pub(crate) fn append_annotation(
        &self,
        nodes: &mut Nodes,
        key: &str,
        text: &str,
    ) -> Result<(), FieldError> {
        if text.is_empty() {
            return Ok(());
        }
        let value = match self.annotation(nodes, key) {
            Some(known) => format!("{known},{text}"),
            None => text.to_owned(),
        };
        self.set_annotation(nodes, key, &value)
    }

    /// Returns the entries of such a list.
    pub(crate) fn annotation_list(&self, nodes: &Nodes, key: &str) -> Vec<String> {
        self.annotation(nodes, key)
            .map(|list| list.split(',').map(str::to_owned).collect())
            .unwrap_or_default()
    }

    pub(crate) fn enable(&self, nodes: &mut Nodes, key: &str) -> Result<(), FieldError> {
        let mut annotations = self.annotations(nodes);
        annotations.insert(key.into(), "enabled".into());
        self.set_annotations(nodes, &annotations)
    }

    pub(crate) fn is_enabled(&self, nodes: &Nodes, key: &str) -> bool {
        self.annotation(nodes, key).as_deref() == Some("enabled")
    }

    pub(crate) fn behavior(&self, nodes: &Nodes) -> Behavior {
        self.annotation(nodes, annotation::BEHAVIOR)
            .map_or(Behavior::Unspecified, |text| Behavior::parse(&text))
    }

    pub(crate) fn set_behavior(&self, nodes: &mut Nodes, behavior: Behavior) -> Result<(), FieldError> {
        let mut annotations = self.annotations(nodes);
        annotations.insert(annotation::BEHAVIOR.into(), behavior.as_str().into());
        self.set_annotations(nodes, &annotations)
    }

    /// Takes labels, annotations, name and namespace over from another object, its own texts winning.
    pub(crate) fn take_metadata(&self, nodes: &mut Nodes, from: &Self) -> Result<(), FieldError> {
        let mut labels = from.labels(nodes);
        labels.extend(self.labels(nodes));
        self.set_labels(nodes, &labels)?;
        let own = self.annotations(nodes);
        let theirs = from.annotations(nodes);
        let hashed = own.contains_key(annotation::NEEDS_HASH);
        let mut merged = theirs.clone();
        merged.extend(own);
        for key in annotation::BUILD {
            match theirs.get(*key) {
                Some(value) => merged.insert((*key).into(), value.clone()),
                None => merged.remove(*key),
            };
        }
        if !hashed {
            merged.remove(annotation::NEEDS_HASH);
        }
        self.set_annotations(nodes, &merged)?;
        let (name, namespace) = (from.name(nodes), from.namespace(nodes));
        self.set_name(nodes, &name)?;
        self.set_namespace(nodes, &namespace)
    }

    /// Removes what only the build needed; every annotation that stays becomes a text.
    pub(crate) fn remove_build_annotations(&self, nodes: &mut Nodes) -> Result<(), FieldError> {
        let mut annotations = self.annotations(nodes);
        if annotations.is_empty() {
            return Ok(());
        }
        for key in annotation::BUILD {
            annotations.remove(*key);
        }
        self.set_annotations(nodes, &annotations)
    }
}
