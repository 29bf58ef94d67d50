//! All tags of a repository, page by page.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;

use http::{Method, StatusCode, header};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use url::Url;

use super::client::OciClient;
use super::credentials::RegistryCredentials;
use super::diagnostic;
use super::error::OciError;
use super::exchange::{Answer, JSON};
use super::image_name::ImageName;
use super::link;
use super::session::Target;

/// How many tags are asked for at once, as go-containerregistry does; more is an error on some registries.
const PAGE: usize = 1000;

/// The tags of a repository in the order in which the registry has them, which says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    tags: Vec<String>,
    pages: usize,
}

impl Tags {
    /// Returns how many pages there were.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Returns the tags alone.
    #[must_use]
    pub fn into_vec(self) -> Vec<String> {
        self.tags
    }
}

impl Deref for Tags {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.tags
    }
}

impl IntoIterator for Tags {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.tags.into_iter()
    }
}

impl OciClient {
    /// Returns all tags of a repository.
    ///
    /// # Errors
    /// [`OciError`]: nothing is returned when one page fails.
    pub async fn list_tags(
        &self,
        image: &ImageName,
        credentials: &RegistryCredentials,
    ) -> Result<Tags, OciError> {
        let session = self.session(image, credentials);
        let mut exchange = self.exchange(image, credentials);
        let limits = self.shared.options.limits;
        let mut target = Target::Path(format!("v2/{}/tags/list?n={PAGE}", image.repository()));
        let mut found = Tags::default();
        let mut visited = HashSet::new();
        let mut last: Vec<String> = Vec::new();
        loop {
            let answer = session.send(&self.shared, &mut exchange, image, &target, Method::GET, JSON).await?;
            if answer.status != StatusCode::OK {
                return Err(exchange.refusal(answer).await);
            }
            let url = answer.url.clone();
            let address = || diagnostic::address(&url);
            if !visited.insert(url.clone()) {
                return Err(OciError::Loop { url: address() });
            }
            let next = next_page(&answer)?;
            let body = exchange.read(answer).await?;
            let room = limits.tags - found.tags.len();
            let page = read_page(&body, room).map_err(|fault| match fault {
                Fault::TooMany => {
                    OciError::TooLarge { url: address(), what: "tags", limit: limits.tags as u64 }
                }
                Fault::Tag(text) => {
                    OciError::Malformed { url: address(), reason: format!("{text:?} is not a tag") }
                }
                Fault::Json(reason) => OciError::Malformed { url: address(), reason },
            })?;
            found.pages += 1;
            // A registry that ignores where the last page ended gives the same one again, at another address.
            if found.pages > 1 && !page.is_empty() && page == last {
                return Err(OciError::Loop { url: address() });
            }
            found.tags.extend_from_slice(&page);
            last = page;
            let Some(next) = next else { return Ok(found) };
            if found.pages >= limits.pages {
                return Err(OciError::TooLarge { url: address(), what: "pages", limit: limits.pages as u64 });
            }
            target = Target::Address(next);
        }
    }
}

/// Returns where the next page is, if there is one; it must be where this one is.
fn next_page(answer: &Answer) -> Result<Option<Url>, OciError> {
    let refuse = |reason| OciError::Link { url: diagnostic::address(&answer.url), reason };
    let Some(header) = answer.headers.get(header::LINK) else { return Ok(None) };
    let header = header.to_str().map_err(|_| refuse("it is not text"))?;
    let Some(target) = link::next(header).map_err(refuse)? else { return Ok(None) };
    let next = answer.url.join(target).map_err(|_| refuse("this is no address"))?;
    if next.origin() != answer.url.origin() {
        return Err(refuse("it leads away from the registry"));
    }
    if !next.username().is_empty() || next.password().is_some() {
        return Err(refuse("it holds credentials"));
    }
    Ok(Some(next))
}

/// Returns whether a text is a tag, by the distribution specification.
pub(super) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    (1..=128).contains(&bytes.len())
        && word(bytes[0])
        && bytes.iter().all(|byte| word(*byte) || matches!(byte, b'.' | b'-'))
}

/// Why a page is not used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    TooMany,
    Tag(String),
    Json(String),
}

/// Reads a page's tags, no more than there is room for.
pub(super) fn read_page(body: &[u8], room: usize) -> Result<Vec<String>, Fault> {
    let mut fault = None;
    let mut reader = serde_json::Deserializer::from_slice(body);
    let page = Page { room, fault: &mut fault };
    let outcome = page.deserialize(&mut reader).and_then(|tags| reader.end().map(|()| tags));
    match (fault, outcome) {
        (Some(fault), _) => Err(fault),
        (None, Ok(tags)) => Ok(tags),
        (None, Err(error)) => Err(Fault::Json(format!("the answer is not a list of tags: {error}"))),
    }
}

struct Page<'a> {
    room: usize,
    fault: &'a mut Option<Fault>,
}

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with tags")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tags = Vec::new();
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            if key == "tags" {
                tags = map.next_value_seed(List { room: self.room, fault: self.fault })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(tags)
    }
}

struct List<'a> {
    room: usize,
    fault: &'a mut Option<Fault>,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tags")
    }

    /// A repository without tags.
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut tags = Vec::new();
        let stop = |fault: Fault, into: &mut Option<Fault>| {
            *into = Some(fault);
            serde::de::Error::custom("stopped")
        };
        while let Some(tag) = list.next_element::<String>()? {
            if tags.len() >= self.room {
                return Err(stop(Fault::TooMany, self.fault));
            }
            if !is_tag(&tag) {
                return Err(stop(Fault::Tag(tag.chars().take(64).collect()), self.fault));
            }
            tags.push(tag);
        }
        Ok(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_lists_of_tags() {
        let check = |body: &[u8], want: Result<&[&str], &str>| {
            let got = read_page(body, 3);
            let text = String::from_utf8_lossy(body);
            match (&got, want) {
                (Ok(tags), Ok(want)) => assert_eq!(tags, want, "{text}"),
                (Err(fault), Err(want)) => assert!(format!("{fault:?}").contains(want), "{text}: {fault:?}"),
                _ => panic!("{text}: {got:?}"),
            }
        };
        check(br#"{"name":"a","tags":["1","v2.0-rc_1"]}"#, Ok(&["1", "v2.0-rc_1"]));
        check(br#"{"name":"a","tags":null}"#, Ok(&[]));
        check(br#"{"name":"a"}"#, Ok(&[]));
        check(br#"{"tags":["a","b","c"],"more":{"x":[1]}}"#, Ok(&["a", "b", "c"]));
        check(br#"{"tags":["a","b","c","d"]}"#, Err("TooMany"));
        check(br#"{"tags":["a",1]}"#, Err("not a list of tags"));
        check(br#"{"tags":"a"}"#, Err("not a list of tags"));
        check(br#"["a"]"#, Err("not a list of tags"));
        check(br#"{"tags":["a"]"#, Err("not a list of tags"));
        check(br#"{"tags":["a"]} {}"#, Err("not a list of tags"));
        check(b"<html>", Err("not a list of tags"));
        check(b"", Err("not a list of tags"));
        check(b"{\"tags\":[\"a\xff\"]}", Err("not a list of tags"));
        check(br#"{"tags":["../../x"]}"#, Err("Tag"));
        check(br#"{"tags":["a\nb"]}"#, Err("Tag"));
        check(br#"{"tags":[""]}"#, Err("Tag"));
        check(br#"{"tags":[".a"]}"#, Err("Tag"));
        check(format!(r#"{{"tags":["{}"]}}"#, "a".repeat(129)).as_bytes(), Err("Tag"));
    }
}
