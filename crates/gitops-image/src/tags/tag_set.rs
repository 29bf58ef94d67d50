//! The tags of one repository as one value.

use std::fmt;

use gitops_api::go_json;
use sha2::{Digest as _, Sha256};

use super::adler32::Adler32;
use crate::error::ImageError;

/// How many tags [`TagSet::latest_tags`] returns at most (image-reflector-controller `latestTagsCount`).
pub const LATEST_TAGS: usize = 10;

/// The tags of one repository, in descending order of their bytes.
///
/// That is the order in which Flux stores them, and ties between tags are settled by it. Tags that were given twice
/// are kept twice. All tags stand in one text, so that two million of them need little more than their bytes.
///
/// ```
/// use gitops_image::TagSet;
///
/// let tags = TagSet::new(["v1", "v2"])?;
/// assert_eq!(tags.iter().collect::<Vec<_>>(), ["v2", "v1"]);
/// assert_eq!(tags.revision(), "279577276");
/// # Ok::<(), gitops_image::ImageError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct TagSet {
    text: Box<str>,
    /// Where each tag ends in the text.
    ends: Box<[u32]>,
}

impl TagSet {
    /// The most bytes that the tags of one set may have together: 256 MiB.
    pub const MAX_BYTES: usize = 256 << 20;

    /// Returns the set of some tags, which may come in any order.
    ///
    /// # Errors
    /// [`ImageError::Limit`] when they have more than [`TagSet::MAX_BYTES`] together.
    pub fn new<T: AsRef<str>>(tags: impl IntoIterator<Item = T>) -> Result<Self, ImageError> {
        let mut sorted: Vec<T> = tags.into_iter().collect();
        sorted.sort_unstable_by(|a, b| b.as_ref().cmp(a.as_ref()));
        let bytes: usize = sorted.iter().map(|tag| tag.as_ref().len()).sum();
        if bytes > Self::MAX_BYTES {
            return Err(ImageError::Limit { what: "bytes of tags", amount: bytes, limit: Self::MAX_BYTES });
        }
        let mut text = String::with_capacity(bytes);
        let mut ends = Vec::with_capacity(sorted.len());
        for tag in &sorted {
            text.push_str(tag.as_ref());
            // Cannot be cut short: the limit on bytes is far below.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Ok(Self { text: text.into_boxed_str(), ends: ends.into_boxed_slice() })
    }

    /// Returns the tags in descending order of their bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.ends.len()).map(|at| self.at(at))
    }

    /// Returns how many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there is no tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the first ten tags, for the status of an ImageRepository. They are not the newest ones.
    #[must_use]
    pub fn latest_tags(&self) -> Vec<String> {
        self.iter().take(LATEST_TAGS).map(str::to_owned).collect()
    }

    /// Returns the revision that Flux's default database gives the set: the Adler-32 checksum, in decimal, of the
    /// tags as a compact JSON list.
    ///
    /// A checksum of 32 bits can be the same for two sets, so what must be sure compares the sets themselves or their
    /// [`digest`](TagSet::digest).
    #[must_use]
    pub fn revision(&self) -> String {
        let mut sum = Adler32::new();
        sum.update(b"[");
        for (at, tag) in self.iter().enumerate() {
            if at > 0 {
                sum.update(b",");
            }
            sum.update(go_json::text(tag).as_bytes());
        }
        sum.update(b"]");
        sum.finish().to_string()
    }

    /// Returns the SHA-256 of the tags, each followed by a line feed, as `sha256:` and hex digits: the revision that
    /// Flux's other storage (`FluxStorage`) gives the set.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for tag in self.iter() {
            hash.update(tag.as_bytes());
            hash.update(b"\n");
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }

    fn at(&self, at: usize) -> &str {
        let end_of = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
        let start = if at == 0 { 0 } else { end_of(at - 1) };
        self.text.get(start..end_of(at)).unwrap_or_default()
    }
}

/// Prints the number of tags and the first of them.
impl fmt::Debug for TagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TagSet").field("len", &self.len()).field("latest", &self.latest_tags()).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::TagSet;

    #[test]
    fn a_set_is_sorted_descending_and_keeps_what_is_there_twice() {
        let tags = TagSet::new(["15", "-88", "101", "15", "73"]).unwrap();
        assert_eq!(tags.iter().collect::<Vec<_>>(), ["73", "15", "15", "101", "-88"]);
        assert_eq!(tags.latest_tags(), ["73", "15", "15", "101", "-88"]);
    }

    /// The vectors were computed with Flux's own code, those of one tag were recorded from its controller.
    #[test]
    fn revisions_are_those_of_flux() {
        let check = |tags: &[&str], revision: &str| {
            assert_eq!(TagSet::new(tags).unwrap().revision(), revision, "{tags:?}");
        };
        check(&["v2", "v1"], "279577276");
        check(&["1.0.0"], "160432618");
        check(&["1.0.0", "sha256-abc.sig"], "1708132087");
        assert_eq!(
            TagSet::new(["v1", "v2"]).unwrap().digest(),
            "sha256:aae0e839b67a32e78678a299526920efc3c8e4884a812b2b768f3ecf7ad0cc8a"
        );
    }
}
