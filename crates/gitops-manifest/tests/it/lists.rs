//! Lists become their items.

use gitops_manifest::{ParseOptions, parse_objects};

fn check(text: &str, options: &ParseOptions, want: &[&str]) {
    let objects = parse_objects("a.yaml", text.as_bytes(), options).unwrap();
    let names: Vec<_> =
        objects.iter().map(|object| format!("{} {}", object.name(), object.origin().unwrap().line)).collect();
    assert_eq!(names, want, "{text}");
}

const MIXED: &str = "\
kind: ConfigMapList
items:
- {kind: A, metadata: {name: a}}
- kind: List
  items: [{kind: B, metadata: {name: b}}]
- {kind: C, metadata: {name: c}}
---
# nothing
---
kind: D
metadata: {name: d}
";

#[test]
fn items_stand_in_their_lists_place_for_kubectl_and_at_the_end_for_kustomize() {
    check(MIXED, &ParseOptions::kubectl(), &["a 1", "b 1", "c 1", "d 10"]);
    check(MIXED, &ParseOptions::kustomize(), &["d 10", "a 1", "c 1", "b 1"]);
}

#[test]
fn empty_lists_vanish_and_kinds_without_items_stay() {
    for options in [ParseOptions::kubectl(), ParseOptions::kustomize()] {
        check("kind: List\nitems: []\n", &options, &[]);
        check("kind: List\nitems:\n", &options, &[]);
        check("kind: AllowList\nmetadata: {name: a}\n", &options, &["a 1"]);
        check("null\n---\n# only a comment\n---\n", &options, &[]);
    }
}

#[test]
fn json_streams_are_read_as_kubectl_reads_them() {
    let text = "\n{\"kind\": \"A\", \"metadata\": {\"name\": \"a\"}}\n\n  {\"kind\":\"B\",\"metadata\":{\"name\":\"b\"}}";
    check(text, &ParseOptions::kubectl(), &["a 2", "b 4"]);
    check("{\"kind\": \"A\"}\n---\n{\"kind\": \"B\"}\n", &ParseOptions::kubectl(), &[" 1", " 3"]);
}
