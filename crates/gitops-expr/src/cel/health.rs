//! Health of objects by expressions, as Flux' `spec.healthCheckExprs` asks for it.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::error::CelError;
use super::expression::{Environment, Expression};

/// What expressions say of an object; the names are kstatus'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// What the specification asks for is there.
    Current,
    /// Its controller is at work, or nothing is known yet.
    InProgress,
    /// Its controller has given up.
    Failed,
}

/// The expressions for one kind; the top-level fields of an object are their variables.
///
/// An object whose generation its controller has not seen yet is in progress, whatever the expressions say. Then
/// `in_progress`, `failed` and `current` are asked, the first that is true decides; when none is, the object is in progress.
/// Source: fluxcd/pkg, `runtime/cel/status_evaluator.go`.
#[derive(Debug, Clone)]
pub struct HealthExpressions {
    in_progress: Option<Expression>,
    failed: Option<Expression>,
    current: Expression,
}

impl HealthExpressions {
    /// Reads the expressions; empty texts stand for none.
    ///
    /// # Errors
    /// [`CelError::NoCurrent`] without `current`, [`CelError::Named`] for an expression that cannot be read.
    pub fn new(current: &str, in_progress: Option<&str>, failed: Option<&str>) -> Result<Self, CelError> {
        let read = |name: &'static str, text: &str| {
            let read = Expression::compile(text, &Environment::new());
            read.map_err(|error| CelError::Named { name, error: Box::new(error) })
        };
        let optional =
            |name, text: Option<&str>| text.filter(|t| !t.is_empty()).map(|t| read(name, t)).transpose();
        if current.is_empty() {
            return Err(CelError::NoCurrent);
        }
        Ok(HealthExpressions {
            current: read("Current", current)?,
            in_progress: optional("InProgress", in_progress)?,
            failed: optional("Failed", failed)?,
        })
    }

    /// Assesses an object.
    ///
    /// # Errors
    /// That of the first expression that is asked and has no answer, for example because a field is not there.
    pub fn assess(&self, object: &Json) -> Result<Health, CelError> {
        let number = |part: &str, field: &str| object.get(part)?.get(field)?.as_i64();
        let (generation, observed) =
            (number("metadata", "generation"), number("status", "observedGeneration"));
        if let (Some(generation), Some(observed)) = (generation, observed)
            && generation != observed
        {
            return Ok(Health::InProgress);
        }
        let nothing = Map::new();
        let fields = object.as_object().unwrap_or(&nothing);
        let order = [
            (self.in_progress.as_ref(), Health::InProgress),
            (self.failed.as_ref(), Health::Failed),
            (Some(&self.current), Health::Current),
        ];
        for (expression, health) in order {
            if let Some(expression) = expression
                && expression.evaluate_bool(fields)?
            {
                return Ok(health);
            }
        }
        Ok(Health::InProgress)
    }
}

/// The expressions for several kinds.
///
/// Expressions without a kind hold for all kinds of their group that have none of their own. Versions do not matter.
#[derive(Debug, Clone, Default)]
pub struct HealthCatalog {
    kinds: HashMap<(String, String), HealthExpressions>,
    count: usize,
}

impl HealthCatalog {
    /// Returns a catalog without expressions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the expressions for a kind, or with an empty kind for a group.
    ///
    /// # Errors
    /// [`CelError::Duplicate`] when the kind has some already; otherwise [`CelError::HealthCheck`] with the error of `made`,
    /// which gets the place among the additions.
    pub fn add(
        &mut self,
        api_version: &str,
        kind: &str,
        made: Result<HealthExpressions, CelError>,
    ) -> Result<(), CelError> {
        let index = self.count;
        self.count += 1;
        let key = (group(api_version).to_owned(), kind.to_owned());
        if self.kinds.contains_key(&key) {
            return Err(CelError::Duplicate { index, group_kind: group_kind(&key.0, kind) });
        }
        let made = made.map_err(|error| CelError::HealthCheck { index, error: Box::new(error) })?;
        self.kinds.insert(key, made);
        Ok(())
    }

    /// Returns the expressions for a kind, if there are some.
    #[must_use]
    pub fn get(&self, group: &str, kind: &str) -> Option<&HealthExpressions> {
        let own = self.kinds.get(&(group.to_owned(), kind.to_owned()));
        own.or_else(|| self.kinds.get(&(group.to_owned(), String::new())))
    }

    /// Assesses an object.
    ///
    /// # Errors
    /// [`CelError::Unsupported`] for an object whose kind has no expressions, otherwise as [`HealthExpressions::assess`].
    pub fn assess(&self, object: &Json) -> Result<Health, CelError> {
        let text = |field: &str| object.get(field).and_then(Json::as_str).unwrap_or_default();
        let (group, kind) = (group(text("apiVersion")), text("kind"));
        let found = self.get(group, kind);
        found.ok_or_else(|| CelError::Unsupported { group_kind: group_kind(group, kind) })?.assess(object)
    }
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn group_kind(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}
