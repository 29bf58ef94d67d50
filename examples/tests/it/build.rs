//! `examples/build`, as its users run it.

use std::path::Path;
use std::process::Command;

use clap::Parser;
use gitops_manifest::DirectoryTree;
use gitops_source::artifact::{PackOptions, pack};
use gitops_source::ignore::IgnoreRules;

#[path = "../../build/main.rs"]
#[allow(dead_code)] // its `main`
mod program;

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  template:\n    \
                   spec:\n      containers:\n      - name: web\n        image: nginx:1\n";
const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";

fn put(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// A base, and an overlay whose file lists the Deployment before the Namespace.
fn shop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        &[
            ("base/kustomization.yaml", "resources: [web.yaml, namespace.yaml]\n"),
            ("base/web.yaml", WEB),
            ("base/namespace.yaml", NAMESPACE),
            (
                "prod/kustomization.yaml",
                "resources:\n- ../base\nnamePrefix: prod-\nconfigMapGenerator:\n- name: settings\n  literals: [a=b]\n",
            ),
        ],
    );
    folder
}

fn render(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let source = folder.to_str().unwrap();
    let arguments = ["build", source].into_iter().chain(arguments.iter().copied());
    program::render(&program::Flags::try_parse_from(arguments).unwrap())
}

#[test]
fn a_directory_is_rendered_as_kustomize_renders_it() {
    let shop = shop();
    let ours = render(&shop.path().join("prod"), &[]).unwrap();
    let kinds: Vec<&str> = ours.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
    assert_eq!(kinds, ["Namespace", "ConfigMap", "Deployment"], "in kustomize's own order");

    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("controllers/deploy");
    for folder in [shop.path().join("prod"), deploy] {
        let Ok(theirs) = Command::new("kubectl").arg("kustomize").arg(&folder).output() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "kubectl is missing");
            println!("skipped: there is no kubectl to compare with");
            return;
        };
        assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stderr));
        assert_eq!(render(&folder, &[]).unwrap(), String::from_utf8(theirs.stdout).unwrap());
    }
}

#[test]
fn an_archive_is_rendered_without_being_written_to_disk() {
    let shop = shop();
    let tree = DirectoryTree::open(shop.path()).unwrap();
    let (folder, mut bytes) = (tempfile::tempdir().unwrap(), Vec::new());
    pack(&tree, &IgnoreRules::none(), &PackOptions::default(), &mut bytes).unwrap();
    let archive = folder.path().join("artifact.tar.gz");
    std::fs::write(&archive, bytes).unwrap();
    let rendered = render(&archive, &["--path", "./prod"]).unwrap();
    assert_eq!(rendered, render(&shop.path().join("prod"), &[]).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was written beside it");

    let error = render(&archive, &["--path", "../prod"]).unwrap_err();
    assert!(error.contains("artifact.tar.gz: "), "{error}");
    std::fs::write(&archive, "no archive").unwrap();
    let error = render(&archive, &["--path", "prod"]).unwrap_err();
    assert!(error.contains("name a directory or a tar.gz archive"), "{error}");
}

const OWNER: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: other}\n---\n\
                     apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: shop, namespace: \
                     fleet}\nspec:\n  path: ./base\n  targetNamespace: shop\n  images: [{name: nginx, newTag: '2'}]\n  \
                     patches:\n  - patch: |-\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: web}\n      \
                     spec: {replicas: 3, paused: '${paused}'}\n  postBuild:\n    substitute: {paused: 'true'}\n";

#[test]
fn a_directory_is_rendered_as_flux_renders_it() {
    let shop = shop();
    put(shop.path(), &[("ks.yaml", OWNER), ("plain/web.yaml", WEB), ("plain/skip.yaml", NAMESPACE)]);
    let owner = shop.path().join("ks.yaml");
    let flags = ["--as", "flux", "--kustomization-file", owner.to_str().unwrap(), "--namespace", "fleet"];
    let plain = shop.path().join("plain");
    let rendered =
        render(&plain, &[&flags[..], &["--name", "shop", "--ignore-paths", "skip.yaml"]].concat()).unwrap();
    let want = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    \
                kustomize.toolkit.fluxcd.io/name: shop\n    kustomize.toolkit.fluxcd.io/namespace: fleet\n  name: web\n  \
                namespace: shop\nspec:\n  paused: true\n  replicas: 3\n  template:\n    spec:\n      containers:\n      - \
                image: nginx:2\n        name: web\n---\n";
    assert_eq!(rendered, want, "generated, with the specification, substituted, and ended");

    let error = render(&plain, &flags).unwrap_err();
    assert!(error.contains("choose one with --name"), "{error}");
    let base = render(&shop.path().join("base"), &[&flags[..], &["--name", "shop"]].concat()).unwrap();
    assert!(
        base.find("Deployment").unwrap() < base.find("kind: Namespace").unwrap(),
        "in the order of the files"
    );
}

