//! The text of a comment as a marker.

use std::collections::BTreeMap;
use std::fmt;

/// The key under which a comment names its policy (image-automation-controller `internal/update/setters.go`).
const KEY: &str = "$imagepolicy";

/// What a comment asks for: a policy, and a part of the image it chose.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Marker {
    policy: String,
    part: Part,
}

/// Which part of an image a marker asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// `name:tag`, and `@digest` when there is one.
    Image,
    /// The name without the tag.
    Name,
    /// The tag.
    Tag,
    /// The digest, or nothing when there is none.
    Digest,
}

impl Marker {
    /// Returns the marker that a comment is, `#` left out or not, or none when it is no marker: the whole comment is a
    /// JSON object whose values are texts (or null), and one of its keys is `$imagepolicy`.
    ///
    /// ```
    /// use gitops_image::setter::{Marker, Part};
    ///
    /// let marker = Marker::parse(r#" {"$imagepolicy": "flux-system:app:tag"}"#).unwrap();
    /// assert_eq!((marker.policy(), marker.part()), ("flux-system:app", Part::Tag));
    /// assert!(Marker::parse(r#" {"$imagepolicy": "flux-system:app"} and more"#).is_none());
    /// ```
    #[must_use]
    pub fn parse(comment: &str) -> Option<Self> {
        let text = comment.trim_start_matches('#');
        if !text.contains(KEY) && !text.contains('\\') {
            return None;
        }
        let mut fields: BTreeMap<String, Option<String>> = serde_json::from_str(text).ok()?;
        Some(Self::of_name(&fields.remove(KEY)??))
    }

    /// Returns the marker of the text behind the key.
    fn of_name(name: &str) -> Self {
        let (policy, part) = match name.rsplit_once(':') {
            // One colon parts the namespace from the name.
            Some((policy, part)) if policy.contains(':') => match part {
                "name" => (policy, Part::Name),
                "tag" => (policy, Part::Tag),
                "digest" => (policy, Part::Digest),
                // No policy has such a name, so the marker asks for nothing that is known.
                _ => (name, Part::Image),
            },
            _ => (name, Part::Image),
        };
        Self { policy: policy.to_owned(), part }
    }

    /// Returns the policy, as `namespace:name`.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Returns the part of the image.
    #[must_use]
    pub fn part(&self) -> Part {
        self.part
    }
}

/// Prints the marker as it stands behind the key.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.policy)?;
        f.write_str(match self.part {
            Part::Image => "",
            Part::Name => ":name",
            Part::Tag => ":tag",
            Part::Digest => ":digest",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Marker;

    /// Every answer is what Flux's reading of comments (kyaml `fieldmeta`) gives.
    #[test]
    fn a_comment_is_a_marker_when_all_of_it_is_json() {
        let check = |comment: &str, want: Option<&str>| {
            assert_eq!(Marker::parse(comment).map(|m| m.to_string()).as_deref(), want, "{comment:?}");
        };
        check(r#" {"$imagepolicy": "ns:app"}"#, Some("ns:app"));
        check(r#"{"$imagepolicy":"ns:app:tag"}"#, Some("ns:app:tag"));
        check("\t{\"$imagepolicy\":\"ns:app:digest\"}\t", Some("ns:app:digest"));
        check(r##"## {"$imagepolicy": "ns:app:name"}"##, Some("ns:app:name"));
        check(r#"{"$imagepolicy":"ns:app","other":"text"}"#, Some("ns:app"));
        check(r#"{"$imagepolicy":"ns:app","other":null}"#, Some("ns:app"));
        check(r#"{"$imagepolicy":"ns:a","$imagepolicy":"ns:b"}"#, Some("ns:b"));
        check(r#"{"\u0024imagepolicy":"ns:app"}"#, Some("ns:app"));
        check(r#"{"$imagepolicy":"ns:app:"}"#, Some("ns:app:"));
        check(r#"{"$imagepolicy":"ns:app:Tag"}"#, Some("ns:app:Tag"));
        check(r#"{"$imagepolicy":"ns:app","other":1}"#, None);
        check(r#"{"$imagepolicy":null}"#, None);
        check(r#" {"$imagepolicy": "ns:app"} # more"#, None);
        check(r#" note {"$imagepolicy": "ns:app"}"#, None);
        check(r" {'$imagepolicy': 'ns:app'}", None);
        check(r#" ["$imagepolicy"]"#, None);
        check("$imagepolicy", None);
        check("", None);
    }
}
