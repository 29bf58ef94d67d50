//! Read-only trees answer alike and keep what is inside inside.

use std::fs;
use std::sync::Arc;

use gitops_manifest::tree::{join, normalise};
use gitops_manifest::{DirectoryTree, EntryKind, FileTree, MemoryTree, TreeError};

fn memory() -> MemoryTree {
    let mut tree = MemoryTree::new();
    tree.insert("a/c.yaml", "c").unwrap();
    tree.insert("a-b", "ab").unwrap();
    tree.insert("a/b/d.yaml", "d").unwrap();
    tree.insert_executable("run.sh", "#!").unwrap();
    tree.insert_directory("empty").unwrap();
    tree
}

fn on_disk(tree: &MemoryTree) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in tree.files() {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::create_dir_all(dir.path().join("empty")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(dir.path().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    dir
}

/// What every tree with these files must answer.
fn check(tree: &dyn FileTree) {
    let names = |dir: &str| -> Vec<_> {
        tree.list(dir).unwrap().into_iter().map(|entry| (entry.name, entry.kind)).collect()
    };
    let (file, directory) = (EntryKind::File, EntryKind::Directory);
    let want = [("a", directory), ("a-b", file), ("empty", directory), ("run.sh", file)];
    assert_eq!(names(""), want.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!(names("a"), [("b", directory), ("c.yaml", file)].map(|(n, k)| (n.to_owned(), k)));
    assert_eq!(names("empty"), []);
    assert_eq!(tree.read("a/b/d.yaml").unwrap(), "d");
    assert_eq!(tree.kind("").unwrap(), Some(directory));
    assert_eq!(tree.kind("a/b").unwrap(), Some(directory));
    assert_eq!(tree.kind("a/c.yaml").unwrap(), Some(file));
    assert_eq!(tree.kind("a/c.yaml/x").unwrap(), None);
    assert_eq!(tree.kind("none").unwrap(), None);
    assert!(tree.is_executable("run.sh").unwrap() && !tree.is_executable("a-b").unwrap());
    assert!(matches!(tree.read("a"), Err(TreeError::NotAFile { .. })));
    assert!(matches!(tree.read(""), Err(TreeError::NotAFile { .. })));
    assert!(matches!(tree.list("a-b"), Err(TreeError::NotADirectory { .. })));
    assert!(tree.read("none").unwrap_err().is_not_found());
    assert!(tree.list("none").unwrap_err().is_not_found());
    for path in ["/a-b", "a/../a-b", "..", "./a-b", "a//c.yaml", "a/", "a\0b", "a/."] {
        assert!(matches!(tree.read(path), Err(TreeError::Path { .. })), "{path:?}");
        assert!(matches!(tree.kind(path), Err(TreeError::Path { .. })), "{path:?}");
        assert!(matches!(tree.list(path), Err(TreeError::Path { .. })), "{path:?}");
        assert!(matches!(tree.is_executable(path), Err(TreeError::Path { .. })), "{path:?}");
    }
}

#[test]
fn memory_and_disk_answer_alike() {
    let tree = memory();
    let dir = on_disk(&tree);
    check(&tree);
    check(&Arc::new(tree));
    check(&DirectoryTree::open(dir.path()).unwrap());
}

#[test]
fn memory_refuses_a_file_where_a_directory_is_and_the_other_way() {
    let mut tree = memory();
    assert!(matches!(tree.insert("a", ""), Err(TreeError::NotAFile { .. })));
    assert!(matches!(tree.insert("empty", ""), Err(TreeError::NotAFile { .. })));
    assert!(matches!(tree.insert("a-b/x", ""), Err(TreeError::NotADirectory { .. })));
    assert!(matches!(tree.insert_directory("a-b"), Err(TreeError::NotADirectory { .. })));
    assert!(matches!(tree.insert("../x", ""), Err(TreeError::Path { .. })));
    assert!(!tree.remove("a") && tree.remove("a-b") && tree.remove("empty"));
    assert_eq!(tree.len(), 3);
}

#[cfg(unix)]
#[test]
fn links_inside_are_followed_and_links_out_are_refused() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let dir = on_disk(&memory());
    let at = |name: &str| dir.path().join(name);
    symlink("a/c.yaml", at("inside")).unwrap();
    symlink("../../a-b", at("a/b/up")).unwrap();
    symlink("a", at("folder")).unwrap();
    symlink(outside.path().join("secret"), at("out")).unwrap();
    symlink(outside.path(), at("outdir")).unwrap();
    symlink("out", at("chain")).unwrap();
    symlink("../../../../../../../../etc/passwd", at("a/relative")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    let tree = DirectoryTree::open(dir.path()).unwrap();

    assert_eq!(tree.read("inside").unwrap(), "c");
    assert_eq!(tree.read("a/b/up").unwrap(), "ab");
    assert_eq!(tree.read("folder/b/d.yaml").unwrap(), "d");
    for path in ["out", "outdir/secret", "outdir", "chain", "a/relative"] {
        assert!(matches!(tree.read(path), Err(TreeError::Outside { .. })), "{path}");
        assert!(matches!(tree.kind(path), Err(TreeError::Outside { .. })), "{path}");
    }
    assert!(matches!(tree.list("outdir"), Err(TreeError::Outside { .. })));
    assert!(tree.read("dangling").unwrap_err().is_not_found());
    assert!(matches!(tree.read("loop"), Err(TreeError::Io { .. })));
    let names: Vec<_> = tree.list("").unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["a", "a-b", "empty", "folder", "inside", "run.sh"]);
}

#[cfg(unix)]
#[test]
fn a_folder_with_a_similar_name_is_outside() {
    let parent = tempfile::tempdir().unwrap();
    fs::create_dir(parent.path().join("root")).unwrap();
    fs::create_dir(parent.path().join("root-twin")).unwrap();
    fs::write(parent.path().join("root-twin/x"), "x").unwrap();
    std::os::unix::fs::symlink("../root-twin/x", parent.path().join("root/x")).unwrap();
    let tree = DirectoryTree::open(parent.path().join("root")).unwrap();
    assert!(matches!(tree.read("x"), Err(TreeError::Outside { .. })));
}

#[test]
fn files_over_the_limit_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("big"), [b'x'; 11]).unwrap();
    let tree = DirectoryTree::open(dir.path()).unwrap().max_file_size(10);
    assert!(matches!(tree.read("big"), Err(TreeError::TooLarge { limit: 10, .. })));
    assert_eq!(tree.max_file_size(11).read("big").unwrap().len(), 11);
}

#[test]
fn written_paths_become_normal_or_are_refused() {
    for (dir, path, want) in [
        ("", ".", Some("")),
        ("", "./a/./b//c/", Some("a/b/c")),
        ("a/b", "../c", Some("a/c")),
        ("a/b", "../..", Some("")),
        ("a/b", "../../..", None),
        ("", "..", None),
        ("a", "/etc", None),
        ("a", "b\0", None),
    ] {
        assert_eq!(join(dir, path).ok().as_deref(), want, "{dir:?} {path:?}");
    }
    assert_eq!(normalise("a/..").unwrap(), "");
}
