//! Fetching: verified before unpacked, tried again where that can help.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gitops_api::Artifact;
use gitops_source::SourceError;
use gitops_source::artifact::{
    ArchiveFault, ArtifactStore, FetchOptions, Fetcher, Limits, LocalStore, StoreOptions,
};
use gitops_source::ignore::IgnoreRules;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::serving::serving;
use super::{draft, packed, tree};

fn options() -> FetchOptions {
    FetchOptions::default().waits(Duration::ZERO, Duration::ZERO).retries(3)
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// A server that gives the answers one after the other, the last again and again, and counts.
async fn scripted(answers: Vec<Vec<u8>>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/gitrepository/a/b/c.tar.gz", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let at = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&answers[at]).await;
            let _ = stream.shutdown().await;
        }
    });
    (url, asked)
}

fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len())
            .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[tokio::test]
async fn what_was_published_is_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_owned();
    serving(dir.path(), |address| async move {
        let store = LocalStore::new(&root, &address, StoreOptions::default()).unwrap();
        let files = tree(&[("deploy/app.yaml", "kind: Namespace"), (".gitignore", "x"), ("logo.png", "y")]);
        let rules = IgnoreRules::for_tree(&files, None).unwrap();
        let artifact = store.publish(&draft("fleet", "abc.tar.gz"), &files, &rules).unwrap();
        let fetcher = Fetcher::new(options()).unwrap();
        let unpacked = fetcher.fetch(&artifact).await.unwrap();
        assert_eq!(unpacked.tree().files().map(|(p, _)| p).collect::<Vec<_>>(), ["deploy/app.yaml"]);

        // Another host than the artifact says, as on a developer's machine.
        let mut elsewhere = artifact.clone();
        elsewhere.url = artifact.url.replace(&address, "source-controller.flux-system.svc.cluster.local.");
        Fetcher::new(options().host(&address)).unwrap().fetch(&elsewhere).await.unwrap();

        let mut gone = artifact;
        gone.url = gone.url.replace("abc", "def");
        assert!(matches!(fetcher.fetch(&gone).await, Err(SourceError::FetchNotFound { .. })));
    })
    .await;
}

#[tokio::test]
async fn no_byte_is_unpacked_before_its_digest_is_known() {
    // The archive itself is refused with another error, were it looked at.
    let evil = b"not even gzip";
    let (url, asked) = scripted(vec![answer("200 OK", evil)]).await;
    let fetcher = Fetcher::new(options()).unwrap();
    let fetch = async |digest: &str| fetcher.fetch_from(&url, digest).await;
    let wrong = sha256(b"other");
    assert!(matches!(fetch(&format!("sha256:{wrong}")).await, Err(SourceError::DigestMismatch { .. })));
    let right = sha256(evil);
    assert!(matches!(fetch(&right).await, Err(SourceError::Archive(ArchiveFault::NotGzip { .. }))));
    assert_eq!(asked.load(Ordering::SeqCst), 2, "neither is tried again");
    for digest in ["", "md5:abc", "sha256:", "sha256:XYZ", "abc", ":"] {
        assert!(matches!(fetch(digest).await, Err(SourceError::DigestRefused { .. })), "{digest:?}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "a digest that cannot be compared is not worth a request");
}

#[tokio::test]
async fn a_failing_server_is_asked_again_and_not_for_ever() {
    let archive = packed(&tree(&[("a", "1")]));
    let digest = sha256(&archive);
    let good = answer("200 OK", &archive);
    let short = good[..good.len() - 5].to_vec();
    for (answers, tries, succeeds) in [
        (vec![answer("503 Busy", b""), answer("500 Oops", b"x"), good.clone()], 3, true),
        (vec![Vec::new(), good.clone()], 2, true),
        (vec![short, good.clone()], 2, true),
        (vec![answer("429 Slow down", b""), good.clone()], 2, true),
        (vec![answer("503 Busy", b"")], 4, false),
        (vec![answer("403 Forbidden", b""), good.clone()], 1, false),
        (vec![answer("404 Not Found", b""), good.clone()], 1, false),
        (vec![answer("204 No Content", b""), good], 1, false),
    ] {
        let (url, asked) = scripted(answers).await;
        let outcome = Fetcher::new(options()).unwrap().fetch_from(&url, &digest).await;
        assert_eq!((asked.load(Ordering::SeqCst), outcome.is_ok()), (tries, succeeds), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_download_over_the_limit_ends() {
    let body = vec![7; 100_000];
    let limits = Limits::default().archive_bytes(1000);
    let chunked = [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n186a0\r\n".as_slice(),
        &body,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    for answers in [vec![answer("200 OK", &body)], vec![chunked]] {
        let (url, asked) = scripted(answers).await;
        let outcome =
            Fetcher::new(options().limits(limits.clone())).unwrap().fetch_from(&url, &sha256(&body)).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("greater than the max download size of 1000 bytes"), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn secrets_of_an_address_are_not_told() {
    let (url, _) = scripted(vec![answer("404 Not Found", b"")]).await;
    let url = format!("{}?token=hunter2", url.replace("http://", "http://user:hunter2@"));
    let error = Fetcher::new(options()).unwrap().fetch_from(&url, &sha256(b"")).await.unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://user:hunter2@{closed}/a?token=hunter2");
    let error = Fetcher::new(options()).unwrap().fetch_from(&url, &sha256(b"")).await.unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    let url = "http://user:hunter2@ bad".to_owned();
    let artifact = Artifact { url, digest: sha256(b""), ..Artifact::default() };
    let error = Fetcher::new(options()).unwrap().fetch(&artifact).await.unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
