//! One request for a resource.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, request};
use serde_json::Value;

use super::reply::Reply;
use super::{connect, create, delete, patch, read, update, watch};
use crate::access::{self, Attributes, User};
use crate::schema::{Kind, Kinds, Verb};
use crate::server::Server;
use crate::store::Key;
use crate::wire::media::{self, Media};
use crate::wire::query::{FieldValidation, ListOptions, Query};
use crate::wire::route::Target;
use crate::wire::status::{Answer, Refusal};

/// A request for a resource, as far as it is understood.
pub(crate) struct Call<'s> {
    pub(crate) server: &'s Arc<Server>,
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) kind: Arc<Kind>,
    pub(crate) query: Query,
    pub(crate) user: User,
    pub(crate) user_agent: String,
    pub(crate) content_type: String,
    pub(crate) body: &'s Bytes,
    pub(crate) media: Media,
    pub(crate) warnings: Vec<String>,
    /// Whether what is written has another shape than it is read in: applied custom resources are not read again before
    /// they are stored.
    pub(crate) is_reshaped: bool,
}

impl<'s> Call<'s> {
    /// Finds the kind, and refuses what the user may not do.
    pub(crate) fn new(
        server: &'s Arc<Server>,
        parts: &request::Parts,
        target: Target,
        query: Query,
        user: User,
        body: &'s Bytes,
    ) -> Answer<Self> {
        let verb = verb_name(&parts.method, &target, &query);
        let wanted = Attributes {
            verb,
            group: &target.group,
            resource: &target.plural,
            subresource: &target.subresource,
            namespace: authorized_namespace(&target),
            name: &target.name,
            path: "",
        };
        access::authorize(server, &user, &wanted)?;
        let Some(kind) = server.kinds.find(&target.group, &target.version, &target.plural) else {
            return Err(if target.group.is_empty() || Kinds::has_builtin_group(&target.group) {
                Refusal::no_resource()
            } else {
                Refusal::page_not_found()
            });
        };
        let user_agent = parts.headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let media = Media::choose(&parts.headers, kind.custom.is_none(), false);
        let media = match media {
            Ok(media) => media,
            // What cannot be accepted is said in JSON, but first what is not there.
            Err(refused) if allowed(&kind, &parts.method, &target, &query) => return Err(refused),
            Err(_) => Media::JSON,
        };
        Ok(Self {
            server,
            method: parts.method.clone(),
            target,
            kind,
            query,
            user,
            user_agent: user_agent.unwrap_or_default().to_owned(),
            content_type: media::content_type(&parts.headers).to_owned(),
            body,
            media,
            warnings: Vec::new(),
            is_reshaped: false,
        })
    }

    pub(crate) fn run(&mut self) -> Answer<Reply> {
        let deprecation = deprecation(&self.kind);
        if let Some(warning) = deprecation.clone().filter(|_| self.kind.custom.is_some()) {
            self.warn(warning);
        }
        let (kind, target) = (&self.kind, &self.target);
        let custom = kind.custom.is_some();
        let subresource = target.subresource.as_str();
        if target.plural.is_empty() || (!kind.namespaced && !target.namespace.is_empty()) {
            return Err(if custom { Refusal::page_not_found() } else { Refusal::no_resource() });
        }
        // What follows `proxy/` is a path of its own.
        let subresource = if subresource.starts_with("proxy/") { "proxy" } else { subresource };
        if !subresource.is_empty() && !kind.subresources.contains_key(subresource) {
            return Err(if custom {
                Refusal::not_found(&kind.group, &kind.plural, &target.name)
            } else {
                Refusal::no_resource()
            });
        }
        let Some(verb) = wanted_verb(&self.method, target, &self.query) else {
            return Err(self.not_allowed());
        };
        // Objects of namespaced kinds are only found in a namespace, and created there.
        let nowhere = kind.namespaced && target.namespace.is_empty();
        if nowhere && (!target.name.is_empty() || !matches!(verb, Verb::List | Verb::Watch)) {
            return Err(if target.name.is_empty() { self.not_allowed() } else { Refusal::no_resource() });
        }
        let read_as_list = verb == Verb::Watch && kind.allows(Verb::List, subresource);
        if !kind.allows(verb, subresource) && !read_as_list {
            return Err(self.not_allowed());
        }
        let connects = connect::connects(subresource);
        if let Some(warning) = deprecation {
            self.warn(warning);
        }
        if connects {
            return connect::connect(self);
        }
        match verb {
            Verb::Get => read::get(self),
            Verb::List => read::list(self),
            Verb::Watch => watch::watch(self),
            Verb::Create => create::create(self),
            Verb::Update => update::update(self),
            Verb::Patch => patch::patch(self),
            Verb::Delete => delete::delete(self),
            Verb::DeleteCollection => delete::delete_collection(self),
        }
    }

