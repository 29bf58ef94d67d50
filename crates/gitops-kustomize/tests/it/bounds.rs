//! Cycles are named, and what grows without end is stopped.

use gitops_kustomize::{BuildError, Kustomize, Limits};

use super::{CONFIG, build, tree};

#[test]
fn cycles_are_named() {
    for length in 1..6 {
        let mut files = vec![("app/kustomization.yaml".to_owned(), "resources: [../l0]\n".to_owned())];
        for at in 0..length {
            let next = if at + 1 == length { 0 } else { at + 1 };
            files.push((format!("l{at}/kustomization.yaml"), format!("resources: [../l{next}]\n")));
        }
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let error = build(&files).unwrap_err();
        assert!(
            error.to_string().contains("cycle detected: candidate root '/l0' contains visited root"),
            "{error}"
        );
    }
}

#[test]
fn a_directory_does_not_contain_itself() {
    for path in [".", "..", "../app"] {
        let error = build(&[("app/kustomization.yaml", &format!("resources: ['{path}']\n"))]).unwrap_err();
        assert!(error.to_string().contains("cycle detected"), "{error}");
    }
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nl0: &l0 [x, x, x, x, x, x, x, x, x]\n"
            .to_owned();
    for at in 1..12 {
        let aliases = vec![format!("*l{}", at - 1); 9].join(", ");
        bomb.push_str(&format!("l{at}: &l{at} [{aliases}]\n"));
    }
    let files = tree(&[("app/kustomization.yaml", "resources: [a.yaml]\n"), ("app/a.yaml", &bomb)]);
    let mut limits = Limits::default();
    limits.nodes = 100_000;
    let error = Kustomize::new("app").limits(limits).build(&files).unwrap_err();
    assert!(matches!(error, BuildError::Limit(_)), "{error:?}");
}

#[test]
fn an_anchor_in_its_own_value_is_refused() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nx: &x {y: *x}\n";
    let error = build(&[("app/kustomization.yaml", "resources: [a.yaml]\n"), ("app/a.yaml", text)]);
    assert!(error.is_err());
}

#[test]
fn files_and_bytes_are_counted() {
    let files = tree(&[("app/kustomization.yaml", "resources: [a.yaml]\n"), ("app/a.yaml", CONFIG)]);
    let check = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        Kustomize::new("app").limits(limits).build(&files)
    };
    assert!(check(|_| {}).is_ok());
    for change in [
        |limits: &mut Limits| limits.files = 1,
        |limits: &mut Limits| limits.bytes = 30,
        |limits: &mut Limits| limits.file_bytes = 30,
    ] {
        assert!(matches!(check(change), Err(BuildError::Limit(_))));
    }
}

#[test]
fn deep_kustomizations_are_refused_with_their_chain() {
    let mut files = vec![("app/kustomization.yaml".to_owned(), "resources: [../d0]\n".to_owned())];
    for at in 0..100 {
        files.push((format!("d{at}/kustomization.yaml"), format!("resources: [../d{}]\n", at + 1)));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let error = build(&files).unwrap_err();
    assert!(matches!(&error, BuildError::Limit(text) if text.contains("/d0 -> /d1")), "{error:?}");
}

/// Builds one object with more fields of a kustomization, and wants a limit to be named.
fn is_limited(fields: &str, object: &str) {
    let kustomization = format!("resources: [a.yaml]\n{fields}");
    let error = build(&[("app/kustomization.yaml", &kustomization), ("app/a.yaml", object)]).unwrap_err();
    assert!(matches!(error, BuildError::Limit(_)), "{error:?}");
}

#[test]
fn a_patch_with_too_many_operations_is_refused() {
    let operations = "    - {op: remove, path: /x}\n".repeat(100_001);
    is_limited(&format!("patches:\n- target: {{kind: ConfigMap}}\n  patch: |-\n{operations}"), CONFIG);
}

#[test]
fn copies_that_double_an_object_are_stopped() {
    let copy = |at: usize| format!("    - {{op: copy, from: /data, path: /data/c{at}}}\n");
    let operations: String = (0..60).map(copy).collect();
    let object = format!("{CONFIG}data: {{a: b}}\n");
    is_limited(&format!("patches:\n- target: {{kind: ConfigMap}}\n  patch: |-\n{operations}"), &object);
}

#[test]
fn replacements_that_double_an_object_are_stopped() {
    let into_itself = |at: usize| {
        format!(
            "- source: {{kind: ConfigMap, fieldPath: data}}\n  targets:\n  - select: {{kind: ConfigMap}}\n    fieldPaths: \
             [data.c{at}]\n    options: {{create: true}}\n"
        )
    };
    let fields: String = (0..60).map(into_itself).collect();
    is_limited(&format!("replacements:\n{fields}"), &format!("{CONFIG}data: {{a: b}}\n"));
    let text = "- source: {kind: ConfigMap, fieldPath: data.a}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: \
                [data.a]\n    options: {delimiter: '-', index: 9}\n";
    let long = "x".repeat(1000);
    is_limited(&format!("replacements:\n{}", text.repeat(60)), &format!("{CONFIG}data: {{a: {long}}}\n"));
}

#[test]
fn an_expression_too_large_is_refused_and_a_hard_one_is_quick() {
    let target = |name: &str| {
        let fields = format!(
            "resources: [a.yaml]\npatches:\n- patch: '[{{\"op\": \"add\", \"path\": \"/x\", \"value\": 1}}]'\n  target: {{kind: ConfigMap, name: '{name}'}}\n"
        );
        build(&[("app/kustomization.yaml", &fields), ("app/a.yaml", CONFIG)])
    };
    assert!(
        target("((a{1,1000}){1,1000}){1,1000}").unwrap_err().to_string().contains("error parsing regexp")
    );
    // Exponential for a backtracking matcher.
    let _ = target("(a+)+(a+)+(a+)+$");
}

#[test]
fn a_text_nested_too_deeply_is_refused() {
    is_limited("", &format!("{CONFIG}data: {}{}\n", "[".repeat(5000), "]".repeat(5000)));
    let folders = "a/".repeat(200);
    let files = tree(&[(&format!("app/{folders}x.yaml"), CONFIG)]);
    assert!(matches!(Kustomize::new("app").build(&files), Err(BuildError::Limit(_))));
}
