//! Ignore rules: the lists of Flux, scope, priority and the globs of Go.

use gitops_manifest::MemoryTree;
use gitops_source::ignore::IgnoreRules;

/// Rules over a tree of ignore files, given as path and text.
fn check(files: &[(&str, &str)], spec: Option<&str>, ignored: &[&str], kept: &[&str]) {
    let mut tree = MemoryTree::new();
    for (path, text) in files {
        tree.insert(*path, (*text).to_owned()).unwrap();
    }
    let rules = IgnoreRules::for_tree(&tree, spec).unwrap();
    for path in ignored {
        assert!(rules.ignores(path, path.ends_with('/')), "{path} is kept by {files:?} {spec:?}");
    }
    for path in kept {
        assert!(!rules.ignores(path, path.ends_with('/')), "{path} is ignored by {files:?} {spec:?}");
    }
}

#[test]
fn one_pattern_of_a_source_replaces_the_defaults_but_for_version_control() {
    let vcs = [".git/", ".git/config", ".gitignore", "a/.gitmodules", ".gitattributes"];
    let others =
        ["a.jpg", "z/y.tar.gz", ".github/", ".github/y", ".travis.yml", "z/.sops.yaml", ".flux.yaml"];
    let all: Vec<&str> = vcs.iter().chain(&others).copied().collect();
    check(&[], None, &all, &["a.yaml", "gitignore"]);
    check(&[(".sourceignore", "# only a comment\n\n  \n")], Some("# and another"), &all, &["a.yaml"]);
    check(&[("deep/er/.sourceignore", "x")], None, &vcs, &others);
    check(&[], Some("x"), &vcs, &others);
    check(&[(".git/.sourceignore", "x")], None, &all, &[]);
}

#[test]
fn nested_files_are_bound_to_their_directory_and_the_spec_wins() {
    let files = [(".sourceignore", "*.md\n"), ("docs/.sourceignore", "!*.md\n/draft\n")];
    check(
        &files,
        None,
        &["a.md", "docs/draft", "docs/draft/x"],
        &["docs/a.md", "docs/x/a.md", "docs/x/draft", "draft"],
    );
    check(&files, Some("docs/a.md\n"), &["docs/a.md"], &["docs/b.md"]);
    check(&files, Some("!.git/\n"), &[".gitignore"], &[".git/", ".git/config"]);
}

#[test]
fn children_of_an_excluded_directory_can_be_taken_in() {
    check(&[], Some("/*\n!/deploy\n"), &["README.md", "src/", "src/a"], &["deploy/", "deploy/a/b"]);
    check(&[], Some("dir/\n!dir/keep\n"), &["dir/", "dir/x"], &["dir/keep"]);
}

#[test]
fn lines_are_read_as_go_reads_them() {
    check(&[], Some("a.txt  \r\n #b\r\n"), &["a.txt", " #b"], &["b"]);
    check(&[], Some("x\\ "), &["x "], &["x"]);
    check(&[], Some("\\#c\n\\!d"), &["#c", "!d"], &["c", "d"]);
    let long = format!("{}\nlost", "x".repeat(70_000));
    check(&[], Some(&format!("first\n{long}")), &["first"], &["lost"]);
}

#[test]
fn globs_are_those_of_go() {
    check(&[], Some("[a-c]x"), &["ax", "cx"], &["dx", "x"]);
    check(&[], Some("[^a-c]x"), &["dx"], &["ax"]);
    check(&[], Some("[!a]x"), &["ax", "!x"], &["bx"]);
    check(&[], Some("[a"), &[], &["a", "[a"]);
    check(&[], Some("x/[]a]"), &[], &["x/a", "x/]"]);
    check(&[], Some("a\\*b"), &["a*b"], &["axb"]);
    check(&[], Some("?"), &["ü"], &["ab"]);
    check(&[], Some("*a*a*b"), &["aab", "xaxaxb", "aaab"], &["ab", "aaba"]);
    check(&[], Some("a**b"), &["axxb"], &["a/b"]);
    check(&[], Some("x/a**b"), &[], &["x/axxb", "x/ab"]);
}

#[test]
fn two_stars_are_any_depth_only_as_a_whole_element() {
    check(&[], Some("**/x/y"), &["x/y", "a/b/x/y", "x/y/z"], &["a/x/b/y"]);
    check(&[], Some("a/**/b"), &["a/b", "a/x/y/b"], &["b", "x/a/b"]);
    check(&[], Some("a/**"), &["a", "a/b"], &["b"]);
    // The first element that matches is taken for good.
    check(&[], Some("**/a/b"), &["a/b"], &["a/x/a/b"]);
    check(&[], Some("/**"), &[], &["a", "a/b"]);
}

#[test]
fn a_glob_of_many_stars_ends() {
    let pattern = "*a".repeat(200);
    let name = "a".repeat(2000) + "b";
    let rules = {
        let mut rules = IgnoreRules::none();
        rules.push_text(&pattern, "");
        rules
    };
    assert!(!rules.ignores(&name, false));
}
