//! The HTTP server of a store's directory.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures::stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::folder::open_unlinked;
use crate::SourceError;

/// How long running downloads may go on after the shutdown, as in Flux.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes that are read from the disk at once.
const CHUNK: usize = 256 * 1024;

/// Serves the files below a directory until the shutdown resolves.
///
/// `GET` and `HEAD` of a file answer with its length, its time and a validator (`ETag`); a request that names the
/// validator gets 304. `GET /` answers 200, for readiness probes. Everything else is 404: directories, hidden files, links
/// and whatever does not name a file in normal form. There is no authentication, as in Flux: let a network policy guard
/// the port.
///
/// # Difference from Flux
/// Directories are not listed.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    root: impl Into<PathBuf>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), SourceError> {
    let root: Arc<Path> = root.into().into();
    let router = Router::new().fallback(answer).with_state(root);
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let draining = async move {
        // An error means that the sender is gone, and then nobody waits any more.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(draining);
    tokio::select! {
        outcome = serving => outcome.map_err(|source| SourceError::Serve { source }),
        () = async {
            shutdown.await;
            let _ = stop.send(true);
            tokio::time::sleep(GRACE).await;
        } => Ok(()),
    }
}

async fn answer(State(root): State<Arc<Path>>, request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let path = request.uri().path();
    if path == "/" {
        return status(StatusCode::OK);
    }
    let Some(elements) = elements(path) else { return status(StatusCode::NOT_FOUND) };
    let is_head = request.method() == Method::HEAD;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let opened = tokio::task::spawn_blocking(move || open(&root, &elements)).await;
    let Ok(Some((file, metadata))) = opened else { return status(StatusCode::NOT_FOUND) };
    let headers = describe(&metadata);
    let mut response = if known.is_some_and(|known| headers.get(header::ETAG) == Some(&known)) {
        status(StatusCode::NOT_MODIFIED)
    } else if is_head {
        status(StatusCode::OK)
    } else {
        Response::new(body(file, metadata.len()))
    };
    if response.status() == StatusCode::OK {
        response.headers_mut().insert(header::CONTENT_LENGTH, metadata.len().into());
    }
    response.headers_mut().extend(headers);
    response
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Returns the decoded elements of a path, or none where one is not a plain, visible name.
fn elements(path: &str) -> Option<Vec<String>> {
    let mut elements = Vec::new();
    for element in path.strip_prefix('/')?.split('/') {
        let element = decode(element)?;
        if element.is_empty() || element.starts_with('.') || element.contains(['/', '\\', '\0']) {
            return None;
        }
        elements.push(element);
    }
    Some(elements)
}

/// Decodes `%xx`; none where that is malformed or the outcome is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|d| u8::try_from(d).ok());
                digit()? * 16 + digit()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Opens a file when every element above it is a directory and no link.
fn open(root: &Path, elements: &[String]) -> Option<(std::fs::File, std::fs::Metadata)> {
    let (name, above) = elements.split_last()?;
    let mut place = root.to_owned();
    for element in above {
        place.push(element);
        if !std::fs::symlink_metadata(&place).ok()?.is_dir() {
            return None;
        }
    }
    place.push(name);
    let file = open_unlinked(&place).ok()?;
    let metadata = file.metadata().ok()?;
    Some((file, metadata))
}

fn describe(metadata: &std::fs::Metadata) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let modified = metadata.modified().ok();
    let age = modified.and_then(|m| m.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
    let tag = format!("\"{:x}-{:x}\"", age.as_nanos(), metadata.len());
    headers.extend(HeaderValue::from_str(&tag).ok().map(|value| (header::ETAG, value)));
    let printed = modified
        .and_then(|m| jiff::Timestamp::try_from(m).ok())
        .and_then(|t| jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&t).ok())
        .and_then(|text| HeaderValue::from_str(&text).ok());
    headers.extend(printed.map(|value| (header::LAST_MODIFIED, value)));
    headers
}

/// Streams as many bytes as the length says: a file is never written twice, so it has them.
fn body(file: std::fs::File, length: u64) -> Body {
    let file = tokio::fs::File::from_std(file).take(length);
    Body::from_stream(stream::try_unfold(file, |mut file| async move {
        let mut chunk = Vec::with_capacity(CHUNK);
        (&mut file).take(CHUNK as u64).read_to_end(&mut chunk).await?;
        Ok::<_, std::io::Error>((!chunk.is_empty()).then(|| (bytes::Bytes::from(chunk), file)))
    }))
}
