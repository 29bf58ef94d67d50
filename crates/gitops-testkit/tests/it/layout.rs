//! The rooms of the workspace: which crate may depend on which, how things are named, what every manifest has.
//!
//! The table is the design's. A new edge is a decision: it is made there, and then here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Crate, what it may depend on of ours, and whether it may know the Kubernetes client.
const ROOMS: &[(&str, &[&str], bool)] = &[
    ("structured-merge", &[], false),
    ("kubernetes-schema", &["structured-merge"], false),
    ("go-template", &[], false),
    ("gitops-expr", &[], false),
    ("gitops-manifest", &["gitops-api"], false),
    // The nouns re-export kube's types; they make no client.
    ("gitops-api", &[], true),
    ("gitops-cloud", &["gitops-api"], false),
    ("gitops-source", &["gitops-cloud", "gitops-expr", "gitops-manifest", "gitops-api"], false),
    ("gitops-kustomize", &["gitops-manifest", "kubernetes-schema", "gitops-api"], false),
    ("gitops-apply", &["gitops-manifest", "structured-merge", "gitops-expr", "gitops-api"], true),
    (
        "gitops-image",
        &["gitops-source", "go-template", "gitops-expr", "gitops-manifest", "gitops-api"],
        false,
    ),
    ("gitops-notify", &["gitops-cloud", "gitops-expr", "gitops-api"], false),
    ("gitops-runtime", &["gitops-expr", "gitops-api"], true),
    (
        "gitops-controllers",
        &[
            "gitops-runtime",
            "gitops-source",
            "gitops-kustomize",
            "gitops-apply",
            "gitops-image",
            "gitops-notify",
            "gitops-cloud",
            "gitops-expr",
            "gitops-api",
            "gitops-manifest",
        ],
        true,
    ),
    ("gitops-sandbox", &["structured-merge", "kubernetes-schema", "gitops-expr", "gitops-manifest"], false),
    // The sandbox is one of the two clusters that tests run on.
    ("gitops-testkit", &["gitops-sandbox"], true),
];

/// The packages that may depend on everything, because they are programs and no rooms.
const PROGRAMS: &[&str] = &["examples", "benches"];

/// Only these may be helped by, and only in their tests.
const TEST_ONLY: &str = "gitops-testkit";

const FORBIDDEN_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "types", "core", "misc"];

