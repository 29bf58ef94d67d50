//! Why a call to the API server failed.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::mask::Secrets;

/// Why a call to the API server failed, without any value of a Secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallFailure {
    /// The server answered with an error.
    Status(Box<Refusal>),
    /// No served API has this kind.
    NoMatch {
        /// The kind that was looked for.
        kind: String,
        /// The `apiVersion` that was looked for.
        api_version: String,
    },
    /// The kind lives in namespaces and the object names none.
    NamespaceMissing,
    /// The object lacks what an address in the API needs.
    Incomplete(&'static str),
    /// The call did not end in time.
    Deadline(Duration),
    /// The server was not reached, or the answer did not arrive whole.
    Transport(Arc<dyn StdError + Send + Sync>),
    /// The answer was not what the API promises.
    Malformed(String),
}

/// An error answer of the API server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// The machine-readable reason, such as `Invalid`; empty when the server gave none.
    pub reason: String,
    /// The message.
    pub message: String,
    /// The messages of the single causes.
    pub causes: Vec<String>,
    /// The machine-readable reasons of the single causes.
    pub cause_reasons: Vec<String>,
    /// The plural name of the resource or the kind that the answer is about.
    pub about_kind: String,
    /// The name of the object that the answer is about.
    pub about_name: String,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Reads an error answer: a `Status` object, or the plain text of a proxy.
    #[must_use]
    pub fn read(code: u16, body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(status) if status.get("kind").and_then(Value::as_str) == Some("Status") => {
                Refusal::of_status(code, &status)
            }
            _ => {
                let text: String = String::from_utf8_lossy(body).trim().chars().take(2048).collect();
                let message = if text.is_empty() { format!("the server answered {code}") } else { text };
                let reason = if code == 404 { "NotFound".to_owned() } else { String::new() };
                Refusal { code, reason, message, ..Refusal::default() }
            }
        }
    }

    /// Reads a `Status` object; its own code stands in for an unknown one.
    #[must_use]
    pub fn of_status(code: u16, status: &Value) -> Self {
        let text = |path: &[&str]| crate::fields::text(status, path).unwrap_or_default().to_owned();
        let causes = crate::fields::at(status, &["details", "causes"]).and_then(Value::as_array);
        let of_causes = |key: &str| {
            causes
                .into_iter()
                .flatten()
                .filter_map(|cause| cause.get(key).and_then(Value::as_str).map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let seconds = crate::fields::at(status, &["details", "retryAfterSeconds"]).and_then(Value::as_u64);
        let own = status.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        Refusal {
            code: if code == 0 { own.unwrap_or_default() } else { code },
            reason: text(&["reason"]),
            message: text(&["message"]),
            causes: of_causes("message"),
            cause_reasons: of_causes("reason"),
            about_kind: text(&["details", "kind"]),
            about_name: text(&["details", "name"]),
            retry_after: seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        }
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallFailure::Status(refusal) => f.write_str(&refusal.message),
            CallFailure::NoMatch { kind, api_version } => {
                write!(f, "no matches for kind \"{kind}\" in version \"{api_version}\"")
            }
            CallFailure::NamespaceMissing => {
                f.write_str("the kind lives in namespaces and metadata.namespace is empty")
            }
            CallFailure::Incomplete(what) => write!(f, "the object has no {what}"),
            CallFailure::Deadline(after) => write!(f, "the API server did not answer within {after:?}"),
            CallFailure::Transport(source) => {
                write!(f, "the API server was not reached: {source}")?;
                let mut cause = source.source();
                while let Some(inner) = cause {
                    write!(f, ": {inner}")?;
                    cause = inner.source();
                }
                Ok(())
            }
            CallFailure::Malformed(what) => write!(f, "unexpected answer of the API server: {what}"),
        }
    }
}

impl StdError for CallFailure {}

impl CallFailure {
    /// Returns the HTTP status of the answer, when there was one.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            CallFailure::Status(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// Returns the server's reason, such as `Invalid` or `Forbidden`; empty when there is none.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            CallFailure::Status(refusal) => &refusal.reason,
            _ => "",
        }
    }

    /// Returns whether the object, or the namespace it should live in, does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Returns whether another writer was faster.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// Returns the namespace that is missing, when the server says so.
    #[must_use]
    pub fn missing_namespace(&self) -> Option<&str> {
        match self {
            CallFailure::Status(refusal) if refusal.code == 404 && refusal.about_kind == "namespaces" => {
                Some(&refusal.about_name)
            }
            _ => None,
        }
    }

    /// Returns whether the namespace is being deleted.
    #[must_use]
    pub fn is_namespace_terminating(&self) -> bool {
        matches!(self, CallFailure::Status(refusal)
            if refusal.cause_reasons.iter().any(|reason| reason == "NamespaceTerminating"))
    }

    /// Returns whether the server refused because an immutable field would change.
    #[must_use]
    pub fn is_immutable(&self) -> bool {
        matches!(self, CallFailure::Status(refusal)
            if crate::immutable::is_immutable_error(refusal.code, &refusal.message, &refusal.causes))
    }

    /// Returns whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            CallFailure::Status(refusal) => match refusal.code {
                429 | 502..=504 => true,
                // etcd's troubles come as internal errors; a refused object does too, and never changes.
                500 => refusal.message.contains("etcdserver") || refusal.reason == "ServerTimeout",
                _ => false,
            },
            CallFailure::Deadline(_) | CallFailure::Transport(_) => true,
            _ => false,
        }
    }

    /// Returns the failure without the values of a Secret.
    pub(crate) fn scrubbed(self, secrets: &Secrets) -> Self {
        match self {
            CallFailure::Status(mut refusal) => {
                refusal.message = secrets.scrub(&refusal.message);
                for cause in &mut refusal.causes {
                    *cause = secrets.scrub(cause);
                }
                CallFailure::Status(refusal)
            }
            CallFailure::Malformed(what) => CallFailure::Malformed(secrets.scrub(&what)),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_are_read_whatever_their_form() {
        #[track_caller]
        fn check(code: u16, body: &str, reason: &str, message: &str, transient: bool) {
            let refusal = Refusal::read(code, body.as_bytes());
            assert_eq!((refusal.reason.as_str(), refusal.message.as_str()), (reason, message));
            assert_eq!(CallFailure::Status(Box::new(refusal)).is_transient(), transient);
        }
        let status = json!({"kind": "Status", "reason": "Invalid", "message": "no"}).to_string();
        check(422, &status, "Invalid", "no", false);
        check(404, "404 page not found\n", "NotFound", "404 page not found", false);
        check(429, "Too many requests", "", "Too many requests", true);
        check(503, "", "", "the server answered 503", true);
        check(500, "etcdserver: leader changed", "", "etcdserver: leader changed", true);
        check(500, "failed to create typed patch object", "", "failed to create typed patch object", false);
    }
}