#[test]
fn variables_come_from_flags_and_files_and_are_strict() {
    let folder = tempfile::tempdir().unwrap();
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '${x}', n: '${n}', s: '${s:=none}'}\n";
    put(
        folder.path(),
        &[
            ("app/a.yaml", config),
            ("env", "# comment\nx=file\nn=5\n"),
            ("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: v}\ndata: {s: aHVudGVyMg==}\n"),
        ],
    );
    let app = folder.path().join("app");
    let env = folder.path().join("env").to_str().unwrap().to_owned();
    let secret = folder.path().join("secret.yaml").to_str().unwrap().to_owned();
    let error = render(&app, &["--as", "flux", "--var", "x=1"]).unwrap_err();
    assert!(error.contains("variable not set (strict mode): \"n\"") && error.contains("--var"), "{error}");
    let lenient = render(&app, &["--as", "flux", "--var", "x=1", "--lenient"]).unwrap();
    assert!(lenient.contains("data:\n  \"n\": null\n  s: none\n  x: 1\n"), "{lenient}");
    let files = ["--as", "flux", "--var-file", &env, "--var-file", &secret, "--var", "x=flag"];
    let text = render(&app, &files).unwrap();
    assert!(text.contains("data:\n  \"n\": 5\n  s: hunter2\n  x: flag\n"), "{text}");
    let typed = render(&app, &[&files[..], &["--typed"]].concat()).unwrap();
    assert!(typed.contains("data:\n  \"n\": \"5\"\n  s: hunter2\n  x: flag\n"), "{typed}");
}

#[test]
fn explain_tells_the_file_and_the_transformer_of_each_field() {
    let shop = shop();
    put(shop.path(), &[("ks.yaml", OWNER), (".git/HEAD", "")]);
    let text = render(&shop.path().join("prod"), &["--explain"]).unwrap();
    let line =
        "  metadata.name: PrefixTransformer of prod/kustomization.yaml:3 namePrefix <- base/web.yaml:4\n";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("  spec.replicas: base/web.yaml:6\n"), "{text}");
    let owner = shop.path().join("ks.yaml").to_str().unwrap().to_owned();
    let flags = [
        "--as",
        "flux",
        "--kustomization-file",
        &owner,
        "--name",
        "shop",
        "--namespace",
        "fleet",
        "--explain",
    ];
    let text = render(&shop.path().join("base"), &flags).unwrap();
    let paused = format!(
        "  spec.paused: Substitute of {owner} spec.postBuild <- PatchTransformer of spec.patches[0]\n"
    );
    assert!(text.contains(&paused), "{text}");
}

#[test]
fn json_is_canonical_one_object_a_line() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &[("kustomization.yaml", "resources: [n.yaml]\n"), ("n.yaml", NAMESPACE)]);
    let json = "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"shop\"}}\n";
    assert_eq!(render(folder.path(), &["--output", "json"]).unwrap(), json);
}

#[test]
fn an_error_tells_file_line_field_and_what_to_do() {
    let shop = shop();
    put(
        shop.path(),
        &[("prod/kustomization.yaml", "resources:\n- ../base\n- gone.yaml\n"), (".git/HEAD", "")],
    );
    let error = render(&shop.path().join("prod"), &[]).unwrap_err();
    assert!(error.starts_with("prod/kustomization.yaml:3 resources[1]: "), "{error}");
    assert!(error.ends_with("\n  add the file or directory, or correct the path"), "{error}");
    let error = render(&shop.path().join("nowhere"), &[]).unwrap_err();
    assert!(error.contains("name a directory or a tar.gz archive"), "{error}");
    put(shop.path(), &[("prod/kustomization.yaml", "resources:\n- ../../elsewhere\n")]);
    let error = render(&shop.path().join("prod"), &[]).unwrap_err();
    assert!(error.contains("leads out of the root"), "{error}");
}
