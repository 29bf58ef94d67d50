//! The kustomization file: its fields, and what is wrong with it.

use std::collections::BTreeMap;

use gitops_manifest::{Document, ParseOptions};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::BuildError;
use crate::id::{Gvk, ResId, split_api_version};

/// The version of a kustomization, and of a component.
pub(crate) const VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

/// A kustomization file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Kustomization {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) metadata: Option<Value>,
    pub(crate) openapi: BTreeMap<String, String>,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: Option<BTreeMap<String, String>>,
    pub(crate) labels: Vec<Label>,
    pub(crate) common_annotations: BTreeMap<String, String>,
    pub(crate) patches_strategic_merge: Vec<String>,
    #[serde(rename = "patchesJson6902")]
    pub(crate) patches_json6902: Vec<Patch>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) images: Vec<Image>,
    pub(crate) image_tags: Vec<Image>,
    pub(crate) replacements: Vec<ReplacementField>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) vars: Vec<Var>,
    pub(crate) sort_options: Option<SortOptions>,
    pub(crate) resources: Vec<String>,
    pub(crate) components: Vec<String>,
    pub(crate) crds: Vec<String>,
    pub(crate) bases: Vec<String>,
    pub(crate) config_map_generator: Vec<GeneratorArgs>,
    pub(crate) secret_generator: Vec<GeneratorArgs>,
    pub(crate) helm_globals: Option<Value>,
    pub(crate) helm_charts: Vec<Value>,
    pub(crate) helm_chart_inflation_generator: Vec<Value>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) configurations: Vec<String>,
    pub(crate) generators: Vec<String>,
    pub(crate) transformers: Vec<String>,
    pub(crate) validators: Vec<String>,
    pub(crate) build_metadata: Vec<String>,
    /// The file says something, be it an empty list.
    #[serde(skip)]
    pub(crate) says_something: bool,
}

/// Labels, and where they go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Label {
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    /// Newer than the version this follows otherwise: said either way, it alone decides about claim templates.
    pub(crate) include_volume_claim_templates: Option<bool>,
    pub(crate) fields: Vec<FieldSpecArgs>,
}

/// A field that a transformer changes, as a file writes it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FieldSpecArgs {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) path: String,
    pub(crate) create: bool,
}

/// A patch, its text or its file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Patch {
    pub(crate) path: String,
    pub(crate) patch: String,
    pub(crate) target: Option<Selector>,
    pub(crate) options: Option<PatchOptions>,
}

/// What a patch may change that it otherwise leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct PatchOptions {
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

/// Which objects are meant; texts are expressions where a patch or replacement selects.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Selector {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) annotation_selector: String,
    pub(crate) label_selector: String,
}

impl Selector {
    pub(crate) fn id(&self) -> ResId {
        let gvk = Gvk::new(&self.group, &self.version, &self.kind);
        ResId::wanted(gvk, &self.name, &self.namespace)
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:a={}:l={}", self.id(), self.annotation_selector, self.label_selector)
    }
}

/// What becomes of an image.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) tag_suffix: String,
    pub(crate) new_tag: String,
    pub(crate) digest: String,
}

/// How many replicas a workload gets.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) count: i64,
}

/// A replacement, or the file that holds some.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct ReplacementField {
    pub(crate) path: String,
    pub(crate) source: Option<Source>,
    pub(crate) targets: Option<Vec<ReplacementTarget>>,
    pub(crate) source_value: Option<String>,
}

/// Where a replacement takes its value from.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Source {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) field_path: String,
    pub(crate) options: Option<FieldOptions>,
}

impl Source {
    pub(crate) fn id(&self) -> ResId {
        let gvk = Gvk::new(&self.group, &self.version, &self.kind);
        ResId::wanted(gvk, &self.name, &self.namespace)
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id())?;
        if !self.field_path.is_empty() {
            write!(f, ":{}", self.field_path)?;
        }
        match &self.options {
            Some(options) if !options.delimiter.is_empty() || options.create => {
                write!(f, ":{}({}), create={}", options.delimiter, options.index, options.create)
            }
            _ => Ok(()),
        }
    }
}

/// Where a replacement puts its value.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct ReplacementTarget {
    pub(crate) select: Option<Selector>,
    pub(crate) reject: Vec<Selector>,
    pub(crate) field_paths: Vec<String>,
    pub(crate) options: Option<FieldOptions>,
}

