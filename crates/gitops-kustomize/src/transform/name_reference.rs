//! Makes fields that name objects follow the objects' new names.

use std::collections::HashMap;
use std::rc::Rc;

use crate::config::Referrers;
use crate::error::BuildError;
use crate::field_spec::{Creation, FieldSpec};
use crate::id::{Gvk, ResId};
use crate::resmap::ResMap;
use crate::resource::{Resource, annotation};
use crate::yaml::{FieldError, Id, Kind, Node, Nodes};

/// Updates every reference.
pub(crate) fn apply(nodes: &mut Nodes, map: &ResMap, references: &[Referrers]) -> Result<(), BuildError> {
    let mut index = Index::new(nodes, map);
    if index.by_old_name.is_empty() {
        // Nothing was ever renamed, so nothing refers to an old name.
        return Ok(());
    }
    // Most objects are of few types.
    let mut by_type: HashMap<Gvk, Vec<(&Gvk, &FieldSpec)>> = HashMap::new();
    for (at, referrer) in map.list.iter().enumerate() {
        let original = referrer.original_id(nodes).gvk;
        let selected = by_type.entry(original).or_insert_with_key(|gvk| {
            let specs = references
                .iter()
                .flat_map(|reference| reference.specs.0.iter().map(|spec| (&reference.target, spec)));
            specs.filter(|(_, spec)| gvk.is_selected_by(&spec.gvk)).collect()
        });
        if selected.is_empty() {
            continue;
        }
        let filter = Filter::new(nodes, map, at)?;
        for (target, spec) in selected {
            filter.update(nodes, &mut index, target, spec)?;
        }
    }
    Ok(())
}

/// The objects by every name they had before.
struct Index {
    by_old_name: HashMap<Rc<str>, Vec<usize>>,
    objects: Vec<Known>,
}

/// What is asked of an object again and again. Names and namespaces do not change here.
struct Known {
    id: ResId,
    previous: Vec<ResId>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Index {
    fn new(nodes: &Nodes, map: &ResMap) -> Self {
        let mut by_old_name: HashMap<Rc<str>, Vec<usize>> = HashMap::new();
        let mut objects = Vec::with_capacity(map.list.len());
        for (at, resource) in map.list.iter().enumerate() {
            let previous = resource.previous_ids(nodes);
            for id in &previous {
                let places = by_old_name.entry(id.name.clone()).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
            objects.push(Known {
                id: resource.id(nodes),
                previous,
                prefixes: resource.annotation_list(nodes, annotation::PREFIXES),
                suffixes: resource.annotation_list(nodes, annotation::SUFFIXES),
            });
        }
        Self { by_old_name, objects }
    }
}

/// The references of one object.
struct Filter<'a> {
    map: &'a ResMap,
    referrer: usize,
    id: ResId,
    /// The namespaces of the subjects of a role binding.
    subjects: Vec<Rc<str>>,
}

impl<'a> Filter<'a> {
    fn new(nodes: &Nodes, map: &'a ResMap, referrer: usize) -> Result<Self, BuildError> {
        let resource = &map.list[referrer];
        let id = resource.id(nodes);
        let subjects =
            if &*id.gvk.kind == "RoleBinding" { subject_namespaces(nodes, resource)? } else { Vec::new() };
        Ok(Self { map, referrer, id, subjects })
    }

    fn update(
        &self,
        nodes: &mut Nodes,
        index: &mut Index,
        target: &Gvk,
        spec: &FieldSpec,
    ) -> Result<(), BuildError> {
        // The kind was compared with the original one; it may have changed since.
        let spec = spec.for_type(self.id.gvk.clone());
        let root = self.map.list[self.referrer].node;
        let role = spec.path.ends_with("roleRef/name").then(|| role_of(nodes, root)).flatten();
        let mut set = |nodes: &mut Nodes, field: Id| self.set(nodes, index, field, target, role.as_ref());
        spec.apply(nodes, root, &Creation::NONE, &mut set).map_err(|error| {
            BuildError::Transform(format!(
                "updating name reference in '{}' field of '{}': {error}",
                spec.path, self.id
            ))
        })
    }

