//! One transformer, generator or filter alone, for tools that need no whole build.
//!
//! Nothing runs after it: references are not followed, and names get no hash.

use std::collections::BTreeMap;

use gitops_manifest::{FileTree, Manifests, Object};
use serde::Deserialize;
use serde_json::Value;

use crate::error::BuildError;
use crate::field_spec::{Creation, FieldSpecs};
use crate::kustomization::{FieldSpecArgs, Image, ReplacementField, Replica, from_value};
use crate::objects;
use crate::patch::json::JsonPatch;
use crate::patch::strategic;
use crate::plugin;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::root::{Limits, LoadRestrictions, Place, Root};
use crate::schema::Schemas;
use crate::target::{At, Context};
use crate::transform::image_tag::ImageTagTransformer;
use crate::transform::label::LabelTransformer;
use crate::transform::name_affix::{NameAffixTransformer, Side};
use crate::transform::namespace::{NamespaceTransformer, Subjects};
use crate::transform::replacement::ReplacementTransformer;
use crate::transform::replica_count::ReplicaCountTransformer;
use crate::transform::value_add;
use crate::transform::variable::{VarValue, VariableTransformer};
use crate::yaml::{FieldError, Id, Kind, Node, Nodes, ReadLimits, Tag, print_documents};

/// Runs one builtin transformer on objects.
///
/// `config` is the object that configures it, as a file of `transformers` holds one; the files it names are read from
/// the folder `dir` of the tree.
///
/// # Errors
/// As for a whole build.
///
/// # Examples
/// ```
/// use gitops_kustomize::single::transform;
/// use gitops_manifest::MemoryTree;
///
/// let config = "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: x}\nlabels: {team: blue}\n\
///               fieldSpecs: [{path: metadata/labels, create: true}]\n";
/// let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
/// let manifests = transform(config, object, &MemoryTree::new(), "")?;
/// assert_eq!(manifests[0].label("team"), Some("blue"));
/// # Ok::<(), gitops_kustomize::BuildError>(())
/// ```
pub fn transform(
    config: &str,
    resources: &str,
    tree: &dyn FileTree,
    dir: &str,
) -> Result<Manifests, BuildError> {
    let (mut context, place, config) = open(config, tree, dir)?;
    let transformer = plugin::transformer(&mut context, &place, &config)?;
    let list = objects::read(&mut context.nodes, resources.as_bytes(), &context.limits)?;
    let mut map = ResMap::default();
    map.append_all(&context.nodes, list)?;
    transformer.apply(&mut context.nodes, &mut map, &Schemas::default())?;
    map.drop_empty(&context.nodes);
    manifests(&mut context.nodes, &map.list)
}

/// Runs one builtin generator.
///
/// # Errors
/// As for a whole build.
pub fn generate(config: &str, tree: &dyn FileTree, dir: &str) -> Result<Manifests, BuildError> {
    let (mut context, place, config) = open(config, tree, dir)?;
    let list = plugin::generate(&mut context, &place, &config)?;
    manifests(&mut context.nodes, &list)
}

fn open<'a>(
    config: &str,
    tree: &'a dyn FileTree,
    dir: &str,
) -> Result<(Context<'a>, Place, Resource), BuildError> {
    let root = Root::new(tree, "/", LoadRestrictions::None, Limits::default());
    let place = root.open(dir)?;
    let limits = ReadLimits::default();
    let mut context = Context {
        nodes: Nodes::default(),
        base_config: None,
        root,
        limits,
        schemas: None,
        keep_builtin_schemas: false,
        recorder: None,
        at: At::default(),
    };
    let mut list = objects::read(&mut context.nodes, config.as_bytes(), &context.limits)?;
    match (list.pop(), list.is_empty()) {
        (Some(config), true) => Ok((context, place, config)),
        _ => Err(BuildError::Invalid("expected one object that configures the plugin".to_owned())),
    }
}

