//! One case: which part of the crate it is about, and what must come of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Map, Value};
use structured_merge::schema::{Table, TypeRef, deduced};
use structured_merge::{
    Comparison, Conflicts, Duplicates, Filter, ListKeys, Managers, Owned, Path, PathElement, PatternElement,
    Set, compare_values, equal_values,
};

use crate::{expect, scenario, text};

pub(crate) struct Corpus {
    folder: PathBuf,
    /// Files that were read, for several cases share the large ones.
    files: RefCell<HashMap<String, Result<Value, String>>>,
}

impl Corpus {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, files: RefCell::default() }
    }

    pub(crate) fn cases(&self) -> Vec<Value> {
        let text = self.read("cases.jsonl");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.join(path)).unwrap()
    }

    /// Returns a YAML text that stands in the case (`object`) or in a file of its own (`object_file`).
    pub(crate) fn yaml(&self, entry: &Value, name: &str) -> Result<Value, String> {
        match entry[format!("{name}_file")].as_str() {
            Some(file) => {
                let path = format!("{}{file}", folder_of(name, file));
                let mut files = self.files.borrow_mut();
                files.entry(path.clone()).or_insert_with(|| yaml(&self.read(&path))).clone()
            }
            None => yaml(text(entry, name)),
        }
    }

    pub(crate) fn table(&self, entry: &Value, name: &str) -> Result<Table, String> {
        Table::from_smd(&self.yaml(entry, name)?).map_err(|error| error.to_string())
    }

    pub(crate) fn run(&self, feature: &str, case: &Value) -> Result<(), String> {
        let (input, want) = (&case["input"], &case["expect"]);
        let (group, name) = feature.split_once('/').unwrap();
        match (group, name) {
            ("merge", "conflict-report") => conflict_report(input, want),
            ("merge", _) => scenario::run(self, input, want),
            ("typed", "schema-load") => {
                expect("loads", &self.table(input, "schema").is_ok(), &want["ok"].as_bool().unwrap())
            }
            ("typed", "compare-exclude") => compare_exclude(input, want),
            ("typed", "deduced") => {
                let op = match text(input, "op") {
                    "toset" | "to_set" => "to-set",
                    op => op,
                };
                on_type(op, deduced(), input, want)
            }
            ("typed", _) => {
                let table = self.table(input, "schema")?;
                on_type(name, named(&table, text(input, "type"))?, input, want)
            }
            ("files", op) => self.files(op, input, want),
            ("fieldpath", "ensure-named") => self.ensure_named(input, want),
            ("fieldpath", _) => on_paths(name, input, want),
            ("value", "order") => {
                let order = compare_values(&input["a"], &input["b"]) as i64;
                expect("order", &order, &want["order"].as_i64().unwrap())?;
                let back = compare_values(&input["b"], &input["a"]) as i64;
                expect("order of the swapped", &back, &-order)
            }
            _ => Err(format!("feature {feature} is unknown")),
        }
    }

    fn files(&self, op: &str, input: &Value, want: &Value) -> Result<(), String> {
        let table = self.table(input, "schema")?;
        let of = named(&table, text(input, "type"))?;
        let read = |name: &str| {
            let value = self.yaml(input, name)?;
            of.validate(&value, Duplicates::Refuse).map_err(|error| error.to_string())?;
            Ok::<_, String>(value)
        };
        let got = match op {
            "validate" => read("object").map(|_| String::new()),
            "merge" => read("lhs").and_then(|lhs| {
                let rhs = read("rhs")?;
                of.merge(&lhs, &rhs).map_err(|error| error.to_string())?;
                Ok(String::new())
            }),
            "compare" => read("lhs").and_then(|lhs| {
                let rhs = read("rhs")?;
                of.compare(&lhs, &rhs).map(|change| change.to_string()).map_err(|error| error.to_string())
            }),
            "added-from-empty" => read("object").and_then(|object| {
                let change = of.compare(&Value::Null, &object).map_err(|error| error.to_string())?;
                Ok(change.added.to_fields_v1_text())
            }),
            _ => return Err(format!("{op} is unknown")),
        };
        expect("error", &got.is_err(), &want["error"].as_bool().unwrap())?;
        for name in ["text", "json"] {
            if let Some(want) = want[name].as_str() {
                expect(name, &got.clone()?.as_str(), &want)?;
            }
        }
        Ok(())
    }

    fn ensure_named(&self, input: &Value, want: &Value) -> Result<(), String> {
        let table = self.table(input, "schema")?;
        let of = named(&table, text(input, "type"))?;
        let object = valid(of, text(input, "object"), Duplicates::Refuse)?;
        let before = of.field_set(&object).map_err(|error| error.to_string())?;
        expect("set before", &before, &set(&want["set_before"])?)?;
        let newer = match input.get("new_schema") {
            Some(_) => self.table(input, "new_schema")?,
            None => table.clone(),
        };
        let of = named(&newer, text(input, "type"))?;
        expect("set", &of.with_declared_parents(&before), &set(&want["set"])?)
    }
}