/// Crates that sit behind one module each, so that they can be replaced: no public item may name them.
const HIDDEN: &[&str] = &[
    "gix",
    "reqwest",
    "oci_client",
    "oci_distribution",
    "object_store",
    "tar",
    "flate2",
    "granit_parser",
    "axum",
    "hyper",
    "prometheus_client",
    "kube_lease_manager",
    "rcgen",
    "semver",
    "regex",
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

struct Package {
    name: String,
    folder: PathBuf,
    manifest: Value,
}

impl Package {
    fn is_room(&self) -> bool {
        self.folder.starts_with("crates")
    }

    /// Returns the names of what it depends on: for its users, or for its tests alone.
    fn dependencies(&self, for_tests: bool) -> Vec<&str> {
        let all = self.manifest["dependencies"].as_array().unwrap();
        let wanted = all.iter().filter(|dependency| (dependency["kind"] == "dev") == for_tests);
        wanted.map(|dependency| dependency["name"].as_str().unwrap()).collect()
    }
}

fn packages() -> Vec<Package> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).unwrap();
    let package = |manifest: &Value| Package {
        name: manifest["name"].as_str().unwrap().to_owned(),
        folder: Path::new(manifest["manifest_path"].as_str().unwrap())
            .parent()
            .unwrap()
            .strip_prefix(root())
            .unwrap()
            .to_owned(),
        manifest: manifest.clone(),
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn is_ours(name: &str) -> bool {
    ROOMS.iter().any(|(room, ..)| *room == name)
}

#[test]
fn crates_depend_only_on_those_below_them() {
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.is_room()) {
        let Some((_, below, client)) = ROOMS.iter().find(|(room, ..)| *room == package.name) else {
            wrong.push(format!("{} is no room of the design", package.name));
            continue;
        };
        for dependency in package.dependencies(false) {
            if is_ours(dependency) && !below.contains(&dependency) {
                wrong.push(format!("{} may not depend on {dependency}", package.name));
            }
            if dependency == "kube" && !client {
                wrong.push(format!("{} may not know the Kubernetes client", package.name));
            }
        }
        for dependency in package.dependencies(true) {
            if is_ours(dependency) && !below.contains(&dependency) && dependency != TEST_ONLY {
                wrong.push(format!("{} may not depend on {dependency}, not even in its tests", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn packages_are_rooms_or_programs_and_folders_are_named_as_their_crates() {
    for package in packages() {
        if package.is_room() {
            assert_eq!(package.folder, Path::new("crates").join(&package.name));
        } else {
            let folder = package.folder.to_str().unwrap();
            assert!(PROGRAMS.contains(&folder), "{folder} is neither in crates/ nor one of {PROGRAMS:?}");
        }
    }
}

#[test]
fn nothing_has_a_name_that_says_nothing() {
    let check = |path: &Path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let last = name.rsplit('-').next().unwrap_or(name);
        assert!(
            !FORBIDDEN_NAMES.contains(&name) && !FORBIDDEN_NAMES.contains(&last),
            "{} says nothing",
            path.display()
        );
    };
    for package in packages() {
        check(&package.folder);
        for path in sources(&root().join(&package.folder)) {
            check(&path);
            if path.is_file() {
                let text = std::fs::read_to_string(&path).unwrap();
                let inline =
                    text.lines().filter_map(|line| line.trim().split_once("mod ")?.1.strip_suffix(" {"));
                inline.for_each(|module| check(&path.with_file_name(module)));
            }
        }
    }
}

/// Returns the Rust files of a package and the folders that they are in.
pub(crate) fn sources(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            let inside = sources(&path);
            if !inside.is_empty() {
                found.insert(path);
            }
            found.extend(inside);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
    found
}

#[test]
fn public_items_do_not_name_the_crates_behind_them() {
    // Read from the text, so an alias could hide one; it finds what would be written by mistake.
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.is_room()) {
        for path in
            sources(&root().join(&package.folder).join("src")).into_iter().filter(|path| path.is_file())
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let public = text.lines().enumerate().filter(|(_, line)| {
                let line = line.trim_start();
                line.starts_with("pub ") || (line.starts_with("impl") && line.contains("From<"))
            });
            for (number, line) in public {
                for hidden in HIDDEN.iter().filter(|hidden| names(line, hidden)) {
                    wrong.push(format!(
                        "{}:{}: {hidden} in public: {}",
                        path.display(),
                        number + 1,
                        line.trim()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns whether a line uses a path that starts with a crate's name.
fn names(line: &str, krate: &str) -> bool {
    let boundary = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let path = format!("{krate}::");
    line.match_indices(&path).any(|(at, _)| boundary(&line[..at]) || line[..at].ends_with("use ::"))
}

#[test]
fn a_path_is_told_from_a_module_of_the_same_name() {
    let check = |line: &str, krate: &str, want: bool| assert_eq!(names(line, krate), want, "{line}");
    check("pub fn f(repository: gix::Repository)", "gix", true);
    check("pub fn f(repository: my_gix::Repository)", "gix", false);
    check("pub use self::tar::Reader;", "tar", false);
    check("pub use crate::regex::Pattern;", "regex", false);
    check("impl From<reqwest::Error> for Error {", "reqwest", true);
}

#[test]
fn ring_is_not_built() {
    // Beside aws-lc-rs it makes rustls panic at the first connection.
    let tree =
        cargo(&["tree", "--workspace", "--edges", "normal,build,dev", "--prefix", "none", "--format", "{p}"]);
    let ring: Vec<&str> = tree.lines().filter(|line| line.starts_with("ring v")).collect();
    assert!(tree.lines().any(|line| line.starts_with("aws-lc-rs v")), "the tree names what is built");
    assert!(ring.is_empty(), "{ring:?}: find who asks for it with `cargo tree --invert ring`");
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = read("Cargo.toml");
    let lines = manifest.lines().skip_while(|line| *line != "[workspace.dependencies]").skip(1);
    let lines: Vec<&str> = lines.take_while(|line| !line.starts_with('[')).collect();
    assert!(lines.len() > 20, "the section has been found");
    let of_others = |line: &&&str| line.contains('=') && !line.starts_with('#') && !line.contains("path = ");
    let bare: Vec<&&str> = lines.iter().filter(of_others).filter(|line| reason(line).len() < 3).collect();
    assert!(bare.is_empty(), "a reason stands behind the `#` of its line; missing for: {bare:#?}");
}

/// Returns the comment at the end of a line of TOML.
fn reason(line: &str) -> &str {
    let mut quoted = false;
    let start = line.char_indices().find(|(_, letter)| {
        quoted ^= *letter == '"';
        *letter == '#' && !quoted
    });
    start.map_or("", |(at, _)| line[at + 1..].trim())
}

#[test]
fn every_manifest_takes_versions_lints_and_edition_from_the_workspace() {
    let root_manifest = read("Cargo.toml");
    for (key, value) in [("resolver", "\"3\""), ("edition", "\"2024\""), ("license", "\"Apache-2.0\"")] {
        assert!(root_manifest.contains(&format!("{key} = {value}")), "{key} = {value}");
    }
    for package in packages() {
        let text = read(package.folder.join("Cargo.toml"));
        for line in [
            "[lints]\nworkspace = true",
            "edition.workspace = true",
            "rust-version.workspace = true",
            "license.workspace = true",
        ] {
            assert!(text.contains(line), "{}: {line:?} is missing", package.name);
        }
        let sections = text
            .split("\n[")
            .filter(|section| section.lines().next().is_some_and(|head| head.ends_with("dependencies]")));
        for line in sections.flat_map(str::lines).skip(1).filter(|line| line.contains('=')) {
            let from_workspace = line.contains("workspace = true") || line.contains(".workspace=true");
            assert!(
                from_workspace,
                "{}: the version of `{line}` belongs into the workspace's manifest",
                package.name
            );
        }
    }
}
