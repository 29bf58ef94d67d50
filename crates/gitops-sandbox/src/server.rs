//! The server: what all requests share, and the way of one of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, request};
use serde_json::{Value, json};

use crate::access::{self, User};
use crate::clock::Clock;
use crate::lifecycle::{Call, Repeats, Taken};
use crate::schema::{Kinds, discovery};
use crate::simulate::Script;
use crate::store::Store;
use crate::test_powers::Powers;
use crate::wire::media::{self, Encoding, Media};
use crate::wire::query::Query;
use crate::wire::route::Route;
use crate::wire::status::{Answer, Refusal};
use crate::wire::{Authority, Body};

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// From the same process: without a token it is the administrator's.
    Inside,
    /// Over a listener.
    Outside,
}

/// How a server behaves.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) token: String,
    /// Who else has a token.
    pub(crate) users: Vec<(String, User)>,
    /// Whether requests that hit something that is not modelled are refused (501).
    pub(crate) strict: bool,
    pub(crate) bookmark_every: std::time::Duration,
    /// Whether garbage is collected, namespaces end, and workloads become ready.
    pub(crate) has_controllers: bool,
}

/// What all requests share.
pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) kinds: Kinds,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) powers: Powers,
    /// The addresses and ports that services have.
    pub(crate) taken: Taken,
    /// What becomes of single workloads.
    pub(crate) script: Script,
    /// Made when a listener first needs it.
    pub(crate) authority: Mutex<Option<Authority>>,
    /// Applies that changed nothing.
    pub(crate) repeats: Repeats,
    random: Mutex<Random>,
    unmodelled: AtomicU64,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("revision", &self.store.revision()).finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn new(settings: Settings, clock: Clock, window: usize, seed: u64, powers: Powers) -> Self {
        Self {
            store: Store::new(window),
            kinds: Kinds::default(),
            clock,
            settings,
            powers,
            taken: Taken::default(),
            script: Script::default(),
            authority: Mutex::default(),
            repeats: Repeats::default(),
            random: Mutex::new(Random(seed)),
            unmodelled: AtomicU64::new(0),
        }
    }

    /// Counts and logs what a request asked for and the server does not model.
    pub(crate) fn unmodelled(&self, what: &str) -> Answer<()> {
        self.unmodelled.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(what, "the sandbox does not model this");
        if self.settings.strict {
            return Err(Refusal::new(501, "NotImplemented", format!("the sandbox does not model {what}")));
        }
        Ok(())
    }

    pub(crate) fn unmodelled_count(&self) -> u64 {
        self.unmodelled.load(Ordering::Relaxed)
    }

    /// Returns a number below a bound.
    pub(crate) fn random(&self, below: u64) -> u64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).next() % below.max(1)
    }

    /// Returns a new uid (a version 4 UUID).
    pub(crate) fn uid(&self) -> String {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let (a, b) = (random.next(), random.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }

    /// Answers one request; `None` where a test cuts the connection.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        parts: request::Parts,
        body: Bytes,
        door: Door,
    ) -> Option<Response<Body>> {
        self.powers.take_turn().await;
        let seen = self.powers.see(&parts, &body, || access::asks(&parts.headers, door, &self.settings));
        if let Some(delay) = seen.delay {
            self.clock.sleep(delay).await;
        }
        if let Some(answer) = &seen.answer {
            let response = refusal(answer, Media::JSON);
            self.powers.saw(&seen, response.status());
            return Some(response);
        }
        let response = self.respond(&parts, &body, door);
        self.powers.saw(&seen, response.status());
        if seen.lose_reply {
            return None;
        }
        let response = match seen.end_after {
            Some(events) => response.map(|body| body.end_after(events)),
            None => response,
        };
        let is_head = parts.method == Method::HEAD;
        Some(if is_head { response.map(|_| Body::from(Bytes::new())) } else { response })
    }

    /// Answers one request, without what tests do to requests.
    pub(crate) fn respond(
        self: &Arc<Self>,
        parts: &request::Parts,
        body: &Bytes,
        door: Door,
    ) -> Response<Body> {
        let user = match access::authenticate(&parts.headers, door, &self.settings) {
            Ok(user) => user,
            Err(refused) => return refusal(&refused, Media::JSON),
        };
        let route = Route::parse(parts.uri.path());
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let user = match access::impersonate(self, user, &parts.headers) {
            Ok(user) => user,
            Err(refused) => return refusal(&refused, Media::JSON),
        };
        match route {
            Route::Resource(target) => {
                let mut call = match Call::new(self, parts, target, query, user, body) {
                    Ok(call) => call,
                    Err(refused) => return refusal(&refused, media::of_refusal(&parts.headers, &refused)),
                };
                let answer = call.run();
                let warnings = std::mem::take(&mut call.warnings);
                let mut response = match answer {
                    Ok(reply) => reply.write(&call),
                    Err(refused) => refusal(&refused, call.media),
                };
                for warning in warnings {
                    let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
                    if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{text}\"")) {
                        response.headers_mut().append(http::header::WARNING, value);
                    }
                }
                response
            }
            route => match self.other(parts, &route, &user) {
                Ok(response) => response,
                Err(refused) => refusal(&refused, Media::JSON),
            },
        }
    }

    /// Answers what is no resource: discovery, health, version.
    fn other(self: &Arc<Self>, parts: &request::Parts, route: &Route, user: &User) -> Answer<Response<Body>> {
        access::authorize_path(self, user, &parts.method, parts.uri.path())?;
        discovery::answer(self, parts, route)
    }
}

/// Writes a value.
pub(crate) fn encoded(code: u16, value: &Value, encoding: Encoding) -> Response<Body> {
    let (bytes, content_type) = match encoding {
        Encoding::Json => (to_bytes(value), "application/json"),
        Encoding::Yaml => (gitops_manifest::to_yaml(value).into_bytes(), "application/yaml"),
        Encoding::Protobuf => (crate::schema::protobuf::encode(value), "application/vnd.kubernetes.protobuf"),
    };
    response(code, content_type, bytes.into())
}

pub(crate) fn to_bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("because JSON values can be written")
}

pub(crate) fn response(code: u16, content_type: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() =
        http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    if !content_type.is_empty() {
        response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

pub(crate) fn refusal(refusal: &Refusal, media: Media) -> Response<Body> {
    if let Some(text) = refusal.plain {
        return response(refusal.code, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()));
    }
    encoded(refusal.status_code().as_u16(), &refusal.to_value(), media.encoding)
}

/// The paths that the server lists at its root.
pub(crate) fn root() -> Value {
    json!({"paths": crate::schema::kinds::DISCOVERY["paths"]})
}

pub(crate) fn wants_media(parts: &request::Parts, has_protobuf: bool) -> Answer<Media> {
    media::Media::choose(&parts.headers, has_protobuf, false)
}

/// SplitMix64: small, and the same everywhere for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
