//! Addresses of the web, read as Go's `net/url` does.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Special, special};
use crate::cel::functions::Answer;
use crate::cel::meter::Fault;
use crate::cel::value::{Key, Value};

/// An address and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cel) struct Url {
    text: String,
    scheme: String,
    host: String,
    path: String,
    query: String,
}

impl Url {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Reads an address that is absolute, or a path that is.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| Err(format!("parse {text:?}: {why}"));
        if text.is_empty() {
            return refuse("empty url");
        }
        if text.chars().any(|c| c.is_ascii_control()) {
            return refuse("net/url: invalid control character in URL");
        }
        let (scheme, rest) = match text.split_once(':') {
            Some(("", _)) => return refuse("missing protocol scheme"),
            Some((scheme, rest))
                if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                    && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) =>
            {
                (scheme.to_ascii_lowercase(), rest)
            }
            _ => (String::new(), text),
        };
        let before_fragment = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (before, query) = before_fragment.split_once('?').unwrap_or((before_fragment, ""));
        if !before.starts_with('/') {
            if scheme.is_empty() {
                return refuse("invalid URI for request");
            }
            let (path, query) = (String::new(), query.to_owned());
            return Ok(Url { text: text.to_owned(), scheme, host: String::new(), path, query });
        }
        let (host, path) = match before.strip_prefix("//") {
            Some(after) if !scheme.is_empty() || !before.starts_with("///") => {
                let end = after.find('/').unwrap_or(after.len());
                let authority = &after[..end];
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                if let Some(why) = wrong_host(host) {
                    return refuse(&why);
                }
                (host.to_owned(), &after[end..])
            }
            _ => (String::new(), before),
        };
        if let Some(escape) = wrong_escape(path) {
            return refuse(&format!("invalid URL escape {escape:?}"));
        }
        Ok(Url { text: text.to_owned(), scheme, host, path: escaped(path), query: query.to_owned() })
    }

    fn split_host(&self) -> (&str, &str) {
        let (host, port) = match self.host.rsplit_once(':') {
            Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) && !host.ends_with(':') => {
                (host, port)
            }
            _ => (self.host.as_str(), ""),
        };
        (host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host), port)
    }
}

fn wrong_host(host: &str) -> Option<String> {
    let port = match host.rfind(']') {
        Some(end) => &host[end + 1..],
        None if host.starts_with('[') => return Some("missing ']' in host".to_owned()),
        None => host.rfind(':').map_or("", |at| &host[at..]),
    };
    if !port.is_empty()
        && !port.strip_prefix(':').is_some_and(|port| port.chars().all(|c| c.is_ascii_digit()))
    {
        return Some(format!("invalid port {port:?} after host"));
    }
    let wrong = host.chars().find(|c| " \"<>\\^`{|}".contains(*c) && !host.contains('['));
    wrong.map(|c| format!("invalid character {:?} in host name", c.to_string()))
}

fn wrong_escape(text: &str) -> Option<&str> {
    text.match_indices('%').find_map(|(at, _)| {
        let digits = text.get(at + 1..at + 3).is_some_and(|two| two.chars().all(|c| c.is_ascii_hexdigit()));
        (!digits).then(|| text.get(at..at + 3).unwrap_or(&text[at..]))
    })
}

/// Escapes what a path must not hold.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            _ if b"-_.~$&+,/:;=@!*'()[]%".contains(&byte) => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

pub(super) fn function(name: &str, values: &[Value]) -> Answer {
    let [Value::String(text)] = values else { return None };
    Some(match name {
        "url" => Url::parse(text)
            .map(|url| special(Special::Url(url)))
            .map_err(|why| Fault::text(format!("URL parse error during conversion from string: {why}"))),
        "isURL" => Ok(Value::Bool(Url::parse(text).is_ok())),
        _ => return None,
    })
}

pub(super) fn method(name: &str, url: &Url, rest: &[Value]) -> Answer {
    if !rest.is_empty() {
        return None;
    }
    let (host, port) = url.split_host();
    let text = match name {
        "getScheme" => &url.scheme,
        "getHost" => &url.host,
        "getHostname" => host,
        "getPort" => port,
        "getEscapedPath" => &url.path,
        "getQuery" => return Some(Ok(query(&url.query))),
        _ => return None,
    };
    Some(Ok(Value::text(text)))
}

fn query(text: &str) -> Value {
    let mut found: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if let (Some(name), Some(value)) = (unescaped(name), unescaped(value)) {
            found.entry(Key::String(name.into())).or_default().push(Value::text(value));
        }
    }
    Value::Map(Arc::new(found.into_iter().map(|(name, values)| (name, Value::list(values))).collect()))
}
