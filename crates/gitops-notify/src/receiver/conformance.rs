//! What every kind of receiver must do, as a suite that strangers can run against theirs.
//!
//! ```
//! use gitops_notify::receiver::{GitLab, conformance::{Subject, check}};
//! use http::{HeaderMap, HeaderValue};
//!
//! let mut headers = HeaderMap::new();
//! headers.insert("x-gitlab-token", HeaderValue::from_static("s3cret-token"));
//! let genuine = Subject::new(GitLab, b"s3cret-token").headers(headers).body(b"{}").proof("x-gitlab-token");
//! assert_eq!(check(&genuine), Vec::<String>::new());
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};

use gitops_api::notification_v1::ReceiverSpec;
use http::{HeaderMap, HeaderValue, Method};

use super::{Receiver, Refusal, Webhook};

/// A kind of receiver under test, with a genuine webhook.
#[derive(Debug)]
pub struct Subject {
    receiver: Box<dyn Receiver>,
    spec: ReceiverSpec,
    token: Vec<u8>,
    headers: HeaderMap,
    body: Vec<u8>,
    proof: Option<&'static str>,
    signs_body: bool,
}

impl Subject {
    /// Returns a kind under test, whose webhook so far has no headers and no body.
    #[must_use]
    pub fn new(receiver: impl Receiver + 'static, token: &[u8]) -> Self {
        Self {
            receiver: Box::new(receiver),
            spec: ReceiverSpec::default(),
            token: token.to_vec(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            proof: None,
            signs_body: false,
        }
    }

    /// Sets what the receiver's spec says, for kinds that look at its events.
    #[must_use]
    pub fn spec(mut self, spec: ReceiverSpec) -> Self {
        self.spec = spec;
        self
    }

    /// Sets the headers of the genuine webhook.
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the body of the genuine webhook.
    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// Names the header, in lower case, that proves where the webhook comes from; without one the path alone does.
    #[must_use]
    pub fn proof(mut self, header: &'static str) -> Self {
        self.proof = Some(header);
        self
    }

    /// Says that the proof is made over the body.
    #[must_use]
    pub fn signs_body(mut self) -> Self {
        self.signs_body = true;
        self
    }

    fn verify(&self, headers: &HeaderMap, body: &[u8], token: &[u8]) -> Result<Result<(), Refusal>, ()> {
        let webhook = Webhook::new(&Method::POST, headers, body, token).takes_sha1(true);
        catch_unwind(AssertUnwindSafe(|| self.receiver.verify(&webhook, &self.spec))).map_err(|_| ())
    }
}

/// Holds a kind of receiver against the contract of [`Receiver`]; returns what it breaks, a sentence each.
#[must_use]
pub fn check(subject: &Subject) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, text: &str| {
        if !holds {
            broken.push(text.to_owned());
        }
    };
    let genuine = subject.verify(&subject.headers, &subject.body, &subject.token);
    rule(genuine == Ok(Ok(())), "the genuine webhook is refused");
    for body in bodies() {
        rule(subject.verify(&subject.headers, &body, &subject.token).is_ok(), "a body makes it panic");
    }
    for headers in odd_headers(subject) {
        rule(subject.verify(&headers, &subject.body, &subject.token).is_ok(), "a header makes it panic");
    }
    let Some(proof) = subject.proof else { return broken };

    let mut refused = |headers: &HeaderMap, body: &[u8], token: &[u8], text: &str| {
        let said = subject.verify(headers, body, token);
        rule(matches!(said, Ok(Err(_))), text);
        if let Ok(Err(refusal)) = said {
            let said = refusal.to_string();
            let value = headers.get(proof).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let tells = |secret: &str| secret.len() > 3 && said.contains(secret);
            rule(!tells(value), "a refusal tells the value of the header");
            rule(!tells(&String::from_utf8_lossy(token)), "a refusal tells the token");
        }
    };
    let with = |value: Option<&[u8]>| {
        let mut headers = subject.headers.clone();
        headers.remove(proof);
        if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value).ok()) {
            headers.insert(proof, value);
        }
        headers
    };
    let value = subject.headers.get(proof).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    let (body, token) = (&subject.body, &subject.token);
    refused(&with(None), body, token, "a webhook without the proof is taken");
    refused(&with(Some(b"")), body, token, "an empty proof is taken");
    refused(&subject.headers, body, b"", "an empty token proves something");
    refused(&with(Some(b"")), body, b"", "an empty proof for an empty token is taken");
    refused(
        &subject.headers,
        body,
        &[token.as_slice(), b"x"].concat(),
        "the proof of another token is taken",
    );
    refused(
        &subject.headers,
        body,
        &token[..token.len().saturating_sub(1)],
        "the proof of a longer token is taken",
    );
    for length in 0..value.len() {
        refused(&with(Some(&value[..length])), body, token, "the start of a proof is taken");
    }
    for place in 0..value.len() {
        let mut changed = value.clone();
        changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
        refused(&with(Some(&changed)), body, token, "a proof that differs in one letter is taken");
    }
    refused(
        &with(Some(&[value.as_slice(), b"0"].concat())),
        body,
        token,
        "a proof with something behind it is taken",
    );
    let mut twice = subject.headers.clone();
    twice.append(proof, HeaderValue::from_static("other"));
    refused(&twice, body, token, "a proof beside another is taken");
    if subject.signs_body {
        refused(
            &subject.headers,
            &[body.as_slice(), b" "].concat(),
            token,
            "the proof of another body is taken",
        );
    }
    broken.sort();
    broken.dedup();
    broken
}

