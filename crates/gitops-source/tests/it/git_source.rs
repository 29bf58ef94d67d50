//! The short way, from a repository to files.

use gitops_manifest::FileTree;
use gitops_source::git::GitAuth;
use gitops_source::{GitSource, SourceError, SourceStore};
use gitops_testkit::GitServer;

#[tokio::test]
async fn a_branch_becomes_files_and_a_changed_artifact_is_refused() {
    let server = GitServer::start().await.unwrap();
    server.require_basic("ada", "secret");
    let commit = server.repository("app").unwrap().commit("main", &[("a/b.yaml", "b: 1\n")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = SourceStore::open(folder.path()).unwrap();

    let source = GitSource::new(server.url("app")).branch("main");
    assert!(matches!(source.fetch(&store).await, Err(SourceError::GitRemote { .. })), "without credentials");
    let source = source.auth(GitAuth::Basic { username: "ada".to_owned(), password: "secret".into() });
    let artifact = source.fetch(&store).await.unwrap();
    assert_eq!(artifact.revision().to_string(), format!("main@sha1:{commit}"));
    assert_eq!(artifact.unpack().unwrap().read("a/b.yaml").unwrap(), "b: 1\n");

    let again = source.fetch(&store).await.unwrap();
    assert_eq!(again.artifact().digest, artifact.artifact().digest, "equal files have an equal digest");

    std::fs::write(folder.path().join("artifacts").join(&artifact.artifact().path), "something else")
        .unwrap();
    assert!(matches!(artifact.unpack(), Err(SourceError::DigestMismatch { .. })));
}
