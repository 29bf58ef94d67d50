//! What has been learnt about one registry with one credential: how it is reached, and tokens.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::challenge::{self, Challenge};
use super::client::Shared;
use super::credentials::{Kind, RegistryCredentials};
use super::diagnostic;
use super::error::OciError;
use super::exchange::{Answer, Ask, Exchange};
use super::image_name::ImageName;
use super::realm;
use super::token::{self, Token, Wish};

/// How long TLS may take where plain http can be tried instead: the port may be one that nobody answers at.
const TLS_PATIENCE: Duration = Duration::from_secs(3);
/// How many tokens are kept, one for each repository.
const TOKENS: usize = 1024;

/// One registry with one credential, shared by all who ask it.
#[derive(Default)]
pub(super) struct Session {
    greeting: Mutex<Option<Arc<Greeting>>>,
    /// By repository.
    tokens: Mutex<HashMap<String, Arc<Mutex<Slot>>>>,
}

/// The token for one repository.
#[derive(Default)]
struct Slot {
    /// What the registry wants the token to allow beside pulling, as it said when it refused one.
    more: Option<String>,
    token: Option<Token>,
}

/// What a registry said when it was first asked.
pub(super) struct Greeting {
    /// Its address, with the scheme by which it answers.
    base: Url,
    challenge: Option<Challenge>,
}

impl Session {
    /// Sends a request for a path of the registry, authenticated as the registry wants it; when that is refused,
    /// once more with what is learnt anew.
    pub(super) async fn send(
        &self,
        shared: &Shared,
        exchange: &mut Exchange<'_>,
        image: &ImageName,
        target: &Target,
        method: Method,
        accept: &'static str,
    ) -> Result<Answer, OciError> {
        let mut refused: Option<Refused> = None;
        loop {
            let greeting = self.greeting(shared, exchange, image, refused.is_some()).await?;
            let authorization =
                self.authorization(shared, exchange, image, &greeting, refused.as_ref()).await?;
            let url = target.at(&greeting.base)?;
            let ask = Ask { method: method.clone(), accept, authorization, ..Ask::get(url) };
            let answer = exchange.send(&ask).await?;
            if answer.status != StatusCode::UNAUTHORIZED || refused.is_some() {
                return Ok(answer);
            }
            refused = Some(Refused { shown: ask.authorization, wanted: wanted_scope(&answer, image) });
        }
    }

    /// Returns what the registry said when it was first asked, or asks it.
    async fn greeting(
        &self,
        shared: &Shared,
        exchange: &mut Exchange<'_>,
        image: &ImageName,
        anew: bool,
    ) -> Result<Arc<Greeting>, OciError> {
        let mut known = self.greeting.lock().await;
        if let Some(greeting) = known.as_ref().filter(|_| !anew) {
            return Ok(Arc::clone(greeting));
        }
        let greeting = Arc::new(greet(shared, exchange, image).await?);
        *known = Some(Arc::clone(&greeting));
        Ok(greeting)
    }

    async fn authorization(
        &self,
        shared: &Shared,
        exchange: &mut Exchange<'_>,
        image: &ImageName,
        greeting: &Greeting,
        refused: Option<&Refused>,
    ) -> Result<Option<HeaderValue>, OciError> {
        let credentials = exchange.credentials;
        let Some(Challenge::Bearer { realm, service, .. }) = &greeting.challenge else {
            // As go-containerregistry: what we have is shown also where nobody asked, since a registry may answer
            // anybody, but less.
            return credentials.authorization();
        };
        if matches!(credentials.0, Kind::Bearer(_)) {
            return credentials.authorization();
        }
        let refuse = |reason| OciError::Realm {
            registry: image.registry().to_owned(),
            realm: realm.chars().take(256).filter(|c| !c.is_control()).collect(),
            reason,
        };
        let realm =
            realm::judge(realm, &greeting.base, !credentials.is_anonymous(), &shared.options.token_servers)
                .map_err(refuse)?;
        let slot = self.slot(image.repository()).await;
        // Whoever comes meanwhile waits for the one token.
        let mut slot = slot.lock().await;
        let known = slot.token.as_ref().filter(|token| token.is_fresh()).map(|token| token.header.clone());
        match (known, refused) {
            (Some(header), None) => return Ok(Some(header)),
            // Somebody else has replaced what was refused.
            (Some(header), Some(refused)) if refused.shown.as_ref() != Some(&header) => {
                return Ok(Some(header));
            }
            _ => {}
        }
        if let Some(wanted) = refused.and_then(|refused| refused.wanted.clone()) {
            slot.more = Some(wanted);
        }
        let pull = format!("repository:{}:pull", image.repository());
        let scopes: Vec<&str> = slot.more.iter().map(String::as_str).chain([pull.as_str()]).collect();
        let client = &shared.options.user_agent;
        let wish = Wish { realm: &realm, service: service.as_deref(), scopes: &scopes, client };
        let token = token::fetch(exchange, &wish).await?;
        let header = token.header.clone();
        slot.token = Some(token);
        Ok(Some(header))
    }

