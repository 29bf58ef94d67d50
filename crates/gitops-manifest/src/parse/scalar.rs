//! One scalar of the text to its type.

use std::borrow::Cow;

use granit_parser::{ScalarStyle, Tag};

use super::reprint;
use crate::resolve::{self, Resolved, Resolver, TagKind};

/// A scalar as it is written, before it has a type.
pub(super) struct Scalar<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) style: ScalarStyle,
    pub(super) tag: Option<Cow<'a, Tag>>,
    /// Whether there is anything to see: `key:` has a value that is not written.
    pub(super) is_written: bool,
    /// Whether it stands in `[]` or `{}`.
    pub(super) in_flow: bool,
    /// Whether the text ends with it, without a line feed.
    pub(super) is_cut: bool,
}

impl Scalar<'_> {
    /// Returns whether this is the merge key, when it stands in the place of a key.
    pub(super) fn is_merge(&self) -> bool {
        let is_plain = self.style == ScalarStyle::Plain;
        self.text == "<<"
            && match self.tag.as_deref().map(tag_kind) {
                Some(kind) => kind == TagKind::Merge,
                None => is_plain,
            }
    }

    /// Returns the text and its type.
    pub(super) fn resolve(self, resolver: Resolver) -> Result<(Resolved, String), String> {
        let is_kustomize = resolver == Resolver::Kustomize;
        // kustomize's printer, whose text kustomize reads again, drops the tag that says nothing.
        let tag = self.tag.as_deref().filter(|tag| !(is_kustomize && tag.parts() == ("", "!")));
        let is_block = matches!(self.style, ScalarStyle::Literal | ScalarStyle::Folded);
        let mut text = self.text.into_owned();
        // kubectl ends every line before it parses, kustomize's parser takes the block as it is.
        if is_kustomize && is_block && self.is_cut && text.ends_with('\n') {
            text.pop();
        }
        if is_kustomize && self.style == ScalarStyle::Folded {
            text = reprint::folded(text);
        }
        if let Some(tag) = tag {
            let resolved = resolve::tagged(tag_kind(tag), &mut text, resolver)?;
            return Ok((resolved, text));
        }
        if self.style != ScalarStyle::Plain {
            return Ok((Resolved::Text, text));
        }
        // And inside of `[]` and `{}` it quotes what cannot stand there bare: nothing at all, and times with
        // their colons. Both are text from then on.
        if is_kustomize && self.in_flow {
            if !self.is_written {
                return Ok((Resolved::Text, String::new()));
            }
            if text.contains(':') {
                return Ok((Resolved::Text, text));
            }
        }
        Ok((resolve::plain(&text, resolver), text))
    }
}

fn tag_kind(tag: &Tag) -> TagKind {
    tag.suffix_in_namespace("tag:yaml.org,2002:").map_or(TagKind::Text, |name| TagKind::named(&name))
}