    fn set(
        &self,
        nodes: &mut Nodes,
        index: &mut Index,
        field: Id,
        target: &Gvk,
        role: Option<&Gvk>,
    ) -> Result<(), FieldError> {
        if nodes[field].is_null() {
            return Ok(());
        }
        match nodes[field].kind {
            Kind::Scalar => self.set_scalar(nodes, index, field, target, role),
            Kind::Mapping => self.set_mapping(nodes, index, field, target, role),
            Kind::Sequence => {
                for element in nodes[field].content.clone() {
                    match nodes[element].kind {
                        _ if nodes[element].is_null() => {}
                        Kind::Scalar => self.set_scalar(nodes, index, element, target, role)?,
                        Kind::Mapping => self.set_mapping(nodes, index, element, target, role)?,
                        _ => {
                            return Err(FieldError::text("a reference must be a text or a map with a name"));
                        }
                    }
                }
                Ok(())
            }
            Kind::Empty | Kind::Alias => Err(FieldError::text("node must be a scalar, sequence or map")),
        }
    }

    fn set_scalar(
        &self,
        nodes: &mut Nodes,
        index: &mut Index,
        field: Id,
        target: &Gvk,
        role: Option<&Gvk>,
    ) -> Result<(), FieldError> {
        let old = nodes[field].value.clone();
        let Some(found) = self.find(nodes, index, &old, target, role, None, false)? else { return Ok(()) };
        let name = index.objects[found].id.name.clone();
        if name != old {
            let value = nodes.add(Node::scalar(&name));
            nodes.set_scalar(field, value)?;
        }
        Ok(())
    }

    fn set_mapping(
        &self,
        nodes: &mut Nodes,
        index: &mut Index,
        field: Id,
        target: &Gvk,
        role: Option<&Gvk>,
    ) -> Result<(), FieldError> {
        let Some(name) = nodes.field(field, "name") else {
            return Err(FieldError::text("path config error; no 'name' field in node"));
        };
        let old = nodes[name].value.clone();
        let within = nodes.field(field, "namespace").map(|namespace| nodes[namespace].value.clone());
        let Some(found) = self.find(nodes, index, &old, target, role, within.as_deref(), true)? else {
            return Ok(());
        };
        let (name, namespace) =
            (index.objects[found].id.name.clone(), index.objects[found].id.namespace.clone());
        if name == old && namespace.is_empty() {
            return Ok(());
        }
        let value = nodes.add(Node::scalar(&name));
        nodes.set_field(field, "name", Some(value))?;
        if !namespace.is_empty() {
            let value = nodes.add(Node::scalar(&namespace));
            nodes.set_field(field, "namespace", Some(value))?;
        }
        Ok(())
    }

    /// Returns the object that a name means, if it is one that was renamed.
    #[allow(clippy::too_many_arguments, reason = "the question has as many parts")]
    fn find(
        &self,
        nodes: &Nodes,
        index: &Index,
        name: &str,
        target: &Gvk,
        role: Option<&Gvk>,
        within: Option<&str>,
        by_namespace: bool,
    ) -> Result<Option<usize>, FieldError> {
        let Some(places) = index.by_old_name.get(name) else { return Ok(None) };
        let within = within.map(|namespace| self.in_namespace(index, namespace));
        let mut found: Vec<usize> = places
            .iter()
            .copied()
            .filter(|at| self.may_be_referred_to(index, *at))
            .filter(|at| within.as_ref().is_none_or(|within| within.contains(at)))
            .filter(|at| {
                let object = &index.objects[*at];
                object.previous.iter().any(|id| id.gvk.is_selected_by(target))
                    && role.is_none_or(|role| object.previous.iter().any(|id| id.gvk.is_selected_by(role)))
                    && self.is_reachable(object)
            })
            .collect();
        if let [one] = found.as_slice() {
            return Ok(Some(*one));
        }
        let referrer = &index.objects[self.referrer];
        found.retain(|at| same_affixes(&index.objects[*at], referrer, true));
        if found.len() > 1 {
            found.retain(|at| same_affixes(&index.objects[*at], referrer, false));
        }
        let Some(first) = found.first() else { return Ok(None) };
        let one = &index.objects[*first].id;
        let identical = found.iter().all(|at| {
            let id = &index.objects[*at].id;
            id.name == one.name && (!by_namespace || id.namespace == one.namespace)
        });
        if identical {
            return Ok(Some(*first));
        }
        let ids: Vec<String> = found.iter().map(|at| index.objects[*at].id.to_string()).collect();
        let yaml = |at: usize| {
            nodes
                .value(self.map.list[at].node)
                .map_or_else(|_| String::new(), |value| gitops_manifest::to_yaml(&value))
        };
        // Whole objects are printed only where they cannot be secrets.
        let mut details = String::new();
        for (count, at) in found.iter().enumerate() {
            if &*index.objects[*at].id.gvk.kind != "Secret" {
                details.push_str(&format!("--- possible referral {count}:\n{}\n", yaml(*at)));
            }
        }
        Err(FieldError::text(format!(
            "found multiple possible referrals: {}\n\n**** Too many possible referral targets to referrer:\n{}\n{details}",
            ids.join(", "),
            if &*self.id.gvk.kind == "Secret" { String::new() } else { yaml(self.referrer) },
        )))
    }