/// Files named without their folder stand in the one for their kind.
fn folder_of(name: &str, file: &str) -> &'static str {
    match (file.contains('/'), name) {
        (true, _) => "",
        (false, "schema") => "schemas/",
        (false, _) => "objects/",
    }
}

pub(crate) fn yaml(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    // Some of the files say one thing twice, which Go's reader takes.
    let options = serde_saphyr::options! { duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| format!("yaml: {error}"))
}

pub(crate) fn set(fields: &Value) -> Result<Set, String> {
    Set::from_fields_v1(fields).map_err(|error| error.to_string())
}

pub(crate) fn named<'t>(table: &'t Table, name: &str) -> Result<TypeRef<'t>, String> {
    table.named(name).ok_or_else(|| format!("no type {name}"))
}

pub(crate) fn valid(of: TypeRef<'_>, object: &str, duplicates: Duplicates) -> Result<Value, String> {
    let value = yaml(object)?;
    of.validate(&value, duplicates).map_err(|error| error.to_string())?;
    Ok(value)
}

pub(crate) fn path(elements: &Value) -> Result<Path, String> {
    let elements = elements.as_array().unwrap().iter();
    let elements: Result<Vec<PathElement>, _> =
        elements.map(|element| element.as_str().unwrap().parse()).collect();
    elements.map(Path::new).map_err(|error| error.to_string())
}

/// Reads managers written as `{name: {version, applied, set}}`.
pub(crate) fn managers(value: &Value) -> Result<Managers, String> {
    let entries = value.as_object().unwrap().iter();
    entries
        .map(|(name, owned)| {
            let version = text(owned, "version").to_owned();
            let applied = owned["applied"].as_bool().unwrap_or_default();
            Ok((name.clone(), Owned { set: set(&owned["set"])?, version, applied }))
        })
        .collect()
}

fn values_equal(what: &str, got: &Value, want: &Value) -> Result<(), String> {
    if equal_values(got, want) { Ok(()) } else { Err(format!("{what}: got {got}, want {want}")) }
}

