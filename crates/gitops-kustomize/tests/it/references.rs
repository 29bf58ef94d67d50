//! Names that change, and the fields that follow them.

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
fn an_object_says_which_file_and_line_it_is_from() {
    let built =
        build(&[("app/kustomization.yaml", "resources: [base.yaml]\n"), ("app/base.yaml", BASE)]).unwrap();
    let origin = built[1].origin().unwrap();
    assert_eq!((&*origin.file, origin.line), ("app/base.yaml", 6));
}