    /// Tells whether an object could be meant at all, by where it lives.
    fn may_be_referred_to(&self, index: &Index, at: usize) -> bool {
        let id = &index.objects[at].id;
        self.id.cluster_scoped
            || id.cluster_scoped
            || id.same_namespace(&self.id)
            || self.subjects.contains(&id.namespace)
    }

    fn is_reachable(&self, object: &Known) -> bool {
        self.id.cluster_scoped
            || object.id.cluster_scoped
            || &*object.id.gvk.kind == "ServiceAccount"
            || self.id.same_namespace(&object.id)
    }

    /// Returns the objects that were read from a namespace, or else those that are in it.
    fn in_namespace(&self, index: &Index, namespace: &str) -> Vec<usize> {
        let group = |of: &dyn Fn(&Known) -> String| -> Vec<usize> {
            (0..index.objects.len())
                .filter(|at| self.may_be_referred_to(index, *at))
                .filter(|at| of(&index.objects[*at]) == namespace)
                .collect()
        };
        let original =
            group(&|object| object.previous.first().unwrap_or(&object.id).effective_namespace().to_owned());
        if original.is_empty() || namespace == crate::id::NO_NAMESPACE {
            return group(&|object| object.id.effective_namespace().to_owned());
        }
        original
    }
}

fn same_affixes(one: &Known, other: &Known, allow_empty: bool) -> bool {
    let same = |one: &[String], other: &[String]| {
        (allow_empty && (one.is_empty() || other.is_empty())) || same_ending(one, other)
    };
    same(&one.prefixes, &other.prefixes) && same(&one.suffixes, &other.suffixes)
}

/// Tells whether the shorter list is the end of the longer one.
fn same_ending(one: &[String], other: &[String]) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}

fn role_of(nodes: &Nodes, root: Id) -> Option<Gvk> {
    let role = nodes.field(root, "roleRef")?;
    let (group, kind) = (nodes.field(role, "apiGroup")?, nodes.field(role, "kind")?);
    Some(Gvk::new(&nodes[group].value, "", &nodes[kind].value))
}

fn subject_namespaces(nodes: &Nodes, resource: &Resource) -> Result<Vec<Rc<str>>, BuildError> {
    let Some(subjects) = nodes.field(resource.node, "subjects") else { return Ok(Vec::new()) };
    let mut namespaces = Vec::new();
    if nodes[subjects].kind == Kind::Sequence {
        for subject in &nodes[subjects].content {
            let account =
                nodes.field(*subject, "kind").is_some_and(|kind| &*nodes[kind].value == "ServiceAccount");
            if let Some(namespace) = nodes.field(*subject, "namespace").filter(|_| account) {
                if nodes[namespace].is_null() {
                    return Err(BuildError::Transform(format!(
                        "Invalid Input: namespace is blank for resource {:?}\n",
                        resource.id(nodes).to_string()
                    )));
                }
                namespaces.push(nodes[namespace].value.clone());
            }
        }
    }
    Ok(namespaces)
}
