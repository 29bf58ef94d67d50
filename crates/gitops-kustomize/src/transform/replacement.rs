//! Copies values from one object's field into others.

use gitops_api::go_json;

use crate::error::BuildError;
use crate::id::ResId;
use crate::kustomization::{FieldOptions, ReplacementField, ReplacementTarget, Selector, Source};
use crate::resource::Resource;
use crate::selector::{Requirements, SelectorRegex};
use crate::yaml::{FieldError, Id, Kind, Node, Nodes, PathMatcher, ReadLimits, split_path_smart};

/// The field that is meant when none is named.
const DEFAULT_PATH: &str = "metadata.name";

/// The longest text that a replacement may make, in bytes: each could double it.
const LONGEST: usize = 16 << 20;

/// One replacement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Replacement {
    pub(crate) source: Option<Source>,
    pub(crate) source_value: Option<String>,
    pub(crate) targets: Option<Vec<ReplacementTarget>>,
    /// The path of the file it stands in, relative to the kustomization, when it is not the kustomization.
    pub(crate) file: Option<String>,
}

impl From<ReplacementField> for Replacement {
    fn from(field: ReplacementField) -> Self {
        Self { source: field.source, source_value: field.source_value, targets: field.targets, file: None }
    }
}

/// Replacements in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplacementTransformer {
    pub(crate) replacements: Vec<Replacement>,
}

impl ReplacementTransformer {
    pub(crate) fn apply(&self, nodes: &mut Nodes, list: &[Resource]) -> Result<(), BuildError> {
        self.replacements.iter().try_for_each(|replacement| replacement.apply(nodes, list))
    }
}

impl Replacement {
    fn apply(&self, nodes: &mut Nodes, list: &[Resource]) -> Result<(), BuildError> {
        let (Some(targets), true) = (&self.targets, self.source.is_some() || self.source_value.is_some())
        else {
            return Err(BuildError::Invalid(
                "replacements must specify a source and at least one target".to_owned(),
            ));
        };
        let value = self.value(nodes, list)?;
        targets.iter().try_for_each(|target| put(nodes, list, value, target))
    }

    fn value(&self, nodes: &mut Nodes, list: &[Resource]) -> Result<Id, BuildError> {
        let source = match (&self.source, &self.source_value) {
            (Some(_), Some(_)) => {
                return Err(BuildError::Invalid(
                    "value and resource selectors are mutually exclusive".to_owned(),
                ));
            }
            (None, value) => return Ok(nodes.add(Node::scalar(value.as_deref().unwrap_or_default()))),
            (Some(source), None) => source,
        };
        let resource = select_source(nodes, list, source)?;
        let path = if source.field_path.is_empty() { DEFAULT_PATH } else { &source.field_path };
        let found = nodes.lookup(resource.node, &split_path_smart(path, '.')).map_err(|error| {
            BuildError::Transform(format!("error looking up replacement source: {error}"))
        })?;
        let Some(found) = found.filter(|found| !nodes[*found].is_nil_or_empty()) else {
            return Err(BuildError::Transform(format!(
                "fieldPath `{path}` is missing for replacement source {}",
                source.id()
            )));
        };
        let Some(options) = source.options.as_ref().filter(|options| !options.delimiter.is_empty()) else {
            return Ok(found);
        };
        if nodes[found].kind != Kind::Scalar {
            return Err(BuildError::Transform(
                "delimiter option can only be used with scalar nodes".to_owned(),
            ));
        }
        let text = nodes.text(found).to_owned();
        let part = usize::try_from(options.index).ok().and_then(|at| text.split(&options.delimiter).nth(at));
        let Some(part) = part else {
            let shown = if &*resource.kind(nodes) == "Secret" { "of a Secret" } else { &text };
            return Err(BuildError::Transform(format!(
                "options.index {} is out of bounds for value {shown}",
                options.index
            )));
        };
        let copy = nodes.copy(found);
        nodes[copy].value = part.into();
        Ok(copy)
    }
}

fn ids(nodes: &Nodes, resource: &Resource) -> Vec<ResId> {
    // The present one first, and none of them knows its scope.
    let mut current = resource.id(nodes);
    current.cluster_scoped = false;
    let mut ids = vec![current];
    ids.extend(resource.previous_ids(nodes));
    ids
}

fn select_source<'a>(
    nodes: &Nodes,
    list: &'a [Resource],
    source: &Source,
) -> Result<&'a Resource, BuildError> {
    let wanted = source.id();
    let mut found =
        list.iter().filter(|resource| ids(nodes, resource).iter().any(|id| id.is_selected_by(&wanted)));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(BuildError::Transform(format!("nothing selected by {source}"))),
        (Some(_), Some(_)) => Err(BuildError::Transform(format!("multiple matches for selector {source}"))),
    }
}

