//! CEL rules of schemas (`x-kubernetes-validations`; `schema/cel/validation.go` of the server), read once for each
//! definition.

use std::collections::BTreeMap;

use gitops_expr::cel::{CelError, Expression};
use serde_json::Value;

use super::correlate::old_item;
use super::declare::declare;
use super::paths;
use super::structural::environment;
use crate::wire::status::{Cause, shown};

/// The longest text that a messageExpression may yield, in bytes.
const MAX_MESSAGE: usize = 5 * 1024;

/// What all rules of an object may cost together (`RuntimeCELCostBudget`).
const BUDGET: u64 = 10_000_000;

const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

/// The rules of a schema, and those of its parts.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    own: Vec<Rule>,
    /// The type of the values, as the schema names it.
    kind: String,
    /// The schema of lists, which tells old items apart.
    list: Option<Value>,
    properties: BTreeMap<String, Rules>,
    additional: Option<Box<Rules>>,
    items: Option<Box<Rules>>,
}

#[derive(Debug)]
struct Rule {
    /// The expression, or why there is none.
    expression: Result<Expression, String>,
    message: Option<Expression>,
    /// What is said of the rule: its message, or its text.
    said: String,
    /// The message, if it has one of its own.
    fixed: Option<String>,
    reason: &'static str,
    /// The field below the value that is named when the rule is broken.
    below: String,
    /// Whether it is about the change.
    transition: bool,
    optional_old: bool,
}

/// What came of rules.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) causes: Vec<Cause>,
    /// What was wrong before and was not touched.
    pub(crate) warnings: Vec<String>,
    spent: bool,
    /// What the rules have cost so far.
    cost: u64,
    /// Whether what was wrong before is refused all the same.
    strict: bool,
}

impl Outcome {
    /// What is wrong beside rules.
    pub(super) fn refused(causes: Vec<Cause>) -> Self {
        Outcome { causes, ..Outcome::default() }
    }
}

