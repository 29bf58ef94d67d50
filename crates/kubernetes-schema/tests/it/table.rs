//! Holds the checked-in table against what must be true of it, and against a live server.

use kubernetes_schema::{ListType, ScalarType, Table, TypeKind, TypeRef, builtin};
use serde_json::json;

/// Follows fields and, with `[]`, list items.
fn part<'t>(kind: (&str, &str, &str), path: &str) -> kubernetes_schema::Field<'t> {
    let mut of: TypeRef<'static> = builtin().resolve(kind.0, kind.1, kind.2).unwrap();
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let field = of.field(name.trim_end_matches("[]")).unwrap_or_else(|| panic!("{path}: no {name}"));
        if names.peek().is_none() {
            return field;
        }
        of = if name.ends_with("[]") { field.of().element().unwrap() } else { field.of() };
    }
    panic!("{path} is empty")
}

#[test]
fn the_checked_in_table_reads_and_prints_as_it_is() {
    let text = include_str!("../../data/kubernetes.txt");
    let table = Table::from_text(text).unwrap();
    assert_eq!(table.to_text().unwrap(), text);
    assert!(table.server_version().starts_with("v1."));
    for of in table.types() {
        assert!(of.kind().is_some(), "{:?} is used, but not defined", of.name());
    }
}

#[test]
fn lists_are_told_apart_as_the_server_does() {
    let deployment = ("apps", "v1", "Deployment");
    let check = |path: &str, list_type: ListType, keys: &[&str]| {
        let field = part(deployment, path);
        assert_eq!(field.list_type(), Some(list_type), "{path}");
        assert_eq!(field.map_keys().collect::<Vec<_>>(), keys, "{path}");
    };
    check("spec.template.spec.containers", ListType::Map, &["name"]);
    check("spec.template.spec.containers[].ports", ListType::Map, &["containerPort", "protocol"]);
    check("spec.template.spec.containers[].args", ListType::Atomic, &[]);
    check(
        "spec.template.spec.topologySpreadConstraints",
        ListType::Map,
        &["topologyKey", "whenUnsatisfiable"],
    );
    check("metadata.finalizers", ListType::Set, &[]);
    check("spec.template.spec.tolerations", ListType::Atomic, &[]);
}

#[test]
fn patches_are_merged_as_kustomize_does() {
    let check = |kind, path: &str, strategy: &[&str], key: Option<&str>| {
        let field = part(kind, path);
        assert_eq!(field.patch_strategy().collect::<Vec<_>>(), strategy, "{path}");
        assert_eq!(field.patch_merge_key(), key, "{path}");
    };
    check(("apps", "v1", "Deployment"), "spec.template.spec.containers", &["merge"], Some("name"));
    check(
        ("apps", "v1", "Deployment"),
        "spec.template.spec.containers[].ports",
        &["merge"],
        Some("containerPort"),
    );
    check(("apps", "v1", "Deployment"), "spec.template.spec.volumes", &["merge", "retainKeys"], Some("name"));
    check(("apps", "v1", "Deployment"), "spec.strategy", &["retainKeys"], None);
    check(("", "v1", "Service"), "spec.ports", &["merge"], Some("port"));
    check(("", "v1", "ConfigMap"), "metadata.finalizers", &["merge"], None);
    check(("apps", "v1", "Deployment"), "spec.template.spec.containers[].args", &[], None);
}

#[test]
fn fields_have_types_and_defaults() {
    let protocol = part(("", "v1", "Service"), "spec.ports[].protocol");
    assert_eq!(protocol.default(), Some(&json!("TCP")));
    assert_eq!(protocol.of().kind(), Some(TypeKind::Scalar(ScalarType::String)));
    let replicas = part(("apps", "v1", "Deployment"), "spec.replicas");
    assert_eq!(replicas.of().kind(), Some(TypeKind::Scalar(ScalarType::Integer)));
    let data = part(("", "v1", "Secret"), "data").of();
    assert_eq!(data.kind(), Some(TypeKind::Map));
    assert_eq!(data.element().unwrap().kind(), Some(TypeKind::Scalar(ScalarType::Bytes)));
    assert!(part(("apps", "v1", "Deployment"), "spec.selector").is_required());
    let limits = part(("", "v1", "Pod"), "spec.containers[].resources").of().field("limits").unwrap();
    assert_eq!(limits.of().element().unwrap().kind(), Some(TypeKind::Scalar(ScalarType::Quantity)));
}

#[test]
fn an_empty_deployment_is_what_go_writes() {
    let zero = builtin().of("apps/v1", "Deployment").unwrap().zero();
    assert_eq!(zero["spec"]["strategy"], json!({}));
    assert_eq!(zero["spec"]["selector"], json!(null));
    assert_eq!(zero["spec"]["template"]["spec"]["containers"], json!(null));
    assert_eq!(zero["status"], json!({}));
    assert_eq!(zero["spec"].get("replicas"), None);
    let event = builtin().of("v1", "Event").unwrap().zero();
    assert_eq!(event.get("firstTimestamp"), Some(&json!(null)));
}

#[test]
fn malformed_lines_are_named() {
    let check = |text: &str, line: usize| {
        let error = Table::from_text(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("line {line} of the table is malformed")), "{error}");
    };
    check("server\tv1\n\tname\tstring\n", 2);
    check("a.B\n\tname\tstring\tdefault={\n", 2);
    check("a.B\n\tname\tsomething\n", 2);
    check("a.B\n\tb\tstring\n\ta\tstring\n", 3);
    check("a.B\t= string\n\ta\tstring\n", 2);
}
