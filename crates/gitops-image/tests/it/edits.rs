//! What is written into files, and what is left as it is.

use std::io::Write as _;
use std::process::{Command, Stdio};

use bytes::Bytes;
use gitops_api::image_v1::ImageRef;
use gitops_image::setter::{EditLimits, Edits};
use gitops_image::{ImageError, Setters};
use gitops_manifest::MemoryTree;

use crate::markers::setters;

fn edit(text: &str) -> Edits {
    let mut edits = Edits::default();
    setters().edit_file("a.yaml", Bytes::from(text.to_owned()), &mut edits);
    edits
}

/// Checks the text after the edit, or that there is none.
fn check(before: &str, want: Option<&str>) {
    let edits = edit(before);
    assert!(edits.skipped.is_empty(), "{before}: {:?}", edits.skipped);
    let after = edits.files.first().map(|file| std::str::from_utf8(file.after()).unwrap());
    assert_eq!(after, want, "{before}");
    if let Some(after) = after {
        assert!(edit(after).is_empty(), "edited once more: {after}");
    }
}

const WEB: &str = r#"# {"$imagepolicy": "apps:web"}"#;
const TAG: &str = r#"# {"$imagepolicy": "apps:num:tag"}"#;
const DIGEST: &str = r#"# {"$imagepolicy": "apps:web:digest"}"#;

#[test]
fn only_the_scalar_changes_and_keeps_its_notation() {
    let web = "registry.example/web:2.1.0";
    let same = |before: &str, after: &str| check(before, Some(after));
    same(&format!("a:   x:1   {WEB}\n"), &format!("a:   {web}   {WEB}\n"));
    same(&format!("a: 'x:1' {WEB}"), &format!("a: '{web}' {WEB}"));
    same(&format!("a: \"x\\t1\" {WEB}\n"), &format!("a: \"{web}\" {WEB}\n"));
    same(&format!("\u{feff}a: x {WEB}\r\n\r\nb: c\r\n"), &format!("\u{feff}a: {web} {WEB}\r\n\r\nb: c\r\n"));
    same(&format!("a: &i x {WEB}\nb: *i\n"), &format!("a: &i {web} {WEB}\nb: *i\n"));
    same(&format!("a: x\n  y {WEB}\n"), &format!("a: {web} {WEB}\n"));
    same(&format!("k: v\n---\na: x {WEB}\n"), &format!("k: v\n---\na: {web} {WEB}\n"));
    same(
        &format!("{{\"a\": \"x\", {WEB}\n \"b\": [1,2]}}\n"),
        &format!("{{\"a\": \"{web}\", {WEB}\n \"b\": [1,2]}}\n"),
    );
    same(&format!("l:\n{WEB}\n- x\n"), &format!("l:\n{WEB}\n- {web}\n"));
    same(&format!("a: x {WEB}\na: y {WEB}\n"), &format!("a: {web} {WEB}\na: {web} {WEB}\n"));
}

#[test]
fn what_is_no_text_without_quotes_gets_them() {
    check(&format!("t: 1.9 {TAG}\n"), Some(&format!("t: \"1.10\" {TAG}\n")));
    check(&format!("t: 'x' {TAG}\n"), Some(&format!("t: '1.10' {TAG}\n")));
    check(&format!("t: [1.9, {TAG}\n  b]\n"), Some(&format!("t: [\"1.10\", {TAG}\n  b]\n")));
    check(&format!("d: sha256:00 {DIGEST}\n"), Some(&format!("d: \"\" {DIGEST}\n")));
    check(&format!("t: \"1.10\" {TAG}\n"), None);
}

#[test]
fn blocks_become_one_line_without_a_line_break_in_the_value() {
    check(&format!("a: |- {TAG}\n  x\n  y\nb: c\n"), Some(&format!("a: |- {TAG}\n  1.10\nb: c\n")));
    check(&format!("a: >-2 {TAG}\n  x\n\n\nb: c\n"), Some(&format!("a: >-2 {TAG}\n  1.10\n\n\nb: c\n")));
    check(&format!("a: | {TAG}\n  x\nb: c\n"), Some(&format!("a: |- {TAG}\n  1.10\nb: c\n")));
    check(&format!("a: |+ {TAG}\n  x\n\nb: c\n"), Some(&format!("a: |- {TAG}\n  1.10\n\nb: c\n")));
}

#[test]
fn files_that_cannot_be_edited_are_named_and_left_alone() {
    let skipped = |text: &str, reason: &str| {
        let edits = edit(text);
        assert!(edits.is_empty(), "{text}");
        let told: Vec<&str> = edits.skipped.iter().map(|skipped| skipped.reason.as_str()).collect();
        assert_eq!(told.len(), 1, "{text}");
        assert!(told[0].contains(reason), "{text}: {}", told[0]);
    };
    skipped(&format!("a: x {WEB}\nb: [\n"), "a.yaml:");
    skipped(&format!("- x {WEB}\n"), "the document is no map");
    skipped(&format!("a: x {WEB}\n---\n- b\n"), "the document is no map");
    skipped(&format!("d: |- {DIGEST}\n  x\n"), "line 2: the block cannot hold \"\"");
    skipped(&format!("a: !!int 1 {WEB}\n"), "would change more than the marked values");
}

