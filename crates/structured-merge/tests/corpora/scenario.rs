//! Scenarios: managers apply and update one after the other.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use structured_merge::schema::{Table, TypeRef, deduced};
use structured_merge::{
    ConvertError, Duplicates, Filter, Force, ListKeys, Managers, UpdateError, Updater, Versions, equal_values,
};

use crate::case::{Corpus, managers, path, set, yaml};
use crate::{expect, text};

pub(crate) fn run(corpus: &Corpus, input: &Value, want: &Value) -> Result<(), String> {
    let wants_error = want["error"] == true;
    let mut state = State::new(corpus, input)?;
    let mut conflicts = Vec::new();
    for (position, op) in input["ops"].as_array().unwrap().iter().enumerate() {
        match state.play(corpus, op) {
            Ok(()) => {}
            Err(Failure::Conflicts(found)) => conflicts.extend(
                found.as_slice().iter().map(|c| (position as u64, c.manager.clone(), c.path.clone())),
            ),
            Err(Failure::Other(_)) if wants_error => return Ok(()),
            Err(Failure::Other(why)) => return Err(format!("op {position}: {why}")),
        }
    }
    if wants_error {
        return Err("no op failed".to_owned());
    }
    if let Some(wanted) = want["conflicts"].as_array() {
        let wanted: Result<Vec<_>, String> = wanted
            .iter()
            .map(|conflict| {
                let op = conflict["op"].as_u64().unwrap();
                Ok((op, text(conflict, "manager").to_owned(), path(&conflict["path"])?))
            })
            .collect();
        let mut wanted = wanted?;
        wanted.sort();
        conflicts.sort();
        expect("conflicts", &conflicts, &wanted)?;
    }
    if want["object"].is_string() {
        let version = want["version"].as_str().unwrap_or(&state.version).to_owned();
        let got = state.live_at(&version).map_err(|error| error.to_string())?;
        let wanted = yaml(text(want, "object"))?;
        if !equal_values(&got, &wanted) {
            return Err(format!("object: got {got}, want {wanted}"));
        }
    }
    if want["managed"].is_object() {
        expect("managed", &state.managers, &managers(&want["managed"])?)?;
    }
    let empty = state.managers.iter().find(|(_, owned)| owned.set.is_empty());
    expect("managers without anything", &empty.map(|(name, _)| name.clone()), &None)
}

enum Failure {
    Conflicts(structured_merge::Conflicts),
    Other(String),
}