    fn not_allowed(&self) -> Box<Refusal> {
        if self.kind.custom.is_none() {
            return Refusal::no_method();
        }
        match (self.method.as_str(), self.target.name.is_empty()) {
            ("PUT" | "PATCH", true) => Refusal::bad_request("name must be provided"),
            (method, _) => {
                let verb = match method {
                    "POST" => "create",
                    _ => "",
                };
                let kind = format!("{}.{}", self.kind.plural, self.kind.group);
                let message = format!("{verb} is not supported on resources of kind \"{kind}\"");
                let mut refusal = Refusal::new(405, "MethodNotAllowed", message);
                refusal.details =
                    Some(serde_json::json!({"group": self.kind.group, "kind": self.kind.plural}));
                refusal
            }
        }
    }

    pub(crate) fn key(&self, name: &str) -> Key {
        Key::new(&self.kind.resource, &self.target.namespace, name)
    }

    pub(crate) fn not_found(&self) -> Box<Refusal> {
        Refusal::not_found(&self.kind.group, &self.kind.plural, &self.target.name)
    }

    /// Returns who writes: the field manager, or the first part of what the client calls itself.
    pub(crate) fn manager<'a>(&'a self, field_manager: &'a str) -> &'a str {
        if !field_manager.is_empty() {
            return field_manager;
        }
        let agent = self.user_agent.split('/').next().unwrap_or_default();
        let end = agent.char_indices().nth(128).map_or(agent.len(), |(end, _)| end);
        agent.get(..end).unwrap_or(agent)
    }

    /// Tells the client of fields that are unknown or stand twice, as it wished.
    pub(crate) fn warn_of(&mut self, findings: &[String], validation: FieldValidation) {
        if validation == FieldValidation::Warn {
            self.warn_all(findings);
        }
    }

    pub(crate) fn warn_all(&mut self, texts: &[String]) {
        for text in texts {
            self.warn(text.clone());
        }
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    pub(crate) fn list_options(&self) -> ListOptions {
        ListOptions::read(&self.query, self.target.watch)
    }

    pub(crate) fn name_of(object: &Value) -> &str {
        object["metadata"]["name"].as_str().unwrap_or_default()
    }
}

/// The built-in kinds that are on their way out, and what the server says of them.
const DEPRECATED: [(&str, &str); 2] = [
    ("ComponentStatus", "v1 ComponentStatus is deprecated in v1.19+"),
    ("Endpoints", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
];

/// Returns what a deprecated version says of itself.
fn deprecation(kind: &Kind) -> Option<String> {
    if kind.custom.is_none() {
        return DEPRECATED.iter().find(|(name, _)| kind.is("", name)).map(|(_, text)| (*text).to_owned());
    }
    let version = kind.custom.as_ref()?.version(&kind.version)?;
    if version.entry["deprecated"] != true {
        return None;
    }
    let own = version.entry["deprecationWarning"].as_str().map(str::to_owned);
    Some(own.unwrap_or_else(|| format!("{} {} is deprecated", kind.api_version(), kind.kind)))
}

fn authorized_namespace(target: &Target) -> &str {
    // A namespace is in itself.
    if target.group.is_empty() && target.plural == "namespaces" { &target.name } else { &target.namespace }
}

fn is_watch(target: &Target, query: &Query) -> bool {
    target.watch || query.flag("watch")
}

fn verb_name(method: &Method, target: &Target, query: &Query) -> &'static str {
    match method.as_str() {
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if target.name.is_empty() => "deletecollection",
        "DELETE" => "delete",
        "GET" | "HEAD" if target.name.is_empty() && is_watch(target, query) => "watch",
        "GET" | "HEAD" if target.name.is_empty() => "list",
        "GET" | "HEAD" => "get",
        _ => "",
    }
}

fn wanted_verb(method: &Method, target: &Target, query: &Query) -> Option<Verb> {
    let named = !target.name.is_empty();
    Some(match method.as_str() {
        "GET" if target.watch => Verb::Watch,
        "GET" if !named && is_watch(target, query) => Verb::Watch,
        "GET" if !named => Verb::List,
        "GET" => Verb::Get,
        "POST" if !named || !target.subresource.is_empty() => Verb::Create,
        "PUT" if named => Verb::Update,
        "PATCH" if named => Verb::Patch,
        "DELETE" if named => Verb::Delete,
        "DELETE" => Verb::DeleteCollection,
        _ => return None,
    })
}

fn allowed(kind: &Kind, method: &Method, target: &Target, query: &Query) -> bool {
    wanted_verb(method, target, query).is_some_and(|verb| kind.allows(verb, &target.subresource))
}