/// Checks what a type makes of values.
fn on_type(op: &str, of: TypeRef<'_>, input: &Value, want: &Value) -> Result<(), String> {
    let duplicates = if input["allow_duplicates"] == true { Duplicates::Allow } else { Duplicates::Refuse };
    let object = |name: &str, duplicates| valid(of, text(input, name), duplicates);
    match op {
        "validate" => {
            let got = object("object", Duplicates::Refuse).is_ok();
            expect("valid", &got, &want["valid"].as_bool().unwrap())?;
            match want["valid_with_duplicates"].as_bool() {
                None => Ok(()),
                Some(want) => {
                    let got = object("object", Duplicates::Allow).is_ok();
                    expect("valid with duplicates", &got, &want)
                }
            }
        }
        "to-set" => {
            let got = of.field_set(&object("object", duplicates)?).map_err(|error| error.to_string())?;
            expect("set", &got, &set(&want["set"])?)
        }
        "merge" => {
            let left = if input["allow_duplicates"] == "lhs" { Duplicates::Allow } else { duplicates };
            let (lhs, rhs) = (object("lhs", left)?, object("rhs", duplicates)?);
            let got = of.merge(&lhs, &rhs).map_err(|error| error.to_string())?;
            values_equal("merged", &got, &yaml(text(want, "object"))?)
        }
        "compare" => {
            let (lhs, rhs) = (object("lhs", duplicates)?, object("rhs", duplicates)?);
            let got = of.compare(&lhs, &rhs).map_err(|error| error.to_string())?;
            expect("comparison", &got, &comparison(want)?)?;
            let back = of.compare(&rhs, &lhs).map_err(|error| error.to_string())?;
            let swapped = Comparison { added: got.removed, modified: got.modified, removed: got.added };
            expect("comparison of the swapped", &back, &swapped)
        }
        "remove-extract" => {
            let (object, set) = (object("object", Duplicates::Refuse)?, set(&input["set"])?);
            if let Some(want) = want["removed"].as_str() {
                values_equal("removed", &of.remove(object.clone(), &set), &yaml(want)?)?;
            }
            if let Some(want) = want["extracted"].as_str() {
                values_equal("extracted", &of.extract(&object, &set, ListKeys::AsOwned), &yaml(want)?)?;
            }
            Ok(())
        }
        "reversible-extract" => {
            let object = object("object", Duplicates::Refuse)?;
            let partial = valid(of, text(input, "partial"), Duplicates::Refuse)?;
            let merged = of.merge(&object, &partial).map_err(|error| error.to_string())?;
            let leaves = of.field_set(&partial).map_err(|error| error.to_string())?.leaves();
            let got = of.extract(&merged, &leaves, ListKeys::AsOwned);
            values_equal("extracted", &got, &yaml(text(want, "extracted"))?)
        }
        "extract-with-keys" => {
            let (object, set) = (object("object", Duplicates::Refuse)?, set(&input["set"])?);
            let got = of.extract(&object, &set, ListKeys::Always);
            values_equal("extracted", &got, &yaml(text(want, "extracted"))?)?;
            if want["extracted_not_validated"] != true {
                of.validate(&got, Duplicates::Refuse).map_err(|error| error.to_string())?;
            }
            Ok(())
        }
        "reconcile" => {
            object("object", Duplicates::Refuse)?;
            let got = of.reconcile(&set(&input["set"])?).map_err(|error| error.to_string())?;
            expect("changed", &got.is_some(), &want["changed"].as_bool().unwrap())?;
            match got {
                Some(got) => expect("set", &got, &set(&want["set"])?),
                None => Ok(()),
            }
        }
        _ => Err(format!("{op} is unknown")),
    }
}

fn comparison(value: &Value) -> Result<Comparison, String> {
    Ok(Comparison {
        added: set(&value["added"])?,
        modified: set(&value["modified"])?,
        removed: set(&value["removed"])?,
    })
}

fn compare_exclude(input: &Value, want: &Value) -> Result<(), String> {
    let before = comparison(&input["comparison"])?;
    let got = match &input["exclude"] {
        Value::Null => before,
        paths => before.exclude(&set(paths)?),
    };
    expect("comparison", &got, &comparison(want)?)
}

fn conflict_report(input: &Value, want: &Value) -> Result<(), String> {
    let conflicts = Conflicts::with(&managers(&input["managers"])?);
    if let Some(want) = want["text"].as_str() {
        expect("text", &conflicts.to_string().as_str(), &want)?;
    }
    if want["set"].is_object() {
        expect("set", &conflicts.to_set(), &set(&want["set"])?)?;
    }
    Ok(())
}

