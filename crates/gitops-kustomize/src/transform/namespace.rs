//! Sets the namespace of every object, and of the fields that name it.

use crate::error::BuildError;
use crate::field_spec::{Creation, FieldSpec, FieldSpecs};
use crate::id::Gvk;
use crate::resmap::ResMap;
use crate::yaml::{FieldError, Id, Kind, Node, Nodes, Tag};

/// Which subjects of role bindings get the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Subjects {
    /// Those with the name `default`.
    #[default]
    Default,
    /// Every ServiceAccount.
    AllServiceAccounts,
    None,
}

impl Subjects {
    pub(crate) fn parse(text: &str) -> Result<Self, BuildError> {
        match text {
            "" | "defaultOnly" => Ok(Self::Default),
            "allServiceAccounts" => Ok(Self::AllServiceAccounts),
            "none" => Ok(Self::None),
            other => Err(BuildError::Invalid(format!(
                "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\""
            ))),
        }
    }
}

/// The namespace and where it goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamespaceTransformer {
    pub(crate) namespace: String,
    pub(crate) specs: FieldSpecs,
    /// Leaves a namespace that is there.
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
}

impl NamespaceTransformer {
    pub(crate) fn apply(&self, nodes: &mut Nodes, map: &mut ResMap) -> Result<(), BuildError> {
        if self.namespace.is_empty() {
            return Ok(());
        }
        let mut count = std::collections::HashMap::new();
        let mut changed = Vec::with_capacity(map.list.len());
        for resource in &map.list {
            *count.entry(resource.id(nodes).key()).or_insert(0usize) += 1;
        }
        for resource in &map.list {
            if nodes[resource.node].is_nil_or_empty() {
                continue;
            }
            if resource.annotation(nodes, "internal.config.kubernetes.io/helm-generated").as_deref()
                == Some("true")
            {
                continue;
            }
            resource.store_previous_id(nodes)?;
            let before = resource.id(nodes).key();
            self.filter(nodes, resource.node)?;
            let id = resource.id(nodes);
            if id.key() != before {
                if let Some(known) = count.get_mut(&before) {
                    *known -= 1;
                }
                *count.entry(id.key()).or_insert(0) += 1;
            }
            if count.get(&id.key()).copied() != Some(1) {
                return Err(BuildError::Conflict(format!(
                    "namespace transformation produces ID conflict: [{id}]"
                )));
            }
            changed.push(id);
        }
        Ok(())
    }

    /// Sets the namespace of one object.
    pub(crate) fn filter(&self, nodes: &mut Nodes, root: Id) -> Result<(), FieldError> {
        let text = |nodes: &Nodes, name: &str| {
            nodes.field(root, name).map_or("".into(), |id| nodes[id].value.clone())
        };
        let (api_version, kind) = (text(nodes, "apiVersion"), text(nodes, "kind"));
        let mut set = |nodes: &mut Nodes, id: Id| self.set(nodes, id);
        if !Gvk::of(&api_version, &kind).is_cluster_scoped() {
            let metadata = FieldSpec::new(Gvk::default(), "metadata/namespace", true);
            metadata.apply(nodes, root, &Creation { kind: Kind::Scalar, tag: Tag::None }, &mut set)?;
        }
        let binding = matches!(&*kind, "RoleBinding" | "ClusterRoleBinding");
        if binding {
            self.set_subjects(nodes, root)?;
        }
        for spec in &self.specs.0 {
            let own = &*spec.path == "metadata/namespace"
                || &*spec.path == "metadata/name" && &*api_version != "v1"
                || binding
                    && &*spec.path == "subjects/namespace"
                    && matches!(&*spec.gvk.kind, "RoleBinding" | "ClusterRoleBinding");
            if own {
                continue;
            }
            spec.apply(nodes, root, &Creation::TEXT, &mut set).map_err(|error| {
                let text = error.to_string();
                let what = if text.contains("wrong node kind: expected ScalarNode but got") {
                    "namespace field specs must target scalar nodes"
                } else {
                    "namespace transformation failed"
                };
                FieldError::text(format!("{what}: {text}"))
            })?;
        }
        Ok(())
    }

    fn set(&self, nodes: &mut Nodes, id: Id) -> Result<(), FieldError> {
        if self.unset_only && nodes[id].kind == Kind::Scalar && !nodes.text(id).is_empty() {
            return Ok(());
        }
        let value = nodes.add(Node { tag: Tag::Str, ..Node::scalar(&self.namespace) });
        nodes.set_scalar(id, value)
    }

    fn set_subjects(&self, nodes: &mut Nodes, root: Id) -> Result<(), FieldError> {
        let Some(subjects) =
            nodes.lookup(root, &["subjects"])?.filter(|subjects| !nodes[*subjects].is_null())
        else {
            return Ok(());
        };
        let (field, want) = match self.subjects {
            Subjects::None => return Ok(()),
            Subjects::Default => ("name", "default"),
            Subjects::AllServiceAccounts => ("kind", "ServiceAccount"),
        };
        nodes.expect(subjects, Kind::Sequence)?;
        for subject in nodes[subjects].content.clone() {
            let matches = nodes.get(subject, field)?.is_some_and(|found| nodes.text(found) == want);
            if matches && let Some(namespace) = nodes.lookup_create(subject, &["namespace"], Kind::Scalar)? {
                self.set(nodes, namespace)?;
            }
        }
        Ok(())
    }
}