impl From<UpdateError<String>> for Failure {
    fn from(error: UpdateError<String>) -> Self {
        match error {
            UpdateError::Conflicts(conflicts) => Self::Conflicts(conflicts),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

struct State {
    kind: Kind,
    ignored: BTreeMap<String, Filter>,
    live: Value,
    version: String,
    managers: Managers,
}

impl State {
    fn new(corpus: &Corpus, input: &Value) -> Result<Self, String> {
        let parser = &input["parser"];
        let table = match parser["deduced"] == true {
            true => None,
            false => Some(corpus.table(parser, "schema")?),
        };
        let mut ignored = BTreeMap::new();
        for (version, paths) in input["ignored"].as_object().into_iter().flatten() {
            ignored.insert(version.clone(), Filter::exclude(set(paths)?));
        }
        Ok(Self {
            kind: Kind { table, parser: parser.clone(), converter: input["converter"].clone() },
            ignored,
            live: Value::Null,
            version: String::new(),
            managers: Managers::new(),
        })
    }

    fn live_at(&self, version: &str) -> Result<Value, ConvertError> {
        if self.version.is_empty() || self.version == version {
            return Ok(self.live.clone());
        }
        self.kind.convert(&self.live, &self.version, version)
    }

    fn play(&mut self, corpus: &Corpus, op: &Value) -> Result<(), Failure> {
        match text(op, "op") {
            "change-schema" => {
                self.kind.table = Some(corpus.table(op, "schema")?);
                return Ok(());
            }
            "set-versions" => {
                self.kind.converter["versions"] = op["versions"].clone();
                return Ok(());
            }
            _ => {}
        }
        let (kind, manager, version) = (text(op, "op"), text(op, "manager").to_owned(), text(op, "version"));
        let live = self.live_at(version).map_err(|error| error.to_string())?;
        let object = corpus.yaml(op, "object")?;
        let of = self.kind.type_of(version).ok_or_else(|| format!("no type for {version}"))?;
        let mut updater = Updater::new(&self.kind);
        for (version, filter) in &self.ignored {
            updater = updater.with_filter(version.as_str(), filter.clone());
        }
        if kind == "update" {
            let managers = self.managers.clone();
            self.managers = updater.update(&live, &object, version, managers, &manager)?;
            self.live = object;
        } else {
            of.validate(&object, Duplicates::Refuse).map_err(|error| error.to_string())?;
            let (object, force) = match kind {
                "apply" => (object, Force::No),
                "force-apply" => (object, Force::Yes),
                "extract-apply" => {
                    let mine = self.managers.get(&manager).map(|owned| owned.set.leaves());
                    let before = match live.is_null() {
                        true => Value::Null,
                        false => of.extract(&live, &mine.unwrap_or_default(), ListKeys::AsOwned),
                    };
                    (of.merge(&before, &object).map_err(|error| error.to_string())?, Force::Yes)
                }
                other => return Err(format!("op {other} is unknown").into()),
            };
            let merged = updater.apply(&live, &object, version, self.managers.clone(), &manager, force)?;
            if !merged.changed {
                assert!(equal_values(&merged.object, &live), "said to be unchanged, but is not");
            }
            (self.live, self.managers) = (merged.object, merged.managers);
        }
        self.version = version.to_owned();
        Ok(())
    }
}

/// The versions of a scenario's object: which types they have, and how it is converted.
struct Kind {
    table: Option<Table>,
    parser: Value,
    converter: Value,
}

impl Versions for Kind {
    fn type_of(&self, version: &str) -> Option<TypeRef<'_>> {
        let Some(table) = &self.table else { return Some(deduced()) };
        let name = if self.parser["type_is_version"] == true {
            version
        } else if let Value::Object(types) = &self.parser["type_of_version"] {
            types.get(version)?.as_str()?
        } else {
            self.parser["type"].as_str()?
        };
        table.named(name)
    }

    fn convert(&self, object: &Value, from: &str, to: &str) -> Result<Value, ConvertError> {
        let unknown = || ConvertError::UnknownVersion(to.to_owned());
        match text(&self.converter, "kind") {
            "same" => Ok(object.clone()),
            "listed" => {
                let known = self.converter["versions"].as_array().unwrap().iter().any(|known| known == to);
                if known { Ok(object.clone()) } else { Err(unknown()) }
            }
            "rename-suffix" => Ok(rename_suffix(object, from, to)),
            "repeat-letter" => Ok(repeat_letter(object, to.trim_start_matches('v').parse().unwrap(), true)),
            "rename-field" => {
                let rename = &self.converter["to_version"][to];
                let (Value::Object(map), Some(before), Some(after)) =
                    (object, rename["from"].as_str(), rename["to"].as_str())
                else {
                    return Ok(object.clone());
                };
                if rename["requires"].as_str().is_some_and(|required| !map.contains_key(required)) {
                    return Err(ConvertError::Failed {
                        from: from.to_owned(),
                        to: to.to_owned(),
                        source: "a required field is missing".into(),
                    });
                }
                let renamed = map.iter().map(|(name, value)| {
                    (if name == before { after.to_owned() } else { name.clone() }, value.clone())
                });
                Ok(Value::Object(renamed.collect()))
            }
            other => panic!("converter {other} is unknown"),
        }
    }
}

fn rename_suffix(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::Object(map) => {
            let renamed = map.iter().map(|(name, value)| {
                let name = match name.strip_suffix(from) {
                    Some(stem) => format!("{stem}{to}"),
                    None => name.clone(),
                };
                (name, rename_suffix(value, from, to))
            });
            Value::Object(renamed.collect())
        }
        Value::Array(items) => items.iter().map(|item| rename_suffix(item, from, to)).collect(),
        other => other.clone(),
    }
}

/// Below the top each key becomes its first letter, as often as the version says; leaves are lost.
fn repeat_letter(value: &Value, times: usize, is_top: bool) -> Value {
    let Value::Object(map) = value else { return Value::Null };
    let renamed: Map<String, Value> = map
        .iter()
        .map(|(name, value)| {
            let name = if is_top { name.clone() } else { name[..1].repeat(times) };
            (name, repeat_letter(value, times, false))
        })
        .collect();
    Value::Object(renamed)
}
