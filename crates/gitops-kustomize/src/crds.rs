//! What `crds` files say about the fields of custom resources: which hold names, labels or annotations.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::config::{Config, Referrers};
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, FieldSpecs};
use crate::id::Gvk;
use crate::kustomization::config_value;

/// The deepest chain of references between definitions.
const DEPTH: usize = 64;

/// Reads a file of OpenAPI definitions.
pub(crate) fn parse(bytes: &[u8], path: &str) -> Result<Config, BuildError> {
    let value = config_value(bytes)
        .map_err(|error| error.within(format!("unable to parse open API definition from '{path}'")))?;
    let empty = Map::new();
    let definitions = value.as_object().unwrap_or(&empty);
    let mut config = Config::default();
    for (name, definition) in definitions {
        let properties = &definition["Schema"]["properties"];
        let properties =
            if properties.is_object() { properties } else { &definition["schema"]["properties"] };
        if ["kind", "apiVersion", "metadata"].iter().all(|field| properties.get(field).is_some()) {
            let kind = name.rsplit('.').next().unwrap_or(name);
            let gvk = Gvk::new("", "", kind);
            let mut walk = Walk { definitions, gvk, found: Config::default(), seen: BTreeSet::new() };
            walk.definition(name, &mut Vec::new())?;
            config.merge(&walk.found)?;
        }
    }
    Ok(config)
}

struct Walk<'a> {
    definitions: &'a Map<String, Value>,
    gvk: Gvk,
    found: Config,
    seen: BTreeSet<String>,
}

impl Walk<'_> {
    fn definition(&mut self, name: &str, path: &mut Vec<String>) -> Result<(), BuildError> {
        if path.len() > DEPTH || !self.seen.insert(name.to_owned()) {
            return Err(BuildError::Cycle(format!("definition '{name}' of crds refers to itself")));
        }
        let definition = self.definitions.get(name);
        let schema = definition.map(|definition| match &definition["Schema"] {
            Value::Null => &definition["schema"],
            schema => schema,
        });
        for (field, property) in
            schema.and_then(|schema| schema["properties"].as_object()).into_iter().flatten()
        {
            path.push(field.clone());
            self.property(property, path)?;
            path.pop();
        }
        self.seen.remove(name);
        Ok(())
    }

    fn property(&mut self, property: &Value, path: &mut Vec<String>) -> Result<(), BuildError> {
        let marked = |mark: &str| property[mark].as_str();
        let spec =
            |path: &[String]| FieldSpecs(vec![FieldSpec::new(self.gvk.clone(), &path.join("/"), false)]);
        if marked("x-kubernetes-annotation").is_some() {
            self.found.common_annotations.merge(&spec(path))?;
        }
        if marked("x-kubernetes-label-selector").is_some() {
            self.found.common_labels.merge(&spec(path))?;
        }
        if marked("x-kubernetes-identity").is_some() {
            self.found.name_prefix.merge(&spec(path))?;
        }
        if let (Some(version), Some(kind)) =
            (marked("x-kubernetes-object-ref-api-version"), marked("x-kubernetes-object-ref-kind"))
        {
            let name = marked("x-kubernetes-object-ref-name-key").unwrap_or("name").to_owned();
            let mut named = path.clone();
            named.push(name);
            let referrers = Referrers { target: Gvk::new("", version, kind), specs: spec(&named) };
            let more = Config { name_reference: vec![referrers], ..Config::default() };
            self.found.merge(&more)?;
        }
        match property["$ref"].as_str() {
            Some(reference) => self.definition(reference, path),
            None => Ok(()),
        }
    }
}
