//! Builtin transformers and generators that a kustomization configures as objects. Nothing else runs: no programs, no
//! containers, no charts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::BuildError;
use crate::field_spec::FieldSpecs;
use crate::generator::make::{Sort, make};
use crate::kustomization::{
    FieldSpecArgs, GeneratorArgs, Image, Patch, PatchOptions, ReplacementField, Replica, Selector,
    SortOptions, config_value, from_value, keep_fields,
};
use crate::objects;
use crate::patch::{Json6902Transformer, PatchTransformer, StrategicMergeTransformer};
use crate::resource::Resource;
use crate::root::Place;
use crate::target::Context;
use crate::transform::Transformer;
use crate::transform::image_tag::ImageTagTransformer;
use crate::transform::label::LabelTransformer;
use crate::transform::name_affix::{NameAffixTransformer, Side};
use crate::transform::namespace::{NamespaceTransformer, Subjects};
use crate::transform::replacement::{Replacement, ReplacementTransformer};
use crate::transform::replica_count::ReplicaCountTransformer;
use crate::transform::sort_order::SortOrderTransformer;
use crate::transform::value_add::{ValueAddTransformer, ValueTarget};
use crate::yaml::{Kind, Node, Nodes};

/// Every field that a builtin's configuration may have.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    metadata: Metadata,
    field_specs: Option<Vec<FieldSpecArgs>>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    unset_only: bool,
    set_role_binding_subjects: String,
    target: Option<Selector>,
    path: String,
    json_op: String,
    paths: Vec<String>,
    patches: String,
    patch: String,
    options: Option<Value>,
    prefix: String,
    suffix: String,
    replica: Replica,
    image_tag: Image,
    replacements: Vec<ReplacementField>,
    value: String,
    targets: Vec<ValueTargetArgs>,
    target_file_path: String,
    sort_options: Option<SortOptions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ValueTargetArgs {
    selector: Option<Selector>,
    field_path: String,
    file_path_position: i64,
}

/// The fields of a transformer's configuration.
const TRANSFORMER_FIELDS: [&str; 21] = [
    "metadata",
    "fieldSpecs",
    "labels",
    "annotations",
    "unsetOnly",
    "setRoleBindingSubjects",
    "target",
    "path",
    "jsonOp",
    "paths",
    "patches",
    "patch",
    "options",
    "prefix",
    "suffix",
    "replica",
    "imageTag",
    "replacements",
    "value",
    "targets",
    "targetFilePath",
];

/// The fields of a generator's configuration.
const GENERATOR_FIELDS: [&str; 9] =
    ["name", "namespace", "behavior", "literals", "files", "envs", "env", "options", "type"];

/// Tells whether an object configures a builtin.
fn is_builtin(nodes: &Nodes, resource: &Resource) -> bool {
    &*resource.api_version(nodes) == "builtin"
}

/// Bare numbers and booleans are taken as text where a configuration wants text.
pub(crate) fn make_text(value: &mut Value) {
    if value.is_boolean() || value.is_number() {
        *value = Value::String(value.to_string());
    }
}

fn value_of(nodes: &Nodes, resource: &Resource) -> Result<Value, BuildError> {
    nodes.value(resource.node).map_err(|error| BuildError::Malformed(error.to_string()))
}

/// Returns the transformer that an object configures.
pub(crate) fn transformer(
    context: &mut Context<'_>,
    place: &Place,
    resource: &Resource,
) -> Result<Transformer, BuildError> {
    refuse_foreign(&context.nodes, resource)?;
    let id = resource.original_id(&context.nodes);
    let kind = resource.kind(&context.nodes);
    let mut value = value_of(&context.nodes, resource)?;
    if let Value::Object(map) = &mut value {
        map.retain(|_, value| !value.is_null());
        for known in TRANSFORMER_FIELDS {
            let written =
                map.keys().find(|field| *field != known && field.eq_ignore_ascii_case(known)).cloned();
            if let Some(inner) = written.and_then(|written| map.remove(&written)) {
                map.entry(known).or_insert(inner);
            }
        }
        // The annotations of the configuration itself are not those to be set.
        if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
            metadata.retain(|key, _| key == "name" || key == "namespace");
        }
        for field in ["labels", "annotations", "imageTag"] {
            for value in
                map.get_mut(field).and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut())
            {
                make_text(value);
            }
        }
        for field in ["prefix", "suffix", "value"] {
            map.get_mut(field).into_iter().for_each(make_text);
        }
        if let Some(Value::Array(specs)) = map.get_mut("fieldSpecs") {
            specs
                .iter_mut()
                .for_each(|spec| keep_fields(spec, &["group", "version", "kind", "path", "create"]));
        }
    }
    let config: Config =
        from_value(value, &kind).map_err(|error| error.within(format!("plugin {id} fails configuration")))?;
    build(context, place, &kind, config).map_err(|error| {
        if error.is_final() { error } else { error.within(format!("plugin {id} fails configuration")) }
    })
}

