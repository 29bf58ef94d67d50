//! The few things that are done to objects in a cluster, by kind and name.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::calls::Calls;
use crate::discovery::{Discovery, Resource};
use crate::failure::CallFailure;
use crate::fields;

/// The API server, as an applier uses it.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) calls: Calls,
    pub(crate) discovery: Discovery,
}

/// Where an object lives.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) resource: Resource,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Place {
    /// Returns the path of the collection that the object is in.
    pub(crate) fn collection(&self) -> String {
        self.resource.collection(&self.namespace)
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection(), encode(&self.name))
    }
}

/// Whether an apply is only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    DryRun,
    Real,
}

/// The result of an apply.
pub(crate) struct Applied {
    pub(crate) object: Value,
    pub(crate) created: bool,
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// The object had gone before.
    Absent,
    /// The server accepted it.
    Accepted,
    /// Another object has taken its place: the UID differs.
    Replaced,
}

impl Cluster {
    /// Finds where an object lives.
    pub(crate) async fn place(&self, object: &Value) -> Result<Place, CallFailure> {
        let (kind, api_version) = (fields::kind(object), fields::api_version(object));
        if kind.is_empty() {
            return Err(CallFailure::Incomplete("kind"));
        }
        if api_version.is_empty() {
            return Err(CallFailure::Incomplete("apiVersion"));
        }
        if fields::name(object).is_empty() {
            return Err(CallFailure::Incomplete("metadata.name"));
        }
        let (group, version) = fields::split_api_version(api_version);
        let resource = self.discovery.resource(&self.calls, group, version, kind).await?;
        let namespace = fields::namespace(object);
        if resource.namespaced && namespace.is_empty() {
            return Err(CallFailure::NamespaceMissing);
        }
        Ok(Place { resource, namespace: namespace.to_owned(), name: fields::name(object).to_owned() })
    }

    /// Reads an object; none when it does not exist.
    pub(crate) async fn get(&self, place: &Place) -> Result<Option<Value>, CallFailure> {
        match self.calls.get(&place.path()).await {
            Ok(object) => Ok(Some(object)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Applies an object server-side, winning conflicts.
    pub(crate) async fn apply(
        &self,
        place: &Place,
        manager: &str,
        object: &Value,
        mode: Mode,
    ) -> Result<Applied, CallFailure> {
        let dry_run = match mode {
            Mode::DryRun => "&dryRun=All",
            Mode::Real => "",
        };
        let path = format!("{}?fieldManager={}&force=true{dry_run}", place.path(), encode(manager));
        let body = Bytes::from(object.to_string());
        let answer =
            self.calls.send(Method::PATCH, &path, Some("application/apply-patch+yaml"), body).await?;
        Ok(Applied { created: answer.status == StatusCode::CREATED, object: answer.body })
    }

    /// Changes an object by a JSON patch; none when it does not exist.
    pub(crate) async fn json_patch(
        &self,
        place: &Place,
        manager: &str,
        patch: &Value,
    ) -> Result<Option<Value>, CallFailure> {
        let path = format!("{}?fieldManager={}", place.path(), encode(manager));
        let body = Bytes::from(patch.to_string());
        match self.calls.send(Method::PATCH, &path, Some("application/json-patch+json"), body).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Deletes the object with this UID in the background; its dependants follow.
    pub(crate) async fn delete(&self, place: &Place, uid: &str) -> Result<Deletion, CallFailure> {
        let body = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        });
        let body = Bytes::from(body.to_string());
        match self.calls.send(Method::DELETE, &place.path(), Some("application/json"), body).await {
            Ok(_) => Ok(Deletion::Accepted),
            Err(failure) if failure.is_not_found() => Ok(Deletion::Absent),
            Err(failure) if failure.is_conflict() && failure.to_string().contains("UID") => {
                Ok(Deletion::Replaced)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Encodes a name as one segment of a path.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