    async fn slot(&self, repository: &str) -> Arc<Mutex<Slot>> {
        let mut tokens = self.tokens.lock().await;
        if tokens.len() >= TOKENS && !tokens.contains_key(repository) {
            // What nobody uses at the moment can be fetched again.
            tokens.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(tokens.entry(repository.to_owned()).or_default())
    }
}

/// What a registry said to a request that was not authenticated well enough.
struct Refused {
    shown: Option<HeaderValue>,
    wanted: Option<String>,
}

/// Returns the scope that a refusal names, when it is one for reading this repository.
fn wanted_scope(answer: &Answer, image: &ImageName) -> Option<String> {
    let headers = answer.headers.get_all(header::WWW_AUTHENTICATE);
    let Some(Challenge::Bearer { scope: Some(scope), .. }) =
        challenge::pick(headers.iter().filter_map(|value| value.to_str().ok()))
    else {
        return None;
    };
    let actions = scope.strip_prefix("repository:")?.strip_prefix(image.repository())?.strip_prefix(':')?;
    let reads = actions.split(',').all(|action| matches!(action, "pull" | "metadata_read"));
    (reads && actions != "pull").then_some(scope)
}

/// What is asked of a registry.
pub(super) enum Target {
    /// A path below its address, with a query.
    Path(String),
    /// A whole address, which the registry itself gave.
    Address(Url),
}

impl Target {
    fn at(&self, base: &Url) -> Result<Url, OciError> {
        match self {
            Self::Address(url) => Ok(url.clone()),
            Self::Path(path) => base.join(path).map_err(|error| OciError::Malformed {
                url: diagnostic::address(base),
                reason: error.to_string(),
            }),
        }
    }
}

/// Asks a registry who may ask it, over TLS, or plain where that is allowed and TLS is not spoken.
async fn greet(
    shared: &Shared,
    exchange: &mut Exchange<'_>,
    image: &ImageName,
) -> Result<Greeting, OciError> {
    let secure = base("https", image)?;
    if !shared.options.insecure && !image.is_private() {
        return ask(exchange, image, secure, u32::MAX).await;
    }
    let whole = exchange.deadline;
    exchange.deadline = whole.min(Instant::now() + TLS_PATIENCE);
    let outcome = ask(exchange, image, secure, 1).await;
    exchange.deadline = whole;
    match outcome {
        // Neither a certificate that is not trusted nor a proxy that refuses is a reason to do without TLS.
        Err(OciError::Network { .. }) if exchange.spoke_no_tls.load(Ordering::Relaxed) => {
            ask(exchange, image, base("http", image)?, u32::MAX).await
        }
        Err(OciError::Deadline { .. }) => ask(exchange, image, base("http", image)?, u32::MAX).await,
        other => other,
    }
}

fn base(scheme: &str, image: &ImageName) -> Result<Url, OciError> {
    Url::parse(&format!("{scheme}://{}/", image.registry())).map_err(|error| OciError::Name {
        text: image.to_string(),
        reason: format!("could not parse reference: {image}: {error}"),
    })
}

async fn ask(
    exchange: &mut Exchange<'_>,
    image: &ImageName,
    base: Url,
    attempts: u32,
) -> Result<Greeting, OciError> {
    let target = Target::Path("v2/".to_owned()).at(&base)?;
    let mut ask = Ask::get(target);
    ask.attempts = ask.attempts.min(attempts);
    let answer = exchange.send(&ask).await?;
    let challenge = match answer.status {
        StatusCode::OK => None,
        StatusCode::UNAUTHORIZED => {
            let headers = answer.headers.get_all(header::WWW_AUTHENTICATE);
            let refuse = |reason| OciError::Challenge { registry: image.registry().to_owned(), reason };
            match challenge::pick(headers.iter().filter_map(|value| value.to_str().ok())) {
                Some(Challenge::Bearer { realm, .. }) if realm.is_empty() => {
                    return Err(refuse("it names no token server"));
                }
                None => return Err(refuse("neither Basic nor Bearer")),
                known => known,
            }
        }
        _ => return Err(exchange.refusal(answer).await),
    };
    // Read to its end, a connection can be used again; more than a little is not worth it.
    let _ = exchange.refusal(answer).await;
    Ok(Greeting { base, challenge })
}

/// A registry's host and the fingerprint of a credential.
pub(super) type Key = (String, [u8; 32]);

/// Returns the key of a session.
pub(super) fn key(image: &ImageName, credentials: &RegistryCredentials) -> Key {
    (image.registry().to_owned(), credentials.fingerprint())
}