#[allow(clippy::too_many_lines, reason = "one arm for each kind")]
fn build(
    context: &mut Context<'_>,
    place: &Place,
    kind: &str,
    config: Config,
) -> Result<Transformer, BuildError> {
    let specs = FieldSpecs::from_args(config.field_specs.as_deref().unwrap_or_default());
    let affix = |side, text: &str| NameAffixTransformer { side, text: text.to_owned(), specs: specs.clone() };
    let needs_specs = || match &config.field_specs {
        Some(_) => Ok(()),
        None => Err(BuildError::Invalid("fieldSpecs is not expected to be nil".to_owned())),
    };
    Ok(match kind {
        "LabelTransformer" => Transformer::Label(LabelTransformer { labels: config.labels, specs }),
        "AnnotationsTransformer" => {
            Transformer::Label(LabelTransformer { labels: config.annotations, specs })
        }
        "NamespaceTransformer" => Transformer::Namespace(NamespaceTransformer {
            namespace: config.metadata.namespace,
            specs,
            unset_only: config.unset_only,
            subjects: Subjects::parse(&config.set_role_binding_subjects)?,
        }),
        "PrefixTransformer" => {
            needs_specs()?;
            Transformer::NameAffix(vec![affix(Side::Prefix, &config.prefix)])
        }
        "SuffixTransformer" => {
            needs_specs()?;
            Transformer::NameAffix(vec![affix(Side::Suffix, &config.suffix)])
        }
        "PrefixSuffixTransformer" => {
            needs_specs()?;
            Transformer::NameAffix(vec![
                affix(Side::Prefix, &config.prefix),
                affix(Side::Suffix, &config.suffix),
            ])
        }
        "ReplicaCountTransformer" => {
            Transformer::ReplicaCount(ReplicaCountTransformer { replica: config.replica, specs })
        }
        "ImageTagTransformer" => Transformer::ImageTag(ImageTagTransformer::new(config.image_tag, specs)),
        "ReplacementTransformer" => {
            Transformer::Replacement(replacements(context, place, config.replacements)?)
        }
        "PatchTransformer" => {
            let options = match config.options {
                Some(options) => from_value(options, "PatchArgs")?,
                None => PatchOptions::default(),
            };
            let patch = Patch {
                path: config.path,
                patch: config.patch,
                target: config.target,
                options: Some(options),
            };
            Transformer::Patch(patch_transformer(context, place, patch)?)
        }
        "PatchStrategicMergeTransformer" => {
            Transformer::StrategicMerge(strategic_merge(context, place, &config.paths, &config.patches)?)
        }
        "PatchJson6902Transformer" => {
            Transformer::Json6902(json6902(context, place, &config.path, &config.json_op, config.target)?)
        }
        "HashTransformer" => Transformer::Hash,
        "SortOrderTransformer" => {
            let fifo = || SortOptions { order: "fifo".to_owned(), legacy_sort_options: None };
            Transformer::SortOrder(SortOrderTransformer { options: config.sort_options.unwrap_or_else(fifo) })
        }
        "ValueAddTransformer" => Transformer::ValueAdd(value_add(context, place, config)?),
        other => return Err(BuildError::Invalid(format!("unable to load builtin {other}"))),
    })
}

fn value_add(
    context: &mut Context<'_>,
    place: &Place,
    config: Config,
) -> Result<ValueAddTransformer, BuildError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct File {
        targets: Vec<ValueTargetArgs>,
    }
    let mut value = config.value.trim().to_owned();
    if value.is_empty() {
        place.dir.rsplit('/').next().unwrap_or_default().clone_into(&mut value);
    }
    let mut targets = config.targets;
    if !config.target_file_path.is_empty() {
        let bytes = context.root.load(place, &config.target_file_path, "targetFilePath")?;
        let file: File = from_value(config_value(&bytes)?, "ValueAddTransformer")?;
        targets.extend(file.targets);
    }
    if targets.is_empty() {
        return Err(BuildError::Invalid("must specify at least one target".to_owned()));
    }
    for target in &targets {
        if target.field_path.is_empty() {
            return Err(BuildError::Invalid("fieldPath cannot be empty".to_owned()));
        }
        if target.file_path_position < 0 {
            let position = target.file_path_position;
            return Err(BuildError::Invalid(format!(
                "value of FilePathPosition ({position}) cannot be negative"
            )));
        }
    }
    let targets = targets.into_iter().map(|target| ValueTarget {
        selector: target.selector,
        field_path: target.field_path,
        position: target.file_path_position,
    });
    Ok(ValueAddTransformer { value, targets: targets.collect() })
}

