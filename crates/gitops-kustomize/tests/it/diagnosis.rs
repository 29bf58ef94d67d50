//! What failed, where, and what to do.

use gitops_api::Failure;
use gitops_kustomize::{Diagnosis, Kustomize, Overlay, OverlayPatch};

use super::{CONFIG, tree};

fn diagnose(kustomization: &str, more: &[(&str, &str)]) -> Diagnosis {
    let mut files = vec![("app/kustomization.yaml", kustomization), ("app/a.yaml", CONFIG)];
    files.extend_from_slice(more);
    Kustomize::plain("app").diagnose(&tree(&files)).unwrap_err()
}

#[test]
fn a_failure_names_file_line_and_field_and_what_to_do() {
    let check = |kustomization: &str, place: &str, advice: &str| {
        let diagnosis = diagnose(kustomization, &[("app/broken.yaml", "kind: A\nmetadata:\n  name: [\n")]);
        assert_eq!(diagnosis.place.as_ref().unwrap().to_string(), place, "{diagnosis}");
        let text = diagnosis.to_string();
        assert!(text.starts_with(&format!("{place}: ")) && text.contains(advice), "{text}");
    };
    let at = |line: usize, field: &str| format!("app/kustomization.yaml:{line} {field}");
    check("resources:\n- a.yaml\n- gone.yaml\n", &at(3, "resources[1]"), "correct the path");
    check("resources: [a.yaml, a.yaml]\n", &at(1, "resources[1]"), "another name");
    check("resources:\n- a.yaml\ncomponents:\n- gone\n", &at(4, "components[0]"), "correct the path");
    check("resources: [a.yaml]\ncrds: [gone]\n", &at(2, "crds[0]"), "correct the path");
    check("resources: [a.yaml]\npatches:\n- path: gone\n", &at(3, "patches[0]"), "correct the path");
    check(
        "resources: [a.yaml]\npatches:\n- patch: '{kind: Pod, apiVersion: v1, metadata: {name: x}}'\n",
        &at(3, "patches[0]"),
        "check the target",
    );
    check(
        "resources: [a.yaml]\nreplacements:\n- source: {kind: Pod}\n  targets: [{select: {kind: ConfigMap}}]\n",
        &at(3, "replacements"),
        "check the target",
    );
    check(
        "resources: [a.yaml]\nreplicas:\n- {name: x, count: 1}\n",
        &at(3, "replicas[0]"),
        "check the target",
    );
    check(
        "resources: [a.yaml]\nconfigMapGenerator:\n- name: x\n  files: [gone]\n",
        &at(3, "configMapGenerator[0]"),
        "correct the path",
    );
    check("resources:\n- https://example.org/x\n", &at(2, "resources[0]"), "into the repository");
    check("helmCharts:\n- name: x\n", &at(2, "helmCharts"), "HelmRelease");
    check("resources:\n- broken.yaml\n", "app/broken.yaml:3", "correct the file");
    check("nope: 1\n", "app/kustomization.yaml", "correct its name");
}

#[test]
fn a_field_of_a_flux_kustomization_is_named_as_such() {
    let patch =
        OverlayPatch { patch: "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n".to_owned(), target: None };
    let overlay = Overlay { patches: vec![patch], ..Overlay::default() };
    let files = tree(&[("app/a.yaml", CONFIG)]);
    let diagnosis = Kustomize::new("app").overlay(overlay).diagnose(&files).unwrap_err();
    assert_eq!(diagnosis.place.unwrap().to_string(), "spec.patches[0]");
}

#[test]
fn a_build_that_fails_has_the_reason_of_flux_and_is_tried_again() {
    let error = diagnose("resources: [gone]\n", &[]).error;
    assert_eq!(error.reason(), gitops_api::reasons::BUILD_FAILED);
    assert!(error.is_retryable() && !error.is_terminal());
}
