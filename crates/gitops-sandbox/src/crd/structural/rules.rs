//! The expressions of rules: their types, and what they may cost (`apiextensions/validation/cel_validation.go` of the server).

use gitops_expr::cel::{CelError, Environment, Expression, Limits};
use serde_json::{Value, json};

use super::openapi::Place;
use crate::crd::declare::{Sized, declare};
use crate::wire::status::Cause;

/// The most that one expression may cost, for all that it may be held against.
const EACH: u64 = 10_000_000;
/// The most that all expressions of a schema may cost.
const ALL: u64 = 100_000_000;
/// The longest expression that is read.
pub(in crate::crd) const MAX_BYTES: usize = 64 * 1024;

/// Where in a schema a rule stands.
#[derive(Debug)]
pub(super) struct Context<'s> {
    schema: &'s Value,
    is_resource: bool,
    /// How often what the schema describes can be in one object; none when nothing limits it.
    count: Option<u64>,
}

impl<'s> Context<'s> {
    pub(super) fn root(schema: &'s Value) -> Self {
        Context { schema, is_resource: true, count: Some(1) }
    }

    /// Returns the context of a part of a schema.
    pub(super) fn below(&self, schema: &Value, part: &'s Value) -> Context<'s> {
        let factor = match schema["type"].as_str() {
            Some("object") if schema["additionalProperties"].is_null() => Some(1),
            Some("object") => limit(schema, "maxProperties"),
            Some("array") => limit(schema, "maxItems"),
            _ => Some(1),
        };
        let count = self.count.zip(factor).map(|(count, factor)| count.saturating_mul(factor));
        Context { schema: part, is_resource: part["x-kubernetes-embedded-resource"] == true, count }
    }
}

fn limit(schema: &Value, name: &str) -> Option<u64> {
    schema[name].as_i64().map(|limit| u64::try_from(limit).unwrap_or(0))
}

/// What all rules of a schema cost.
#[derive(Debug, Default)]
pub(super) struct Total {
    sum: u64,
    /// The dearest, with their fields.
    dearest: Vec<(u64, String)>,
}

impl Total {
    fn add(&mut self, field: String, cost: u64) {
        self.sum = self.sum.saturating_add(cost);
        if cost < ALL / 100 {
            return;
        }
        self.dearest.push((cost, field));
        self.dearest.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
        self.dearest.truncate(4);
    }

    /// Refuses a schema whose rules cost too much together.
    pub(super) fn check(&self, path: &str, causes: &mut Vec<Cause>) {
        if self.sum <= ALL {
            return;
        }
        for (_, field) in &self.dearest {
            let why =
                "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            causes.push(Cause::forbidden(field.clone(), why));
        }
        let name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        causes.push(Cause::forbidden(path, &cost_text(name, self.sum, ALL)));
    }
}

/// Says by how much a cost is too high.
#[allow(clippy::cast_precision_loss)]
pub(in crate::crd) fn cost_text(name: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{name} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
}

/// Returns what the expressions of a rule are read against.
pub(in crate::crd) fn environment(sized: &Sized, optional: bool) -> Environment {
    let environment = Environment::kubernetes()
        .with_limits(Limits::default().with_bytes(MAX_BYTES))
        .declare("self", sized.declared.clone());
    if optional {
        environment.declare_optional("oldSelf", sized.declared.clone())
    } else {
        environment.declare("oldSelf", sized.declared.clone())
    }
}

/// Checks the rules of one schema.
pub(super) fn check(
    schema: &Value,
    path: &str,
    place: &Place,
    context: &Context<'_>,
    total: &mut Total,
    causes: &mut Vec<Cause>,
) {
    let Some(rules) = schema["x-kubernetes-validations"].as_array().filter(|rules| !rules.is_empty()) else {
        return;
    };
    let Some(sized) = declare(context.schema, context.is_resource) else {
        let why = "Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
        causes.push(Cause::new("InternalError", format!("{path}.x-kubernetes-validations"), why));
        return;
    };
    let count = context.count.unwrap_or_else(|| sized.most_in_request());
    for (number, rule) in rules.iter().enumerate() {
        let at = |name: &str| format!("{path}.x-kubernetes-validations[{number}].{name}");
        let text = |name: &str| rule[name].as_str().unwrap_or_default();
        let environment = environment(&sized, rule["optionalOldSelf"] == true);
        let compiled = compile(text("rule"), &environment, "bool");
        let cost = compiled.as_ref().map_or(0, Compiled::cost).saturating_mul(count);
        if cost > EACH {
            causes.push(Cause::forbidden(at("rule"), &cost_text("estimated rule cost", cost, EACH)));
        }
        total.add(at("rule"), cost);
        let uses_old = match &compiled {
            Ok(Compiled(expression)) => expression.reads("oldSelf"),
            Err(Refused::Type) => {
                let why = "cel expression must evaluate to a bool";
                causes.push(whole(at("rule"), rule, why));
                false
            }
            Err(Refused::Text(why)) => {
                causes.push(whole(at("rule"), rule, &format!("compilation failed: {why}")));
                false
            }
        };
        if compiled.is_ok() && !text("messageExpression").is_empty() {
            let field = at("messageExpression");
            match compile(text("messageExpression"), &environment, "string") {
                Ok(compiled) => {
                    let cost = compiled.cost();
                    if cost > EACH {
                        let why = cost_text("estimated messageExpression cost", cost, EACH);
                        causes.push(Cause::forbidden(field.clone(), &why));
                    }
                    total.add(field, cost);
                }
                Err(Refused::Type) => {
                    let why = "messageExpression must evaluate to a string";
                    causes.push(whole(field, rule, why));
                }
                Err(Refused::Text(why)) => {
                    causes.push(whole(field, rule, &format!("messageExpression compilation failed: {why}")));
                }
            }
        }
        if uses_old {
            if let Some(above) = &place.uncorrelated {
                let why = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {above}"
                );
                causes.push(Cause::invalid(at("rule"), &rule["rule"], &why));
            }
        } else if !rule["optionalOldSelf"].is_null() {
            let why = "may not be set if oldSelf is not used in rule";
            causes.push(Cause::invalid(at("optionalOldSelf"), &rule["optionalOldSelf"], why));
        }
    }
}

/// Refuses a rule, which errors print as the server's own type.
fn whole(field: String, rule: &Value, why: &str) -> Cause {
    let text = |name: &str| json!(rule[name].as_str().unwrap_or_default());
    let shown = format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        text("rule"),
        text("message"),
        text("messageExpression"),
        rule["reason"],
        text("fieldPath"),
        rule["optionalOldSelf"]
    );
    // Go escapes these in JSON.
    let shown = shown.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    Cause::new("FieldValueInvalid", field, format!("Invalid value: {shown}: {why}"))
}

struct Compiled(Expression);

impl Compiled {
    fn cost(&self) -> u64 {
        self.0.worst_cost().unwrap_or(0)
    }
}

enum Refused {
    /// The expression yields something else.
    Type,
    Text(String),
}

fn compile(text: &str, environment: &Environment, wanted: &str) -> Result<Compiled, Refused> {
    use gitops_expr::cel::OutputType;
    let output = if wanted == "bool" { OutputType::Bool } else { OutputType::String };
    match Expression::compile(text, &environment.clone().with_output(output)) {
        Ok(expression) => Ok(Compiled(expression)),
        Err(CelError::OutputType { .. }) => Err(Refused::Type),
        Err(CelError::Parse { why, .. }) => Err(Refused::Text(why)),
        Err(other) => Err(Refused::Text(other.to_string())),
    }
}