/// Reads one entry of `patches`.
pub(crate) fn patch_transformer(
    context: &mut Context<'_>,
    place: &Place,
    patch: Patch,
) -> Result<PatchTransformer, BuildError> {
    let text = patch.patch.trim();
    let (text, source) = match (text.is_empty(), patch.path.is_empty()) {
        (true, true) => {
            return Err(BuildError::Invalid(format!(
                "must specify one of patch and path in\n{}",
                shown(&patch)
            )));
        }
        (false, false) => {
            return Err(BuildError::Invalid(format!(
                "patch and path can't be set at the same time\n{}",
                shown(&patch)
            )));
        }
        (false, true) => (text.to_owned(), format!("[patch: {}]", go_quote(text))),
        (true, false) => {
            let bytes = context.root.load(place, &patch.path, "patches").map_err(|error| {
                if error.is_final() {
                    error
                } else {
                    error.within(format!("failed to get the patch file from path({})", patch.path))
                }
            })?;
            (String::from_utf8_lossy(&bytes).into_owned(), format!("[path: {}]", go_quote(&patch.path)))
        }
    };
    let options = patch.options.unwrap_or_default();
    PatchTransformer::parse(&mut context.nodes, &text, source, patch.target, options, &context.limits)
        .map(|parsed| parsed.in_file(patch.path))
}

fn shown(patch: &Patch) -> String {
    let mut text = String::new();
    if !patch.path.is_empty() {
        text.push_str(&format!("path: {}\n", patch.path));
    }
    if !patch.patch.is_empty() {
        text.push_str(&format!("patch: {}\n", patch.patch.trim()));
    }
    if let Some(target) = &patch.target {
        text.push_str(&format!("target: {target}\n"));
    }
    text
}

/// Quotes a text as Go's `%q` does.
pub(crate) fn go_quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads `patchesStrategicMerge`: each entry is a patch or the path of a file with some.
pub(crate) fn strategic_merge(
    context: &mut Context<'_>,
    place: &Place,
    paths: &[String],
    text: &str,
) -> Result<StrategicMergeTransformer, BuildError> {
    if paths.is_empty() && text.is_empty() {
        return Err(BuildError::Invalid("empty file path and empty patch content".to_owned()));
    }
    let mut patches = Vec::new();
    for path in paths {
        match objects::read(&mut context.nodes, path.as_bytes(), &context.limits) {
            Ok(inline) => patches.extend(inline),
            Err(_) => {
                let bytes = context.root.load(place, path, "patchesStrategicMerge")?;
                patches.extend(objects::read_file(&mut context.nodes, &bytes, path, &context.limits)?);
            }
        }
    }
    if !text.is_empty() {
        patches.extend(objects::read(&mut context.nodes, text.as_bytes(), &context.limits)?);
    }
    if patches.is_empty() {
        return Err(BuildError::Invalid(format!(
            "patch appears to be empty; files=[{}], Patch={text}",
            paths.join(" ")
        )));
    }
    Ok(StrategicMergeTransformer { patches })
}

/// Reads one entry of `patchesJson6902`.
pub(crate) fn json6902(
    context: &mut Context<'_>,
    place: &Place,
    path: &str,
    text: &str,
    target: Option<Selector>,
) -> Result<Json6902Transformer, BuildError> {
    let named = target.as_ref().is_some_and(|target| !target.name.is_empty());
    if path.is_empty() || !named {
        return Json6902Transformer::parse(text, "", target);
    }
    if !text.is_empty() {
        return Err(BuildError::Invalid("must specify a file path or jsonOp, not both".to_owned()));
    }
    let bytes = context.root.load(place, path, "patchesJson6902")?;
    Json6902Transformer::parse(&String::from_utf8_lossy(&bytes), path, target)
}

