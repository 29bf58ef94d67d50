//! Names that change, and the fields that follow them.

use serde_json::json;

use super::build;

const BASE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n---\napiVersion: v1\nkind: Pod\n\
                    metadata:\n  name: web\nspec:\n  volumes:\n  - name: s\n    configMap:\n      name: settings\n";

#[test]
fn references_follow_prefixes_and_hashes() {
    let files =
        [("app/kustomization.yaml", "namePrefix: p-\nresources: [base.yaml]\n"), ("app/base.yaml", BASE)];
    let built = build(&files).unwrap();
    assert_eq!(built[1].value()["spec"]["volumes"][0]["configMap"]["name"], "p-settings");

    let files = [
        (
            "app/kustomization.yaml",
            "resources: [pod.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=1]}]\n",
        ),
        ("app/pod.yaml", BASE.split("---\n").nth(1).unwrap()),
    ];
    let built = build(&files).unwrap();
    let name = built[1].name().to_owned();
    assert_eq!(name, "settings-h29d89cmmt");
    assert_eq!(built[0].value()["spec"]["volumes"][0]["configMap"]["name"], name.as_str());
}

#[test]
fn a_hash_takes_numbers_as_doubles() {
    // The suffix is kustomize's, which hashes 9007199254740992.
    let kustomization = "configMapGenerator: [{name: inner, literals: [i=2]}]\npatches:\n- target: {kind: ConfigMap}\n  \
                         patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: api}\n    \
                         data: {z: 9007199254740993}\n";
    let built = build(&[("app/kustomization.yaml", kustomization)]).unwrap();
    assert_eq!(built[0].name(), "inner-58mc6mb57h");
    assert_eq!(built[0].value()["data"]["z"], 9_007_199_254_740_993_i64);
}

#[test]
fn an_empty_value_is_a_text_between_brackets_and_null_on_a_line_of_its_own() {
    let check = |written: &str, want: serde_json::Value| {
        let object = format!("apiVersion: v1\nkind: Widget\nmetadata: {{name: a}}\nspec: {written}\n");
        let built =
            build(&[("app/kustomization.yaml", "resources: [r.yaml]\n"), ("app/r.yaml", &object)]).unwrap();
        assert_eq!(built[0].value()["spec"], want, "{written}");
    };
    check("{a: }", json!({"a": ""}));
    check("[{a: }]", json!([{"a": ""}]));
    check("{? : 1}", json!({"": 1}));
    check("{a: ~, b: !!null }", json!({"a": null, "b": null}));
    check("\n  a:\n  b:\n  -", json!({"a": null, "b": [null]}));
}

#[test]
fn an_object_says_which_file_and_line_it_is_from() {
    let built =
        build(&[("app/kustomization.yaml", "resources: [base.yaml]\n"), ("app/base.yaml", BASE)]).unwrap();
    let origin = built[1].origin().unwrap();
    assert_eq!((&*origin.file, origin.line), ("app/base.yaml", 6));
}
