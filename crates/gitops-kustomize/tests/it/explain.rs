//! Every transformer leaves its trail: the file, the line, its name and its field.

use std::collections::BTreeMap;

use gitops_kustomize::{Explanation, Kustomize, Overlay, OverlayImage, OverlayPatch, Step, Substitute};
use gitops_manifest::MemoryTree;

use super::tree;

const BASE: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  template:\n    \
                    spec:\n      containers:\n      - name: web\n        image: nginx:1\n      - name: side\n        \
                    image: busybox\n";

/// Builds `app` with one more field beside `resources: [web.yaml]`, and compares the trail of one field of the first
/// object, oldest step first.
fn check(fields: &str, more: &[(&str, &str)], pointer: &str, want: &[&str]) {
    let kustomization = format!("resources:\n- web.yaml\n{fields}");
    let mut files = vec![("app/kustomization.yaml", kustomization.as_str()), ("app/web.yaml", BASE)];
    files.extend_from_slice(more);
    let explained = Kustomize::plain("app").explain(&tree(&files)).unwrap();
    assert_eq!(trail(&explained, 0, pointer), want, "{fields}\n{explained}");
}

fn trail(explained: &Explanation, object: usize, pointer: &str) -> Vec<String> {
    explained.steps(object, pointer).iter().map(ToString::to_string).collect()
}

#[test]
fn a_value_that_nobody_changed_is_of_its_file_and_line() {
    check("", &[], "/spec/replicas", &["app/web.yaml:6"]);
    check("namePrefix: p-\n", &[], "/spec/template/spec/containers/1/image", &["app/web.yaml:13"]);
}

#[test]
fn every_field_of_a_kustomization_leaves_its_name_file_and_line() {
    let at = |kind: &str, field: &str| format!("{kind} of app/kustomization.yaml:3 {field}");
    for (fields, pointer, first, kind, field) in [
        ("namespace: prod\n", "/metadata/namespace", None, "NamespaceTransformer", "namespace"),
        ("namePrefix: p-\n", "/metadata/name", Some(4), "PrefixTransformer", "namePrefix"),
        ("nameSuffix: -s\n", "/metadata/name", Some(4), "SuffixTransformer", "nameSuffix"),
        ("commonLabels: {a: b}\n", "/spec/selector/matchLabels/a", None, "LabelTransformer", "commonLabels"),
        ("labels: [{pairs: {a: b}}]\n", "/metadata/labels/a", None, "LabelTransformer", "labels[0]"),
        (
            "commonAnnotations: {a: b}\n",
            "/metadata/annotations/a",
            None,
            "AnnotationsTransformer",
            "commonAnnotations",
        ),
        (
            "replicas: [{name: web, count: 5}]\n",
            "/spec/replicas",
            Some(6),
            "ReplicaCountTransformer",
            "replicas[0]",
        ),
        (
            "images: [{name: nginx, newTag: '2'}]\n",
            "/spec/template/spec/containers/0/image",
            Some(11),
            "ImageTagTransformer",
            "images[0]",
        ),
        (
            "replacements: [{sourceValue: '7', targets: [{select: {kind: Deployment}, fieldPaths: [spec.replicas]}]}]\n",
            "/spec/replicas",
            Some(6),
            "ReplacementTransformer",
            "replacements[0]",
        ),
    ] {
        let read = first.map(|line| format!("app/web.yaml:{line}"));
        let want: Vec<String> = read.into_iter().chain([at(kind, field)]).collect();
        check(fields, &[], pointer, &want.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn patches_leave_the_line_of_the_patch() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 9\n";
    let files = [("app/p.yaml", patch)];
    let read = "app/web.yaml:6";
    check(
        "patches:\n- path: p.yaml\n",
        &files,
        "/spec/replicas",
        &[read, "app/p.yaml:6 by PatchTransformer of app/kustomization.yaml:4 patches[0]"],
    );
    check(
        "patchesStrategicMerge:\n- p.yaml\n",
        &files,
        "/spec/replicas",
        &[
            read,
            "app/p.yaml:6 by PatchStrategicMergeTransformer of app/kustomization.yaml:4 patchesStrategicMerge",
        ],
    );
    let inline: String = patch.lines().map(|line| format!("    {line}\n")).collect();
    check(
        &format!("patches:\n- patch: |-\n{inline}"),
        &[],
        "/spec/replicas",
        &[read, "app/kustomization.yaml:10 by PatchTransformer of app/kustomization.yaml:4 patches[0]"],
    );
    let operations = "- {op: replace, path: /spec/replicas, value: 4}\n";
    let files = [("app/j.yaml", operations)];
    check(
        "patches:\n- path: j.yaml\n  target: {kind: Deployment}\n",
        &files,
        "/spec/replicas",
        &[read, "app/j.yaml by PatchTransformer of app/kustomization.yaml:4 patches[0]"],
    );
    check(
        "patchesJson6902:\n- path: j.yaml\n  target: {version: v1, kind: Deployment, name: web}\n",
        &files,
        "/spec/replicas",
        &[read, "app/j.yaml by PatchJson6902Transformer of app/kustomization.yaml:4 patchesJson6902[0]"],
    );
}

#[test]
fn what_a_patch_does_not_touch_keeps_its_trail_wherever_it_moves() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: \
                 [{name: first, image: new}]}}}\n";
    let kustomization = "patches:\n- path: p.yaml\n";
    let side = "/spec/template/spec/containers/2/image";
    check(kustomization, &[("app/p.yaml", patch)], side, &["app/web.yaml:13"]);
    let json = "- {op: add, path: /spec/template/spec/containers/0, value: {name: first}}\n";
    let kustomization = "patches:\n- path: p.yaml\n  target: {kind: Deployment}\n";
    check(kustomization, &[("app/p.yaml", json)], side, &["app/web.yaml:13"]);
}

