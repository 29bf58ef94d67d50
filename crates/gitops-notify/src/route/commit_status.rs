//! The name under which a commit carries the status that an event is about.

use gitops_api::Event;
use gitops_api::notification_v1beta3::{Alert, Provider};
use gitops_expr::cel::{Environment, Expression, OutputType};
use serde_json::{Map, Value, json};

use super::gate::is_commit_status;
use crate::NotifyError;
use crate::event::encode_event;

/// Returns the name of the commit status for an event: what `commitStatusExpr` yields, or `kind/name/` in lower case and the
/// first part of the provider's UID. `None` for providers of another kind.
///
/// The object's namespace is no part of the name, as in Flux: another name would orphan the checks that a repository
/// requires.
///
/// Source: notification-controller `internal/server/event_handlers.go`, `provider_commit_status.go`.
///
/// # Errors
/// [`NotifyError::Expression`] when the expression cannot be read or yields no text.
pub fn commit_status(
    provider: &Provider,
    event: &Event,
    alert: Option<&Alert>,
) -> Result<Option<String>, NotifyError> {
    let kind = &provider.spec.kind;
    if !is_commit_status(kind) {
        return Ok(None);
    }
    match provider.spec.commit_status_expr.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => evaluate(text, provider, event, alert).map(Some),
        None => {
            let uid = provider.metadata.uid.as_deref().unwrap_or_default();
            let first = uid.split('-').next().unwrap_or_default();
            let object = &event.involved_object;
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            Ok(Some(format!("{}/{}/{first}", part(&object.kind), part(&object.name)).to_lowercase()))
        }
    }
}

fn evaluate(
    text: &str,
    provider: &Provider,
    event: &Event,
    alert: Option<&Alert>,
) -> Result<String, NotifyError> {
    let environment = Environment::new()
        .checked()
        .with_variables(["event", "provider", "alert"])
        .with_output(OutputType::String);
    let expression = Expression::compile(text, &environment)?;
    let event: Value = serde_json::from_slice(&encode_event(event)).unwrap_or_default();
    let mut variables = Map::new();
    variables.insert("event".to_owned(), event);
    variables.insert("provider".to_owned(), serde_json::to_value(provider).unwrap_or_default());
    let alert = alert.and_then(|alert| serde_json::to_value(alert).ok()).unwrap_or_else(|| json!({}));
    variables.insert("alert".to_owned(), alert);
    Ok(expression.evaluate_string(&variables)?)
}
