//! Strategic merge, as kustomize does it: maps field by field, lists by the API's merge keys, `$patch` directives.

use super::merge_list::merge_list;
use crate::schema::{Schema, Schemas};
use crate::yaml::{FieldError, Id, Kind, Node, Nodes, Setter, Style, Tag};

/// The deepest nesting that is merged.
const DEPTH: usize = 512;

/// The directive of a patch.
const DIRECTIVE: &str = "$patch";

/// What a merge makes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// Nothing is left.
    Cleared,
    Node(Id),
    /// A null of the object that no patch speaks of.
    KeptNull(Id),
}

impl Merged {
    pub(super) fn node(self) -> Option<Id> {
        match self {
            Self::Cleared => None,
            Self::Node(id) | Self::KeptNull(id) => Some(id),
        }
    }

    fn of(id: Option<Id>) -> Self {
        id.map_or(Self::Cleared, Self::Node)
    }
}

/// What a patch says about a map or list as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// Merges a patch into an object and returns what is left of it.
pub(crate) fn merge(
    nodes: &mut Nodes,
    schemas: &Schemas,
    dest: Id,
    patch: Id,
) -> Result<Option<Id>, FieldError> {
    Walker { schemas, depth: 0 }.walk(nodes, Some(dest), Some(patch), None).map(Merged::node)
}

#[derive(Clone, Copy)]
pub(super) struct Walker<'a> {
    pub(super) schemas: &'a Schemas,
    depth: usize,
}

impl<'a> Walker<'a> {
    /// Merges two nodes of which either may be missing.
    pub(super) fn walk(
        self,
        nodes: &mut Nodes,
        dest: Option<Id>,
        patch: Option<Id>,
        schema: Option<Schema<'a>>,
    ) -> Result<Merged, FieldError> {
        if self.depth > DEPTH {
            return Err(FieldError::text(format!("the object is nested deeper than {DEPTH} levels")));
        }
        let deeper = Self { depth: self.depth + 1, ..self };
        let schema = schema.or_else(|| self.schema_of(nodes, [dest, patch]));
        let present = [dest, patch].into_iter().flatten().find(|id| !nodes[*id].is_null());
        let kind = present.map_or(Kind::Empty, |id| nodes[id].kind);
        if kind != Kind::Empty {
            for id in [dest, patch].into_iter().flatten() {
                nodes.expect(id, kind)?;
            }
        }
        match kind {
            Kind::Mapping | Kind::Empty => deeper.map(nodes, dest, patch, schema),
            Kind::Scalar => Ok(Merged::of(patch.or(dest))),
            Kind::Sequence => match schema.and_then(|schema| Some((schema, Schemas::merge_keys(schema)?))) {
                None => Ok(Merged::of(patch.or(dest))),
                Some((schema, keys)) => {
                    take_flow(nodes, dest, patch);
                    let start = deeper.whole(nodes, dest, patch)?;
                    let Some(start) = start.node() else { return Ok(Merged::Cleared) };
                    merge_list(deeper, nodes, start, patch, schema, &keys)
                }
            },
            Kind::Alias => Ok(Merged::Cleared),
        }
    }