#[test]
fn generated_objects_are_of_their_generator_and_its_files() {
    let files = [
        (
            "app/kustomization.yaml",
            "configMapGenerator:\n- name: made\n  literals: [l=1]\n  files: [k=f.txt]\n  envs: [e.env]\n",
        ),
        ("app/f.txt", "text"),
        ("app/e.env", "# comment\nA=1\n"),
    ];
    let explained = Kustomize::plain("app").explain(&tree(&files)).unwrap();
    let by = "ConfigMapGenerator of app/kustomization.yaml:2 configMapGenerator[0]";
    assert_eq!(trail(&explained, 0, "/data/l"), [by]);
    assert_eq!(trail(&explained, 0, "/data/k"), [format!("app/f.txt by {by}")]);
    assert_eq!(trail(&explained, 0, "/data/A"), [format!("app/e.env:2 by {by}")]);
    assert_eq!(trail(&explained, 0, "/metadata/name"), [by, "HashTransformer"]);
}

#[test]
fn a_merged_generator_changes_only_what_it_says() {
    let files = [
        ("base/kustomization.yaml", "configMapGenerator:\n- name: made\n  literals: [a=1, b=2]\n"),
        (
            "app/kustomization.yaml",
            "resources: [../base]\nconfigMapGenerator:\n- name: made\n  behavior: merge\n  literals: [b=3]\n",
        ),
    ];
    let explained = Kustomize::plain("app").explain(&tree(&files)).unwrap();
    let base = "ConfigMapGenerator of base/kustomization.yaml:2 configMapGenerator[0]";
    assert_eq!(trail(&explained, 0, "/data/a"), [base]);
    assert_eq!(
        trail(&explained, 0, "/data/b"),
        [base, "ConfigMapGenerator of app/kustomization.yaml:3 configMapGenerator[0]"]
    );
}

#[test]
fn references_variables_plugins_and_metadata_of_the_build_leave_theirs() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\nspec:\n  containers:\n  - name: c\n    args: [$(V)]\n  \
               volumes:\n  - name: v\n    configMap: {name: settings}\n";
    let plugin = "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: x}\nannotations: {p: q}\n\
                  fieldSpecs: [{path: metadata/annotations, create: true}]\n";
    let validator = "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: v}\nlabels: {validated-by: v}\n\
                     fieldSpecs: [{path: metadata/labels, create: true}]\n";
    let generator = "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: sec}\nliterals: [a=b]\n";
    let files = [
        (
            "app/kustomization.yaml",
            "resources: [pod.yaml, cm.yaml]\nnamePrefix: p-\nvars:\n- name: V\n  objref: {apiVersion: v1, kind: \
             ConfigMap, name: settings}\ntransformers: [t.yaml]\ngenerators: [g.yaml]\nvalidators: [v.yaml]\n\
             buildMetadata: [managedByLabel]\n",
        ),
        ("app/pod.yaml", pod),
        ("app/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n"),
        ("app/t.yaml", plugin),
        ("app/v.yaml", validator),
        ("app/g.yaml", generator),
    ];
    let explained = Kustomize::plain("app").explain(&tree(&files)).unwrap();
    let volume = trail(&explained, 0, "/spec/volumes/0/configMap/name");
    assert_eq!(volume, ["app/pod.yaml:10", "NameReferenceTransformer"]);
    assert_eq!(trail(&explained, 0, "/spec/containers/0/args/0"), ["app/pod.yaml:7", "RefVarTransformer"]);
    assert_eq!(trail(&explained, 0, "/metadata/annotations/p"), ["AnnotationsTransformer of app/t.yaml:1"]);
    assert_eq!(trail(&explained, 0, "/metadata/labels/validated-by"), ["LabelTransformer of app/v.yaml:1"]);
    assert_eq!(
        trail(&explained, 0, "/metadata/labels/app.kubernetes.io~1managed-by"),
        ["BuildMetadata of app/kustomization.yaml:9 buildMetadata"]
    );
    assert_eq!(trail(&explained, 2, "/data/a"), ["SecretGenerator of app/g.yaml:1"]);
}

