//! What stands in front of a registry: counts, faults, pages, and the token server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::fault::{RegistryFault, RegistryRequests, RegistryService};
use super::process::Auth;
use super::tokens::{Issuer, LIFE, REGISTRY_IDENTITY_TOKEN};
use super::{REGISTRY_PASSWORD, REGISTRY_USER};
use crate::faults::Faults;

/// How links to the next page are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageLinks {
    /// A path, as distribution writes it.
    Relative,
    /// A whole address, as Harbor and GitLab write it.
    Absolute,
}

/// What does not change while the registry runs.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) backend: String,
    pub(super) base: String,
    pub(super) auth: Auth,
    pub(super) issuer: Issuer,
    pub(super) client: reqwest::Client,
}

#[derive(Debug)]
pub(super) struct Front {
    pub(super) plan: Plan,
    given: AtomicU64,
    switches: Mutex<Switches>,
}

/// What a test turns while the registry runs.
#[derive(Debug, Default)]
pub(super) struct Switches {
    pub(super) pages: Option<(usize, PageLinks)>,
    pub(super) realm: Option<String>,
    /// Tokens up to this number are refused.
    pub(super) revoked: u64,
    pub(super) requests: RegistryRequests,
    pub(super) faults: Faults<RegistryService, RegistryFault>,
}

impl Front {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, given: AtomicU64::new(0), switches: Mutex::default() }
    }

    pub(super) fn switches(&self) -> MutexGuard<'_, Switches> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn given_tokens(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }

    /// Returns whether a request shows a token that was taken back.
    fn is_revoked(&self, headers: &HeaderMap, revoked: u64) -> bool {
        let number = || {
            let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
            let claims = token.split('.').nth(1)?;
            let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).ok()?;
            serde_json::from_slice::<Value>(&claims).ok()?["jti"].as_str()?.parse::<u64>().ok()
        };
        number().is_some_and(|number| number <= revoked)
    }
}

