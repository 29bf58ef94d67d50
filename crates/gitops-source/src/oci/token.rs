//! Tokens of a token server, for what may be read of one repository.
//!
//! The two ways are those of the distribution project's `spec/auth`: a GET with a user and password, and a POST that
//! exchanges a refresh token.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::credentials::Kind;
use super::diagnostic;
use super::error::OciError;
use super::exchange::{Ask, Exchange};

/// How long a token lives whose server does not say (the specification's default).
const USUAL_LIFE: Duration = Duration::from_secs(60);
/// How long before its end a token is no longer used, at most.
const MARGIN: Duration = Duration::from_secs(10);
/// The largest answer of a token server.
const MAX_BYTES: usize = 256 << 10;

/// A token and how long it is good for.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    until: Instant,
}

impl Token {
    pub(super) fn is_fresh(&self) -> bool {
        self.is_fresh_at(Instant::now())
    }

    fn is_fresh_at(&self, now: Instant) -> bool {
        now < self.until
    }
}

/// Where and for what to ask.
pub(super) struct Wish<'a> {
    pub(super) realm: &'a Url,
    pub(super) service: Option<&'a str>,
    pub(super) scopes: &'a [&'a str],
    pub(super) client: &'a str,
}

/// Gets a token.
pub(super) async fn fetch(exchange: &mut Exchange<'_>, wish: &Wish<'_>) -> Result<Token, OciError> {
    if let Kind::Identity { token, .. } = &exchange.credentials.0 {
        let answer = exchange.send(&by_refresh(wish, token)).await?;
        // A token server without this way has the other one.
        if !matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            return accept(exchange, answer).await;
        }
    }
    let ask = by_password(wish, exchange.credentials.authorization()?);
    let answer = exchange.send(&ask).await?;
    accept(exchange, answer).await
}

fn by_password(wish: &Wish<'_>, authorization: Option<HeaderValue>) -> Ask {
    let mut url = wish.realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = wish.service {
            query.append_pair("service", service);
        }
        wish.scopes.iter().for_each(|scope| {
            query.append_pair("scope", scope);
        });
    }
    Ask { authorization, ..Ask::get(url) }
}

fn by_refresh(wish: &Wish<'_>, token: &SecretString) -> Ask {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("client_id", wish.client);
    if let Some(service) = wish.service {
        form.append_pair("service", service);
    }
    form.append_pair("scope", &wish.scopes.join(" ")).append_pair("refresh_token", token.expose_secret());
    Ask { method: Method::POST, form: Some(form.finish()), ..Ask::get(wish.realm.clone()) }
}

async fn accept(exchange: &mut Exchange<'_>, answer: super::exchange::Answer) -> Result<Token, OciError> {
    if answer.status != StatusCode::OK {
        return Err(exchange.refusal(answer).await);
    }
    let url = answer.url.clone();
    let body = exchange.read(answer).await?;
    // Nothing of the body stands in an error: it is, or holds, a token.
    let refuse =
        |reason: &str| OciError::Malformed { url: diagnostic::address(&url), reason: reason.to_owned() };
    if body.len() > MAX_BYTES {
        return Err(refuse("the token server's answer is too large"));
    }
    read(&body).map_err(refuse)
}

pub(super) fn read(body: &[u8]) -> Result<Token, &'static str> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "the token server's answer is not JSON")?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let token =
        text("access_token").or_else(|| text("token")).ok_or("the token server's answer has no token")?;
    let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| "the token server's token holds characters that a header cannot")?;
    header.set_sensitive(true);
    let life = body.get("expires_in").and_then(Value::as_u64).filter(|seconds| *seconds > 0);
    // A year is for ever, and what is longer would overflow.
    let life = life.map_or(USUAL_LIFE, |seconds| Duration::from_secs(seconds.min(31_536_000)));
    Ok(Token { header, until: Instant::now() + life.saturating_sub(MARGIN.min(life / 10)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tokens_are_renewed_before_they_end() {
        let now = Instant::now();
        let check = |body: &str, seconds: u64, want: bool| {
            let token = read(body.as_bytes()).unwrap();
            assert_eq!(
                token.is_fresh_at(now + Duration::from_secs(seconds)),
                want,
                "{body} after {seconds} s"
            );
        };
        check(r#"{"token": "a", "expires_in": 300}"#, 285, true);
        check(r#"{"token": "a", "expires_in": 300}"#, 295, false);
        check(r#"{"token": "a", "expires_in": 20}"#, 17, true);
        check(r#"{"token": "a", "expires_in": 20}"#, 19, false);
        // The specification's default is a minute.
        check(r#"{"token": "a"}"#, 50, true);
        check(r#"{"token": "a", "expires_in": 0}"#, 58, false);
    }

    #[tokio::test]
    async fn answers_of_token_servers() {
        let check = |body: &str, want: Result<&str, &str>| {
            let got = read(body.as_bytes()).map(|token| token.header.to_str().unwrap().to_owned());
            assert_eq!(got.as_deref().map_err(|reason| *reason), want, "{body}");
        };
        check(r#"{"token": "a"}"#, Ok("Bearer a"));
        check(r#"{"access_token": "b", "expires_in": 300}"#, Ok("Bearer b"));
        check(r#"{"token": "a", "access_token": "b"}"#, Ok("Bearer b"));
        check(r#"{"token": "a", "expires_in": 18446744073709551615}"#, Ok("Bearer a"));
        check(r#"{"token": "a", "expires_in": -1}"#, Ok("Bearer a"));
        check(r#"{"token": ""}"#, Err("the token server's answer has no token"));
        check(r#"{"token": 1}"#, Err("the token server's answer has no token"));
        check("[]", Err("the token server's answer has no token"));
        check("{", Err("the token server's answer is not JSON"));
        check(r#"{"token": "a\nb"}"#, Err("the token server's token holds characters that a header cannot"));
    }
}