/// Checks paths, sets and their JSON.
fn on_paths(name: &str, input: &Value, want: &Value) -> Result<(), String> {
    match name {
        "fieldsv1" => {
            let set: Set = text(input, "json").parse().map_err(|error| format!("{error}"))?;
            expect("json", &set.to_fields_v1_text().as_str(), &text(want, "json"))?;
            expect("serialised", &serde_json::to_string(&set).unwrap().as_str(), &text(want, "json"))
        }
        "fieldsv1-error" | "fieldsv1-accept" => {
            let failed = text(input, "json").parse::<Set>().is_err();
            expect("error", &failed, &want["error"].as_bool().unwrap())
        }
        "element-text" => {
            let got: PathElement = text(input, "text").parse().map_err(|error| format!("{error}"))?;
            expect("element", &got, &element(&want["element"]))?;
            match want["text"].as_str() {
                Some(want) => expect("text", &got.to_fields_v1().as_str(), &want),
                None => Ok(()),
            }
        }
        "element-text-error" => {
            let Err(error) = text(input, "text").parse::<PathElement>() else {
                return Err("it was read".to_owned());
            };
            let unknown = matches!(error, structured_merge::FieldsV1Error::UnknownKind(_));
            expect("unknown kind", &unknown, &(want["unknown_element_type"] == true))
        }
        "path-string" => expect("text", &path(&input["path"])?.to_string().as_str(), &text(want, "string")),
        "element-order" => {
            let (a, b) = (element(&input["a"]), element(&input["b"]));
            expect("order", &(a.cmp(&b) as i64), &want["order"].as_i64().unwrap())?;
            expect("order of the swapped", &(b.cmp(&a) as i64), &-want["order"].as_i64().unwrap())
        }
        "from-value" => expect("set", &Set::guess(&yaml(text(input, "object"))?), &set(&want["set"])?),
        "managers" => {
            let (lhs, rhs) = (managers(&input["lhs"])?, managers(&input["rhs"])?);
            match text(input, "op") {
                "equals" => expect("equal", &(lhs == rhs), &want["equal"].as_bool().unwrap()),
                _ => expect("managers", &lhs.symmetric_difference(&rhs), &managers(&want["managers"])?),
            }
        }
        "filter" => {
            let patterns = input["include_prefixes"].as_array().unwrap().iter().map(|pattern| {
                let elements = pattern.as_array().unwrap().iter().map(|element| match element.as_str() {
                    Some("*") => PatternElement::Any,
                    element => PatternElement::Is(element.unwrap().parse().unwrap()),
                });
                elements.collect()
            });
            let filter = Filter::include(patterns);
            expect("set", &filter.apply(&set(&input["set"])?), &set(&want["set"])?)
        }
        "set-ops" => set_ops(input, want),
        _ => Err(format!("{name} is unknown")),
    }
}

fn set_ops(input: &Value, want: &Value) -> Result<(), String> {
    let of_paths = || {
        let paths = input["paths"].as_array().unwrap().iter().map(path);
        paths.collect::<Result<Set, _>>()
    };
    let of = |name: &str| set(&input[name]);
    let got = match text(input, "op") {
        "has" => {
            let got = of_paths()?.has(&path(&input["path"])?);
            return expect("has", &got, &want["has"].as_bool().unwrap());
        }
        "equals" => return expect("equal", &(of("a")? == of("b")?), &want["equal"].as_bool().unwrap()),
        "iterate" => {
            let all = of_paths()?;
            expect("size", &all.len(), &usize::try_from(want["size"].as_u64().unwrap()).unwrap())?;
            all.iter().collect()
        }
        "union" => of("a")?.union(&of("b")?),
        "intersection" | "intersection-by-union-and-difference" => of("a")?.intersection(&of("b")?),
        "difference" => of("a")?.difference(&of("b")?),
        "recursive-difference" => of("a")?.recursive_difference(&of("b")?),
        "leaves" => of("a")?.leaves(),
        "insert" => of_paths()?,
        op => return Err(format!("{op} is unknown")),
    };
    expect("set", &got, &set(&want["set"])?)
}

fn element(value: &Value) -> PathElement {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "field" => PathElement::field(value.as_str().unwrap()),
        "index" => PathElement::index(value.as_i64().unwrap()),
        "value" => PathElement::value(value.clone()),
        "key" => {
            let fields: &Map<String, Value> = value.as_object().unwrap();
            PathElement::key(fields.iter().map(|(name, value)| (name.as_str(), value.clone())))
        }
        _ => panic!("{kind} is no kind of element"),
    }
}
