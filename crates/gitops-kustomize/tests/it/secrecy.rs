//! No error holds a value of a Secret.

use super::build;

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  k: hunter2\n  m: {x: hunter2}\n";

#[test]
fn no_error_holds_a_value_of_a_secret() {
    let fields = [
        "replacements: [{source: {kind: Secret, name: s, fieldPath: stringData.k, options: {delimiter: '-', index: 9}}, targets: [{select: {kind: Secret}}]}]",
        "replacements: [{source: {kind: Secret, name: s}, targets: [{select: {kind: Secret}, fieldPaths: [stringData.m.0.y]}]}]",
        "secretGenerator: [{name: t, literals: [hunter2]}]",
        "configurations: [cfg.yaml]\nimages: [{name: x, newTag: y}]",
    ];
    let configuration = "images:\n- path: stringData/m\n  kind: Secret\n";
    for field in fields {
        let file = format!("resources: [s.yaml]\n{field}\n");
        let files = [
            ("app/kustomization.yaml", file.as_str()),
            ("app/s.yaml", SECRET),
            ("app/cfg.yaml", configuration),
        ];
        let error = build(&files).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
    let tagged = SECRET.replace("k: hunter2", "k: !!int hunter2");
    let error = build(&[("app/s.yaml", &tagged)]).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}
