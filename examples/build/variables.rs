//! The variables of a substitution, from flags and files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gitops_manifest::{Document, ParseOptions, parse};
use serde_json::Value;

use super::Flags;

/// Returns the variables: those of files, then the specification's own, then those of the flags; later ones win.
pub(crate) fn variables(
    flags: &Flags,
    inline: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for file in &flags.var_files {
        all.extend(of_file(file)?);
    }
    all.extend(inline.clone());
    for given in &flags.vars {
        let (name, value) =
            given.split_once('=').ok_or_else(|| format!("--var {given}: must be NAME=VALUE"))?;
        all.insert(name.to_owned(), value.to_owned());
    }
    Ok(all)
}

fn of_file(file: &Path) -> Result<BTreeMap<String, String>, String> {
    let shown = file.display().to_string();
    let bytes = fs::read(file).map_err(|error| format!("{shown}: {error}"))?;
    if !matches!(file.extension().and_then(|ending| ending.to_str()), Some("yaml" | "yml" | "json")) {
        return lines(&shown, &String::from_utf8_lossy(&bytes));
    }
    let documents = parse(&shown, &bytes, &ParseOptions::kubectl()).map_err(|error| error.to_string())?;
    let mut all = BTreeMap::new();
    for value in documents.into_iter().map(Document::into_value).filter(|value| !value.is_null()) {
        let is_object = value.get("apiVersion").is_some() && value.get("kind").is_some();
        if !is_object {
            texts(&value, &mut all);
            continue;
        }
        if value["kind"] == "Secret" {
            for (key, entry) in value["data"].as_object().into_iter().flatten() {
                let text = entry.as_str().and_then(decoded);
                let text =
                    text.ok_or_else(|| format!("{shown}: data.{key} of a Secret is no base64 of a text"))?;
                all.insert(key.clone(), text);
            }
            texts(&value["stringData"], &mut all);
        } else {
            texts(&value["data"], &mut all);
        }
    }
    Ok(all)
}

fn decoded(text: &str) -> Option<String> {
    use base64::Engine as _;
    let bytes = base64::prelude::BASE64_STANDARD.decode(text).ok()?;
    String::from_utf8(bytes).ok()
}

fn texts(map: &Value, all: &mut BTreeMap<String, String>) {
    for (key, value) in map.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        all.insert(key.clone(), text);
    }
}

fn lines(shown: &str, text: &str) -> Result<BTreeMap<String, String>, String> {
    let is_said = |(_, line): &(usize, &str)| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let pair = |(at, line): (usize, &str)| match line.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.to_owned())),
        None => Err(format!("{shown}:{}: must be NAME=VALUE", at + 1)),
    };
    text.lines().enumerate().filter(is_said).map(pair).collect()
}
