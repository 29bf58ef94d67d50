//! What the sandbox was asked, in the words of an audit log.

use std::sync::{Arc, Mutex, PoisonError};

use gitops_sandbox::Asked;

use crate::control_plane::audit::{AuditEntry, AuditMark, AuditObject, AuditStatus, AuditUser};

/// Every request that was answered, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestLog(Arc<Mutex<Vec<AuditEntry>>>);

impl RequestLog {
    /// Takes down a request; called before its answer is on its way, so that who has an answer finds it here.
    pub(crate) fn take_down(&self, asked: &Asked) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry(asked));
    }

    pub(crate) fn end(&self) -> AuditMark {
        AuditMark::at(self.0.lock().unwrap_or_else(PoisonError::into_inner).len())
    }

    pub(crate) fn since(&self, mark: AuditMark) -> Vec<AuditEntry> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(mark.place()..).unwrap_or_default().to_vec()
    }
}

fn entry(asked: &Asked) -> AuditEntry {
    let object = object(&asked.path);
    let verb = verb(asked, object.as_ref());
    let uri =
        if asked.query.is_empty() { asked.path.clone() } else { format!("{}?{}", asked.path, asked.query) };
    let user = |name: &str| AuditUser { username: name.to_owned(), groups: Vec::new() };
    AuditEntry {
        stage: if verb == "watch" { "ResponseStarted" } else { "ResponseComplete" }.to_owned(),
        verb: verb.to_owned(),
        request_uri: uri,
        user_agent: asked.user_agent.clone(),
        user: user(&asked.user),
        impersonated_user: asked.impersonated.as_deref().map(user),
        object_ref: object,
        response_status: Some(AuditStatus { code: asked.status }),
        request_object: None,
        response_object: None,
    }
}

/// Returns what a path is about; nothing when it is about no resource.
fn object(path: &str) -> Option<AuditObject> {
    let mut parts = path.trim_matches('/').split('/').peekable();
    let api_group = match parts.next()? {
        "api" => String::new(),
        "apis" => parts.next()?.to_owned(),
        _ => return None,
    };
    let api_version = parts.next()?.to_owned();
    let mut resource = parts.next()?;
    let mut namespace = "";
    let mut name = parts.next().unwrap_or_default();
    if resource == "namespaces" {
        namespace = name;
        // What a namespace itself has is no resource in it.
        if parts.peek().is_some_and(|next| !matches!(*next, "status" | "finalize")) {
            resource = parts.next()?;
            name = parts.next().unwrap_or_default();
        }
    }
    Some(AuditObject {
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        api_group,
        api_version,
        subresource: parts.next().unwrap_or_default().to_owned(),
    })
}

fn verb(asked: &Asked, object: Option<&AuditObject>) -> &'static str {
    let is_named = object.is_none_or(|object| !object.name.is_empty());
    let watches = || asked.query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"));
    match asked.method.as_str() {
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if is_named => "delete",
        "DELETE" => "deletecollection",
        _ if object.is_some() && watches() => "watch",
        _ if is_named => "get",
        _ => "list",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_what_they_are_about() {
        let check = |path: &str, want: Option<[&str; 6]>| {
            let found = object(path);
            let found = found.as_ref().map(|o| {
                [&o.api_group, &o.api_version, &o.namespace, &o.resource, &o.name, &o.subresource]
                    .map(String::as_str)
            });
            assert_eq!(found, want, "{path}");
        };
        check("/api/v1/namespaces/a/configmaps/b", Some(["", "v1", "a", "configmaps", "b", ""]));
        check("/api/v1/namespaces/a/configmaps", Some(["", "v1", "a", "configmaps", "", ""]));
        check(
            "/apis/apps/v1/namespaces/a/deployments/b/status",
            Some(["apps", "v1", "a", "deployments", "b", "status"]),
        );
        check("/api/v1/namespaces/a", Some(["", "v1", "a", "namespaces", "a", ""]));
        check("/api/v1/namespaces/a/finalize", Some(["", "v1", "a", "namespaces", "a", "finalize"]));
        check("/api/v1/namespaces", Some(["", "v1", "", "namespaces", "", ""]));
        check(
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/x",
            Some(["rbac.authorization.k8s.io", "v1", "", "clusterroles", "x", ""]),
        );
        check("/apis/apps/v1", None);
        check("/readyz", None);
    }
}
