//! Typed substitution: every field keeps its type.

use gitops_kustomize::{BuildError, Substitute};
use gitops_manifest::{Manifests, Object};
use serde_json::{Value, json};

const VARIABLES: [(&str, &str); 8] = [
    ("port", "8080"),
    ("count", "3"),
    ("flag", "true"),
    ("name", "web"),
    ("float", "1.50"),
    ("empty", ""),
    ("token", "hunter2"),
    ("word", "yes"),
];

fn typed(object: Value) -> Result<Value, BuildError> {
    let manifests = Manifests::from(vec![Object::new(object).unwrap()]);
    Substitute::new(VARIABLES).typed().apply(manifests).map(|done| done[0].value().clone())
}

fn check(object: Value, want: Value) {
    assert_eq!(typed(object).unwrap(), want);
}

#[test]
fn a_field_keeps_the_type_that_the_schema_gives_it() {
    check(
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "${name}", "labels": {"port": "${port}", "flag": "${flag}"}},
            "spec": {"replicas": "${count}", "paused": "${flag}", "template": {"spec": {"containers": [
                {"name": "${name}", "args": ["${port}", "--n=${count}"], "env": [{"name": "N", "value": "${count}"}],
                 "ports": [{"containerPort": "${port}"}], "resources": {"limits": {"cpu": "${count}"}}}]}}}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"port": "8080", "flag": "true"}},
            "spec": {"replicas": 3, "paused": true, "template": {"spec": {"containers": [
                {"name": "web", "args": ["8080", "--n=3"], "env": [{"name": "N", "value": "3"}],
                 "ports": [{"containerPort": 8080}], "resources": {"limits": {"cpu": 3}}}]}}}}),
    );
    check(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [
            {"port": "${port}", "targetPort": "${port}", "name": "${port}"}, {"port": 1, "targetPort": "${name}"}]}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [
            {"port": 8080, "targetPort": 8080, "name": "8080"}, {"port": 1, "targetPort": "web"}]}}),
    );
    check(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
            "data": {"${name}": "${port}", "f": "${flag}"}, "immutable": "${flag}"}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
            "data": {"web": "8080", "f": "true"}, "immutable": true}),
    );
}

#[test]
fn numbers_and_booleans_that_are_there_stay_to_the_last_digit() {
    let spec = json!({"big": 9007199254740993_i64, "huge": 18446744073709551615_u64, "float": 1.5, "flag": false,
        "million": 1234567, "none": null, "text": "0755", "quoted": "true", "date": "2026-01-01"});
    let object =
        json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec});
    check(object.clone(), object);
}

#[test]
fn where_no_schema_knows_a_value_reads_as_what_it_looks_like() {
    check(
        json!({"apiVersion": "example.org/v1", "kind": "Widget",
            "metadata": {"name": "a", "labels": {"n": "${count}"}, "annotations": {"b": "${flag}"}},
            "spec": {"n": "${count}", "b": "${flag}", "f": "${float}", "t": "${name}", "e": "${empty}", "w": "${word}",
                "d": "${unset:-7}", "part": "v${count}", "two": "${count}${count}", "escaped": "$${count}"}}),
        json!({"apiVersion": "example.org/v1", "kind": "Widget",
            "metadata": {"name": "a", "labels": {"n": "3"}, "annotations": {"b": "true"}},
            "spec": {"n": 3, "b": true, "f": 1.5, "t": "web", "e": "", "w": true,
                "d": 7, "part": "v3", "two": "33", "escaped": "${count}"}}),
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused_without_being_shown() {
    let deployment = |replicas: &str| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": replicas}});
    let error = typed(deployment("${token}")).unwrap_err().to_string();
    assert_eq!(
        error,
        "post build failed for 'Deployment.v1.apps/a': envsubst error: spec.replicas must be a number, and the value of \
         its variable is none"
    );
    let error = typed(deployment("${unset}")).unwrap_err().to_string();
    assert!(
        error.ends_with("variable substitution failed: variable not set (strict mode): \"unset\""),
        "{error}"
    );
    let error = typed(deployment("${token")).unwrap_err().to_string();
    assert!(error.ends_with("missing closing brace in spec.replicas"), "{error}");
}

#[test]
fn an_exempted_object_is_left_alone() {
    let switch = json!({"kustomize.toolkit.fluxcd.io/substitute": "disabled"});
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": switch},
        "data": {"k": "${port}"}});
    check(object.clone(), object);
}
