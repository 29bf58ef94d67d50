//! What the specification says in CEL: when a dependency is ready, and when the objects of a kind are healthy. Pure.

use gitops_api::kustomize_v1::{Kustomization, KustomizationSpec};
use gitops_api::reasons;
use gitops_apply::health::{Assessment, HealthCheck, HealthRules};
use gitops_expr::cel::{
    CelError, Environment, Expression, Health, HealthCatalog, HealthExpressions, OutputType,
};
use serde_json::{Value, json};

use crate::report::Setback;

/// Returns the rules by which the health of the objects is judged: those of `spec.healthCheckExprs` before the usual ones.
pub(super) fn health_rules(spec: &KustomizationSpec) -> Result<HealthRules, Setback> {
    let rules = HealthRules::new();
    if spec.health_check_exprs.is_empty() {
        return Ok(rules);
    }
    let mut catalog = HealthCatalog::new();
    for check in &spec.health_check_exprs {
        let made =
            HealthExpressions::new(&check.current, check.in_progress.as_deref(), check.failed.as_deref());
        catalog.add(&check.api_version, &check.kind, made).map_err(|error| invalid(&error.to_string()))?;
    }
    Ok(rules.with_check(ByExpression(catalog)))
}

/// Returns what follows from an expression that cannot be read: nothing helps but another one.
pub(super) fn invalid(what: &str) -> Setback {
    let text = format!("Reconciliation failed terminally due to configuration error: {what}");
    Setback::stalled(reasons::INVALID_CEL_EXPRESSION, text)
}

/// Why the question whether a dependency is ready has no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The expression is none, or yields something else than yes or no.
    Invalid(CelError),
    /// It has no answer for these objects as they are now.
    Failed(CelError),
}

/// Asks an expression whether `dependency`, its variable `dep`, is ready for `object`, its variable `self`.
pub(super) fn is_ready(
    expression: &str,
    object: &Kustomization,
    dependency: &Kustomization,
) -> Result<bool, Unanswered> {
    let environment =
        Environment::new().checked().with_variables(["self", "dep"]).with_output(OutputType::Bool);
    let expression = Expression::compile(expression, &environment).map_err(Unanswered::Invalid)?;
    let variables = json!({"self": object, "dep": dependency});
    let answer = variables.as_object().map(|variables| expression.evaluate_bool(variables));
    answer.unwrap_or(Ok(false)).map_err(Unanswered::Failed)
}

/// Expressions as a rule for the kinds that they are about.
struct ByExpression(HealthCatalog);

impl HealthCheck for ByExpression {
    fn assess(&self, object: &Value) -> Option<Assessment> {
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
        let assessed = self.0.get(group, text("kind"))?.assess(object);
        Some(match assessed {
            Ok(Health::Current) => Assessment::current("its expression for current is true"),
            Ok(Health::Failed) => Assessment::failed("Expression", "its expression for failed is true"),
            Ok(_) => Assessment::in_progress("Expression", "no expression says that it is done"),
            // Fields that are not there yet come with time, so this is no failure.
            Err(error) => Assessment::unknown(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use gitops_apply::health::Status;

    use super::*;

    fn spec(checks: Value) -> KustomizationSpec {
        serde_json::from_value(json!({
            "interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"}, "healthCheckExprs": checks,
        }))
        .unwrap()
    }

    #[test]
    fn expressions_come_before_the_usual_rules_of_their_kind() {
        let checks = json!([
            {"apiVersion": "e.org/v1", "kind": "Widget", "current": "status.phase == 'Up'", "failed": "status.phase == 'Down'"},
            {"apiVersion": "e.org/v1", "kind": "", "current": "true"},
        ]);
        let rules = health_rules(&spec(checks)).unwrap();
        for (api_version, kind, status, want) in [
            ("e.org/v1", "Widget", json!({"phase": "Up"}), Status::Current),
            ("e.org/v2", "Widget", json!({"phase": "Down"}), Status::Failed),
            ("e.org/v1", "Widget", json!({"phase": "Starting"}), Status::InProgress),
            ("e.org/v1", "Widget", json!({"phase": "Up", "observedGeneration": 1}), Status::InProgress),
            ("e.org/v1", "Widget", Value::Null, Status::Unknown),
            ("e.org/v1", "Gadget", json!({}), Status::Current),
            ("apps/v1", "Deployment", json!({}), Status::InProgress),
        ] {
            let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"generation": 2}, "status": status});
            assert_eq!(rules.assess(&object, jiff::Timestamp::UNIX_EPOCH).status, want, "{object}");
        }
    }

    #[test]
    fn what_cannot_be_read_stalls_in_the_words_of_flux() {
        for (checks, want) in [
            (
                json!([{"apiVersion": "v1", "kind": "A", "current": "a = 1"}]),
                "failed to create custom status evaluator for healthchecks[0]: failed to parse the expression Current: failed to parse the CEL expression 'a = 1': ",
            ),
            (
                json!([{"apiVersion": "v1", "kind": "A", "current": "true"}, {"apiVersion": "v1", "kind": "A", "current": "true"}]),
                "duplicate custom health check for GroupKind A at healthchecks[1]",
            ),
            (
                json!([{"apiVersion": "v1", "kind": "A", "current": ""}]),
                "failed to create custom status evaluator for healthchecks[0]: ",
            ),
        ] {
            let setback = health_rules(&spec(checks)).unwrap_err();
            assert!(setback.is_stalled() && &*setback.reason == "InvalidCELExpression");
            let own =
                setback.message.strip_prefix("Reconciliation failed terminally due to configuration error: ");
            assert!(own.unwrap().starts_with(want), "{}", setback.message);
        }
    }
}
