//! Flux's additions and Flux's words.

use gitops_kustomize::{Kustomize, Overlay, OverlayPatch, Substitute};

use super::{CONFIG, build, tree};

fn names(files: &[(&str, &str)]) -> Vec<String> {
    build(files).unwrap().iter().map(|object| object.name().to_owned()).collect()
}

#[test]
fn without_a_kustomization_every_yaml_file_below_is_taken() {
    let config = |name: &str| CONFIG.replace("name: a", &format!("name: {name}"));
    let (one, two, three, four) = (config("one"), config("two"), config("three"), config("four"));
    let files = [
        ("app/b.yaml", two.as_str()),
        ("app/a.yml", one.as_str()),
        ("app/notes.txt", "not: [yaml"),
        ("app/deep/er/c.yaml", three.as_str()),
        ("app/own/kustomization.yaml", "namePrefix: own-\nresources: [d.yaml]\n"),
        ("app/own/d.yaml", four.as_str()),
        ("app/own/unlisted.yaml", four.as_str()),
        ("app/empty.yaml", "# nothing\n"),
    ];
    assert_eq!(names(&files), ["one", "two", "three", "own-four"]);
}

#[test]
fn an_empty_folder_and_an_empty_file_build_to_nothing() {
    assert!(names(&[("app/README.md", "r")]).is_empty());
    assert!(names(&[("app/kustomization.yaml", "resources: []\n")]).is_empty());
}

#[test]
fn failures_are_told_in_the_words_of_flux() {
    let check = |files: &[(&str, &str)], want: &str| {
        assert_eq!(build(files).unwrap_err().to_string(), want);
    };
    check(
        &[("app/kustomization.yaml", "resources: [nope.yaml]\n")],
        "kustomize build failed: accumulating resources: accumulation err='accumulating resources from 'nope.yaml': \
         open /app/nope.yaml: no such file or directory': must build at directory: not a valid directory: \
         evalsymlink failure on '/app/nope.yaml' : lstat /app/nope.yaml: no such file or directory",
    );
    check(
        &[("app/a.yaml", CONFIG), ("app/b.yaml", CONFIG)],
        "kustomize build failed: accumulating resources: accumulation err='merging resources from './b.yaml': may not \
         add resource with an already registered id: ConfigMap.v1.[noGrp]/a.[noNs]': must build at directory: \
         '/app/b.yaml': file is not directory",
    );
    check(&[("x", "")], "kustomization path not found: stat /app: no such file or directory");
    let broken = build(&[("app/b.yaml", "apiVersion: v1\nkind: [ConfigMap\n")]).unwrap_err().to_string();
    let start = "failed to decode Kubernetes YAML from /app/b.yaml: MalformedYAMLError: yaml: line ";
    assert!(broken.starts_with(start), "{broken}");
}

#[test]
fn a_patch_without_match_is_told_in_the_words_of_flux() {
    let patch = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: nope\n".to_owned();
    let overlay = Overlay { patches: vec![OverlayPatch { patch, target: None }], ..Overlay::default() };
    let error = Kustomize::new("app").overlay(overlay).build(&tree(&[("app/a.yaml", CONFIG)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kustomize build failed: no resource matches strategic merge patch \"ConfigMap.v1.[noGrp]/nope.[noNs]\": no \
         matches for Id ConfigMap.v1.[noGrp]/nope.[noNs]; failed to find unique target for patch \
         ConfigMap.v1.[noGrp]/nope.[noNs]"
    );
}

#[test]
fn a_component_that_is_missing_fails_unless_that_is_ignored() {
    let overlay = Overlay { components: vec!["../parts/nope".to_owned()], ..Overlay::default() };
    let files = tree(&[("app/a.yaml", CONFIG)]);
    let error = Kustomize::new("app").overlay(overlay.clone()).build(&files).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kustomize build failed: accumulating components: loader.New \"must build at directory: not a valid \
         directory: evalsymlink failure on '/parts/nope' : lstat /parts: no such file or directory\""
    );
    let overlay = Overlay { ignore_missing_components: true, ..overlay };
    assert_eq!(Kustomize::new("app").overlay(overlay).build(&files).unwrap().len(), 1);
}

#[test]
fn a_path_that_climbs_out_stays_inside() {
    let built = Kustomize::new("../../etc").build(&tree(&[("etc/a.yaml", CONFIG)])).unwrap();
    assert_eq!(built.len(), 1);
}

#[test]
fn substitution_names_the_object_and_the_variable_but_no_value() {
    let text = format!("{CONFIG}data:\n  k: ${{known}}-${{unknown}}\n");
    let built = build(&[("app/a.yaml", &text)]).unwrap();
    let error = Substitute::new([("known", "hunter2")]).apply(built.clone()).unwrap_err().to_string();
    assert_eq!(
        error,
        "post build failed for 'ConfigMap.v1.[noGrp]/a': envsubst error: variable substitution failed: variable not \
         set (strict mode): \"unknown\""
    );
    let error = Substitute::new([("bad-name", "x")]).apply(built).unwrap_err().to_string();
    assert!(
        error.contains("'bad-name' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")
    );
}

#[test]
fn yaml_means_what_it_means_to_kustomize() {
    let text = "apiVersion: e/v1\nkind: W\nmetadata: {name: a}\nspec:\n  yes: yes\n  octal: 0755\n  float: 1.50\n  \
                text: 1_000\n  date: 2026-01-01\n  anchor: &a {x: 1}\n  alias: *a\n";
    let built = build(&[("app/a.yaml", text)]).unwrap();
    let want = serde_json::json!({"yes": "yes", "octal": 493, "float": 1.5, "text": 1000,
        "date": "2026-01-01T00:00:00Z", "anchor": {"x": 1}, "alias": {"x": 1}});
    assert_eq!(built[0].value()["spec"], want);
}

#[test]
fn quoted_texts_and_ends_of_files_are_read_as_go_reads_them() {
    let check = |text: &str, want: &str| {
        let text = format!("{CONFIG}data:\n{text}");
        let built = build(&[("app/a.yaml", &text)]).unwrap();
        assert_eq!(built[0].value()["data"]["k"], want, "{text}");
    };
    check("  k: 'one\n  two'\n", "one two");
    check("  j: {a: \"b\"}\n  k: \"one\n\n  two\\n\n   three\"\n", "one\ntwo\n three");
    check("  k: |\n    a\n    b", "a\nb");
    check("  k: |\n    a\n    b\n", "a\nb\n");
    check("  k: >\n    a\n    b", "a b");
    check("  k: |\n    a\n  # comment", "a\n");
}
