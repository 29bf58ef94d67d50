//! Roles that are made of others (`pkg/controller/clusterroleaggregation` of Kubernetes): `admin`, `edit` and `view` are.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ask;
use crate::lifecycle::fits_selector;
use crate::server::Server;
use crate::store::Event;

const ROLES: &str = "clusterroles.rbac.authorization.k8s.io";
const MANAGER: &str = "clusterrole-aggregation-controller";
const APPLY: &str = "application/apply-patch+yaml";

/// Does what events ask for.
pub(super) async fn follow(server: &Arc<Server>, events: &[Arc<Event>]) {
    if events.iter().any(|event| &*event.key.resource == ROLES) {
        check_all(server).await;
    }
}

/// Gives each role that is made of others the rules of these.
pub(super) async fn check_all(server: &Arc<Server>) {
    let page = server.store.list(ROLES, "", None, None, 0).map(|page| page.items).unwrap_or_default();
    let roles: Vec<Value> =
        page.iter().filter_map(|stored| serde_json::from_slice(&stored.bytes).ok()).collect();
    for role in roles.iter().filter(|role| role["aggregationRule"].is_object()) {
        let rules = rules_of(role, &roles);
        if rules == role["rules"].as_array().cloned().unwrap_or_default() {
            continue;
        }
        let name = role["metadata"]["name"].as_str().unwrap_or_default();
        let applied = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name}, "rules": rules,
        });
        let path = format!(
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}?fieldManager={MANAGER}&force=true"
        );
        ask(server, "PATCH", &path, APPLY, &applied).await;
    }
}

/// Returns the rules of all roles that are selected: selector by selector, by name, each once.
fn rules_of(role: &Value, roles: &[Value]) -> Vec<Value> {
    let mut rules: Vec<Value> = Vec::new();
    let selectors = role["aggregationRule"]["clusterRoleSelectors"].as_array().into_iter().flatten();
    for selector in selectors {
        let selected = roles.iter().filter(|other| {
            other["metadata"]["name"] != role["metadata"]["name"]
                && fits_selector(selector, &other["metadata"]["labels"])
        });
        for rule in selected.flat_map(|other| other["rules"].as_array().into_iter().flatten()) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_in_the_order_of_selectors_and_names_and_once() {
        let role = |name: &str, label: &str, rules: Value| json!({"metadata": {"name": name, "labels": {label: "true"}}, "rules": rules});
        let roles = [
            role("a", "x", json!([{"verbs": ["get"]}])),
            role("b", "y", json!([{"verbs": ["list"]}, {"verbs": ["get"]}])),
            role("own", "x", json!([{"verbs": ["own"]}])),
        ];
        let select = |label: &str| json!({"matchLabels": {label: "true"}});
        let own = json!({
            "metadata": {"name": "own"}, "aggregationRule": {"clusterRoleSelectors": [select("y"), select("x")]},
        });
        assert_eq!(rules_of(&own, &roles), [json!({"verbs": ["list"]}), json!({"verbs": ["get"]})]);
    }
}
