//! CEL beside cel-go: `tests/cel-go/records.jsonl` holds what cel-go 0.26.1 answered, `main.go` beside it recorded that.

use gitops_expr::cel::{CelError, Environment, Expression, OutputType};
use serde_json::{Map, Value};

/// Expressions with another answer here, each with the reason.
const DIFFERENT: &[(&str, &str)] = &[
    ("-9223372036854775808", "protobuf's JSON writes large integers as strings"),
    ("1 == 1.5 || 9223372036854775807 == 9223372036854775808.0", "cel-go rounds the integer to a double"),
    ("{'b': 1, 'a': 2}.map(k, k)", "maps have an order here"),
    ("spec.map(k, k)", "maps have an order here"),
    ("string(timestamp('2024-01-02T03:04:05+02:00'))", "timestamps have no zone here"),
    ("timestamp('0000-01-01T00:00:00Z')", "earlier times are no harm"),
    ("'%s'.format([optional.of(1)])", "an optional value prints as what it holds"),
    ("'%f'.format([1])", "cel-go prints Go's complaint about the type"),
    ("contains('a', 'b')", "cel-go finds methods as functions when nothing is checked"),
    ("'a'.size(1) == 1", "a wrong number of arguments is found on evaluation"),
    ("size()", "a wrong number of arguments is found on evaluation"),
    ("size(1, 2)", "a wrong number of arguments is found on evaluation"),
    ("f()", "an unknown function is found on evaluation"),
];

/// Expressions that the check takes for another type; outside of Kubernetes format strings are not looked at.
const OTHER_TYPE: &[&str] = &[
    "'%s'.format([optional.of(1)])",
    "'%s'.format([])",
    "'%s'.format(['a', 'b'])",
    "'%q'.format([1])",
    "'%'.format([1])",
    "'%.f'.format([1.5])",
];

#[test]
fn answers_are_those_of_cel_go() {
    let variables: Map<String, Value> =
        serde_json::from_str(include_str!("../cel-go/variables.json")).unwrap();
    let mut surprises = Vec::new();
    for record in include_str!("../cel-go/records.jsonl").lines() {
        let record: Value = serde_json::from_str(record).unwrap();
        let text = record["expr"].as_str().unwrap();
        let got = Expression::compile(text, &Environment::new()).and_then(|e| e.evaluate(&variables));
        let equal = match &got {
            Ok(value) => record.get("value").is_some_and(|want| same(value, want)),
            Err(CelError::Parse { .. }) => record["error"] == "parse" || record["error"] == "program",
            Err(_) => record["error"] == "evaluate",
        };
        if equal == DIFFERENT.iter().any(|(known, _)| *known == text) {
            surprises.push(format!("{text}: {got:?}, cel-go {record}"));
        }
        let (found, want) = (checked(text), record["check"].as_str().unwrap());
        let equal = found == want || want == "map(null_type, int)";
        if equal == OTHER_TYPE.contains(&text) {
            surprises.push(format!("{text}: checked as {found}, by cel-go as {want}"));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

/// Protobuf knows one kind of number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// The type that the check finds, told by what it says when another one is wanted.
fn checked(text: &str) -> String {
    let environment = Environment::new().checked().with_variables(["spec", "status"]);
    match Expression::compile(text, &environment.clone().with_output(OutputType::Bool)) {
        Ok(_) => "bool".to_owned(),
        Err(CelError::OutputType { found, .. }) => found,
        Err(_) => "error".to_owned(),
    }
}