fn manifests(nodes: &mut Nodes, list: &[Resource]) -> Result<Manifests, BuildError> {
    let mut objects = Vec::with_capacity(list.len());
    for resource in list {
        resource.remove_build_annotations(nodes)?;
        let value = nodes.value(resource.node).map_err(|error| BuildError::Malformed(error.to_string()))?;
        objects.push(Object::new(value).map_err(|error| BuildError::Malformed(error.to_string()))?);
    }
    Ok(objects.into())
}

/// The settings of a filter, in kustomize's own names.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Settings {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    namespace: String,
    unset_only: bool,
    set_role_binding_subjects: String,
    prefix: String,
    suffix: String,
    image_tag: Image,
    replica: Replica,
    replacements: Vec<ReplacementField>,
    patch: String,
    value: String,
    field_path: String,
    file_path_position: i64,
    field_spec: FieldSpecArgs,
    field_specs: Vec<FieldSpecArgs>,
    set_value: SetValue,
    create_kind: String,
    create_tag: String,
    mapping_func: MappingFunc,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SetValue {
    scalar: Option<String>,
    key: String,
    value: String,
    tag: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MappingFunc {
    vars: BTreeMap<String, Value>,
}

/// Runs one of kustomize's filters on a YAML stream, which keeps its order and quoting, and the comments of what is
/// not changed.
///
/// The filters are `annotations`, `fieldspec`, `fsslice`, `imagetag`, `imagetag-legacy`, `labels`, `namespace`,
/// `patchjson6902`, `patchstrategicmerge`, `prefix`, `refvar`, `replacement`, `replicacount`, `suffix` and `valueadd`.
///
/// # Errors
/// When there is no such filter, or it fails.
///
/// # Examples
/// ```
/// use gitops_kustomize::single::filter;
/// use serde_json::json;
///
/// let settings = json!({"prefix": "a-", "fieldSpec": {"path": "metadata/name"}});
/// let input = "metadata:\n  # short\n  name: b\n";
/// assert_eq!(filter("prefix", &settings, input)?, "metadata:\n  # short\n  name: a-b\n");
/// # Ok::<(), gitops_kustomize::BuildError>(())
/// ```
pub fn filter(name: &str, settings: &Value, input: &str) -> Result<String, BuildError> {
    let mut settings = settings.clone();
    for replacement in settings.get_mut("replacements").and_then(Value::as_array_mut).into_iter().flatten() {
        replacement.get_mut("sourceValue").into_iter().for_each(plugin::make_text);
    }
    let settings: Settings = from_value(settings, "filter")?;
    let mut nodes = Nodes::default();
    let limits = ReadLimits::default();
    let roots = nodes
        .read_all(input.as_bytes(), &limits)
        .map_err(|error| BuildError::Malformed(format!("MalformedYAMLError: {error}")))?;
    if name == "replacement" {
        let list: Vec<Resource> = roots.iter().map(|root| Resource::new(*root)).collect();
        let replacements = settings.replacements.into_iter().map(Into::into).collect();
        ReplacementTransformer { replacements }.apply(&mut nodes, &list)?;
        return Ok(print_documents(&nodes, &roots));
    }
    let mut left = Vec::with_capacity(roots.len());
    for root in roots {
        if let Some(root) = one(name, &settings, &mut nodes, root)? {
            left.push(root);
        }
    }
    Ok(print_documents(&nodes, &left))
}

fn one(name: &str, settings: &Settings, nodes: &mut Nodes, root: Id) -> Result<Option<Id>, BuildError> {
    let specs = FieldSpecs::from_args(&settings.field_specs);
    let single = FieldSpecs::from_args(std::slice::from_ref(&settings.field_spec));
    let spec = &single.0[0];
    match name {
        "labels" => LabelTransformer { labels: settings.labels.clone(), specs }.filter(nodes, root)?,
        "annotations" => {
            LabelTransformer { labels: settings.annotations.clone(), specs }.filter(nodes, root)?
        }
        "namespace" => NamespaceTransformer {
            namespace: settings.namespace.clone(),
            specs,
            unset_only: settings.unset_only,
            subjects: Subjects::parse(&settings.set_role_binding_subjects)?,
        }
        .filter(nodes, root)?,
        "prefix" => affix(Side::Prefix, &settings.prefix).filter(nodes, root, spec)?,
        "suffix" => affix(Side::Suffix, &settings.suffix).filter(nodes, root, spec)?,
        "imagetag" => ImageTagTransformer::new(settings.image_tag.clone(), specs).filter(nodes, root)?,
        "imagetag-legacy" => {
            ImageTagTransformer::new(settings.image_tag.clone(), specs).filter_everywhere(nodes, root)?;
        }
        "replicacount" => {
            let specs = FieldSpecs::default();
            ReplicaCountTransformer { replica: settings.replica.clone(), specs }.filter(nodes, root, spec)?;
        }
        "fieldspec" => set(settings, nodes, root, &single)?,
        "fsslice" => set(settings, nodes, root, &specs)?,
        "refvar" => {
            let values =
                settings.mapping_func.vars.iter().map(|(name, value)| (name.clone(), var_value(value)));
            let transformer = VariableTransformer { values: values.collect(), specs: FieldSpecs::default() };
            transformer.filter(nodes, root, spec)?;
        }
        "valueadd" => {
            let (path, position) = (&settings.field_path, settings.file_path_position);
            value_add::filter(nodes, root, &settings.value, path, position)?;
        }
        "patchjson6902" => JsonPatch::parse(&settings.patch)?.filter(nodes, root)?,
        "patchstrategicmerge" => {
            let patch = nodes
                .read_one(&settings.patch, &ReadLimits::default())
                .map_err(|error| BuildError::Malformed(error.to_string()))?;
            let Some(patch) = patch else { return Ok(Some(root)) };
            return Ok(strategic::merge(nodes, &Schemas::default(), root, patch)?);
        }
        other => return Err(BuildError::Invalid(format!("there is no filter '{other}'"))),
    }
    Ok(Some(root))
}

fn affix(side: Side, text: &str) -> NameAffixTransformer {
    NameAffixTransformer { side, text: text.to_owned(), specs: FieldSpecs::default() }
}

fn set(settings: &Settings, nodes: &mut Nodes, root: Id, specs: &FieldSpecs) -> Result<(), FieldError> {
    let kind = match settings.create_kind.as_str() {
        "scalar" => Kind::Scalar,
        "mapping" => Kind::Mapping,
        "sequence" => Kind::Sequence,
        _ => Kind::Empty,
    };
    let creation = Creation { kind, tag: tag(&settings.create_tag) };
    let wanted = &settings.set_value;
    specs.apply(nodes, root, &creation, &mut |nodes: &mut Nodes, field: Id| match &wanted.scalar {
        Some(text) => {
            let value = nodes.add(Node::scalar(text));
            nodes.set_scalar(field, value)
        }
        None => {
            let value = nodes.add(Node { tag: tag(&wanted.tag), ..Node::scalar(&wanted.value) });
            if wanted.key.is_empty() {
                nodes.set_scalar(field, value)
            } else {
                nodes.set_field(field, &wanted.key, Some(value)).map(|_| ())
            }
        }
    })
}

fn tag(name: &str) -> Tag {
    match name {
        "!!str" => Tag::Str,
        "!!int" => Tag::Int,
        "!!float" => Tag::Float,
        "!!bool" => Tag::Bool,
        "!!map" => Tag::Map,
        "!!seq" => Tag::Seq,
        _ => Tag::None,
    }
}

fn var_value(value: &Value) -> VarValue {
    match value {
        Value::String(text) => VarValue::Text(text.clone()),
        Value::Bool(flag) => VarValue::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => VarValue::Int(int),
            (None, Some(float)) => VarValue::Float(float),
            (None, None) => VarValue::Other,
        },
        _ => VarValue::Other,
    }
}
