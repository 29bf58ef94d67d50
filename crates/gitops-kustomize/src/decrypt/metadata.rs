//! SOPS' own part of a file: the keys, the rule, the MAC.

use std::collections::BTreeMap;

use super::flatten::unflatten;
use super::master_key::MasterKey;
use super::rules::{Pattern, Rule};
use super::time::Time;
use super::tree::{Branch, Item, Value};

/// How a format keeps the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A map under `sops`, in YAML, JSON and binary files.
    Nested,
    /// A section `sops` with flat keys, in ini files.
    Section,
    /// Flat keys that begin with `sops_`, in dotenv files.
    Flat,
}

/// What SOPS has written about a file.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    /// The keys; any one of a group opens its part.
    pub(super) groups: Vec<Vec<MasterKey>>,
    /// How many groups are needed, where there are several.
    pub(super) threshold: usize,
    pub(super) rule: Rule,
    pub(super) mac: String,
    pub(super) only_encrypted: bool,
    pub(super) last_modified: Time,
}

/// Why there is no metadata.
#[derive(Debug)]
pub(super) enum Missing {
    /// Nothing in the file is SOPS'.
    NotEncrypted,
    /// It cannot be read; the reason repeats no value.
    Malformed(String),
}

impl From<String> for Missing {
    fn from(reason: String) -> Self {
        Self::Malformed(reason)
    }
}

/// Takes the metadata out of the documents. The first document's counts; that of later ones is dropped.
pub(super) fn extract(branches: &mut [Branch], shape: Shape) -> Result<Metadata, Missing> {
    let found = match shape {
        Shape::Flat => flat(branches),
        Shape::Nested | Shape::Section => nested(branches)?,
    };
    let Some(mut found) = found else { return Err(Missing::NotEncrypted) };
    if shape == Shape::Section {
        // The section's line breaks are escaped twice.
        for item in &mut found {
            if let Value::Text(text) = &mut item.value {
                *text = text.replace("\\n", "\n");
            }
        }
    }
    if shape != Shape::Nested {
        found = unflatten(&found)?;
    }
    parse(&found)
}

fn nested(branches: &mut [Branch]) -> Result<Option<Branch>, Missing> {
    let mut found = None;
    for (index, branch) in branches.iter_mut().enumerate() {
        let (own, rest): (Vec<Item>, Vec<Item>) =
            std::mem::take(branch).into_iter().partition(|item| item.name() == Some("sops"));
        *branch = rest;
        if index > 0 {
            continue;
        }
        if own.len() > 1 {
            return Err(Missing::Malformed("found duplicate sops entry".to_owned()));
        }
        found = match own.into_iter().next().map(|item| item.value) {
            None => None,
            Some(Value::Map(map)) => Some(map),
            Some(_) => return Err(Missing::Malformed("found sops entry that is not a mapping".to_owned())),
        };
    }
    Ok(found)
}

fn flat(branches: &mut [Branch]) -> Option<Branch> {
    let branch = branches.first_mut()?;
    let (own, rest): (Vec<Item>, Vec<Item>) = std::mem::take(branch)
        .into_iter()
        .partition(|item| item.name().is_some_and(|k| k.starts_with("sops_")));
    *branch = rest;
    let mut own = own;
    for item in &mut own {
        let name = item.name().unwrap_or_default().trim_start_matches("sops_").to_owned();
        *item = Item::new(name, std::mem::replace(&mut item.value, Value::Null));
    }
    (!own.is_empty()).then_some(own)
}

fn parse(map: &Branch) -> Result<Metadata, Missing> {
    let fields = Fields { map, within: "sops" };
    let last_modified = fields.time("lastmodified")?;
    let groups = groups(&fields)?;
    if fields.text("version")?.is_empty() {
        return Err(Missing::Malformed("sops.version is missing or empty".to_owned()));
    }
    Ok(Metadata {
        groups,
        threshold: fields.count("shamir_threshold")?,
        rule: rule(&fields)?,
        mac: fields.text("mac")?,
        only_encrypted: fields.flag("mac_only_encrypted")?,
        last_modified,
    })
}

fn rule(fields: &Fields<'_>) -> Result<Rule, Missing> {
    type Make = fn(&str) -> Rule;
    let known: [(&str, Make); 6] = [
        ("unencrypted_suffix", |text| Rule::UnencryptedSuffix(text.to_owned())),
        ("encrypted_suffix", |text| Rule::EncryptedSuffix(text.to_owned())),
        ("unencrypted_regex", |text| Rule::UnencryptedKeys(Pattern::new(text))),
        ("encrypted_regex", |text| Rule::EncryptedKeys(Pattern::new(text))),
        ("unencrypted_comment_regex", |text| Rule::UnencryptedComments(Pattern::new(text))),
        ("encrypted_comment_regex", |text| Rule::EncryptedComments(Pattern::new(text))),
    ];
    let mut rules = Vec::new();
    for (name, make) in known {
        let text = fields.text(name)?;
        if !text.is_empty() {
            rules.push((name, make(&text)));
        }
    }
    if let [(first, _), (second, _), ..] = rules.as_slice() {
        return Err(Missing::Malformed(format!(
            "sops.{first} and sops.{second} exclude each other, only one may be in a file"
        )));
    }
    Ok(rules.pop().map_or_else(Rule::default_rule, |(_, rule)| rule))
}