/// Reads `replacements`: each entry is one, or the path of a file with some.
pub(crate) fn replacements(
    context: &mut Context<'_>,
    place: &Place,
    fields: Vec<ReplacementField>,
) -> Result<ReplacementTransformer, BuildError> {
    let mut replacements = Vec::new();
    for field in fields {
        if field.path.is_empty() {
            replacements.push(Replacement::from(field));
            continue;
        }
        if field.source.is_some() || field.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
            return Err(BuildError::Invalid("cannot specify both path and inline replacement".to_owned()));
        }
        let bytes = context.root.load(place, &field.path, "replacements")?;
        match config_value(&bytes)? {
            Value::Array(items) => {
                for item in items {
                    replacements.push(from_file(from_value(item, "Replacement")?, &field.path));
                }
            }
            value @ Value::Object(_) => {
                replacements.push(from_file(from_value(value, "Replacement")?, &field.path));
            }
            other => {
                let kind = match other {
                    Value::String(_) => "string",
                    Value::Number(_) => "float64",
                    Value::Bool(_) => "bool",
                    _ => "invalid",
                };
                return Err(BuildError::Invalid(format!(
                    "unsupported replacement type encountered within replacement path: {kind}"
                )));
            }
        }
    }
    Ok(ReplacementTransformer { replacements })
}

fn from_file(replacement: ReplacementField, path: &str) -> Replacement {
    Replacement { file: Some(path.to_owned()), ..replacement.into() }
}

/// Returns the objects that a generator makes.
pub(crate) fn generate(
    context: &mut Context<'_>,
    place: &Place,
    resource: &Resource,
) -> Result<Vec<Resource>, BuildError> {
    refuse_foreign(&context.nodes, resource)?;
    let kind = resource.kind(&context.nodes);
    let value = value_of(&context.nodes, resource)?;
    match &*kind {
        "ConfigMapGenerator" | "SecretGenerator" => {
            let sort = if &*kind == "SecretGenerator" { Sort::Secret } else { Sort::ConfigMap };
            let Value::Object(mut map) = value else { return Ok(Vec::new()) };
            let metadata = map.remove("metadata").unwrap_or_default();
            map.retain(|_, value| !value.is_null());
            let mut value = Value::Object(map);
            keep_fields(&mut value, &GENERATOR_FIELDS);
            let mut args: GeneratorArgs = from_value(value, &kind)?;
            let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
            if args.name.is_empty() {
                args.name = text("name");
            }
            if args.namespace.is_empty() {
                args.namespace = text("namespace");
            }
            Ok(vec![make(context, place, sort, &args)?])
        }
        "IAMPolicyGenerator" => iam_policy(&mut context.nodes, &value).map(|made| vec![made]),
        "HelmChartInflationGenerator" => Err(helm_refused(&place.dir)),
        other => Err(BuildError::Invalid(format!("unable to load builtin {other}"))),
    }
}

/// Charts would need a program.
pub(crate) fn helm_refused(place: &str) -> BuildError {
    BuildError::Refused(format!(
        "helmCharts in '/{place}' are not inflated, because that runs a program (must specify --enable-helm); render the chart into the repository, or use a HelmRelease"
    ))
}

fn refuse_foreign(nodes: &Nodes, resource: &Resource) -> Result<(), BuildError> {
    if is_builtin(nodes, resource) {
        return Ok(());
    }
    let kind = resource.kind(nodes);
    Err(BuildError::Refused(format!(
        "external plugins disabled; unable to load external plugin '{kind}': programs, containers and functions are never run"
    )))
}

fn iam_policy(nodes: &mut Nodes, value: &Value) -> Result<Resource, BuildError> {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let cloud = text("/cloud");
    if cloud != "gke" {
        return Err(BuildError::NotSupported(format!("cloud provider {cloud} not supported yet")));
    }
    let account = format!(
        "{}@{}.iam.gserviceaccount.com",
        text("/serviceAccount/name"),
        text("/serviceAccount/projectId")
    );
    let root = nodes.add(Node::of(Kind::Mapping));
    for (path, text) in [
        (&["apiVersion"][..], "v1".to_owned()),
        (&["kind"], "ServiceAccount".to_owned()),
        (&["metadata", "annotations", "iam.gke.io/gcp-service-account"], account),
        (&["metadata", "name"], text("/kubernetesService/name")),
        (&["metadata", "namespace"], text("/kubernetesService/namespace")),
    ] {
        if !text.is_empty() {
            nodes.set_text(root, path, &text)?;
        }
    }
    Ok(Resource::new(root))
}
