//! Revisions: what a source was at when it was fetched.

use std::fmt;

use crate::{Digest, DigestAlgorithm};

/// A human-readable identifier of one state of a source.
///
/// | form | of |
/// |---|---|
/// | `main@sha1:<hex>`, `v1.0.0@sha1:<hex>`, `refs/pull/1/head@sha1:<hex>` | Git branch, tag, name |
/// | `sha1:<hex>` | Git commit alone |
/// | `latest@sha256:<hex>` | OCI tag |
/// | `sha256:<hex>` | bucket, Helm index |
/// | `6.3.5` | chart version |
///
/// Every text is a revision: one of another form is kept as a reference without digest, since a source
/// of somebody else may name its states as it likes. Equality is equality of texts, as in Flux.
///
/// ```
/// use gitops_api::Revision;
///
/// let revision = Revision::from("main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738");
/// assert_eq!(revision.reference(), Some("main"));
/// assert_eq!(revision.digest().map(|d| d.hex()), Some("5394cb7f48332b2de7c17dd8b8384bbc84b7e738"));
/// assert_eq!(Revision::from("6.3.5").digest(), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Revision {
    text: String,
    /// Length of the reference at the start of the text; `None` when the text is a digest or empty.
    reference: Option<usize>,
    digest: Option<Digest>,
}

impl Revision {
    /// Returns the revision of a reference (none for a state that has only a digest) at a digest.
    pub fn new(reference: Option<&str>, digest: &Digest) -> Self {
        match reference {
            Some(reference) if !reference.is_empty() => Self::from(format!("{reference}@{digest}")),
            _ => Self::from(digest.to_string()),
        }
    }

    /// Returns the revision of a Git commit under its short reference: `refs/heads/feature/x` gives
    /// `feature/x@sha1:…`, no reference gives `sha1:…`.
    ///
    /// Source: fluxcd/pkg `git/git.go`, `Commit.String`.
    pub fn of_commit(reference: Option<&str>, commit: &str) -> Self {
        let short = reference.map(|name| name.splitn(3, '/').last().unwrap_or(name));
        Self::of_commit_absolute(short, commit)
    }

    /// Returns the revision of a Git commit under its whole reference, as `spec.ref.name` records it.
    ///
    /// Source: fluxcd/pkg `git/git.go`, `Commit.AbsoluteReference`.
    pub fn of_commit_absolute(reference: Option<&str>, commit: &str) -> Self {
        let digest = commit_digest(commit);
        match reference {
            Some(reference) if !reference.is_empty() => Self::from(format!("{reference}@{digest}")),
            _ => Self::from(digest),
        }
    }

    /// Returns the revision of a text that may have the form of Flux before 2.0: `main/<commit>`,
    /// `HEAD/<commit>` or a bare commit. Texts of today's forms stay as they are.
    ///
    /// Source: fluxcd/pkg `git/utils.go`, `TransformRevision`.
    ///
    /// ```
    /// use gitops_api::Revision;
    ///
    /// let old = Revision::from_legacy("main/5394cb7f48332b2de7c17dd8b8384bbc84b7e738");
    /// assert_eq!(old.to_string(), "main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738");
    /// ```
    pub fn from_legacy(text: &str) -> Self {
        if text.is_empty() || text.contains(':') {
            return Self::from(text);
        }
        let (reference, commit) = match text.rsplit_once('/') {
            Some(("HEAD", commit)) => (None, commit),
            Some((reference, commit)) => (Some(reference), commit),
            None => (None, text),
        };
        // A text without a commit at its end is no old Git revision but, say, a chart's version.
        match Digest::new(DigestAlgorithm::Sha1, commit) {
            Ok(digest) => Self::new(reference, &digest),
            Err(_) => Self::from(text),
        }
    }

    /// Returns the reference: what stands before `@<digest>`, or the whole text when it has no digest.
    pub fn reference(&self) -> Option<&str> {
        self.reference.and_then(|end| self.text.get(..end))
    }

    /// Returns the digest, when its algorithm is one that is known here.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// Returns the digest of a Git commit as Flux writes it into revisions: `sha1:<hex>` for 40 characters,
/// the empty text for none, and `<unknown>:<text>` for every other, since Flux reads no repositories of
/// SHA-256 object format.
///
/// Source: fluxcd/pkg `git/git.go`, `Hash.Digest`.
pub fn commit_digest(commit: &str) -> String {
    match commit.len() {
        0 => String::new(),
        40 => format!("{}:{commit}", DigestAlgorithm::Sha1),
        _ => format!("<unknown>:{commit}"),
    }
}

/// Returns whether the text looks like a digest of whatever algorithm: the pattern of `artifact.digest`.
fn is_digest_like(text: &str) -> bool {
    let Some((algorithm, checksum)) = text.split_once(':') else { return false };
    let word =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let tail = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-');
    algorithm.split(['.', '+', '_', '-']).all(word) && !checksum.is_empty() && checksum.bytes().all(tail)
}

impl From<String> for Revision {
    fn from(text: String) -> Self {
        let (reference, digest) = match text.rsplit_once('@') {
            Some((before, digest)) if is_digest_like(digest) => (Some(before.len()), Some(digest)),
            _ if is_digest_like(&text) => (None, Some(text.as_str())),
            _ if text.is_empty() => (None, None),
            _ => (Some(text.len()), None),
        };
        let digest = digest.and_then(|digest| digest.parse().ok());
        Self { reference: reference.filter(|end| *end > 0), digest, text }
    }
}

impl From<&str> for Revision {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> Self {
        revision.text
    }
}

impl std::str::FromStr for Revision {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(text))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Revision {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Revision {}

impl PartialEq<str> for Revision {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for Revision {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl std::hash::Hash for Revision {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl AsRef<str> for Revision {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl serde::Serialize for Revision {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Revision {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl schemars::JsonSchema for Revision {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Revision".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}
