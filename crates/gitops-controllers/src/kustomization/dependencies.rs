//! Whether what a Kustomization depends on is ready. Pure.

use gitops_api::conditions::READY;
use gitops_api::kustomize_v1::{DependencyReference, Kustomization};
use gitops_runtime::conditions::is_true;
use kube::ResourceExt;

use super::expressions::{self, Unanswered};

/// Why a Kustomization does not start yet, in Flux's words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unmet {
    /// A dependency is not ready.
    NotReady(String),
    /// Whether it is cannot be asked as the specification wants to ask.
    Invalid(String),
}

/// Returns what is not ready yet; `find` looks a Kustomization up by namespace and name, and `revision` is
/// that of the source of the one that waits.
///
/// A dependency is ready when its newest generation was reconciled and it is Ready; when both have the same source, it must
/// also have applied the source's present revision. An expression takes the place of all that. Source: kustomize-controller,
/// `checkDependencies`.
pub(super) fn check<'a>(
    object: &Kustomization,
    revision: &str,
    find: impl Fn(&str, &str) -> Option<std::sync::Arc<Kustomization>> + 'a,
) -> Result<(), Unmet> {
    object.spec.depends_on.iter().try_for_each(|dependency| one(object, revision, dependency, &find))
}

fn one(
    object: &Kustomization,
    revision: &str,
    dependency: &DependencyReference,
    find: &dyn Fn(&str, &str) -> Option<std::sync::Arc<Kustomization>>,
) -> Result<(), Unmet> {
    let not_ready = |text: String| Err(Unmet::NotReady(text));
    let own = object.namespace().unwrap_or_default();
    let namespace = dependency.namespace.as_deref().filter(|n| !n.is_empty()).unwrap_or(&own);
    let name = &dependency.name;
    let Some(found) = find(namespace, name) else {
        return not_ready(format!(
            "dependency '{namespace}/{name}' not found: kustomizations.kustomize.toolkit.fluxcd.io \"{name}\" not found"
        ));
    };
    if let Some(expression) = dependency.ready_expr.as_deref().filter(|e| !e.is_empty()) {
        return match expressions::is_ready(expression, object, &found) {
            Ok(true) => Ok(()),
            Ok(false) => {
                not_ready(format!("dependency '{namespace}/{name}' is not ready according to readyExpr eval"))
            }
            Err(Unanswered::Failed(error)) => not_ready(error.to_string()),
            Err(Unanswered::Invalid(error)) => {
                Err(Unmet::Invalid(format!("terminal error: failed to evaluate dependency {name}: {error}")))
            }
        };
    }
    let status = found.status.clone().unwrap_or_default();
    if status.observed_generation != found.metadata.generation || !is_true(&status.conditions, READY) {
        return not_ready(format!("dependency '{namespace}/{name}' is not ready"));
    }
    if same_source(object, &found) && status.last_applied_revision.as_deref() != Some(revision) {
        return not_ready(format!("dependency '{namespace}/{name}' revision is not up to date"));
    }
    Ok(())
}

fn same_source(a: &Kustomization, b: &Kustomization) -> bool {
    let source = |k: &Kustomization| {
        let reference = &k.spec.source_ref;
        let namespace = reference.namespace.clone().filter(|n| !n.is_empty()).or_else(|| k.namespace());
        (reference.kind.clone(), namespace, reference.name.clone())
    };
    source(a) == source(b)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    fn kustomization(name: &str, source: &str, depends_on: Value, status: Value) -> Kustomization {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "ns", "generation": 2},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": source}, "dependsOn": depends_on},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn a_dependency_is_ready_when_it_has_applied_what_we_wait_for() {
        let ready = |generation: i64, revision: &str| {
            json!({"observedGeneration": generation, "lastAppliedRevision": revision,
                "conditions": [{"type": "Ready", "status": "True", "reason": "x", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]})
        };
        let app = kustomization("app", "fleet", json!([{"name": "db"}]), json!({}));
        for (source, status, want) in [
            ("fleet", ready(2, "r2"), Ok(())),
            ("fleet", ready(2, "r1"), Err("dependency 'ns/db' revision is not up to date")),
            ("other", ready(2, "r1"), Ok(())),
            ("fleet", ready(1, "r2"), Err("dependency 'ns/db' is not ready")),
            ("fleet", json!({}), Err("dependency 'ns/db' is not ready")),
        ] {
            let db = Arc::new(kustomization("db", source, json!([]), status));
            let got = check(&app, "r2", |ns, name| ((ns, name) == ("ns", "db")).then(|| db.clone()));
            assert_eq!(got, want.map_err(|text: &str| Unmet::NotReady(text.to_owned())));
        }
        let missing = check(&app, "r2", |_, _| None).unwrap_err();
        assert!(
            matches!(missing, Unmet::NotReady(text) if text.starts_with("dependency 'ns/db' not found: "))
        );
    }

    #[test]
    fn an_expression_takes_the_place_of_the_usual_rule() {
        let not_ready = |text: &str| Err(Unmet::NotReady(text.to_owned()));
        let db = Arc::new(kustomization("db", "fleet", json!([]), json!({"lastAppliedRevision": "r1"})));
        for (expression, want) in [
            ("dep.status.lastAppliedRevision == 'r1' && self.metadata.name == 'app'", Ok(())),
            ("dep.metadata.generation > 2", not_ready("dependency 'ns/db' is not ready according to readyExpr eval")),
            (
                "dep.status.nope.deeper == 'x'",
                not_ready(
                    "failed to evaluate the CEL expression 'dep.status.nope.deeper == 'x'': no such key: nope",
                ),
            ),
            (
                "dep.status.ready",
                Err(Unmet::Invalid(
                    "terminal error: failed to evaluate dependency db: CEL expression output type mismatch: expected bool, got dyn"
                        .to_owned(),
                )),
            ),
            ("", not_ready("dependency 'ns/db' is not ready")),
        ] {
            let waits = json!([{"name": "db", "readyExpr": expression}]);
            let app = kustomization("app", "fleet", waits, json!({}));
            let got = check(&app, "r2", |_, _| Some(db.clone()));
            assert_eq!(got, want, "{expression}");
        }
    }
}
