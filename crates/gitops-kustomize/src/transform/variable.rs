//! Replaces `$(VARIABLES)`, kustomize's older way of replacements.

use std::collections::BTreeMap;

use crate::error::BuildError;
use crate::field_spec::{Creation, FieldSpec, FieldSpecs};
use crate::kustomization::Var;
use crate::resmap::ResMap;
use crate::yaml::{FieldError, Id, Kind, Node, Nodes, Resolved, Style, Tag, resolve, split_path_smart};

/// What a variable stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum VarValue {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A map or list, which replaces nothing.
    Other,
}

impl VarValue {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Int(int) => int.to_string(),
            Self::Float(float) => float.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Other => String::new(),
        }
    }
}

/// The variables' values by name.
pub(crate) type Values = BTreeMap<String, VarValue>;

/// Returns every variable's value from the objects that carry its name.
pub(crate) fn values(
    nodes: &Nodes,
    map: &ResMap,
    vars: &BTreeMap<String, Var>,
) -> Result<Values, BuildError> {
    vars.values().map(|var| Ok((var.name.clone(), value(nodes, map, var)?))).collect()
}

fn value(nodes: &Nodes, map: &ResMap, var: &Var) -> Result<VarValue, BuildError> {
    let shown = shown(var);
    let Some(resource) = map.list.iter().find(|resource| resource.variables.contains(&var.name)) else {
        return Err(BuildError::Transform(format!(
            "var '{shown}' cannot be mapped to a field in the set of known resources"
        )));
    };
    let path = indexed(split_path_smart(&var.fieldref.field_path, '.'));
    let missing = || {
        BuildError::Transform(format!("field specified in var '{shown}' not found in corresponding resource"))
    };
    let field = nodes.lookup(resource.node, &path).map_err(|_| missing())?.ok_or_else(missing)?;
    let node = &nodes[field];
    Ok(match (node.kind, &node.tag) {
        (Kind::Mapping | Kind::Sequence, _) => VarValue::Other,
        (_, Tag::Int) => node.value.parse().map(VarValue::Int).map_err(|_| missing())?,
        (_, Tag::Float) => match resolve(&node.value) {
            Resolved::Float(float) => VarValue::Float(float),
            _ => return Err(missing()),
        },
        (_, Tag::Bool) => VarValue::Bool(node.value.eq_ignore_ascii_case("true")),
        _ => VarValue::Text(node.value.to_string()),
    })
}

/// Splits `containers[0]` into the field and the index.
fn indexed(parts: Vec<String>) -> Vec<String> {
    let mut result = Vec::with_capacity(parts.len());
    for part in parts {
        let split = part.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
        match split {
            Some((name, index)) if !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => {
                if !name.is_empty() {
                    result.push(name.to_owned());
                }
                result.push(index.to_owned());
            }
            _ => result.push(part),
        }
    }
    result
}

/// Prints a variable as Go's `%v` does.
pub(crate) fn shown(var: &Var) -> String {
    let gvk = var.objref.gvk();
    format!(
        "{{{} {{{} {} {} {}}} {{{}}}}}",
        var.name, var.objref.api_version, gvk, var.objref.name, var.objref.namespace, var.fieldref.field_path
    )
}

/// The values and the fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct VariableTransformer {
    pub(crate) values: Values,
    pub(crate) specs: FieldSpecs,
}

impl VariableTransformer {
    pub(crate) fn apply(&self, nodes: &mut Nodes, map: &ResMap) -> Result<(), BuildError> {
        for resource in &map.list {
            for spec in &self.specs.0 {
                self.filter(nodes, resource.node, spec)?;
            }
        }
        Ok(())
    }

    /// Replaces the variables in one field of one object.
    pub(crate) fn filter(&self, nodes: &mut Nodes, root: Id, spec: &FieldSpec) -> Result<(), FieldError> {
        spec.apply(nodes, root, &Creation::NONE, &mut |nodes: &mut Nodes, field: Id| self.set(nodes, field))
    }

    fn set(&self, nodes: &mut Nodes, field: Id) -> Result<(), FieldError> {
        if nodes[field].is_null() {
            return Ok(());
        }
        match nodes[field].kind {
            Kind::Scalar => {
                if nodes[field].is_string() {
                    self.replace(nodes, field);
                }
                Ok(())
            }
            Kind::Mapping => {
                for (key, value) in nodes.pairs(field).collect::<Vec<_>>() {
                    if !nodes[key].is_string() {
                        let (text, tag) = (&nodes[key].value, crate::yaml::tag_name(&nodes[key].tag));
                        return Err(FieldError::text(format!(
                            "invalid map key: value='{text}', tag='{tag}'"
                        )));
                    }
                    if nodes[value].is_string() {
                        self.replace(nodes, value);
                    }
                }
                Ok(())
            }
            Kind::Sequence => {
                for element in nodes[field].content.clone() {
                    if !nodes[element].is_string() {
                        return Err(FieldError::text("invalid value type expect a string"));
                    }
                    self.replace(nodes, element);
                }
                Ok(())
            }
            Kind::Empty | Kind::Alias => Err(FieldError::text("invalid type encountered")),
        }
    }

    fn replace(&self, nodes: &mut Nodes, id: Id) {
        let new = expand(&nodes[id].value, &self.values);
        let tag = match &new {
            VarValue::Int(_) => Tag::Int,
            VarValue::Float(_) => Tag::Float,
            VarValue::Bool(_) => Tag::Bool,
            _ => Tag::Str,
        };
        let node: &mut Node = &mut nodes[id];
        node.value = new.text().into();
        node.tag = tag;
        node.style = Style::PLAIN;
    }
}

/// Replaces the variables of a text; one that is the whole text keeps its type.
pub(crate) fn expand(text: &str, values: &Values) -> VarValue {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        match after.chars().next() {
            None => {
                out.push('$');
                rest = "";
            }
            Some('$') => {
                out.push('$');
                rest = &after[1..];
            }
            Some('(') => match after.find(')') {
                Some(end) => {
                    let name = &after[1..end];
                    let value = values.get(name).filter(|value| **value != VarValue::Other);
                    let value = value.cloned().unwrap_or_else(|| VarValue::Text(format!("$({name})")));
                    if text.len() == name.len() + 3 {
                        return value;
                    }
                    out.push_str(&value.text());
                    rest = &after[end + 1..];
                }
                None => {
                    out.push_str("$(");
                    rest = &after[1..];
                }
            },
            Some(other) => {
                out.push('$');
                out.push(other);
                rest = &after[other.len_utf8()..];
            }
        }
    }
    out.push_str(rest);
    VarValue::Text(out)
}