#[test]
fn what_a_flux_kustomization_adds_is_named_by_its_field() {
    let overlay = Overlay {
        namespace: Some("prod".to_owned()),
        patches: vec![OverlayPatch {
            patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n"
                .to_owned(),
            target: None,
        }],
        images: vec![OverlayImage {
            name: "nginx".to_owned(),
            new_tag: "9".to_owned(),
            ..OverlayImage::default()
        }],
        common_labels: BTreeMap::from([("team".to_owned(), "blue".to_owned())]),
        ..Overlay::default()
    };
    let files = tree(&[("app/web.yaml", BASE)]);
    let kustomize = Kustomize::new("app").overlay(overlay);
    let explained = kustomize.explain(&files).unwrap();
    assert_eq!(explained.manifests(), &kustomize.build(&files).unwrap());
    let (read, image) = ("app/web.yaml:6", "/spec/template/spec/containers/0/image");
    assert_eq!(trail(&explained, 0, "/metadata/namespace"), ["NamespaceTransformer of spec.targetNamespace"]);
    assert_eq!(trail(&explained, 0, "/spec/replicas"), [read, "PatchTransformer of spec.patches[0]"]);
    assert_eq!(trail(&explained, 0, image), ["app/web.yaml:11", "ImageTagTransformer of spec.images[0]"]);
    assert_eq!(trail(&explained, 0, "/metadata/labels/team"), ["CommonMetadata of spec.commonMetadata"]);
}

#[test]
fn what_follows_a_build_can_be_noted() {
    let files =
        tree(&[("app/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: ${v}\n")]);
    let explained = Kustomize::new("app").explain(&files).unwrap();
    let after = Substitute::new([("v", "x")]).apply(explained.manifests().clone()).unwrap();
    let place = gitops_kustomize::Place::of("ks.yaml", 3).field("spec.postBuild");
    let explained = explained.followed_by(after, Step::after("Substitute", place));
    assert_eq!(trail(&explained, 0, "/data/k"), ["app/a.yaml:6", "Substitute of ks.yaml:3 spec.postBuild"]);
    assert_eq!(trail(&explained, 0, "/metadata/name"), ["app/a.yaml:4"]);
}

#[test]
fn the_text_names_objects_fields_and_the_deciding_step_first() {
    let files = [
        ("app/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: p-\n"),
        ("app/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {a.b/c: d}\n"),
    ];
    let explained = Kustomize::plain("app").explain(&tree(&files)).unwrap();
    let want = "v1 ConfigMap p-a\n  apiVersion: app/a.yaml:1\n  kind: app/a.yaml:2\n  metadata.labels[\"a.b/c\"]: \
                app/a.yaml:5\n  metadata.name: PrefixTransformer of app/kustomization.yaml:2 namePrefix <- \
                app/a.yaml:4\n";
    assert_eq!(explained.to_string(), want);
}

#[test]
fn explaining_builds_the_same_and_leaves_no_field_without_a_step() {
    for seed in 0..60 {
        let grown = crate::forest::grow(seed);
        let mut files = MemoryTree::new();
        for (path, text) in &grown.files {
            files.insert(path.as_str(), text.clone()).unwrap();
        }
        let kustomize = Kustomize::plain(&grown.path);
        match (kustomize.build(&files), kustomize.explain(&files)) {
            (Ok(built), Ok(explained)) => {
                assert_eq!(&built, explained.manifests(), "seed {seed}");
                for at in 0..built.len() {
                    let fields = explained.fields(at);
                    assert!(
                        !fields.is_empty() && fields.iter().all(|field| !field.steps.is_empty()),
                        "seed {seed}"
                    );
                    let found = |pointer: &str| built[at].value().pointer(pointer).is_some();
                    assert!(fields.iter().all(|field| found(&field.pointer)), "seed {seed}");
                }
            }
            (Err(built), Err(explained)) => assert_eq!(built, explained, "seed {seed}"),
            (built, explained) => panic!("seed {seed}: {built:?} {explained:?}"),
        }
    }
}
