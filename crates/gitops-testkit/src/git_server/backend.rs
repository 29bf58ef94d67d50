//! One request, handed to `git http-backend` as a web server would (CGI, RFC 3875).

use std::process::Stdio;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use futures::{StreamExt as _, stream};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::fault::{GitFault, GitService};
use super::{Shared, repository};

pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let service = service_of(&method, &uri, &body);
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (fault, refused, old, redirect) = {
        let mut switches = shared.switches();
        switches.requests.count(service);
        switches.authorizations.push(authorization.map(str::to_owned));
        let refused = switches.authorization.as_deref().is_some_and(|wanted| authorization != Some(wanted));
        let redirect = switches.redirects.iter().find_map(|(from, to)| {
            let tail = uri.path().strip_prefix(from.as_str())?;
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            Some(format!("{to}{tail}{query}"))
        });
        (switches.faults.take(&service), refused, switches.old_protocol, redirect)
    };
    match &fault {
        Some(GitFault::Status(code)) => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return plain(status, "out of order\n");
        }
        Some(GitFault::Slow(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    if let Some(to) = redirect {
        let mut response = plain(StatusCode::MOVED_PERMANENTLY, "");
        if let Ok(value) = to.parse() {
            response.headers_mut().insert(header::LOCATION, value);
        }
        return response;
    }
    if refused {
        let mut response = plain(StatusCode::UNAUTHORIZED, "credentials, please\n");
        let challenge = header::HeaderValue::from_static("Basic realm=\"git\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return response;
    }
    match run(&shared, &method, &uri, &headers, body, old).await {
        Ok((head, body)) => {
            shared.switches().requests.bytes_sent += body.len() as u64;
            respond(&head, body, fault)
        }
        Err(error) => plain(StatusCode::BAD_GATEWAY, &format!("git http-backend: {error}\n")),
    }
}

fn service_of(method: &Method, uri: &Uri, body: &[u8]) -> GitService {
    let path = uri.path();
    if path.ends_with("/info/refs") {
        return GitService::InfoRefs;
    }
    if method == Method::POST && path.ends_with("/git-upload-pack") {
        let lists = body.get(4..).is_some_and(|line| line.starts_with(b"command=ls-refs"));
        return if lists { GitService::LsRefs } else { GitService::Fetch };
    }
    if method == Method::POST && path.ends_with("/git-receive-pack") {
        GitService::Push
    } else {
        GitService::Other
    }
}

/// Returns the head and body of the backend's answer.
async fn run(
    shared: &Shared,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
    old: bool,
) -> std::io::Result<(Vec<u8>, Bytes)> {
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut command = Command::new("git");
    repository::isolate(command.as_std_mut(), &shared.root);
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("REMOTE_USER", "test")
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("GIT_PROTOCOL", if old { String::new() } else { text("git-protocol") })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take();
    // Written beside the reading: the backend may answer before it has read everything, or not read at all.
    let write = async {
        if let Some(mut stdin) = stdin.take() {
            let _ = stdin.write_all(&body).await;
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), write);
    let output = Bytes::from(output?.stdout);
    let end = output.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or_else(|| std::io::Error::other("no answer"))?;
    Ok((output[..end].to_vec(), output.slice(end + 4..)))
}

fn respond(head: &[u8], body: Bytes, fault: Option<GitFault>) -> Response<Body> {
    let mut response = Response::builder();
    let head = String::from_utf8_lossy(head);
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        response = if name.eq_ignore_ascii_case("status") {
            response.status(value.split(' ').next().unwrap_or("500"))
        } else {
            response.header(name, value)
        };
    }
    let half = body.slice(..body.len() / 2);
    let body = match fault {
        Some(GitFault::Cut) => {
            let broken = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
            Body::from_stream(stream::iter([Ok(half), broken]))
        }
        Some(GitFault::Hang) => {
            Body::from_stream(stream::iter([Ok::<_, std::io::Error>(half)]).chain(stream::pending()))
        }
        Some(GitFault::Garbage) => Body::from("<html>Welcome!</html>\n"),
        _ => Body::from(body),
    };
    response.body(body).unwrap_or_else(|_| plain(StatusCode::BAD_GATEWAY, "git http-backend: no headers\n"))
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    response
}
