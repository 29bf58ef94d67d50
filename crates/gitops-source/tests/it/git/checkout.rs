//! The files of a commit, and what the commit says about itself.

use gitops_manifest::{EntryKind, FileTree as _, TreeError};
use gitops_source::git::{GitLimits, GitReference, GitRemote, resolve};

use super::World;

#[tokio::test]
async fn files_are_listed_and_read_without_links_and_submodules() {
    let world = World::new().await;
    let commit = world
        .repository
        .change("main")
        .file("a.yaml", "a\n")
        .file("a/b.yaml", "b\n")
        .file("a-b/c.yaml", "c\n")
        .executable("run.sh", "#!/bin/sh\n")
        .link("link.yaml", "a.yaml")
        .link("out", "../../etc")
        .submodule("module", &"1".repeat(40))
        .file("ümlaut \"quoted\".yaml", "u\n")
        .commit()
        .unwrap();
    let checkout = world.checkout(&GitReference::branch("main")).await.unwrap();
    assert_eq!(checkout.commit().id(), commit);

    let listed = checkout.list("").unwrap();
    let listed: Vec<_> = listed.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
    let (file, folder) = (EntryKind::File, EntryKind::Directory);
    let want = [
        ("a", folder),
        ("a-b", folder),
        ("a.yaml", file),
        ("run.sh", file),
        ("ümlaut \"quoted\".yaml", file),
    ];
    assert_eq!(listed, want);
    assert_eq!(checkout.read("a/b.yaml").unwrap(), "b\n");
    assert_eq!(checkout.read("ümlaut \"quoted\".yaml").unwrap(), "u\n");
    assert!(checkout.is_executable("run.sh").unwrap());
    assert!(!checkout.is_executable("a.yaml").unwrap());
    assert_eq!(checkout.kind("").unwrap(), Some(folder));
    assert_eq!(checkout.kind("a").unwrap(), Some(folder));
    assert_eq!(checkout.kind("a.yaml").unwrap(), Some(file));
    for path in ["link.yaml", "out", "out/passwd", "module", "a.yaml/x", "none"] {
        assert_eq!(checkout.kind(path).unwrap(), None, "{path}");
        assert!(checkout.read(path).unwrap_err().is_not_found(), "{path}");
    }
    assert!(matches!(checkout.read("a"), Err(TreeError::NotAFile { .. })));
    assert!(matches!(checkout.list("a.yaml"), Err(TreeError::NotADirectory { .. })));
    assert!(matches!(checkout.read("../a.yaml"), Err(TreeError::Path { .. })));
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_by_name() {
    let world = World::new().await;
    world.repository.commit("main", &[("small", "1234"), ("large", "12345")]).unwrap();
    let mut limits = GitLimits::default();
    limits.file = 4;
    let remote = world.remote().with_limits(limits);
    let resolved = world.resolve(&GitReference::branch("main")).await.unwrap();
    // The limit on one object holds for folders too, so the store is filled without it.
    world.store.fetch(&world.remote(), &resolved).await.unwrap();
    let checkout = world.store.fetch(&remote, &resolved).await.unwrap();
    assert_eq!(checkout.read("small").unwrap(), "1234");
    assert_eq!(checkout.read("large").unwrap_err().to_string(), "large: is larger than 4 bytes");
}

#[tokio::test]
async fn a_commit_tells_who_when_and_why() {
    let world = World::new().await;
    let subject = "Subject that is rather long and goes on and on until it is cut";
    let message = format!("{subject}\n\nBody.\n");
    world.repository.change("main").file("a", "1").message(&message).at(1_700_000_000).commit().unwrap();
    let checkout = world.checkout(&GitReference::branch("main")).await.unwrap();
    let commit = checkout.commit();
    assert_eq!(commit.subject(), subject);
    assert_eq!(commit.short_subject(), "Subject that is rather long and goes on and on unt...");
    assert_eq!(commit.message(), message);
    assert_eq!((commit.author().name.as_str(), commit.author().email.as_str()), ("Ada", "ada@example.com"));
    assert_eq!(commit.committer().time.as_second(), 1_700_000_000);
    assert_eq!(commit.signature(), None);
}

#[tokio::test]
async fn submodules_are_folders_where_they_are_asked_for() {
    let world = World::new().await;
    let inner = world.server.repository("inner").unwrap();
    let inner = inner.commit("main", &[("deep.yaml", "deep\n")]).unwrap();
    let declare = |name: &str, path: &str, url: &str| {
        format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = {url}\n")
    };
    let lib = world.server.repository("lib").unwrap();
    let old = lib
        .change("main")
        .file("x.yaml", "1\n")
        .file(".gitmodules", declare("inner", "sub/inner", &world.server.url("inner")))
        .submodule("sub/inner", &inner)
        .commit()
        .unwrap();
    lib.commit("main", &[("x.yaml", "2\n")]).unwrap();
    world
        .repository
        .change("main")
        .file("a.yaml", "a\n")
        .file(".gitmodules", declare("lib", "lib", "../lib.git"))
        .submodule("lib", &old)
        .commit()
        .unwrap();
    world.server.require_basic("ada", "secret");
    let remote = GitRemote::new(world.server.url_with_credentials("app", "ada", "secret"));
    let resolved = resolve(&remote, &GitReference::branch("main")).await.unwrap();
    let tree = world.store.fetch_with_submodules(&remote, &resolved).await.unwrap();

    let names = |dir: &str| tree.list(dir).unwrap().into_iter().map(|entry| entry.name).collect::<Vec<_>>();
    assert_eq!(names(""), [".gitmodules", "a.yaml", "lib"]);
    assert_eq!(names("lib"), [".git", ".gitmodules", "sub", "x.yaml"]);
    assert_eq!(names("lib/sub"), ["inner"]);
    assert_eq!(names("lib/sub/inner"), [".git", "deep.yaml"]);
    for (path, want) in [
        ("a.yaml", "a\n"),
        ("lib/x.yaml", "1\n"),
        ("lib/.git", "gitdir: ../.git/modules/lib\n"),
        ("lib/sub/inner/deep.yaml", "deep\n"),
        ("lib/sub/inner/.git", "gitdir: ../../../.git/modules/lib/modules/inner\n"),
    ] {
        assert_eq!(tree.read(path).unwrap(), want, "{path}");
        assert_eq!(tree.kind(path).unwrap(), Some(EntryKind::File), "{path}");
    }
    assert_eq!(tree.kind("lib").unwrap(), Some(EntryKind::Directory));
    assert!(matches!(tree.read("lib"), Err(TreeError::NotAFile { .. })));
    assert_eq!(tree.kind("library").unwrap(), None);
    assert_eq!(tree.checkout().kind("lib").unwrap(), None);
}
