//! Reading objects and lists.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::call::Call;
use super::present;
use super::reply::Reply;
use super::selectors::Selection;
use crate::apply::scale;
use crate::schema::Kind;
use crate::store::Stored;
use crate::wire::status::{Answer, Cause, Refusal};

/// Up to which length the objects of a list are kept as they were read.
const SHORT: usize = 256;

pub(super) fn get(call: &mut Call<'_>) -> Answer<Reply> {
    let revision = call.query.get("resourceVersion").to_owned();
    if let Some(asked) = parse_revision(&revision)? {
        let current = call.server.store.revision();
        if asked > current {
            return Err(Refusal::too_large_revision(asked, current));
        }
    }
    if call.target.subresource == "scale" {
        return scale::get(call);
    }
    let key = call.key(&call.target.name);
    let stored = call.server.store.get(&key).ok_or_else(|| call.not_found())?;
    Ok(Reply::Stored(200, stored))
}

fn parse_revision(text: &str) -> Answer<Option<u64>> {
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let cause = Cause::invalid(
            "resourceVersion",
            &json!(text),
            &format!("strconv.ParseUint: parsing {text:?}: invalid syntax"),
        );
        Refusal::bad_request(format!("invalid resource version: {}", cause.text()))
    })
}

pub(super) fn list(call: &mut Call<'_>) -> Answer<Reply> {
    let options = call.list_options();
    options.check()?;
    let kind = Arc::clone(&call.kind);
    let selection = Selection::read(&kind, &options.label_selector, &options.field_selector)?;
    let store = &call.server.store;
    let asked = parse_revision(&options.revision)?;
    let current = store.revision();
    if let Some(asked) = asked
        && asked > current
        && options.token.is_empty()
    {
        return Err(Refusal::too_large_revision(asked, current));
    }
    let mut at = asked.filter(|_| options.revision_match == "Exact");
    let mut after = None;
    if !options.token.is_empty() {
        if !options.revision.is_empty() && options.revision != "0" {
            return Err(Refusal::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let token = Token::read(&options.token)?;
        // A token without a revision goes on from the newest.
        at = (token.revision > 0).then_some(token.revision);
        after = Some(token.start);
    } else if options.limit > 0 && asked.is_some() && options.revision_match.is_empty() {
        at = asked;
    }
    let namespace = call.target.namespace.clone();
    let expired = |start: Option<&str>| {
        let mut refusal = if start.is_some() {
            Refusal::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
            )
        } else {
            Refusal::expired(format!(
                "The resourceVersion for the provided list is too old: {}",
                options.revision
            ))
        };
        if let Some(start) = start {
            let token = Token { revision: 0, start: start.to_owned() }.write();
            refusal.details = Some(json!({"continue": token}));
        }
        refusal
    };
    let mut items: Vec<Arc<Stored>> = Vec::new();
    let (mut next, mut remaining, mut revision);
    loop {
        // With a selector pages are read until one is full.
        let page = store
            .list(&kind.resource, &namespace, at, after.as_deref(), options.limit)
            .map_err(|_| expired(after.as_deref()))?;
        revision = page.revision;
        at = Some(revision);
        next = page.next;
        remaining = page.remaining;
        if selection.is_empty() {
            items = page.items;
            break;
        }
        // A long list would drive out what is worth keeping.
        let is_short = page.items.len() <= SHORT;
        for stored in page.items {
            let fits = if is_short {
                selection.fits(&present::loaded(store, &kind, &stored).object)
            } else {
                selection.fits(&present::load(&kind, &stored))
            };
            if fits {
                if options.limit > 0 && items.len() == options.limit {
                    break;
                }
                if options.limit > 0 && items.len() + 1 == options.limit {
                    next = Some(path_of(&kind, &stored).into());
                }
                items.push(stored);
            }
        }
        if options.limit == 0 || next.is_none() || items.len() >= options.limit {
            break;
        }
        after = next.as_deref().map(str::to_owned);
    }
    if !selection.is_empty() && options.limit > 0 && items.len() >= options.limit {
        // Whether anything is left is only known by looking.
        let rest = store.list(&kind.resource, &namespace, at, next.as_deref(), 1);
        if rest.is_ok_and(|page| page.items.is_empty()) {
            next = None;
        }
    }
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    match next {
        Some(start) => {
            metadata["continue"] = json!(Token { revision, start: start.into() }.write());
            if selection.is_empty() {
                metadata["remainingItemCount"] = json!(remaining);
            }
        }
        None if kind.custom.is_some() => metadata["continue"] = json!(""),
        None => {}
    }
    Ok(Reply::List { items, metadata })
}

fn path_of(kind: &Kind, stored: &Stored) -> String {
    let object = present::parse(stored);
    let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    if kind.namespaced { format!("{}/{}", text("namespace"), text("name")) } else { text("name") }
}

/// Where a list goes on: at which revision, after which object.
struct Token {
    revision: u64,
    start: String,
}

impl Token {
    fn write(&self) -> String {
        let revision = if self.revision == 0 { json!(-1) } else { json!(self.revision) };
        let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("{}\u{0}", self.start)});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn read(text: &str) -> Answer<Self> {
        let wrong = |why: &str| Refusal::bad_request(format!("continue key is not valid: {why}"));
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| wrong(&error.to_string()))?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|error| wrong(&error.to_string()))?;
        if token["v"] != "meta.k8s.io/v1" {
            return Err(wrong("server does not recognize this encoded version"));
        }
        let Some(revision) = token["rv"].as_i64().filter(|revision| *revision != 0) else {
            return Err(wrong("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
        };
        let start = token["start"].as_str().unwrap_or_default();
        if start.is_empty() {
            return Err(wrong("encoded start key empty (version meta.k8s.io/v1)"));
        }
        let start = start.trim_end_matches('\u{0}').to_owned();
        Ok(Self { revision: u64::try_from(revision).unwrap_or(0), start })
    }
}

/// Returns the name of the internal Go type, as one message has it.
pub(super) fn go_name(kind: &Kind) -> String {
    if kind.custom.is_some() {
        return "*unstructured.Unstructured".to_owned();
    }
    let package = match kind.group.split('.').next() {
        Some("") | None => "core",
        Some(group) => group,
    };
    format!("*{package}.{}", kind.kind)
}
