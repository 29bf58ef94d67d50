//! What Go's libraries answered, recorded: see `tests/data/README.md`.

use std::collections::BTreeMap;
use std::path::Path;

use gitops_manifest::{Document, ParseOptions, parse, to_canonical_json, to_yaml};
use serde_json::Value;

fn table(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the canonical documents, or `None` when the text is refused.
fn recorded(side: &Value) -> Option<Vec<String>> {
    if side.get("err").is_some() {
        return None;
    }
    Some(side["docs"].as_array().unwrap().iter().map(to_canonical_json).collect())
}

/// Returns the documents as the recorder shows them: kustomize takes only maps and lists, knows no empty
/// document, and opens a `List` that is alone.
fn ours(text: &str, options: &ParseOptions, is_kustomize: bool) -> Option<Vec<String>> {
    let mut values: Vec<_> =
        parse("text", text.as_bytes(), options).ok()?.into_iter().map(Document::into_value).collect();
    values.retain(|value| !value.is_null());
    if is_kustomize {
        values.retain(|value| !value.as_object().is_some_and(|map| map.is_empty()));
        if values.iter().any(|value| !value.is_object() && !value.is_array()) {
            return None;
        }
        if values.len() == 1 && values[0].get("kind").is_some_and(|kind| kind == "List") {
            values = values[0]["items"].as_array().unwrap().clone();
        }
    }
    Some(values.iter().map(to_canonical_json).collect())
}

#[test]
fn texts_are_read_as_go_reads_them() {
    let differences: BTreeMap<(String, String), String> = table("read-differences.jsonl")
        .iter()
        .map(|line| {
            let text = |field: &str| line[field].as_str().unwrap().to_owned();
            ((text("resolver"), text("yaml")), text("why"))
        })
        .collect();
    let mut unseen = differences.clone();
    let mut count = 0;
    for line in table("read.jsonl") {
        let text = line["yaml"].as_str().unwrap();
        for (side, options) in
            [("kubectl", ParseOptions::kubectl()), ("kustomize", ParseOptions::kustomize())]
        {
            count += 1;
            let want = recorded(&line[side]);
            let got = ours(text, &options, side == "kustomize");
            let key = (side.to_owned(), text.to_owned());
            if got == want {
                assert!(!differences.contains_key(&key), "{side} reads {text:?} as Go does: no difference");
            } else {
                assert!(differences.contains_key(&key), "{side} {text:?}\nwant {want:?}\ngot  {got:?}");
                unseen.remove(&key);
            }
        }
    }
    assert!(unseen.is_empty(), "differences of texts that are not in the table: {unseen:?}");
    assert!(count > 3000, "the table is not whole: {count}");
    println!(
        "texts: {} of {count} as Go, {} reviewed differences",
        count - differences.len(),
        differences.len()
    );
}

#[test]
fn values_are_printed_as_go_prints_them() {
    let table = table("print.jsonl");
    assert!(table.len() > 1000, "the table is not whole: {}", table.len());
    for line in &table {
        let value = &line["json"];
        assert_eq!(to_yaml(value), line["printed"].as_str().unwrap(), "{value}");
    }
    println!("values: {} printed as Go prints them", table.len());
}

#[test]
fn keys_and_line_separators_that_go_loses_are_kept() {
    for text in ["<<", "a\u{2028}b", "\u{2029}", "a\u{85}b", "\u{7f}", "\u{feff}x", "\u{0}"] {
        let value = serde_json::json!({text: [text, {text: text}]});
        for options in [ParseOptions::kubectl(), ParseOptions::kustomize()] {
            let printed = to_yaml(&value);
            let read = parse("text", printed.as_bytes(), &options).unwrap();
            assert_eq!(read[0].value(), &value, "{printed:?}");
        }
    }
}
