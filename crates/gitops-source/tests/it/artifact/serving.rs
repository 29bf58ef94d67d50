//! The artifact server, spoken to as bytes.

use std::fs;
use std::future::Future;
use std::path::Path;

use gitops_source::artifact::serve;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Serves a directory while something asks.
pub(super) async fn serving<F: Future>(root: &Path, ask: impl FnOnce(String) -> F) -> F::Output {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, root.to_owned(), async {
        let _ = stopped.await;
    }));
    let outcome = ask(address).await;
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    outcome
}

async fn ask(address: &str, method: &str, path: &str, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn files_are_served_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join("a/b/c.tar.gz"), "content").unwrap();
    fs::write(root.join("a/.publish-1"), "half").unwrap();
    fs::write(dir.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink("../../secret", root.join("a/link")).unwrap();
    std::os::unix::fs::symlink("b", root.join("a/linked")).unwrap();
    serving(&root, |address| async move {
        for path in [
            "/../secret",
            "/a/../../secret",
            "/%2e%2e/secret",
            "/a/%2e%2e/%2e%2e/secret",
            "/..%2fsecret",
            "/a/link",
            "/a/linked/c.tar.gz",
            "/a/.publish-1",
            "/a",
            "/a/b/",
            "/a/b",
            "//a/b/c.tar.gz",
            "/a//b/c.tar.gz",
            "/a/b/c.tar.gz/",
            "/a/b/missing",
            "/a/b/c.tar.gz%00",
            "/%zz",
            "/a%5cb",
            "/%ff",
        ] {
            let (head, body) = ask(&address, "GET", path, "").await;
            assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
            assert!(body.is_empty(), "{path}: {body}");
        }
        let (head, body) = ask(&address, "GET", "/a/b/c.tar.gz", "").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!((body.as_str(), field(&head, "content-length")), ("content", Some("7")));
        let (escaped, _) = ask(&address, "GET", "/a/b/c%2Etar.gz", "").await;
        assert!(escaped.starts_with("HTTP/1.1 200"), "{escaped}");
        let tag = field(&head, "etag").unwrap().to_owned();
        assert!(field(&head, "last-modified").unwrap().ends_with(" GMT"));
        let (head, body) = ask(&address, "HEAD", "/a/b/c.tar.gz", "").await;
        assert_eq!((body.as_str(), field(&head, "content-length")), ("", Some("7")));
        let (head, _) = ask(&address, "GET", "/a/b/c.tar.gz", &format!("if-none-match: {tag}\r\n")).await;
        assert!(head.starts_with("HTTP/1.1 304"), "{head}");
        let (head, _) = ask(&address, "GET", "/", "").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let (head, _) = ask(&address, "POST", "/a/b/c.tar.gz", "").await;
        assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    })
    .await;
}

#[tokio::test]
async fn a_file_is_streamed_whole() {
    let dir = tempfile::tempdir().unwrap();
    let content = "0123456789abcdef".repeat(100_000);
    fs::write(dir.path().join("large"), &content).unwrap();
    let (_, body) =
        serving(dir.path(), |address| async move { ask(&address, "GET", "/large", "").await }).await;
    assert_eq!(body.len(), content.len());
    assert_eq!(body, content);
}
