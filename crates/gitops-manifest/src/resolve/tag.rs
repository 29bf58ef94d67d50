//! Scalars with an explicit tag.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Resolved, Resolver, plain};

/// The tags that mean something to Kubernetes' readers; all others leave a scalar text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagKind {
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Binary,
    Merge,
    /// `!!str`, and every tag that is not known.
    Text,
}

impl TagKind {
    /// Returns the kind of a tag by its name in `tag:yaml.org,2002:`.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "null" => Self::Null,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "float" => Self::Float,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            "merge" => Self::Merge,
            _ => Self::Text,
        }
    }
}

/// Resolves a scalar under its tag. The text is replaced where the tag encodes it.
pub(crate) fn tagged(tag: TagKind, text: &mut String, resolver: Resolver) -> Result<Resolved, String> {
    // Only a timestamp's own tag lets a tagged text be a timestamp.
    let resolved = match plain(text, resolver) {
        Resolved::Time(_) if tag != TagKind::Timestamp => Resolved::Text,
        resolved => resolved,
    };
    match (tag, resolved) {
        (TagKind::Text | TagKind::Merge, _) => Ok(Resolved::Text),
        (TagKind::Binary, _) => {
            *text = decode(text).ok_or("a !!binary value is not base64")?;
            Ok(Resolved::Text)
        }
        (TagKind::Float, Resolved::Int(int)) => {
            #[allow(clippy::cast_precision_loss)] // A float is what the tag asks for.
            let float = int as f64;
            Ok(Resolved::Float(float))
        }
        (TagKind::Null, found @ Resolved::Null)
        | (TagKind::Bool, found @ Resolved::Bool(_))
        | (TagKind::Int, found @ (Resolved::Int(_) | Resolved::Uint(_)))
        | (TagKind::Float, found @ Resolved::Float(_))
        | (TagKind::Timestamp, found @ Resolved::Time(_)) => Ok(found),
        (tag, _) => Err(format!("the value does not fit its tag !!{}", format!("{tag:?}").to_lowercase())),
    }
}

/// Decodes base64 as Go does, which skips line breaks; bytes that are not UTF-8 become U+FFFD one by one, as
/// in Go's JSON.
fn decode(text: &str) -> Option<String> {
    let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(packed).ok()?;
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    Some(out)
}
