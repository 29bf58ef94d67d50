//! Taking secrets out of texts before they are kept, logged or sent.

use std::fmt;
use std::sync::Arc;

use gitops_api::Event;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{NotifyError, SecretData};

/// What stands in the place of a secret.
const MASK: &str = "*****";
/// Values of a Secret that are shorter stay in texts: they are switches and names, and every other word would be masked.
const SHORTEST: usize = 5;

/// Returns the text with every occurrence of the token replaced by `*****`.
///
/// As fluxcd/pkg `masktoken` does it: occurrences inside of a longer word count, repetitions of the token's last letter
/// behind it are taken along, an empty token changes nothing.
///
/// # Errors
/// [`NotifyError::Unmaskable`] when the token is no text: nothing is then said of what it may stand in.
///
/// ```
/// use gitops_notify::mask;
///
/// assert_eq!(mask("cannot post with token s3cret", b"s3cret")?, "cannot post with token *****");
/// # Ok::<(), gitops_notify::NotifyError>(())
/// ```
pub fn mask(text: &str, token: &[u8]) -> Result<String, NotifyError> {
    let token = std::str::from_utf8(token).map_err(|_| NotifyError::Unmaskable)?;
    Ok(mask_text(text, token))
}

fn mask_text(text: &str, token: &str) -> String {
    let Some(last) = token.chars().next_back() else { return text.to_owned() };
    let mut rest = text;
    let mut masked = String::with_capacity(text.len());
    while let Some(at) = rest.find(token) {
        masked.push_str(&rest[..at]);
        masked.push_str(MASK);
        rest = rest[at + token.len()..].trim_start_matches(last);
    }
    masked.push_str(rest);
    masked
}

/// Takes secrets out of texts: those that it was told, in each of the forms in which they appear in texts, and whatever
/// stands before the `@` of an address.
///
/// Cheap to clone. `Debug` shows how many secrets it knows.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that no part of one is left when a shorter one is inside of it.
    secrets: Arc<[SecretString]>,
}

impl Redactor {
    /// Returns a redactor of these secrets.
    ///
    /// A value of several lines is known line by line too. Values of fewer than five bytes are let through.
    #[must_use]
    pub fn new<'s>(values: impl IntoIterator<Item = &'s [u8]>) -> Self {
        let mut forms: Vec<String> = values.into_iter().flat_map(forms).collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { secrets: forms.into_iter().map(SecretString::from).collect() }
    }

    /// Returns a redactor of everything that stands in these Secrets.
    #[must_use]
    pub fn of<'s>(secrets: impl IntoIterator<Item = &'s SecretData>) -> Self {
        Self::new(secrets.into_iter().flat_map(SecretData::values))
    }

    /// Returns the text without the secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut text = mask_user_info(text);
        for secret in self.secrets.iter() {
            if text.contains(secret.expose_secret()) {
                text = mask_text(&text, secret.expose_secret());
            }
        }
        text
    }

    /// Takes the secrets out of an event's message and metadata.
    pub fn event(&self, event: &mut Event) {
        event.message = self.text(&event.message);
        for value in event.metadata.values_mut() {
            *value = self.text(value);
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.secrets.len())
    }
}

/// Returns the forms in which a secret appears in texts: as it is, trimmed, line by line, in JSON, in an address, in base64.
fn forms(value: &[u8]) -> Vec<String> {
    let mut forms = vec![crate::encode::base64(value)];
    if let Ok(text) = std::str::from_utf8(value) {
        let lines = text.lines().map(str::trim).chain([text, text.trim()]);
        for line in lines.filter(|line| line.len() >= SHORTEST) {
            let json = serde_json::Value::from(line).to_string();
            forms.push(json[1..json.len() - 1].to_owned());
            forms.push(url::form_urlencoded::byte_serialize(line.as_bytes()).collect());
            forms.push(crate::encode::base64(line.as_bytes()));
            forms.push(line.to_owned());
        }
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// Replaces what stands between `://` and `@` in an address.
fn mask_user_info(text: &str) -> String {
    let mut rest = text;
    let mut masked = String::with_capacity(text.len());
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '\'' | '"' | '<' | '>');
        let authority = &after[..after.find(ends).unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            // The user alone is no secret but of HTTP, where it may be a token: `ssh://git@host` says nothing.
            Some(end) if end > 0 && (authority[..end].contains(':') || is_http(before)) => {
                masked.push_str(MASK);
                &after[end..]
            }
            _ => after,
        };
    }
    masked.push_str(rest);
    masked
}

fn is_http(before: &str) -> bool {
    let scheme = before
        .trim_end_matches("://")
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}