impl Rules {
    /// Reads the rules of a schema; none if there are none in it.
    pub(crate) fn read(schema: &Value, is_resource: bool) -> Option<Rules> {
        if !schema.is_object() {
            return None;
        }
        let embedded = |schema: &Value| schema["x-kubernetes-embedded-resource"] == true;
        let part = |schema: &Value| Self::read(schema, embedded(schema));
        let properties: BTreeMap<String, Rules> = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, property)| Some((name.clone(), part(property)?)))
            .collect();
        let additional = part(&schema["additionalProperties"]).map(Box::new);
        let items = part(&schema["items"]).map(Box::new);
        let own = read_rules(schema, is_resource);
        if own.is_empty() && properties.is_empty() && additional.is_none() && items.is_none() {
            return None;
        }
        let list = items.is_some().then(|| {
            let mut list = schema.clone();
            list["items"] = Value::Null;
            list
        });
        let kind = schema["type"].as_str().unwrap_or_default().to_owned();
        Some(Rules { own, kind, list, properties, additional, items })
    }

    /// Evaluates all rules; `old` is what the object was.
    pub(crate) fn evaluate(&self, value: &Value, old: Option<&Value>, path: &str) -> Outcome {
        let mut outcome = Outcome::default();
        self.walk(value, old, false, path, &mut outcome);
        outcome
    }

    /// As [`evaluate`](Self::evaluate), but what did not change must hold too.
    pub(super) fn evaluate_strictly(&self, value: &Value, old: Option<&Value>, path: &str) -> Vec<Cause> {
        let mut outcome = Outcome { strict: true, ..Outcome::default() };
        self.walk(value, old, false, path, &mut outcome);
        outcome.causes
    }

    fn walk(&self, value: &Value, old: Option<&Value>, above_same: bool, path: &str, outcome: &mut Outcome) {
        if value.is_null() || outcome.spent {
            return;
        }
        let old = old.filter(|old| !old.is_null());
        let same = above_same || old.is_some_and(|old| structured_merge::equal_values(old, value));
        for rule in &self.own {
            self.hold(rule, value, old, same, path, outcome);
            if outcome.spent {
                return;
            }
        }
        match value {
            Value::Array(items) => {
                let (Some(rules), Some(list)) = (&self.items, &self.list) else { return };
                for (place, item) in items.iter().enumerate() {
                    let before = old_item(list, item, old);
                    rules.walk(item, before, same, &format!("{path}[{place}]"), outcome);
                }
            }
            Value::Object(map) => {
                for (name, below) in map {
                    let old = old.and_then(|old| old.get(name));
                    if let Some(rules) = &self.additional {
                        rules.walk(below, old, same, &format!("{path}[{name}]"), outcome);
                    }
                    if let Some(rules) = self.properties.get(name) {
                        // What a version is called is not the object's own.
                        let is_type = path.is_empty() && matches!(name.as_str(), "apiVersion" | "kind");
                        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                        rules.walk(below, old, same && !is_type, &path, outcome);
                    }
                }
            }
            _ => {}
        }
    }

    fn hold(
        &self,
        rule: &Rule,
        value: &Value,
        old: Option<&Value>,
        same: bool,
        path: &str,
        outcome: &mut Outcome,
    ) {
        let field = if path.is_empty() { "<nil>" } else { path };
        let refuse = |why: String| {
            let message = format!("Invalid value: {:?}: {why}", self.kind);
            Cause::new("FieldValueInvalid", field, message)
        };
        let expression = match &rule.expression {
            Ok(expression) => expression,
            Err(why) => return outcome.causes.push(refuse(format!("rule compile error: {why}"))),
        };
        if rule.transition && old.is_none() && !rule.optional_old {
            return;
        }
        if outcome.cost >= BUDGET {
            outcome.causes.push(refuse(OUT_OF_BUDGET.to_owned()));
            outcome.spent = true;
            return;
        }
        if self.kind.is_empty() && value.is_f64() && expression.reads("self") {
            let why = "invalid data, expected XIntOrString value to be either a string or integer";
            return outcome.causes.push(refuse(format!("{why} evaluating rule: {}", rule.said)));
        }
        let mut variables = vec![("self", value)];
        variables.extend(old.filter(|_| rule.transition).map(|old| ("oldSelf", old)));
        let (held, cost) = expression.holds_counted(&variables);
        outcome.cost += cost;
        if outcome.cost > BUDGET {
            outcome.causes.push(refuse(OUT_OF_BUDGET.to_owned()));
            outcome.spent = true;
            return;
        }
        match held {
            Ok(true) => {}
            Ok(false) => {
                let cause = self.broken(rule, value, &variables, path);
                if same && !rule.transition && !outcome.strict {
                    outcome.warnings.push(cause.text());
                } else {
                    outcome.causes.push(cause);
                }
            }
            Err(CelError::Budget { .. }) => {
                let why = format!(
                    "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: {}",
                    rule.said
                );
                outcome.causes.push(refuse(why));
                outcome.spent = true;
            }
            Err(error) => {
                let why = match error {
                    CelError::Evaluate { why, .. } => why,
                    other => other.to_string(),
                };
                outcome.causes.push(refuse(if why.starts_with("no such overload") {
                    format!(
                        "'{why}': call arguments did not match a supported operator, function or macro signature for rule: {}",
                        rule.said
                    )
                } else {
                    format!("{why} evaluating rule: {}", rule.said)
                }));
            }
        }
    }

    fn broken(&self, rule: &Rule, value: &Value, variables: &[(&str, &Value)], path: &str) -> Cause {
        let field = match (path.is_empty(), rule.below.as_str()) {
            (true, "") => "<nil>".to_owned(),
            (true, below) => below.to_owned(),
            (false, "") => path.to_owned(),
            (false, below) => format!("{path}.{below}"),
        };
        let own = rule.message.as_ref().and_then(|message| message.says(variables).ok());
        let own = own.map(|text| text.trim().to_owned());
        let own = own.filter(|text| !text.is_empty() && text.len() <= MAX_MESSAGE && !text.contains('\n'));
        let said =
            own.or_else(|| rule.fixed.clone()).unwrap_or_else(|| format!("failed rule: {}", rule.said));
        // Objects and lists are not printed.
        let value = match self.kind.as_str() {
            "object" | "array" => String::new(),
            _ => format!(": {}", shown(value)),
        };
        let message = match rule.reason {
            "FieldValueForbidden" => format!("Forbidden: {said}"),
            "FieldValueRequired" => format!("Required value: {said}"),
            "FieldValueDuplicate" => format!("Duplicate value{value}"),
            _ => format!("Invalid value{value}: {said}"),
        };
        Cause::new(rule.reason, field, message)
    }
}

fn read_rules(schema: &Value, is_resource: bool) -> Vec<Rule> {
    let rules = schema["x-kubernetes-validations"].as_array().filter(|rules| !rules.is_empty());
    let Some(rules) = rules else { return Vec::new() };
    let sized = declare(schema, is_resource);
    let read = |rule: &Value| {
        let text = |name: &str| rule[name].as_str().unwrap_or_default();
        let optional_old = rule["optionalOldSelf"] == true;
        let environment = sized.as_ref().map(|sized| environment(sized, optional_old));
        let compile = |text: &str| match &environment {
            Some(environment) => Expression::compile(text, environment).map_err(|error| error.to_string()),
            None => Err("failed to convert to declType for CEL validation rules".to_owned()),
        };
        let expression = compile(text("rule"));
        let transition = expression.as_ref().is_ok_and(|expression| expression.reads("oldSelf"));
        let message = Some(text("messageExpression")).filter(|text| !text.trim().is_empty());
        let fixed = Some(text("message")).filter(|text| !text.is_empty()).map(|text| text.trim().to_owned());
        let reason = match text("reason") {
            "FieldValueForbidden" => "FieldValueForbidden",
            "FieldValueRequired" => "FieldValueRequired",
            "FieldValueDuplicate" => "FieldValueDuplicate",
            _ => "FieldValueInvalid",
        };
        let below = paths::follow(schema, text("fieldPath"), true).map(|(printed, _)| printed);
        Rule {
            expression,
            message: message.and_then(|text| compile(text).ok()),
            said: fixed.clone().unwrap_or_else(|| text("rule").trim().to_owned()),
            fixed,
            reason,
            below: below.unwrap_or_default(),
            transition,
            optional_old,
        }
    };
    rules
        .iter()
        .filter(|rule| !rule["rule"].as_str().unwrap_or_default().trim().is_empty())
        .map(read)
        .collect()
}
