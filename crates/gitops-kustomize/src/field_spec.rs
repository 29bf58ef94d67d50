//! Field specifications: which fields of which kinds a transformer changes.

use std::rc::Rc;

use crate::defaults;
use crate::error::BuildError;
use crate::id::{Gvk, split_api_version};
use crate::kustomization::FieldSpecArgs;
use crate::yaml::{FieldError, Id, Kind, Nodes, Tag, split_path};

/// One field of some kinds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldSpec {
    /// The kinds; an empty part means any.
    pub(crate) gvk: Gvk,
    pub(crate) path: Rc<str>,
    parts: Rc<[String]>,
    /// Makes the field where it is missing.
    pub(crate) create: bool,
}

/// What is made where a field is missing.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    pub(crate) kind: Kind,
    pub(crate) tag: Tag,
}

impl Creation {
    pub(crate) const NONE: Self = Self { kind: Kind::Empty, tag: Tag::None };
    pub(crate) const TEXT: Self = Self { kind: Kind::Scalar, tag: Tag::Str };
    pub(crate) const MAP: Self = Self { kind: Kind::Mapping, tag: Tag::Map };
}

/// What is done with a field that was found.
pub(crate) type SetField<'a> = &'a mut dyn FnMut(&mut Nodes, Id) -> Result<(), FieldError>;

impl FieldSpec {
    pub(crate) fn new(gvk: Gvk, path: &str, create: bool) -> Self {
        Self { gvk, path: path.into(), parts: split_path(path, '/').into(), create }
    }

    /// Returns the same field of another type.
    pub(crate) fn for_type(&self, gvk: Gvk) -> Self {
        Self { gvk, ..self.clone() }
    }

    fn of(spec: &defaults::Spec) -> Self {
        let (group, version, kind, path, create) = *spec;
        Self::new(Gvk::new(group, version, kind), path, create)
    }

    /// Finds the field in an object of the right kind and sets it.
    pub(crate) fn apply(
        &self,
        nodes: &mut Nodes,
        root: Id,
        creation: &Creation,
        set: SetField<'_>,
    ) -> Result<(), FieldError> {
        if !self.matches(nodes, root) {
            return Ok(());
        }
        self.walk(nodes, root, &self.parts, creation, set).map_err(|error| self.explain(nodes, root, &error))
    }

    fn explain(&self, nodes: &Nodes, root: Id, error: &FieldError) -> FieldError {
        let resource = crate::resource::Resource::new(root);
        let mut id = resource.id(nodes);
        id.cluster_scoped = false;
        let mut text = error.to_string();
        if &*id.gvk.kind == "Secret" {
            // What stands there may be a secret.
            text.truncate(text.find(": node contents:").unwrap_or(text.len()));
        }
        FieldError::text(format!("considering field '{}' of object {id}: {text}", self.path))
    }

    fn matches(&self, nodes: &Nodes, root: Id) -> bool {
        let text = |name: &str| nodes.field(root, name).map_or("", |field| &*nodes[field].value);
        if !self.gvk.kind.is_empty() && *self.gvk.kind != *text("kind") {
            return false;
        }
        if self.gvk.group.is_empty() && self.gvk.version.is_empty() {
            return true;
        }
        let (group, version) = split_api_version(text("apiVersion"));
        (self.gvk.group.is_empty() || *self.gvk.group == *group)
            && (self.gvk.version.is_empty() || *self.gvk.version == *version)
    }

    fn walk(
        &self,
        nodes: &mut Nodes,
        id: Id,
        path: &[String],
        creation: &Creation,
        set: SetField<'_>,
    ) -> Result<(), FieldError> {
        let Some((part, rest)) = path.split_first() else { return set(nodes, id) };
        if nodes[id].is_null() {
            return Ok(());
        }
        match nodes[id].kind {
            Kind::Sequence => {
                for element in nodes[id].content.clone() {
                    self.walk(nodes, element, path, creation, set).map_err(|error| {
                        FieldError::text(format!("visit traversal on path: [{}]: {error}", path.join(" ")))
                    })?;
                }
                Ok(())
            }
            Kind::Mapping => {
                let name = part.strip_suffix("[]");
                let is_list = name.is_some();
                let name = name.unwrap_or(part);
                if name.is_empty() {
                    return Err(FieldError::text("cannot set or create an empty field name"));
                }
                let (field, kind, tag) = if !self.create || creation.kind == Kind::Empty || is_list {
                    let kind = if is_list { Kind::Sequence } else { Kind::Empty };
                    (nodes.lookup(id, &[name])?, kind, Tag::None)
                } else if rest.is_empty() {
                    (nodes.lookup_create(id, &[name], creation.kind)?, creation.kind, creation.tag.clone())
                } else {
                    (nodes.lookup_create(id, &[name], Kind::Mapping)?, Kind::Mapping, Tag::Map)
                };
                let Some(field) = field else { return Ok(()) };
                if nodes[field].is_null() && kind != Kind::Empty {
                    nodes.revive(field, kind, tag);
                }
                self.walk(nodes, field, rest, creation, set)
            }
            _ => Err(FieldError::text("expected sequence or mapping node")),
        }
    }
}

/// Specifications in the order in which they are applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSpecs(pub(crate) Vec<FieldSpec>);

impl FieldSpecs {
    pub(crate) fn of(specs: &[defaults::Spec]) -> Self {
        Self(specs.iter().map(FieldSpec::of).collect())
    }

    pub(crate) fn from_args(args: &[FieldSpecArgs]) -> Self {
        let spec = |args: &FieldSpecArgs| {
            FieldSpec::new(Gvk::new(&args.group, &args.version, &args.kind), &args.path, args.create)
        };
        Self(args.iter().map(spec).collect())
    }

    /// Adds specifications that are not there yet.
    pub(crate) fn merge(&mut self, more: &Self) -> Result<(), BuildError> {
        for spec in &more.0 {
            let known =
                self.0.iter().find(|known| known.gvk.is_selected_by(&spec.gvk) && known.path == spec.path);
            match known {
                Some(known) if known.create != spec.create => {
                    return Err(BuildError::Invalid("conflicting fieldspecs".to_owned()));
                }
                Some(_) => {}
                None => self.0.push(spec.clone()),
            }
        }
        Ok(())
    }

    pub(crate) fn sort(&mut self) {
        self.0.sort_by_cached_key(|spec| spec.gvk.sort_key());
    }

    /// Applies every specification to an object.
    pub(crate) fn apply(
        &self,
        nodes: &mut Nodes,
        root: Id,
        creation: &Creation,
        set: SetField<'_>,
    ) -> Result<(), FieldError> {
        self.0.iter().try_for_each(|spec| spec.apply(nodes, root, creation, set))
    }
}
