//! Post-build substitution: `${variables}` in built objects, with Flux's grammar.
//!
//! Each object is printed, its text expanded, and read again, as Flux does; so a value can change the type of what it
//! stands in for: `"${port}"` in a file becomes a number when `port` is `8080`, and every number is a float on the way.
//! The typed mode expands text by text instead, and keeps numbers, booleans and texts what they were.

mod expand;
mod functions;
mod glob;
mod template;
mod typed;

use std::collections::BTreeMap;

use gitops_manifest::{Document, Manifests, Object, ParseOptions, parse, to_yaml};

use crate::error::BuildError;
use crate::yaml::Nodes;

pub use self::expand::{ExpandError, expand};

/// The label or annotation that exempts an object when it is `disabled`.
const SWITCH: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Replaces variables in built objects.
///
/// # Examples
/// ```
/// use gitops_kustomize::{Kustomize, Substitute};
/// use gitops_manifest::MemoryTree;
///
/// let mut tree = MemoryTree::new();
/// tree.insert("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a-${stage:=test}\n")?;
/// let manifests = Kustomize::new("").build(&tree)?;
/// let manifests = Substitute::new([("stage", "prod")]).apply(manifests)?;
/// assert_eq!(manifests[0].name(), "a-prod");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is replaced before `apply`"]
pub struct Substitute {
    variables: BTreeMap<String, String>,
    lenient: bool,
    always: bool,
    typed: bool,
}

impl Substitute {
    /// Replaces these variables. Line breaks in their values are left out, as Flux does.
    pub fn new<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables =
            variables.into_iter().map(|(name, value)| (name.into(), value.into().replace('\n', "")));
        Self { variables: variables.collect(), ..Self::default() }
    }

    /// Takes an unset variable as empty instead of refusing it.
    pub fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// Expands texts, and so their defaults, even when there is no variable at all.
    pub fn always(self) -> Self {
        Self { always: true, ..self }
    }

    /// Expands text by text, so that no type changes which should not.
    ///
    /// - Numbers and booleans stay what they were, to the last digit.
    /// - A text that is only partly a variable, as `v${version}`, stays a text.
    /// - A text that is one variable becomes what its field is: a number in `spec.replicas`, a text in a label, in
    ///   `data` or in `stringData`, whatever the value looks like. Where the schema of Kubernetes knows no type, as in
    ///   custom resources, it becomes a number or boolean when the value reads as one, and otherwise stays a text.
    ///
    /// # Difference from Flux
    /// Flux prints the object and reads it again, which takes quotes off: a label `"${port}"` becomes a number that the
    /// server refuses.
    ///
    /// # Examples
    /// ```
    /// use gitops_kustomize::Substitute;
    /// use gitops_manifest::Object;
    /// use serde_json::json;
    ///
    /// let object = Object::new(json!({
    ///     "apiVersion": "apps/v1", "kind": "Deployment",
    ///     "metadata": {"name": "web", "labels": {"port": "${port}"}},
    ///     "spec": {"replicas": "${count}"},
    /// }))?;
    /// let typed = Substitute::new([("port", "8080"), ("count", "3")]).typed().apply(vec![object].into())?;
    /// assert_eq!(typed[0].label("port"), Some("8080"));
    /// assert_eq!(typed[0].value()["spec"]["replicas"], 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn typed(self) -> Self {
        Self { typed: true, ..self }
    }

    /// Replaces the variables in every object that is not exempted.
    ///
    /// # Errors
    /// [`BuildError::Substitution`], naming the object, when a variable is not set, its name is none, or the expanded
    /// text is no YAML. No error holds a value.
    pub fn apply(&self, manifests: Manifests) -> Result<Manifests, BuildError> {
        if self.variables.is_empty() && !self.always {
            return Ok(manifests);
        }
        manifests
            .into_objects()
            .into_iter()
            .map(|object| self.object(object))
            .collect::<Result<Vec<_>, _>>()
            .map(Into::into)
    }

    fn object(&self, object: Object) -> Result<Object, BuildError> {
        if object.label(SWITCH) == Some("disabled") || object.annotation(SWITCH) == Some("disabled") {
            return Ok(object);
        }
        self.expanded(&object).map_err(|error| {
            let gvk = crate::id::Gvk::of(object.api_version(), object.kind());
            BuildError::Substitution(format!("post build failed for '{gvk}/{}': {error}", object.name()))
        })
    }

    fn expanded(&self, object: &Object) -> Result<Object, String> {
        if let Some(name) = self.variables.keys().find(|name| !is_name(name)) {
            return Err(format!(
                "envsubst error: '{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'"
            ));
        }
        let lookup = |name: &str| match self.variables.get(name) {
            None if self.lenient => Some(String::new()),
            found => found.cloned(),
        };
        if self.typed {
            let expanded =
                typed::expanded(object, &lookup).map_err(|error| format!("envsubst error: {error}"))?;
            return Ok(match object.origin() {
                Some(origin) => expanded.with_origin(origin.clone()),
                None => expanded,
            });
        }
        let text = expand(&to_yaml(object.value()), lookup);
        let text = text.map_err(|error| format!("envsubst error: variable substitution failed: {error}"))?;
        let documents = parse("", text.as_bytes(), &ParseOptions::kubectl())
            // The parser's words may quote what stands there, which may be a secret.
            .map_err(|_| "envsubst error: YAMLToJSON: the text is no YAML after substitution".to_owned())?;
        let value = documents.into_iter().next().map(Document::into_value).unwrap_or_default();
        // Through nodes, in which every number is a float, as it is in Flux.
        let mut nodes = Nodes::default();
        let node = nodes.nodes_of(&value);
        let value =
            nodes.value(node).map_err(|_| "UnmarshalJSON: the object cannot be read again".to_owned())?;
        let expanded = Object::new(value).map_err(|error| format!("UnmarshalJSON: {error}"))?;
        Ok(match object.origin() {
            Some(origin) => expanded.with_origin(origin.clone()),
            None => expanded,
        })
    }
}

fn is_name(name: &str) -> bool {
    let first = |c: char| c == '_' || c.is_ascii_alphabetic();
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}
