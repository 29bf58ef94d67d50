//! The HTTP under gix's Git protocol: our client, our limits, our words for what goes wrong.
//!
//! gix's own HTTP backend cannot tell a status from its body, refuses credentials over plain http, drops the
//! proxy and certificate settings, and has no limit on time or size; so the few requests are made here.

use std::io::{self, BufRead, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use gix::error::Error as GixError;
use gix::protocol::transport::client::blocking_io::http::{
    self as gix_http, GetResponse, PostBodyDataKind, PostResponse,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::{Client, Response};
use url::Url;

use super::call::{Call, Ended};
use super::failure::RemoteFailure;
use super::network;
use super::remote::GitRemote;
use crate::connection::scrub_url;

/// How many redirects are followed; hosts need one, for a renamed repository.
const REDIRECTS: usize = 5;
/// How much of an error's body stands in a text.
const ERROR_BODY: usize = 512;

/// What a remote's requests share, across the operations of one session.
pub(super) struct Link {
    remote: GitRemote,
    client: Client,
    state: Mutex<State>,
}

struct State {
    call: Option<Call>,
    authorization: Option<HeaderValue>,
    failure: Option<RemoteFailure>,
    budget: u64,
    limit: (&'static str, u64),
    redirected: Option<Url>,
}

impl Link {
    pub(super) fn new(remote: GitRemote, client: Client, authorization: Option<HeaderValue>) -> Self {
        let state = State {
            call: None,
            authorization,
            failure: None,
            budget: 0,
            limit: ("answer", 0),
            redirected: None,
        };
        Self { remote, client, state: Mutex::new(state) }
    }

    /// Begins an operation: its deadline and how much may be read until the next.
    pub(super) fn begin(&self, call: Call, what: &'static str, limit: u64) {
        let mut state = self.state();
        state.call = Some(call);
        state.failure = None;
        state.budget = limit;
        state.limit = (what, limit);
    }

    /// Returns what went wrong on the way, in preference to what gix made of it.
    pub(super) fn explain(&self, error: &GixError) -> RemoteFailure {
        self.state().failure.take().unwrap_or_else(|| network::from_gix(error, &self.remote))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, failure: RemoteFailure) -> io::Error {
        let error = io::Error::other(failure.to_string());
        self.state().failure.get_or_insert(failure);
        error
    }

    fn send(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<Vec<u8>>,
    ) -> io::Result<Response> {
        let (call, authorization) = {
            let state = self.state();
            (state.call.clone(), state.authorization.clone())
        };
        let call = call.ok_or_else(|| io::Error::other("no operation has begun"))?;
        let mut request = self.client.request(method.clone(), url.clone()).headers(headers.clone());
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        match call.wait(request.send()) {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.fail(network::from_reqwest(&error, method, url, &self.remote))),
            Err(ended) => Err(self.fail(ended_at(ended, method, url))),
        }
    }

    /// Returns the answer when it is a success, else keeps what the server said.
    fn accept(&self, method: &Method, url: &Url, response: Response) -> io::Result<Response> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.beginning(response);
        Err(self.fail(match status {
            StatusCode::UNAUTHORIZED => RemoteFailure::AuthenticationRequired { body },
            StatusCode::FORBIDDEN => RemoteFailure::Forbidden { body },
            StatusCode::NOT_FOUND => RemoteFailure::NotFound { body },
            status if status.is_redirection() && method == Method::POST => {
                RemoteFailure::Redirect { url: url.to_string(), reason: "a fetch is not redirected" }
            }
            status => RemoteFailure::Status { url: url.to_string(), status: status.as_u16() },
        }))
    }

    fn beginning(&self, response: Response) -> String {
        let mut body = Body {
            link: None,
            call: self.state().call.clone(),
            method: Method::GET,
            response: Some(response),
            chunk: Bytes::new(),
        };
        let mut bytes = Vec::new();
        // A body that cannot be read leaves the text empty; the status says enough.
        let _ = body.by_ref().take(ERROR_BODY as u64).read_to_end(&mut bytes);
        let text: String = String::from_utf8_lossy(&bytes)
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .collect();
        self.remote.scrub(text.trim_end())
    }
}

/// gix's view of a [`Link`].
pub(super) struct Http(pub(super) Arc<Link>);

impl gix_http::Http for Http {
    type Headers = Headers;
    type ResponseBody = ResponseBody;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<GetResponse<Headers, ResponseBody>, GixError> {
        let link = &self.0;
        let tail = url.strip_prefix(base_url).unwrap_or_default().to_owned();
        let headers = header_map(headers);
        let mut url = parse(url)?;
        for _ in 0..=REDIRECTS {
            let response = link.send(&Method::GET, &url, &headers, None).map_err(GixError::from_error)?;
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let Some(location) = location.filter(|_| response.status().is_redirection()) else {
                let response = link.accept(&Method::GET, &url, response).map_err(GixError::from_error)?;
                return Ok(GetResponse {
                    headers: Headers::Ready(header_lines(&response)),
                    body: ResponseBody::Ready(Body::new(link, Method::GET, response)),
                });
            };
            let next = url.join(location).map_err(GixError::from_error)?;
            follow(link, &url, &next, &tail).map_err(GixError::from_error)?;
            url = next;
        }
        let reason = "too many redirects";
        Err(GixError::from_error(link.fail(RemoteFailure::Redirect { url: scrub_url(url.as_str()), reason })))
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> Result<PostResponse<Headers, ResponseBody, PostBody>, GixError> {
        let exchange = Arc::new(Mutex::new(Exchange::Writing {
            link: Arc::clone(&self.0),
            url: parse(url)?,
            headers: header_map(headers),
            body: Vec::new(),
        }));
        Ok(PostResponse {
            post_body: PostBody(Arc::clone(&exchange)),
            headers: Headers::Waiting(Arc::clone(&exchange)),
            body: ResponseBody::Waiting(exchange),
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> Result<(), GixError> {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.0.state().redirected.as_ref().map(Url::to_string)
    }
}

/// Decides whether a redirect is followed, and forgets the credentials when it leads to another host.
fn follow(link: &Link, from: &Url, to: &Url, tail: &str) -> io::Result<()> {
    let refuse = |reason| Err(link.fail(RemoteFailure::Redirect { url: scrub_url(to.as_str()), reason }));
    if from.scheme() == "https" && to.scheme() != "https" {
        return refuse("https does not lead back to plain http");
    }
    if !matches!(to.scheme(), "http" | "https") {
        return refuse("this is neither http nor https");
    }
    let Some(base) = to.as_str().strip_suffix(tail) else {
        return refuse("this is not a Git repository's address");
    };
    let same_port = from.port_or_known_default() == to.port_or_known_default();
    let upgraded =
        from.scheme() == "http" && to.scheme() == "https" && from.port().is_none() && to.port().is_none();
    let mut base = Url::parse(base).map_err(io::Error::other)?;
    // What a server writes into a redirect is no credential of ours.
    let _ = base.set_username("");
    let _ = base.set_password(None);
    let mut state = link.state();
    if from.host() != to.host() || !(same_port && from.scheme() == to.scheme() || upgraded) {
        state.authorization = None;
    }
    state.redirected = Some(base);
    Ok(())
}

/// One POST: written first, sent when its answer is first read.
pub(super) enum Exchange {
    Writing { link: Arc<Link>, url: Url, headers: HeaderMap, body: Vec<u8> },
    Answered { headers: io::Cursor<Vec<u8>>, body: Option<Body> },
    Failed,
}

impl Exchange {
    fn answer(&mut self) -> io::Result<(&mut io::Cursor<Vec<u8>>, &mut Option<Body>)> {
        if let Self::Writing { .. } = self
            && let Self::Writing { link, url, headers, body } = std::mem::replace(self, Self::Failed)
        {
            let response = link.send(&Method::POST, &url, &headers, Some(body))?;
            let response = link.accept(&Method::POST, &url, response)?;
            *self = Self::Answered {
                headers: header_lines(&response),
                body: Some(Body::new(&link, Method::POST, response)),
            };
        }
        match self {
            Self::Answered { headers, body } => Ok((headers, body)),
            _ => Err(io::Error::other("the request has failed")),
        }
    }
}

fn locked(exchange: &Mutex<Exchange>) -> MutexGuard<'_, Exchange> {
    exchange.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is written into a POST.
pub(super) struct PostBody(Arc<Mutex<Exchange>>);

impl Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *locked(&self.0) {
            Exchange::Writing { body, .. } => body.extend_from_slice(bytes),
            _ => return Err(io::Error::other("the request has been sent")),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The headers of an answer, one a line.
pub(super) enum Headers {
    Ready(io::Cursor<Vec<u8>>),
    Waiting(Arc<Mutex<Exchange>>),
}

impl Headers {
    fn lines(&mut self) -> io::Result<&mut io::Cursor<Vec<u8>>> {
        if let Self::Waiting(exchange) = self {
            let lines = std::mem::take(locked(exchange).answer()?.0);
            *self = Self::Ready(lines);
        }
        match self {
            Self::Ready(lines) => Ok(lines),
            Self::Waiting(_) => Err(io::Error::other("the answer has not begun")),
        }
    }
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lines()?.read(buffer)
    }
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.lines()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Self::Ready(lines) = self {
            lines.consume(amount);
        }
    }
}

/// The body of an answer.
pub(super) enum ResponseBody {
    Ready(Body),
    Waiting(Arc<Mutex<Exchange>>),
}

impl ResponseBody {
    fn body(&mut self) -> io::Result<&mut Body> {
        if let Self::Waiting(exchange) = self {
            let body = locked(exchange).answer()?.1.take();
            *self = Self::Ready(body.ok_or_else(|| io::Error::other("the answer is read elsewhere"))?);
        }
        match self {
            Self::Ready(body) => Ok(body),
            Self::Waiting(_) => Err(io::Error::other("the answer has not begun")),
        }
    }
}

impl Read for ResponseBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body()?.read(buffer)
    }
}

impl BufRead for ResponseBody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.body()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Self::Ready(body) = self {
            body.consume(amount);
        }
    }
}

