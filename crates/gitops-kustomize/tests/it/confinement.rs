//! Paths that would leave the tree, whatever field names them, are refused before anything is read.

use std::sync::Mutex;

use bytes::Bytes;
use gitops_kustomize::{BuildError, Kustomize};
use gitops_manifest::{Entry, EntryKind, FileTree, MemoryTree, TreeError};

use super::{CONFIG, build, tree};

/// Every field that names files or directories, with the place of a path.
const FIELDS: [&str; 15] = [
    "resources: [PATH]",
    "bases: [PATH]",
    "components: [PATH]",
    "crds: [PATH]",
    "configurations: [PATH]",
    "patches: [{path: PATH}]",
    "patchesStrategicMerge: [PATH]",
    "patchesJson6902: [{path: PATH, target: {kind: ConfigMap, name: a}}]",
    "replacements: [{path: PATH}]",
    "openapi: {path: PATH}",
    "generators: [PATH]",
    "transformers: [PATH]",
    "validators: [PATH]",
    "configMapGenerator: [{name: x, files: [k=PATH]}]",
    "secretGenerator: [{name: x, envs: [PATH]}]",
];

/// Paths that lead out, from the folder `app` of the tree.
const OUTSIDE: [&str; 9] = [
    "../../secret",
    "../../../../../../etc/passwd",
    "x/../../../secret",
    "/etc/passwd",
    "//etc/passwd",
    "https://example.org/x",
    "git@example.org:x/y",
    "ssh://example.org/x",
    "github.com/x/y",
];

/// A tree that notes what is read.
struct Watched(MemoryTree, Mutex<Vec<String>>);

impl FileTree for Watched {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        self.1.lock().unwrap().push(path.to_owned());
        self.0.read(path)
    }
    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        self.0.kind(path)
    }
    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        self.0.list(dir)
    }
    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        self.0.is_executable(path)
    }
}

#[test]
fn every_field_refuses_every_path_that_leads_out() {
    for field in FIELDS {
        for path in OUTSIDE {
            let file = format!("namespace: x\n{}\n", field.replace("PATH", path));
            let watched = Watched(tree(&[("app/kustomization.yaml", &file)]), Mutex::default());
            let error = Kustomize::new("app").build(&watched).unwrap_err();
            assert!(matches!(error, BuildError::Refused(_)), "{file}: {error:?}");
            let read = watched.1.lock().unwrap();
            assert!(read.iter().all(|path| path == "app/kustomization.yaml"), "{file}");
        }
    }
}

#[test]
fn a_refusal_names_the_field_and_the_path() {
    let error = build(&[("app/kustomization.yaml", "crds: [../../x.yaml]\n")]).unwrap_err().to_string();
    assert!(error.contains("crds '../../x.yaml' in '/app' leads out of the root"), "{error}");
    assert!(error.ends_with("(app/kustomization.yaml:1 crds[0])"), "{error}");
}

#[test]
fn every_refusal_names_file_and_line() {
    for field in FIELDS {
        for path in OUTSIDE {
            let file = format!("namespace: x\n{}\n", field.replace("PATH", path));
            let error = build(&[("app/kustomization.yaml", &file)]).unwrap_err().to_string();
            assert!(error.contains("(app/kustomization.yaml:2 "), "{file}: {error}");
        }
    }
    let files = [
        ("app/kustomization.yaml", "\nresources:\n- ../base\n"),
        ("base/kustomization.yaml", "bases:\n- /x\n"),
    ];
    let error = build(&files).unwrap_err().to_string();
    assert!(error.ends_with("(base/kustomization.yaml:2 resources[0])"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_are_refused_with_file_and_line() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let outside = folder.path().join("outside");
    for dir in [&root.join("app"), &outside] {
        std::fs::create_dir_all(dir).unwrap();
    }
    std::fs::write(outside.join("a.yaml"), CONFIG).unwrap();
    std::fs::write(outside.join("kustomization.yaml"), "resources: [a.yaml]\n").unwrap();
    std::fs::write(root.join("inside.yaml"), CONFIG).unwrap();
    symlink(outside.join("a.yaml"), root.join("app/file.yaml")).unwrap();
    symlink(&outside, root.join("app/dir")).unwrap();
    symlink("../inside.yaml", root.join("app/good.yaml")).unwrap();
    let tree = gitops_manifest::DirectoryTree::open(&root).unwrap();
    let build = |entry: &str| {
        std::fs::write(root.join("app/kustomization.yaml"), format!("resources:\n- {entry}\n")).unwrap();
        Kustomize::new("app").build(&tree)
    };
    for entry in ["file.yaml", "dir", "dir/a.yaml"] {
        let error = build(entry).unwrap_err();
        assert!(
            matches!(&error, BuildError::Refused(text) if text.contains("a link leads out of the root")),
            "{error:?}"
        );
        assert!(error.to_string().ends_with("(app/kustomization.yaml:2 resources[0])"), "{error}");
    }
    assert_eq!(build("good.yaml").unwrap().len(), 1);
}

#[test]
fn tildes_and_percent_signs_are_plain_names() {
    for path in ["~/x", "%2e%2e/x"] {
        let error = build(&[("app/kustomization.yaml", &format!("resources: ['{path}']\n"))]).unwrap_err();
        assert!(matches!(error, BuildError::Missing(_)), "{error:?}");
    }
}

#[test]
fn nothing_is_run() {
    let plugin = "apiVersion: example.org/v1\nkind: Runner\nmetadata:\n  name: x\n  annotations:\n    \
                  config.kubernetes.io/function: |\n      exec: {path: ./run.sh}\n";
    for field in ["generators", "transformers", "validators"] {
        let file = format!("resources: [a.yaml]\n{field}: [plugin.yaml]\n");
        let files =
            [("app/kustomization.yaml", file.as_str()), ("app/a.yaml", CONFIG), ("app/plugin.yaml", plugin)];
        let error = build(&files).unwrap_err();
        assert!(error.to_string().contains("external plugin 'Runner'"), "{error}");
    }
    let error = build(&[("app/kustomization.yaml", "helmCharts: [{name: x}]\n")]).unwrap_err();
    assert!(matches!(error, BuildError::Refused(_)), "{error:?}");
}

#[test]
fn a_file_of_another_folder_is_refused_to_the_command_and_not_to_flux() {
    let files = [("app/kustomization.yaml", "resources: [../a.yaml]\n"), ("a.yaml", CONFIG)];
    assert_eq!(build(&files).unwrap().len(), 1);
    let error = Kustomize::plain("app").build(&tree(&files)).unwrap_err().to_string();
    assert!(error.contains("security; file '/a.yaml' is not in or below '/app'"), "{error}");
}
