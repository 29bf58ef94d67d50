//! Servers that mean no good: each answer ends in a named error, early, and with little read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gitops_source::oci::{ImageName, OciError, OciLimits, OciOptions, RegistryCredentials};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{ada, client, nobody};

/// What a server does with one request.
enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends the first bytes, and then the second ones again and again, as long as anybody listens.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends one byte every now and then.
    Drip(Vec<u8>),
}

/// A server on loopback; `reply` gets each request's head and how many came before.
struct Server {
    host: String,
    requests: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (requests, sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, written, reply) = (Arc::clone(&requests), Arc::clone(&sent), Arc::new(reply));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (counted, written, reply) =
                    (Arc::clone(&counted), Arc::clone(&written), Arc::clone(&reply));
                tokio::spawn(async move { answer(stream, &counted, &written, &*reply).await });
            }
        });
        Self { host, requests, sent, task }
    }

    fn image(&self) -> ImageName {
        ImageName::parse(&format!("{}/team/app", self.host)).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    mut stream: TcpStream,
    requests: &AtomicUsize,
    sent: &AtomicUsize,
    reply: &(impl Fn(&str, usize) -> Reply + ?Sized),
) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
        }
        // The client tries TLS first, which begins with 22.
        if head.first() == Some(&22) {
            return;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let number = requests.fetch_add(1, Ordering::Relaxed);
    let mut send = async |bytes: &[u8]| {
        let outcome = stream.write_all(bytes).await;
        sent.fetch_add(bytes.len(), Ordering::Relaxed);
        outcome.is_ok()
    };
    match reply(&head, number) {
        Reply::Bytes(bytes) => {
            send(&bytes).await;
        }
        Reply::Endless(begin, more) => {
            let mut heard = send(&begin).await;
            while heard {
                heard = send(&more).await;
            }
        }
        Reply::Drip(bytes) => {
            for byte in bytes {
                if !send(&[byte]).await {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn http(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    Reply::Bytes([head.as_bytes(), body].concat())
}

fn is_greeting(head: &str) -> bool {
    head.starts_with("GET /v2/ ")
}

/// A server whose greeting lets everybody in.
async fn open(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(
        move |head, number| if is_greeting(head) { http("200 OK", "", "{}") } else { reply(head, number) },
    )
    .await
}

fn small() -> OciOptions {
    let limits = OciLimits::default().with_bytes(1 << 20).with_pages(50).with_tags(10_000);
    OciOptions::default().with_limits(limits).with_timeout(Duration::from_secs(20))
}

async fn refuse(server: &Server, options: OciOptions, credentials: &RegistryCredentials) -> OciError {
    let begun = Instant::now();
    let error = client(options).list_tags(&server.image(), credentials).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(25), "{error} took {:?}", begun.elapsed());
    error
}

#[tokio::test]
async fn lists_that_are_none_are_refused() {
    let check = async |headers: &'static str, body: &'static [u8], want: &str| {
        let server = open(move |_, _| http("200 OK", headers, body)).await;
        let error = refuse(&server, small(), &nobody()).await;
        assert!(matches!(error, OciError::Malformed { .. }), "{error:?}");
        assert!(error.to_string().contains(want), "{error}");
    };
    check("", b"", "not a list of tags").await;
    check("", b"{\"tags\":[", "not a list of tags").await;
    check("content-type: text/html\r\n", b"<html>Sign in</html>", "not a list of tags").await;
    check("", b"{\"tags\":[\"a\xff\xfe\"]}", "not a list of tags").await;
    check("", b"{\"tags\":{\"a\":1}}", "not a list of tags").await;
    check("", br#"{"tags":["ok","../../etc"]}"#, "is not a tag").await;
    check("", br#"{"tags":["a\u001b[2J"]}"#, "is not a tag").await;
}

#[tokio::test]
async fn pages_that_lead_nowhere_are_refused() {
    let check = async |reply: fn(&str, usize) -> Reply, want: &str, most: usize| {
        let server = open(reply).await;
        let error = refuse(&server, small(), &nobody()).await;
        assert!(format!("{error:?}").starts_with(want), "{error:?}");
        let requests = server.requests.load(Ordering::Relaxed);
        assert!(requests <= most, "{requests} requests: {error}");
    };
    const ONE: &str = r#"{"tags":["a"]}"#;
    check(|_, _| http("200 OK", "link: </v2/team/app/tags/list?n=1000>; rel=next\r\n", ONE), "Loop", 3).await;
    check(|_, n| http("200 OK", &format!("link: </x?{n}>; rel=next\r\n"), ONE), "Loop", 3).await;
    let endless = |_: &str, n: usize| {
        http("200 OK", &format!("link: </x?{n}>; rel=next\r\n"), format!(r#"{{"tags":["t{n}"]}}"#))
    };
    check(endless, "TooLarge", 51).await;
    // Two pages in turn, at addresses of their own.
    let turns = |_: &str, n: usize| {
        http("200 OK", &format!("link: </x?{n}>; rel=next\r\n"), format!(r#"{{"tags":["t{}"]}}"#, n % 2))
    };
    check(turns, "TooLarge", 51).await;
    for link in [
        "<https://evil.example/x>; rel=next",
        "<//evil.example/x>; rel=next",
        "<http://127.0.0.1:1/x>; rel=next",
        "<file:///etc/passwd>; rel=next",
        "<http://[>; rel=next",
        "/x; rel=next",
        "</x",
    ] {
        let server = open(move |_, _| http("200 OK", &format!("link: {link}\r\n"), ONE)).await;
        let error = refuse(&server, small(), &nobody()).await;
        assert!(matches!(error, OciError::Link { .. }), "{link}: {error:?}");
        assert_eq!(server.requests.load(Ordering::Relaxed), 2, "{link}");
    }
}

#[tokio::test]
async fn answers_without_an_end_are_not_read() {
    let begin = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1073741824\r\n\r\n{\"tags\":[\"a\""
        .to_vec();
    let server = open(move |_, _| Reply::Endless(begin.clone(), b",\"a\"".repeat(1024))).await;
    let error = refuse(&server, small(), &nobody()).await;
    assert!(matches!(error, OciError::TooLarge { what: "bytes", limit: 1_048_576, .. }), "{error:?}");
    // The rest is what lay in buffers of the system.
    assert!(server.sent.load(Ordering::Relaxed) < 64 << 20, "{}", server.sent.load(Ordering::Relaxed));

    let many = format!(r#"{{"tags":["a"{}]}}"#, r#","a""#.repeat(20_000));
    let server = open(move |_, _| http("200 OK", "", &many)).await;
    let error = refuse(&server, small(), &nobody()).await;
    assert!(matches!(error, OciError::TooLarge { what: "tags", limit: 10_000, .. }), "{error:?}");

    // Headers, one long or many.
    for header in [format!("x: {}\r\n", "a".repeat(1 << 20)), "x: a\r\n".repeat(10_000)] {
        let server = open(move |_, _| http("200 OK", &header, "{}")).await;
        let error = refuse(&server, small(), &nobody()).await;
        assert!(matches!(error, OciError::Network { .. }), "{error:?}");
    }
    let server = open(|_, _| Reply::Endless(b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'a'; 4096])).await;
    let error = refuse(&server, small(), &nobody()).await;
    assert!(matches!(error, OciError::Network { .. }), "{error:?}");
}

#[tokio::test]
async fn who_answers_too_slowly_is_left() {
    let hasty = small().with_timeout(Duration::from_millis(800));
    let drip = |text: &str| {
        let text = text.to_owned();
        open(move |_, _| Reply::Drip(text.clone().into_bytes()))
    };
    for text in [
        "HTTP/1.1 200 OK\r\nx: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "HTTP/1.1 200 OK\r\n\r\n{\"tags\":[\"aaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        let server = drip(text).await;
        let begun = Instant::now();
        let error = refuse(&server, hasty.clone(), &nobody()).await;
        assert!(matches!(error, OciError::Deadline { .. }), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn redirects_lead_no_credentials_away() {
    let elsewhere = open(|_, _| http("200 OK", "", r#"{"tags":["a"]}"#)).await;
    let check = async |to: String, credentials: &RegistryCredentials| {
        let server =
            open(move |_, _| http("307 Temporary Redirect", &format!("location: {to}\r\n"), "")).await;
        refuse(&server, small(), credentials).await
    };
    for to in [
        format!("http://{}/v2/team/app/tags/list", elsewhere.host),
        "https://evil.example/".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let error = check(to.clone(), &ada()).await;
        assert!(matches!(error, OciError::Redirect { .. }), "{to}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("lovelace"));
    }
    // Nobody's requests may be led elsewhere, but not into this machine or its network.
    for to in [
        format!("http://{}/", elsewhere.host.replace("127.0.0.1", "localhost")),
        "http://10.0.0.1/".to_owned(),
    ] {
        let error = check(to.clone(), &nobody()).await;
        assert!(matches!(error, OciError::Redirect { .. }), "{to}: {error:?}");
    }
    let error = check("/again".to_owned(), &nobody()).await;
    assert!(error.to_string().ends_with("too many redirects"), "{error}");
    assert_eq!(elsewhere.requests.load(Ordering::Relaxed), 0, "nothing arrived there");
}

#[tokio::test]
async fn challenges_and_tokens_that_are_none_are_refused() {
    let check = async |challenge: &'static str, token: fn() -> Reply, want: &str| {
        let server = Server::start(move |head, _| {
            if head.starts_with("GET /token") {
                return token();
            }
            let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
            let challenge = challenge.replace("$HOST", host);
            http("401 Unauthorized", &format!("www-authenticate: {challenge}\r\n"), "")
        })
        .await;
        let error = refuse(&server, small(), &ada()).await;
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(want), "{shown}");
        assert!(!shown.contains("lovelace") && !shown.contains("t0ken"), "{shown}");
    };
    let fine = || http("200 OK", "", r#"{"token":"t0ken"}"#);
    const BEARER: &str = "Bearer realm=\"http://$HOST/token\"";
    check("Negotiate", fine, "neither Basic nor Bearer").await;
    check("", fine, "neither Basic nor Bearer").await;
    check("Bearer service=\"x\"", fine, "it names no token server").await;
    check("Bearer realm=\"/token\"", fine, "this is no address").await;
    check(BEARER, fine, "Status { method: \"GET\"").await;
    check(BEARER, || http("200 OK", "", "t0ken"), "is not JSON").await;
    check(BEARER, || http("200 OK", "", r#"{"token":"t0ken\r\nx: y"}"#), "a header cannot").await;
    check(
        BEARER,
        || http("200 OK", "", format!(r#"{{"token":"t0ken{}"}}"#, "a".repeat(1 << 19))),
        "too large",
    )
    .await;
    check(BEARER, || http("302 Found", "location: https://evil.example/\r\n", ""), "Redirect {").await;
    check(BEARER, || http("403 Forbidden", "", "lovelace-1843 is wrong"), "***** is wrong").await;
}

#[tokio::test]
async fn digests_that_are_wrong_are_refused() {
    let check = async |head: &'static str, body: &'static str, want: &str| {
        let server = open(move |request, _| {
            if request.starts_with("HEAD") { http("200 OK", head, "") } else { http("200 OK", head, body) }
        })
        .await;
        let error = client(small()).digest(&server.image(), "1", &nobody()).await.unwrap_err();
        assert!(matches!(error, OciError::Malformed { .. }), "{error:?}");
        assert!(error.to_string().contains(want), "{error}");
    };
    check("docker-content-digest: nonsense\r\n", "", "names a digest that is none").await;
    check("docker-content-digest: sha256:../../x\r\n", "", "names a digest that is none").await;
    let sums = open(|request, _| {
        let wrong = format!("docker-content-digest: sha256:{}\r\n", "0".repeat(64));
        if request.starts_with("HEAD") {
            http("405 Method Not Allowed", "", "")
        } else {
            http("200 OK", &wrong, "{}")
        }
    })
    .await;
    let error = client(small()).digest(&sums.image(), "1", &nobody()).await.unwrap_err();
    assert!(error.to_string().contains("not sha256:0000"), "{error}");
}