    /// Returns the schema of an object inside another one.
    fn schema_of(self, nodes: &Nodes, sources: [Option<Id>; 2]) -> Option<Schema<'a>> {
        sources.into_iter().flatten().find_map(|id| {
            let text = |name: &str| nodes.field(id, name).map(|field| nodes.text(field));
            let (api_version, kind) = (text("apiVersion")?, text("kind")?);
            if api_version.is_empty() || kind.is_empty() {
                return None;
            }
            self.schemas.of(api_version, kind)
        })
    }

    fn map(
        self,
        nodes: &mut Nodes,
        dest: Option<Id>,
        patch: Option<Id>,
        schema: Option<Schema<'a>>,
    ) -> Result<Merged, FieldError> {
        take_flow(nodes, dest, patch);
        let start = match dest.filter(|dest| !nodes[*dest].is_null()) {
            Some(_) => self.whole(nodes, dest, patch)?,
            None => {
                // What the patch deletes is not there anyway.
                if patch.is_some_and(|patch| matches!(directive(nodes, patch), Ok(Directive::Delete))) {
                    return Ok(Merged::Cleared);
                }
                match (patch, dest.map(|dest| nodes[dest].value.clone())) {
                    (None, Some(text)) if !text.is_empty() => {
                        let null =
                            Node { kind: Kind::Scalar, tag: Tag::Null, value: text, ..Node::default() };
                        Merged::KeptNull(nodes.add(null))
                    }
                    _ => Merged::of(patch),
                }
            }
        };
        let Some(into) = start.node() else { return Ok(Merged::Cleared) };
        let mut names: Vec<std::rc::Rc<str>> = [Some(into), patch]
            .into_iter()
            .flatten()
            .flat_map(|source| {
                nodes.pairs(source).map(|(key, _)| nodes[key].value.clone()).collect::<Vec<_>>()
            })
            .collect();
        names.sort();
        names.dedup();
        for name in names {
            let own = nodes.field(into, &name);
            let theirs = patch.and_then(|patch| nodes.entry(patch, &name));
            let inner = schema.and_then(|schema| self.schemas.field(schema, &name));
            let value = self.walk(nodes, own, theirs.map(|(_, value)| value), inner)?;
            let key_style = match theirs {
                Some((key, theirs)) if value == Merged::Node(theirs) => nodes[key].style,
                _ => Style::PLAIN,
            };
            let how = Setter { key_style, keep_null: matches!(value, Merged::KeptNull(_)) };
            nodes.set_field_with(into, &name, value.node(), how)?;
        }
        Ok(start)
    }

    /// Decides which of two maps or lists goes on, by null and by directive.
    fn whole(self, nodes: &mut Nodes, dest: Option<Id>, patch: Option<Id>) -> Result<Merged, FieldError> {
        let Some(dest) = dest.filter(|dest| !nodes[*dest].is_null()) else { return Ok(Merged::of(patch)) };
        let Some(patch) = patch else { return Ok(Merged::Node(dest)) };
        if nodes[patch].is_null() {
            return Ok(Merged::Cleared);
        }
        Ok(match directive(nodes, patch)? {
            Directive::Delete => Merged::Cleared,
            Directive::Replace => Merged::Node(patch),
            Directive::Merge => Merged::Node(dest),
        })
    }
}

/// An empty collection takes the patch's style, so that what is put into it does not end up in braces.
fn take_flow(nodes: &mut Nodes, dest: Option<Id>, patch: Option<Id>) {
    if let (Some(dest), Some(patch)) = (dest, patch)
        && nodes[dest].kind != Kind::Scalar
        && nodes[dest].content.is_empty()
    {
        nodes[dest].style = nodes[patch].style;
    }
}

/// Returns a patch's directive and takes it out of the patch.
fn directive(nodes: &mut Nodes, patch: Id) -> Result<Directive, FieldError> {
    match nodes[patch].kind {
        Kind::Mapping => {
            let Some(value) = nodes.field(patch, DIRECTIVE) else { return Ok(Directive::Merge) };
            let found = parse(&nodes[value].value)?;
            nodes.clear(patch, DIRECTIVE)?;
            Ok(found)
        }
        Kind::Sequence => {
            let element = nodes[patch].content.iter().copied().find(|element| {
                nodes[*element].kind == Kind::Mapping && nodes.field(*element, DIRECTIVE).is_some()
            });
            let Some(element) = element.filter(|element| nodes[*element].content.len() <= 2) else {
                return Ok(Directive::Merge);
            };
            let Some(value) = nodes.field(element, DIRECTIVE) else { return Ok(Directive::Merge) };
            let text = nodes[value].value.clone();
            let found = parse(&text)?;
            super::merge_list::set_element(nodes, patch, None, &[DIRECTIVE.to_owned()], &[text.to_string()])?;
            Ok(found)
        }
        _ => Err(FieldError::text(format!(
            "no implemented strategic merge patch strategy for '{}' ('{}')",
            nodes[patch].kind.name(),
            nodes.print(patch)
        ))),
    }
}

fn parse(text: &str) -> Result<Directive, FieldError> {
    match text {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(FieldError::text(format!("unknown patch strategy '{other}'"))),
    }
}
