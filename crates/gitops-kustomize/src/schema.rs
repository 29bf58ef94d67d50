//! Which lists of which kinds merge, and by which keys.

mod table;

use serde_json::Value;

use crate::error::BuildError;

/// The version of Kubernetes whose schema is built in.
pub(crate) const VERSION: &str = "v1.21.2";

/// A field of a built-in definition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    name: &'static str,
    list: bool,
    merge: Merge,
    /// The definition of the field, or of its elements.
    next: u16,
}

/// How a list merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Merge {
    No,
    By(&'static [&'static str]),
}

/// The schemas of a build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schemas {
    /// A document of the repository, `definitions` and all.
    custom: Option<Value>,
    /// Leaves the built-in ones beside the document, as Flux does.
    keep_builtin: bool,
    /// Somebody has asked for a kind.
    asked: std::cell::Cell<bool>,
}

/// A place in a schema.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Schema<'a> {
    /// A built-in definition.
    Builtin(u16),
    /// A list of a built-in definition.
    BuiltinList(&'static Field),
    /// A schema of the document.
    Custom(&'a Value),
}

impl Schemas {
    /// Reads a document of `openapi`.
    pub(crate) fn parse(bytes: &[u8], keep_builtin: bool) -> Result<Self, BuildError> {
        let value =
            crate::kustomization::config_value(bytes).map_err(|error| error.within("invalid schema file"))?;
        if !value.is_object() {
            return Err(BuildError::Malformed("invalid schema file: it must be a map".to_owned()));
        }
        Ok(Self { custom: Some(value), keep_builtin, ..Self::default() })
    }

    /// Tells whether a merge has asked for a kind.
    ///
    /// Kustomize loads the built-in schemas then, and a document that is named later in the build joins them instead
    /// of taking their place.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.get()
    }

    /// Returns the schema of a kind.
    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<Schema<'_>> {
        self.asked.set(true);
        if let Some(custom) = &self.custom {
            let (group, version) = crate::id::split_api_version(api_version);
            for definition in custom["definitions"].as_object().into_iter().flat_map(|map| map.values()) {
                let kinds = definition["x-kubernetes-group-version-kind"].as_array();
                let matches = kinds.into_iter().flatten().any(|one| {
                    one["group"].as_str().unwrap_or_default() == group
                        && one["version"].as_str() == Some(version)
                        && one["kind"].as_str() == Some(kind)
                });
                if matches {
                    return Some(Schema::Custom(definition));
                }
            }
            if !self.keep_builtin {
                return None;
            }
        }
        let found = table::KINDS.binary_search_by(|(known_version, known_kind, _)| {
            // The table is sorted by the text of both with a space between.
            let known = known_version.bytes().chain([b' ']).chain(known_kind.bytes());
            known.cmp(api_version.bytes().chain([b' ']).chain(kind.bytes()))
        });
        found.ok().map(|at| Schema::Builtin(table::KINDS[at].2))
    }

    /// Returns the schema of a field.
    pub(crate) fn field<'a>(&'a self, schema: Schema<'a>, name: &str) -> Option<Schema<'a>> {
        match schema {
            Schema::Builtin(at) => builtin_field(at, name),
            Schema::BuiltinList(_) => None,
            Schema::Custom(value) => {
                let field = value["properties"].get(name);
                let field =
                    field.or_else(|| Some(&value["additionalProperties"]).filter(|value| value.is_object()));
                self.resolve(field?)
            }
        }
    }

    /// Returns the schema of a list's elements.
    pub(crate) fn elements<'a>(&'a self, schema: Schema<'a>) -> Option<Schema<'a>> {
        match schema {
            Schema::Builtin(_) => None,
            Schema::BuiltinList(field) => Some(Schema::Builtin(field.next)),
            Schema::Custom(value) => {
                if value["type"].as_str() != Some("array") {
                    return None;
                }
                self.resolve(Some(&value["items"]).filter(|items| items.is_object())?)
            }
        }
    }

    fn resolve<'a>(&'a self, mut value: &'a Value) -> Option<Schema<'a>> {
        for _ in 0..32 {
            let Some(reference) = value["$ref"].as_str() else { return Some(Schema::Custom(value)) };
            let name = reference.strip_prefix("#/definitions/")?;
            match self.custom.as_ref()?["definitions"].get(name) {
                Some(found) => value = found,
                None if self.keep_builtin => {
                    let at = table::TYPES.binary_search_by_key(&name, |(name, _)| name).ok()?;
                    return u16::try_from(at).ok().map(Schema::Builtin);
                }
                None => return None,
            }
        }
        None
    }

    /// Returns the keys of a list that merges; no keys for one of plain values.
    pub(crate) fn merge_keys(schema: Schema<'_>) -> Option<Vec<String>> {
        match schema {
            Schema::Builtin(_) => None,
            Schema::BuiltinList(field) => match field.merge {
                Merge::By(keys) => Some(keys.iter().map(|key| (*key).to_owned()).collect()),
                Merge::No => None,
            },
            Schema::Custom(value) => {
                let strategy = value["x-kubernetes-patch-strategy"].as_str()?;
                if !strategy.split(',').any(|one| one == "merge") {
                    return None;
                }
                let keys = value["x-kubernetes-list-map-keys"].as_array();
                let text = |value: &Value| value.as_str().map(str::to_owned);
                Some(match keys {
                    Some(keys) => keys.iter().filter_map(text).collect(),
                    None => text(&value["x-kubernetes-patch-merge-key"]).into_iter().collect(),
                })
            }
        }
    }
}

fn builtin_field(at: u16, name: &str) -> Option<Schema<'static>> {
    let (_, fields) = table::TYPES.get(usize::from(at))?;
    let field = &fields[fields.binary_search_by_key(&name, |field| field.name).ok()?];
    Some(if field.list { Schema::BuiltinList(field) } else { Schema::Builtin(field.next) })
}