/// Which part of a field is meant.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FieldOptions {
    pub(crate) delimiter: String,
    pub(crate) index: i64,
    pub(crate) encoding: String,
    pub(crate) create: bool,
}

/// A variable and the field that is its value.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) objref: VarTarget,
    pub(crate) fieldref: VarField,
}

/// The object of a variable.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct VarTarget {
    pub(crate) api_version: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl VarTarget {
    pub(crate) fn gvk(&self) -> Gvk {
        if self.api_version.is_empty() {
            return Gvk::new(&self.group, &self.version, &self.kind);
        }
        let (group, version) = split_api_version(&self.api_version);
        Gvk::new(if group.is_empty() { &self.group } else { group }, version, &self.kind)
    }
}

/// The field of a variable.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VarField {
    #[serde(rename = "fieldPath", alias = "fieldpath")]
    pub(crate) field_path: String,
}

/// The order of the output.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct SortOptions {
    pub(crate) order: String,
    pub(crate) legacy_sort_options: Option<LegacySortOptions>,
}

/// Which kinds come first and last.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct LegacySortOptions {
    pub(crate) order_first: Vec<String>,
    pub(crate) order_last: Vec<String>,
}

/// A ConfigMap or Secret to be made.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GeneratorArgs {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) behavior: String,
    pub(crate) literals: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) envs: Vec<String>,
    pub(crate) env: String,
    pub(crate) options: Option<GeneratorOptions>,
    /// Of Secrets alone.
    #[serde(rename = "type")]
    pub(crate) secret_type: String,
}

/// What generated objects have in common.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) disable_name_suffix_hash: bool,
    pub(crate) immutable: bool,
}

