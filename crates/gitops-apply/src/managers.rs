//! Taking fields over from the managers that an applier replaces.
//!
//! A field that `kubectl apply` once set stays for ever when it leaves the repository, because server-side apply only
//! removes what the applying manager owns. So before the first apply the ownership of listed managers is moved to the
//! applier: their entries in `metadata.managedFields` are united with its own (fluxcd/pkg `ssa/patch.go`).

use serde_json::{Map, Value, json};

use crate::fields::{LAST_APPLIED, at, metadata_map, resource_version};

/// Annotations of earlier appliers that are removed with the take-over, as kustomize-controller removes them.
const OLD_ANNOTATIONS: [&str; 3] =
    [LAST_APPLIED, "kustomize.toolkit.fluxcd.io/checksum", "fluxcd.io/sync-checksum"];

/// Labels of earlier appliers that are removed with the take-over.
const OLD_LABELS: [&str; 1] = ["fluxcd.io/sync-gc-mark"];

/// The field managers whose fields an applier takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    owner: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    prefix: String,
    apply: bool,
    update: bool,
}

impl Takeover {
    /// Returns Flux's rules for an applier: fields of managers whose name begins with `kubectl`, of `before-first-apply`
    /// (when they were updated), and of the applier's own updates become the applier's.
    #[must_use]
    pub fn new(owner: impl Into<String>) -> Self {
        let owner = owner.into();
        let rule = |prefix: &str, apply, update| Rule { prefix: prefix.to_owned(), apply, update };
        let rules = vec![
            rule("kubectl", true, true),
            rule("before-first-apply", false, true),
            rule(&owner, false, true),
        ];
        Takeover { owner, rules }
    }

    /// Adds managers by the beginning of their name, whatever the operation (Flux's flag `--override-manager`).
    #[must_use]
    pub fn with_manager(mut self, prefix: impl Into<String>) -> Self {
        self.rules.push(Rule { prefix: prefix.into(), apply: true, update: true });
        self
    }

    /// Returns the JSON patch that makes the applier the owner of these managers' fields, or none when it already is.
    ///
    /// The patch carries the live `resourceVersion`, so that it fails rather than overwrites a concurrent change.
    #[must_use]
    pub fn patch(&self, live: &Value) -> Option<Value> {
        let entries =
            at(live, &["metadata", "managedFields"]).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut operations = Vec::new();
        if let Some(united) = self.unite(entries, live) {
            operations.push(json!({"op": "replace", "path": "/metadata/managedFields", "value": united}));
        }
        operations.extend(removals(live, "annotations", &OLD_ANNOTATIONS));
        operations.extend(removals(live, "labels", &OLD_LABELS));
        if operations.is_empty() {
            return None;
        }
        if let Some(version) = resource_version(live) {
            operations.push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version}));
        }
        Some(Value::Array(operations))
    }

    /// Returns the entries with those to be taken over merged into the applier's own.
    fn unite(&self, entries: &[Value], live: &Value) -> Option<Vec<Value>> {
        if !entries.iter().any(|entry| self.is_taken(entry)) {
            return None;
        }
        let mut fields = json!({});
        let mut kept = Vec::with_capacity(entries.len());
        let mut api_version = crate::fields::api_version(live).to_owned();
        for entry in entries {
            if self.is_taken(entry) || self.is_own(entry) {
                if let Some(owned) = entry.get("fieldsV1") {
                    unite_fields(&mut fields, owned);
                }
                if let Some(version) =
                    entry.get("apiVersion").and_then(Value::as_str).filter(|_| self.is_own(entry))
                {
                    version.clone_into(&mut api_version);
                }
            } else {
                kept.push(entry.clone());
            }
        }
        kept.push(json!({
            "manager": self.owner,
            "operation": "Apply",
            "apiVersion": api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }));
        Some(kept)
    }

    fn is_own(&self, entry: &Value) -> bool {
        manager(entry) == self.owner && operation(entry) == "Apply" && !has_subresource(entry)
    }

    fn is_taken(&self, entry: &Value) -> bool {
        !has_subresource(entry)
            && !self.is_own(entry)
            && self.rules.iter().any(|rule| {
                manager(entry).starts_with(&rule.prefix)
                    && match operation(entry) {
                        "Apply" => rule.apply,
                        "Update" => rule.update,
                        _ => false,
                    }
            })
    }
}

fn manager(entry: &Value) -> &str {
    entry.get("manager").and_then(Value::as_str).unwrap_or_default()
}

fn operation(entry: &Value) -> &str {
    entry.get("operation").and_then(Value::as_str).unwrap_or_default()
}

fn has_subresource(entry: &Value) -> bool {
    entry.get("subresource").and_then(Value::as_str).is_some_and(|subresource| !subresource.is_empty())
}

fn removals<'a>(live: &'a Value, place: &'a str, keys: &'a [&'a str]) -> impl Iterator<Item = Value> + 'a {
    keys.iter().filter(move |key| metadata_map(live, place).is_some_and(|map| map.contains_key(**key))).map(
        move |key| {
            let key = key.replace('~', "~0").replace('/', "~1");
            json!({"op": "remove", "path": format!("/metadata/{place}/{key}")})
        },
    )
}

/// Adds the fields of one FieldsV1 set to another.
fn unite_fields(into: &mut Value, from: &Value) {
    let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) else { return };
    for (key, value) in from {
        unite_fields(into.entry(key.clone()).or_insert_with(|| Value::Object(Map::new())), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    #[test]
    fn listed_managers_are_united_with_the_owner() {
        #[track_caller]
        fn check(entries: Vec<Value>, want: Option<Vec<Value>>) {
            let live = json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"resourceVersion": "7", "managedFields": entries}});
            let got = Takeover::new("me").patch(&live);
            let want = want.map(|entries| {
                json!([
                    {"op": "replace", "path": "/metadata/managedFields", "value": entries},
                    {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
                ])
            });
            assert_eq!(got, want);
        }
        let a = json!({"f:data": {"f:a": {}}});
        let b = json!({"f:data": {"f:b": {}}});
        let both = json!({"f:data": {"f:a": {}, "f:b": {}}});
        check(vec![entry("me", "Apply", a.clone())], None);
        check(vec![entry("helm", "Update", a.clone())], None);
        check(
            vec![entry("kubectl-client-side-apply", "Update", a.clone()), entry("me", "Apply", b.clone())],
            Some(vec![entry("me", "Apply", both)]),
        );
        check(
            vec![entry("kubectl", "Apply", a.clone()), entry("other", "Apply", b.clone())],
            Some(vec![entry("other", "Apply", b.clone()), entry("me", "Apply", a.clone())]),
        );
        check(vec![entry("before-first-apply", "Apply", a.clone())], None);
        let mut scaled = entry("kubectl", "Update", a);
        scaled["subresource"] = json!("scale");
        check(vec![scaled], None);
    }

    #[test]
    fn annotations_of_earlier_appliers_go() {
        let live = json!({"metadata": {"annotations": {LAST_APPLIED: "{}", "keep": "x"}}});
        assert_eq!(
            Takeover::new("me").patch(&live),
            Some(
                json!([{"op": "remove", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"}])
            ),
        );
    }
}