fn put(
    nodes: &mut Nodes,
    list: &[Resource],
    value: Id,
    target: &ReplacementTarget,
) -> Result<(), BuildError> {
    let Some(select) = &target.select else {
        return Err(BuildError::Invalid("target must specify resources to select".to_owned()));
    };
    let regex = SelectorRegex::new(select)?;
    let rejects: Vec<(SelectorRegex, bool)> = target
        .reject
        .iter()
        .map(|reject| Ok((SelectorRegex::new(reject)?, reject.id() == ResId::default())))
        .collect::<Result<_, BuildError>>()?;
    let default = [DEFAULT_PATH.to_owned()];
    let paths = if target.field_paths.is_empty() { &default[..] } else { &target.field_paths };
    for resource in list {
        let ids = ids(nodes, resource);
        if !labels_match(nodes, resource, select)? {
            continue;
        }
        let mut rejected = false;
        for reject in &target.reject {
            let says = !reject.annotation_selector.is_empty() || !reject.label_selector.is_empty();
            rejected |= says && labels_match(nodes, resource, reject)?;
        }
        rejected |= rejects.iter().any(|(regex, empty)| !empty && ids.iter().any(|id| regex.matches(id)));
        if !rejected && ids.iter().any(|id| regex.matches(id)) {
            for path in paths {
                set_at(nodes, resource.node, value, path, target.options.as_ref())?;
            }
        }
    }
    Ok(())
}

fn labels_match(nodes: &Nodes, resource: &Resource, selector: &Selector) -> Result<bool, BuildError> {
    let annotations = Requirements::parse(&selector.annotation_selector)?;
    let labels = Requirements::parse(&selector.label_selector)?;
    Ok((annotations.is_empty() || annotations.match_texts(&resource.annotations(nodes)))
        && (labels.is_empty() || labels.match_texts(&resource.labels(nodes))))
}

fn set_at(
    nodes: &mut Nodes,
    root: Id,
    value: Id,
    path: &str,
    options: Option<&FieldOptions>,
) -> Result<(), BuildError> {
    let create = if options.is_some_and(|options| options.create) { nodes[value].kind } else { Kind::Empty };
    let parts = split_path_smart(path, '.');
    if set_in_text(nodes, root, value, &parts, create, options).is_ok() {
        return Ok(());
    }
    let missing = || {
        let verb = if create == Kind::Empty { "find" } else { "find or create" };
        format!("unable to {verb} field {path:?} in replacement target")
    };
    let found = PathMatcher { path: &parts, create }
        .find(nodes, root)
        .map_err(|error| {
            let mut text = error.to_string();
            if nodes.field(root, "kind").is_some_and(|kind| &*nodes[kind].value == "Secret") {
                text.truncate(text.find(": node contents:").unwrap_or(text.len()));
            }
            BuildError::Transform(format!("{}: {text}", missing()))
        })?
        .unwrap_or_default();
    if found.is_empty() {
        return Err(BuildError::Transform(missing()));
    }
    for field in found {
        set_field(nodes, field, value, options)?;
    }
    Ok(())
}

fn set_field(
    nodes: &mut Nodes,
    field: Id,
    value: Id,
    options: Option<&FieldOptions>,
) -> Result<(), BuildError> {
    nodes.has_room()?;
    let value = nodes.copy(value);
    if let Some(options) = options.filter(|options| !options.delimiter.is_empty()) {
        if nodes[field].kind != Kind::Scalar {
            return Err(BuildError::Transform(
                "delimiter option can only be used with scalar nodes".to_owned(),
            ));
        }
        let old = nodes[field].value.clone();
        let mut parts: Vec<&str> = old.split(&options.delimiter).collect();
        let new = nodes.text(value).to_owned();
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, &new),
            Ok(at) if at < parts.len() => parts[at] = &new,
            Ok(_) => parts.push(&new),
        }
        let joined = parts.join(&options.delimiter);
        if joined.len() > LONGEST {
            return Err(BuildError::Limit(format!("a replacement makes a text longer than {LONGEST} bytes")));
        }
        nodes[value].value = joined.into();
    }
    if nodes[field].kind == Kind::Scalar {
        nodes[field].value = nodes[value].value.clone();
    } else {
        nodes.overwrite(field, value);
    }
    Ok(())
}

/// Sets a field inside a text that is YAML or JSON itself.
fn set_in_text(
    nodes: &mut Nodes,
    root: Id,
    value: Id,
    parts: &[String],
    create: Kind,
    options: Option<&FieldOptions>,
) -> Result<(), FieldError> {
    let none = || FieldError::text("no structured data found in path");
    let (mut found, mut rest) = (None, &parts[..0]);
    for at in 1..parts.len() {
        let Ok(Some(field)) = nodes.lookup(root, &parts[..at]) else { continue };
        if nodes[field].kind == Kind::Scalar {
            let text = nodes[field].value.clone();
            if nodes.read_one(&text, &ReadLimits::default()).is_ok() {
                (found, rest) = (Some((field, text)), &parts[at..]);
                break;
            }
        }
    }
    let (field, text) = found.ok_or_else(none)?;
    let inner = nodes.read_one(&text, &ReadLimits::default()).ok().flatten().ok_or_else(none)?;
    let targets = PathMatcher { path: rest, create }.find(nodes, inner)?.unwrap_or_default();
    if targets.is_empty() {
        return Err(FieldError::text("unable to find field in structured data"));
    }
    for target in targets {
        set_field(nodes, target, value, options).map_err(|error| FieldError::text(error.to_string()))?;
    }
    let printed = if text.trim().starts_with(['{', '[']) {
        let value = nodes.value(inner).map_err(|error| FieldError::text(error.to_string()))?;
        if text.contains('\n') && text.contains("  ") {
            go_json::indented(&value)
        } else {
            go_json::compact(&value)
        }
    } else {
        nodes.print(inner).trim().to_owned()
    };
    nodes[field].value = printed.into();
    Ok(())
}