pub(super) async fn answer(
    State(front): State<Arc<Front>>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let service = service_of(uri.path());
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (fault, pages, realm, revoked) = {
        let mut switches = front.switches();
        switches.requests.count(service);
        switches.requests.authorizations.push(text(header::AUTHORIZATION));
        switches.requests.user_agents.push(text(header::USER_AGENT));
        let fault = switches.faults.take(&service);
        (fault, switches.pages, switches.realm.clone(), switches.revoked)
    };
    match &fault {
        Some(RegistryFault::Status(code)) => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return plain(status, "out of order\n");
        }
        Some(RegistryFault::TooMany { retry_after }) => {
            let errors = json!({"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]});
            let mut response = plain(StatusCode::TOO_MANY_REQUESTS, &errors.to_string());
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
            }
            return response;
        }
        Some(RegistryFault::Slow(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    if front.is_revoked(&headers, revoked) {
        headers.remove(header::AUTHORIZATION);
    }
    if service == RegistryService::Token {
        return fail(token(&front, &method, &uri, &headers, &body), fault);
    }
    // Who cuts pages needs the whole list.
    let whole = (service == RegistryService::Tags && pages.is_some()).then(|| uri.path().to_owned());
    let wanted = whole.unwrap_or_else(|| uri.to_string());
    match forward(&front, &method, &wanted, &headers, body).await {
        Ok(mut response) => {
            if let Some(realm) = realm {
                rename_realm(&mut response, &realm);
            }
            let response = match (service, &fault, pages) {
                (RegistryService::Tags, Some(RegistryFault::EndlessPages), _) => endless(&uri),
                (RegistryService::Tags, _, Some((size, links))) => page(&front, &uri, response, size, links),
                _ => response,
            };
            fail(response, fault)
        }
        Err(error) => plain(StatusCode::BAD_GATEWAY, &format!("registry: {error}\n")),
    }
}

fn service_of(path: &str) -> RegistryService {
    match path {
        "/v2/" => RegistryService::Greeting,
        "/token" => RegistryService::Token,
        path if path.ends_with("/tags/list") => RegistryService::Tags,
        path if path.contains("/manifests/") => RegistryService::Manifest,
        _ => RegistryService::Other,
    }
}

async fn forward(
    front: &Front,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response<Bytes>, reqwest::Error> {
    let address = format!("{}{path}", front.plan.backend);
    let mut headers = headers.clone();
    for name in [header::HOST, header::ACCEPT_ENCODING, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    let request = front.plan.client.request(method.clone(), address).headers(headers).body(body);
    let answer = request.send().await?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    *response.body_mut() = answer.bytes().await?;
    Ok(response)
}

/// Gives a token to whom it is due.
fn token(front: &Front, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response<Bytes> {
    let form = if method == Method::POST { String::from_utf8_lossy(body) } else { "".into() };
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(if method == Method::POST {
        form.as_bytes()
    } else {
        uri.query().unwrap_or_default().as_bytes()
    })
    .into_owned()
    .collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let pair = STANDARD.encode(format!("{REGISTRY_USER}:{REGISTRY_PASSWORD}"));
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let known = shown == Some(format!("Basic {pair}").as_str())
        || (field("grant_type") == Some("refresh_token")
            && field("refresh_token") == Some(REGISTRY_IDENTITY_TOKEN));
    let anonymous = front.plan.auth == (Auth::Tokens { anonymous: true }) && shown.is_none();
    if !known && !anonymous {
        return small(StatusCode::UNAUTHORIZED, &json!({"details": "incorrect username or password"}));
    }
    let scopes: Vec<String> = fields
        .iter()
        .filter(|(key, _)| key == "scope")
        .flat_map(|(_, value)| value.split(' ').map(str::to_owned))
        .filter(|scope| known || scope.ends_with(":pull"))
        .collect();
    let number = front.given.fetch_add(1, Ordering::Relaxed) + 1;
    match front.plan.issuer.token(&scopes, number) {
        Ok(token) => small(StatusCode::OK, &json!({"token": token, "expires_in": LIFE.as_secs()})),
        Err(error) => small(StatusCode::INTERNAL_SERVER_ERROR, &json!({"details": error.to_string()})),
    }
}

/// Replaces the token server's address in a challenge.
fn rename_realm(response: &mut Response<Bytes>, realm: &str) {
    let Some(value) = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok())
    else {
        return;
    };
    let Some((begin, rest)) = value.split_once("realm=\"") else { return };
    let Some((_, end)) = rest.split_once('"') else { return };
    if let Ok(value) = HeaderValue::from_str(&format!("{begin}realm=\"{realm}\"{end}")) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
}

/// Cuts a list of tags into pages, as registries do that have them: after `last`, at most `n` or the page's size.
fn page(
    front: &Front,
    uri: &Uri,
    response: Response<Bytes>,
    size: usize,
    links: PageLinks,
) -> Response<Bytes> {
    let Some(list) =
        serde_json::from_slice::<Value>(response.body()).ok().filter(|_| response.status().is_success())
    else {
        return response;
    };
    let query = uri.query().unwrap_or_default();
    let field = |name: &str| {
        let mut fields = url::form_urlencoded::parse(query.as_bytes());
        fields.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    };
    let mut tags: Vec<String> = serde_json::from_value(list["tags"].clone()).unwrap_or_default();
    tags.sort();
    if let Some(last) = field("last") {
        tags.retain(|tag| *tag > last);
    }
    let most = field("n").and_then(|n| n.parse().ok()).unwrap_or(size).min(size);
    let more = tags.len() > most;
    tags.truncate(most);
    let mut response = small(StatusCode::OK, &json!({"name": list["name"], "tags": tags}));
    if let Some(last) = tags.last().filter(|_| more) {
        let start = match links {
            PageLinks::Relative => "",
            PageLinks::Absolute => front.plan.base.as_str(),
        };
        let link = format!("<{start}{}?last={last}&n={most}>; rel=\"next\"", uri.path());
        if let Ok(value) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(header::LINK, value);
        }
    }
    response
}

/// Answers with one page of a list without an end.
fn endless(uri: &Uri) -> Response<Bytes> {
    let number: u64 = uri.query().and_then(|query| query.split("page=").nth(1)?.parse().ok()).unwrap_or(0);
    let mut response = small(StatusCode::OK, &json!({"name": "endless", "tags": [format!("tag-{number}")]}));
    let link = format!("<{}?page={}>; rel=\"next\"", uri.path(), number + 1);
    if let Ok(value) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(header::LINK, value);
    }
    response
}

fn fail(mut response: Response<Bytes>, fault: Option<RegistryFault>) -> Response<Body> {
    if fault == Some(RegistryFault::NoDigest) {
        response.headers_mut().remove("docker-content-digest");
    }
    if matches!(fault, Some(RegistryFault::Garbage)) {
        return plain(StatusCode::OK, "<html>Welcome!</html>\n");
    }
    let half = response.body().slice(..response.body().len() / 2);
    response.map(|body| match fault {
        Some(RegistryFault::Cut) => {
            let broken = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
            Body::from_stream(stream::iter([Ok(half), broken]))
        }
        Some(RegistryFault::Hang) => {
            Body::from_stream(stream::iter([Ok::<_, std::io::Error>(half)]).chain(stream::pending()))
        }
        _ => Body::from(body),
    })
}

fn small(status: StatusCode, value: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    response
}