#[test]
fn a_marker_of_an_unknown_policy_changes_nothing_and_is_told() {
    let edits = edit("a: x # {\"$imagepolicy\": \"apps:other:tag\"}\n");
    assert!(edits.is_empty());
    let unknown: Vec<(usize, String)> =
        edits.unknown.iter().map(|u| (u.line, u.marker.to_string())).collect();
    assert_eq!(unknown, [(1, "apps:other:tag".to_owned())]);
}

#[test]
fn items_of_a_list_change_where_they_stand() {
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n- kind: ConfigMap\n  metadata: {{name: one}}\n  data:\n    a: x {WEB}\n"
    );
    let edits = edit(&text);
    let records = edits.records();
    assert_eq!(records[0].file, "a.yaml");
    assert_eq!(records[0].object.to_string(), "ConfigMap/one");
    assert_eq!(edits.files[0].edits()[0].field(), "items[0].data.a");
}

#[test]
fn edits_print_as_a_diff_that_hides_the_values_of_secrets() {
    let text = format!(
        "kind: Secret\nstringData:\n  password: hunter2\n  more: |\n    line one\n    line two\n---\nimage: x {WEB}\nlast: line"
    );
    let edits = edit(&text);
    assert_eq!(
        edits.to_string(),
        format!(
            "--- a/a.yaml\n+++ b/a.yaml\n@@ -5,5 +5,5 @@\n     ***\n ***\n ---\n-image: x {WEB}\n+image: registry.example/web:2.1.0 {WEB}\n last: line\n\\ No newline at end of file\n"
        )
    );
    assert!(String::from_utf8(edits.patch()).unwrap().contains("line two"), "a patch is exact");
}

/// Git itself applies the patch, and the files are then those that the edits hold.
#[test]
fn git_applies_the_patch() {
    let long: String =
        (0..40).map(|n| if n % 9 == 4 { format!("k{n}: x {WEB}\n") } else { format!("k{n}: v\n") }).collect();
    let files = [
        ("long.yaml", long),
        ("sub/two.yml", format!("a: x {WEB}\r\nb:\r\n- y {TAG}")),
        ("with space/Kustomization", format!("a: |- {WEB}\n  one\n  two\n\nb: c\n")),
        ("other.json", format!("{{\"a\": \"x\"}} {WEB}\n")),
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut tree = MemoryTree::new();
    for (path, text) in &files {
        std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(dir.path().join(path), text).unwrap();
        tree.insert(*path, text.clone()).unwrap();
    }
    let edits = setters().edit(&tree, "").unwrap();
    assert_eq!(edits.files.len(), 3);
    let mut git = Command::new("git")
        .args(["apply", "-"])
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(&edits.patch()).unwrap();
    assert!(git.wait().unwrap().success(), "{edits}");
    for file in &edits.files {
        let applied = std::fs::read(dir.path().join(file.path())).unwrap();
        assert_eq!(applied, file.after()[..], "{}", file.path());
    }
}

#[test]
fn the_files_are_those_that_flux_reads() {
    let marked = format!("a: x {WEB}\n");
    let mut tree = MemoryTree::new();
    for path in [
        "a.yaml",
        "b.yml",
        "Kustomization",
        "c.json",
        "kustomization",
        "d.yaml.txt",
        ".git/e.yaml",
        "f/.hidden/g.yaml",
    ] {
        tree.insert(path, marked.clone()).unwrap();
    }
    tree.insert("unmarked.yaml", "a: x # {'$imagepolicy': 'apps:web'}\n").unwrap();
    let paths = |path: &str| -> Vec<String> {
        let edits = setters().edit(&tree, path).unwrap();
        edits.files.iter().map(|file| file.path().to_owned()).collect()
    };
    assert_eq!(paths(""), ["Kustomization", "a.yaml", "b.yml", "f/.hidden/g.yaml"]);
    assert_eq!(paths("./f"), ["f/.hidden/g.yaml"]);
    assert_eq!(paths("/a.yaml"), ["a.yaml"]);
    assert!(matches!(setters().edit(&tree, "nowhere"), Err(ImageError::Tree(_))));
    assert!(matches!(setters().edit(&tree, "../up"), Err(ImageError::Tree(_))));
    let few = {
        let mut limits = EditLimits::default();
        limits.entries = 3;
        limits
    };
    assert!(matches!(setters().edit_within(&tree, "", &few), Err(ImageError::Limit { limit: 3, .. })));
}

/// Links to the folder itself make a tree that doubles with each level.
#[cfg(unix)]
#[test]
fn a_tree_without_end_is_a_named_error() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(".", dir.path().join("one")).unwrap();
    std::os::unix::fs::symlink(".", dir.path().join("two")).unwrap();
    let tree = gitops_manifest::DirectoryTree::open(dir.path()).unwrap();
    let mut limits = EditLimits::default();
    limits.entries = 500;
    let error = setters().edit_within(&tree, "", &limits).unwrap_err();
    assert_eq!(error.to_string(), "501 files and directories are over the limit of 500");
}

#[test]
fn nothing_but_an_image_can_be_written() {
    let refused = |name: &str, tag: &str, digest: Option<&str>| {
        let image =
            ImageRef { name: name.to_owned(), tag: tag.to_owned(), digest: digest.map(str::to_owned) };
        assert!(
            matches!(Setters::new().with("ns", "p", image), Err(ImageError::Reference { .. })),
            "{name} {tag}"
        );
    };
    refused("", "1", None);
    refused("a b", "1", None);
    refused("app", "", None);
    refused("app", "1\nb: c", None);
    refused("app", "1", Some("sha256:a # b"));
    refused("app", &"1".repeat(129), None);
}