/// Reads a body as it arrives, under the operation's deadline and limit.
pub(super) struct Body {
    /// None for the body of an error, whose reading has no failures of its own.
    link: Option<Arc<Link>>,
    call: Option<Call>,
    method: Method,
    response: Option<Response>,
    chunk: Bytes,
}

impl Body {
    fn new(link: &Arc<Link>, method: Method, response: Response) -> Self {
        Self {
            link: Some(Arc::clone(link)),
            call: None,
            method,
            response: Some(response),
            chunk: Bytes::new(),
        }
    }

    fn fail(&self, failure: RemoteFailure) -> io::Error {
        match &self.link {
            Some(link) => link.fail(failure),
            None => io::Error::other(failure.to_string()),
        }
    }

    fn next(&mut self) -> io::Result<Option<Bytes>> {
        // The end of an answer may be read by the operation after the one that asked.
        let current = self.link.as_ref().map_or_else(|| self.call.clone(), |link| link.state().call.clone());
        let (Some(response), Some(call)) = (&mut self.response, current) else { return Ok(None) };
        let url = response.url().clone();
        match call.wait(response.chunk()) {
            Ok(Ok(Some(chunk))) => {
                if let Some(link) = &self.link {
                    let mut state = link.state();
                    let (what, limit) = state.limit;
                    state.budget = match state.budget.checked_sub(chunk.len() as u64) {
                        Some(left) => left,
                        None => {
                            drop(state);
                            return Err(self.fail(RemoteFailure::TooLarge { what, limit }));
                        }
                    };
                }
                Ok(Some(chunk))
            }
            Ok(Ok(None)) => {
                self.response = None;
                Ok(None)
            }
            Ok(Err(error)) => {
                let failure = match &self.link {
                    Some(link) => network::from_reqwest(&error, &self.method, &url, &link.remote),
                    None => RemoteFailure::Protocol { reason: "unexpected EOF".to_owned() },
                };
                Err(self.fail(failure))
            }
            Err(ended) => Err(self.fail(ended_at(ended, &self.method, &url))),
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.fill_buf()?.read(buffer)?;
        self.consume(amount);
        Ok(amount)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() {
            match self.next()? {
                Some(chunk) => self.chunk = chunk,
                None => break,
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk = self.chunk.split_off(amount.min(self.chunk.len()));
    }
}

fn ended_at(ended: Ended, method: &Method, url: &Url) -> RemoteFailure {
    match ended {
        Ended::Deadline => RemoteFailure::Deadline { method: network::word(method), url: url.to_string() },
        Ended::Cancelled => RemoteFailure::Cancelled,
    }
}

fn parse(url: &str) -> Result<Url, GixError> {
    Url::parse(url).map_err(GixError::from_error)
}

fn header_map(lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    lines
        .into_iter()
        .filter_map(|line| {
            let (name, value) = line.as_ref().split_once(':')?;
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value.trim()).ok()?))
        })
        .collect()
}

fn header_lines(response: &Response) -> io::Cursor<Vec<u8>> {
    let mut lines = Vec::new();
    for (name, value) in response.headers() {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.push(b'\n');
    }
    io::Cursor::new(lines)
}