impl Kustomization {
    /// Reads a kustomization file and brings old fields into their new form.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BuildError> {
        let value = config_value(bytes).map_err(|error| error.within("invalid Kustomization"))?;
        let is_said = |(field, value): (&String, &Value)| {
            !matches!(field.as_str(), "apiVersion" | "kind")
                && !matches!(value, Value::String(text) if text.is_empty())
        };
        let says_something = value.as_object().is_some_and(|map| map.iter().any(is_said));
        let mut parsed: Self = match value {
            Value::Null => Self::default(),
            value => {
                from_value(value, "Kustomization").map_err(|error| error.within("invalid Kustomization"))?
            }
        };
        parsed.says_something = says_something;
        if let Some(args) = parsed.config_map_generator.iter().find(|args| !args.secret_type.is_empty()) {
            let name = &args.name;
            return Err(BuildError::Invalid(format!(
                "invalid Kustomization: json: unknown field \"type\" (configMapGenerator {name})"
            )));
        }
        parsed.fix();
        Ok(parsed)
    }

    /// Reads a kustomization file as Flux does before it completes it: fields at the top that nobody knows are dropped.
    pub(crate) fn parse_lenient(bytes: &[u8]) -> Result<Self, BuildError> {
        let mut value = config_value(bytes)?;
        loop {
            if value.is_null() {
                value = Value::Object(serde_json::Map::new());
            }
            let unknown = match from_value::<Self>(value.clone(), "Kustomization") {
                Ok(mut parsed) => {
                    parsed.fix();
                    return Ok(parsed);
                }
                Err(BuildError::Invalid(text)) => text,
                Err(error) => return Err(error),
            };
            let field =
                unknown.strip_prefix("json: unknown field \"").and_then(|rest| rest.strip_suffix('"'));
            let removed = field.and_then(|field| value.as_object_mut()?.remove(field));
            if removed.is_none() {
                return Err(BuildError::Invalid(format!(
                    "error unmarshaling JSON: while decoding JSON: {unknown}"
                )));
            }
        }
    }

    fn fix(&mut self) {
        if self.kind.is_empty() {
            "Kustomization".clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            let version = if self.is_component() { COMPONENT_VERSION } else { VERSION };
            version.clone_into(&mut self.api_version);
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        for args in self.config_map_generator.iter_mut().chain(&mut self.secret_generator) {
            if !args.env.is_empty() {
                args.envs.push(std::mem::take(&mut args.env));
            }
        }
        self.helm_charts.append(&mut self.helm_chart_inflation_generator);
    }

    /// Returns the file as it would be written: without what is empty.
    pub(crate) fn written(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        drop_empty(&mut value);
        value
    }

    pub(crate) fn is_component(&self) -> bool {
        self.kind == "Component"
    }

    /// Refuses a file that says nothing, or is of another kind.
    pub(crate) fn check(&self, shown: &str) -> Result<(), BuildError> {
        let nothing =
            Self { api_version: self.api_version.clone(), kind: self.kind.clone(), ..Self::default() };
        if !self.says_something && *self == nothing {
            return Err(BuildError::Invalid("kustomization.yaml is empty".to_owned()));
        }
        let mut wrong = Vec::new();
        if self.kind != "Kustomization" && self.kind != "Component" {
            wrong.push("kind should be Kustomization or Component".to_owned());
        }
        let version = if self.is_component() { COMPONENT_VERSION } else { VERSION };
        if self.api_version != version {
            wrong.push(format!("apiVersion for {} should be {version}", self.kind));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(BuildError::Invalid(format!(
            "Failed to read kustomization file under {shown}:\n{}",
            wrong.join("\n")
        )))
    }
}

/// Reads a configuration strictly: unknown fields are refused, null is the same as absent.
pub(crate) fn decode<T: serde::de::DeserializeOwned + Default>(
    bytes: &[u8],
    what: &str,
) -> Result<T, BuildError> {
    match config_value(bytes)? {
        Value::Null => Ok(T::default()),
        value => from_value(value, what),
    }
}

/// Returns a configuration as JSON, without what is null.
///
/// Configurations are read as Kubernetes reads files, where `yes` is a boolean; resources are not.
pub(crate) fn config_value(bytes: &[u8]) -> Result<Value, BuildError> {
    let documents = gitops_manifest::parse("", bytes, &ParseOptions::kubectl())
        .map_err(|error| BuildError::Malformed(format!("error converting YAML to JSON: yaml: {error}")))?;
    let mut value = documents.into_iter().next().map_or(Value::Null, Document::into_value);
    drop_nulls(&mut value);
    Ok(value)
}

/// Decodes a value in the words of Go's decoder, to which the case of a field's name does not matter.
pub(crate) fn from_value<T: serde::de::DeserializeOwned>(
    mut value: Value,
    what: &str,
) -> Result<T, BuildError> {
    for _ in 0..100 {
        let error = match T::deserialize(&value) {
            Ok(decoded) => return Ok(decoded),
            Err(error) => error.to_string(),
        };
        let Some((field, rest)) = error.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'))
        else {
            return Err(BuildError::Invalid(format!("json: cannot unmarshal into {what}: {error}")));
        };
        let known = rest.split('`').skip(1).step_by(2).find(|known| known.eq_ignore_ascii_case(field));
        match known {
            Some(known) if rename(&mut value, field, known) => {}
            _ => return Err(BuildError::Invalid(format!("json: unknown field \"{field}\""))),
        }
    }
    Err(BuildError::Invalid(format!("json: cannot unmarshal into {what}: too many misspelt fields")))
}

/// Gives every entry of this name another one.
fn rename(value: &mut Value, from: &str, to: &str) -> bool {
    match value {
        Value::Object(map) => {
            let mut renamed = false;
            if !map.contains_key(to)
                && let Some(inner) = map.remove(from)
            {
                map.insert(to.to_owned(), inner);
                renamed = true;
            }
            map.values_mut().fold(renamed, |renamed, inner| rename(inner, from, to) || renamed)
        }
        Value::Array(items) => {
            items.iter_mut().filter_map(|inner| rename(inner, from, to).then_some(())).count() > 0
        }
        _ => false,
    }
}

/// Removes what Go's lenient decoder would not look at.
pub(crate) fn keep_fields(value: &mut Value, known: &[&str]) {
    if let Value::Object(map) = value {
        map.retain(|field, _| known.iter().any(|known| known.eq_ignore_ascii_case(field)));
    }
}

fn drop_empty(value: &mut Value) -> bool {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !drop_empty(value));
            map.is_empty()
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| {
                drop_empty(item);
            });
            items.is_empty()
        }
        Value::String(text) => text.is_empty(),
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
