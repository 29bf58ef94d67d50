//! Which comments are markers, beside what Flux's YAML library says.
//!
//! `tests/kyaml/recorded.jsonl` was written by `go run . < texts.jsonl > recorded.jsonl` in that folder.

use bytes::Bytes;
use gitops_api::image_v1::ImageRef;
use gitops_image::Setters;
use gitops_image::setter::Edits;
use serde_json::{Value, json};

pub(crate) fn setters() -> Setters {
    let image = |name: &str, tag: &str| ImageRef {
        name: format!("registry.example/{name}"),
        tag: tag.to_owned(),
        digest: None,
    };
    let setters = Setters::new().with("apps", "web", image("web", "2.1.0")).unwrap();
    setters.with("apps", "num", image("num", "1.10")).unwrap()
}

/// Texts with another answer here, each with the reason.
const DIFFERENT: &[(&str, &str)] = &[
    ("h: {a: x:1.0\n , # {", "a comment behind a comma on the next line belongs to nothing"),
    ("a: \"x:1.0\"# {", "YAML wants a space before a comment"),
];

/// Returns the answer to one text in the form of the recording.
fn answer(text: &str) -> Value {
    let mut edits = Edits::default();
    setters().edit_file("a.yaml", Bytes::from(text.to_owned()), &mut edits);
    if !edits.skipped.is_empty() {
        return json!({"text": text, "error": true, "sets": []});
    }
    let set = |edit: &gitops_image::Edit| json!({"field": edit.field(), "old": edit.old, "new": edit.new});
    let sets: Vec<Value> = edits.files.iter().flat_map(|file| file.edits().iter().map(set)).collect();
    json!({"text": text, "sets": sets})
}

#[test]
fn markers_are_those_that_flux_finds() {
    let recorded = match std::env::var("MARKERS") {
        Ok(path) => std::fs::read_to_string(path).unwrap(),
        Err(_) => include_str!("../kyaml/recorded.jsonl").to_owned(),
    };
    let mut different = Vec::new();
    for line in recorded.lines() {
        let want: Value = serde_json::from_str(line).unwrap();
        let text = want["text"].as_str().unwrap();
        let got = answer(text);
        let is_different = DIFFERENT.iter().any(|(part, _)| text.contains(part));
        if (got == want) == is_different {
            different.push(format!("{text}\n  got {}\n want {}", got["sets"], want["sets"]));
        }
    }
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different[..different.len().min(15)].join("\n\n")
    );
}