/// Bodies that were made to hurt.
fn bodies() -> Vec<Vec<u8>> {
    let deep = "[".repeat(200_000).into_bytes();
    vec![
        Vec::new(),
        b"{".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"payload=%zz&payload".to_vec(),
        deep,
        vec![b'0'; 1 << 20],
    ]
}

/// The genuine headers with each of them replaced by something odd.
fn odd_headers(subject: &Subject) -> Vec<HeaderMap> {
    let odd: [&[u8]; 6] = [b"", b"=", b"sha256=", b"sha256=zz", b"\xff\xfe", b";;;/"];
    let mut all = vec![HeaderMap::new()];
    for name in subject.headers.keys() {
        for value in odd {
            let mut headers = subject.headers.clone();
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(name.clone(), value);
            }
            all.push(headers);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::{Generic, GenericHmac, GitHub, GitLab};
    use crate::signature::hmac_sha256;
    use gitops_api::notification_v1::ReceiverKind;

    const TOKEN: &[u8] = b"s3cret-token";
    const BODY: &[u8] = br#"{"ref":"refs/heads/main"}"#;

    fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn every_receiver_of_this_crate_keeps_the_contract() {
        let signature = || format!("sha256={}", hmac_sha256(TOKEN, BODY));
        let json = || ("content-type", "application/json".to_owned());
        let spec = ReceiverSpec { events: vec!["push".to_owned()], ..ReceiverSpec::default() };
        let subjects = [
            Subject::new(Generic, TOKEN).body(BODY),
            Subject::new(GenericHmac, TOKEN)
                .body(BODY)
                .headers(headers(&[("x-signature", signature())]))
                .proof("x-signature")
                .signs_body(),
            Subject::new(GitHub, TOKEN)
                .body(BODY)
                .spec(spec.clone())
                .headers(headers(&[
                    ("x-hub-signature-256", signature()),
                    json(),
                    ("x-github-event", "push".to_owned()),
                ]))
                .proof("x-hub-signature-256")
                .signs_body(),
            Subject::new(GitLab, TOKEN)
                .body(BODY)
                .spec(spec)
                .headers(headers(&[
                    ("x-gitlab-token", "s3cret-token".to_owned()),
                    ("x-gitlab-event", "Push".to_owned()),
                ]))
                .proof("x-gitlab-token"),
        ];
        for subject in subjects {
            let broken = check(&subject);
            assert!(broken.is_empty(), "{:?}: {broken:#?}", subject.receiver);
        }
    }

    /// Compares the token with the start of whatever is given.
    #[derive(Debug)]
    struct Careless;

    impl Receiver for Careless {
        fn kind(&self) -> ReceiverKind {
            "careless".into()
        }

        fn verify(&self, webhook: &Webhook<'_>, _: &ReceiverSpec) -> Result<(), Refusal> {
            let given = webhook.headers.get("x-key").map(|value| value.as_bytes()).unwrap_or_default();
            assert!(!webhook.body.starts_with(b"\xff"), "as the test asks");
            if webhook.token.starts_with(given) {
                return Ok(());
            }
            Err(Refusal::new(format!("{} is wrong", String::from_utf8_lossy(given))))
        }
    }

    #[test]
    fn the_suite_finds_what_is_wrong() {
        let key = String::from_utf8(TOKEN.to_vec()).unwrap();
        let subject =
            Subject::new(Careless, TOKEN).headers(headers(&[("x-key", key)])).proof("x-key").signs_body();
        let broken = check(&subject);
        let want = [
            "a body makes it panic",
            "a webhook without the proof is taken",
            "an empty proof is taken",
            "the start of a proof is taken",
            "a proof beside another is taken",
            "the proof of another body is taken",
            "a refusal tells the value of the header",
        ];
        for rule in want {
            assert!(broken.iter().any(|text| text == rule), "{rule}: {broken:#?}");
        }
    }
}