/// The keys directly in the metadata are one group; otherwise the groups are listed.
fn groups(fields: &Fields<'_>) -> Result<Vec<Vec<MasterKey>>, Missing> {
    let single = group(fields)?;
    if !single.is_empty() {
        return Ok(vec![single]);
    }
    let mut groups = Vec::new();
    for map in fields.maps("key_groups")? {
        groups.push(group(&Fields { map: &map, within: "sops.key_groups" })?);
    }
    if groups.is_empty() {
        return Err(Missing::Malformed("no keys found in file".to_owned()));
    }
    Ok(groups)
}

fn group(fields: &Fields<'_>) -> Result<Vec<MasterKey>, Missing> {
    type Make = fn(&Fields<'_>) -> Result<MasterKey, Missing>;
    let kinds: [(&str, Make); 7] = [
        ("kms", aws),
        ("gcp_kms", |key| {
            Ok(MasterKey::Gcp { resource_id: key.text("resource_id")?, encrypted: key.text("enc")? })
        }),
        ("hckms", |key| Ok(MasterKey::Huawei { key_id: key.text("key_id")? })),
        ("azure_kv", |key| {
            Ok(MasterKey::Azure {
                vault_url: key.text("vault_url")?,
                name: key.text("name")?,
                version: key.text("version")?,
                encrypted: key.text("enc")?,
            })
        }),
        ("hc_vault", |key| {
            Ok(MasterKey::Vault {
                address: key.text("vault_address")?,
                engine_path: key.text("engine_path")?,
                name: key.text("key_name")?,
                encrypted: key.text("enc")?,
            })
        }),
        ("pgp", |key| Ok(MasterKey::Pgp { fingerprint: key.text("fp")?, encrypted: key.text("enc")? })),
        ("age", |key| Ok(MasterKey::Age { recipient: key.text("recipient")?, encrypted: key.text("enc")? })),
    ];
    let mut keys = Vec::new();
    for (kind, make) in kinds {
        for map in fields.maps(kind)? {
            let key = Fields { map: &map, within: kind };
            if kind != "age" {
                key.time("created_at")?;
            }
            keys.push(make(&key)?);
        }
    }
    Ok(keys)
}

fn aws(key: &Fields<'_>) -> Result<MasterKey, Missing> {
    let mut context = BTreeMap::new();
    for map in key.maps("context")? {
        let fields = Fields { map: &map, within: "kms.context" };
        for name in map.iter().filter_map(Item::name) {
            context.insert(name.to_owned(), fields.text(name)?);
        }
    }
    let (arn, role) = (key.text("arn")?, key.text("role")?);
    Ok(MasterKey::Aws { arn, role, context, encrypted: key.text("enc")? })
}

/// The fields of a map, read as loosely as sops reads them: a number is as good as its text, and one thing as good as a
/// list of it.
struct Fields<'a> {
    map: &'a Branch,
    within: &'a str,
}

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.map.iter().rev().find(|item| item.name() == Some(name)).map(|item| &item.value);
        found.filter(|value| **value != Value::Null)
    }

    fn bad(&self, name: &str, wanted: &str) -> Missing {
        Missing::Malformed(format!("{}.{name} is no {wanted}", self.within))
    }

    fn text(&self, name: &str) -> Result<String, Missing> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(Value::Text(text)) => Ok(text.clone()),
            Some(Value::Bool(flag)) => Ok(if *flag { "1" } else { "0" }.to_owned()),
            Some(Value::Int(int)) => Ok(int.to_string()),
            Some(Value::Float(float)) => Ok(super::number::plain(*float)),
            // An unquoted time in YAML; sops itself quotes it, and cannot read it otherwise.
            Some(_) => Err(self.bad(name, "text")),
        }
    }

    fn time(&self, name: &str) -> Result<Time, Missing> {
        Time::parse(&self.text(name)?).ok_or_else(|| self.bad(name, "time in the form of RFC 3339"))
    }

    fn count(&self, name: &str) -> Result<usize, Missing> {
        let bad = || self.bad(name, "count");
        match self.get(name) {
            None => Ok(0),
            Some(Value::Text(text)) if text.is_empty() => Ok(0),
            Some(Value::Text(text)) => text.parse().map_err(|_| bad()),
            Some(Value::Int(int)) => usize::try_from(*int).map_err(|_| bad()),
            Some(Value::Bool(flag)) => Ok(usize::from(*flag)),
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as Go converts it")]
            Some(Value::Float(float)) if *float >= 0.0 => Ok(*float as usize),
            Some(_) => Err(bad()),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, Missing> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Int(int)) => Ok(*int != 0),
            Some(Value::Float(float)) => Ok(*float != 0.0),
            Some(Value::Text(text)) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
                "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
                _ => Err(self.bad(name, "bool")),
            },
            Some(_) => Err(self.bad(name, "bool")),
        }
    }

    fn maps(&self, name: &str) -> Result<Vec<Branch>, Missing> {
        let bad = || self.bad(name, "list of maps");
        let map = |value: &Value| match value {
            Value::Map(map) => Some(Ok(map.clone())),
            Value::Null => Some(Ok(Branch::new())),
            Value::Comment(_) => None,
            _ => Some(Err(bad())),
        };
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::List(items)) => items.iter().filter_map(map).collect(),
            Some(Value::Map(empty)) if empty.is_empty() => Ok(Vec::new()),
            Some(Value::Map(map)) => Ok(vec![map.clone()]),
            Some(Value::Text(text)) if text.is_empty() => Ok(Vec::new()),
            Some(_) => Err(bad()),
        }
    }
}
