//! The parsers of what registries send, for `fuzz/` alone: built only with the feature `fuzz`.

use super::{challenge, link, tags, token};

/// Reads a `Link` header and returns the next page's address.
pub fn next_page(header: &str) -> Option<&str> {
    link::next(header).ok().flatten()
}

/// Reads `WWW-Authenticate` headers and returns whether one can be answered.
pub fn challenge(headers: &[&str]) -> bool {
    challenge::pick(headers.iter().copied()).is_some()
}

/// Reads a page of tags, no more than there is room for.
pub fn page(body: &[u8], room: usize) -> Option<Vec<String>> {
    tags::read_page(body, room).ok()
}

/// Returns whether a text is a tag.
pub fn is_tag(text: &str) -> bool {
    tags::is_tag(text)
}

/// Reads a token server's answer and returns whether there is a token in it.
pub fn token(body: &[u8]) -> bool {
    token::read(body).is_ok()
}
