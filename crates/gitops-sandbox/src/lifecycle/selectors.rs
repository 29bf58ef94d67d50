//! Label and field selectors.

use serde_json::Value;

use crate::schema::Kind;
use crate::wire::status::{Answer, Refusal, go_quoted};

/// What of a list is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    labels: Vec<Requirement>,
    fields: Vec<Term>,
}

#[derive(Clone, Debug)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    In,
    NotIn,
    Exists,
    Absent,
    Greater,
    Less,
}

#[derive(Clone, Debug)]
struct Term {
    field: String,
    value: String,
    equal: bool,
}

impl Selection {
    pub(crate) fn read(kind: &Kind, labels: &str, fields: &str) -> Answer<Self> {
        let labels = parse_labels(labels).map_err(Refusal::bad_request)?;
        let fields = parse_fields(fields)?;
        for term in &fields {
            check_field(kind, &term.field)?;
        }
        Ok(Self { labels, fields })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn fits(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|requirement| requirement.fits(labels[requirement.key.as_str()].as_str()))
            && self.fields.iter().all(|term| (field_value(object, &term.field) == term.value) == term.equal)
    }
}

/// Tells whether labels fit a label selector (`matchLabels`, `matchExpressions`) of an object.
pub(crate) fn fits_selector(selector: &Value, labels: &Value) -> bool {
    let of = |key: &str| labels[key].as_str();
    let pairs = selector["matchLabels"].as_object().into_iter().flatten();
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    pairs.into_iter().all(|(key, value)| of(key) == value.as_str())
        && expressions.into_iter().all(|expression| {
            let value = of(expression["key"].as_str().unwrap_or_default());
            let listed = || {
                expression["values"]
                    .as_array()
                    .is_some_and(|values| values.iter().any(|v| v.as_str() == value))
            };
            match expression["operator"].as_str() {
                Some("In") => value.is_some() && listed(),
                Some("NotIn") => value.is_none() || !listed(),
                Some("Exists") => value.is_some(),
                Some("DoesNotExist") => value.is_none(),
                _ => false,
            }
        })
}

impl Requirement {
    fn fits(&self, value: Option<&str>) -> bool {
        let number = |text: &str| text.parse::<i64>().ok();
        let compare = |wanted: fn(&i64, &i64) -> bool| {
            let bound = self.values.first().and_then(|value| number(value));
            match (value.and_then(number), bound) {
                (Some(value), Some(bound)) => wanted(&value, &bound),
                _ => false,
            }
        };
        let listed = || value.is_some_and(|value| self.values.iter().any(|of| of == value));
        match self.operator {
            Operator::In => listed(),
            Operator::NotIn => !listed(),
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
            Operator::Greater => compare(i64::gt),
            Operator::Less => compare(i64::lt),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Symbol(&'static str),
    End,
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Symbol(symbol) => symbol,
            Self::End => "",
        }
    }
}

const SYMBOLS: [&str; 10] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<", "\u{0}"];

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            found.push(Token::Symbol(symbol));
            rest = rest[symbol.len()..].trim_start();
            continue;
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=!(),><".contains(c)).unwrap_or(rest.len());
        found.push(Token::Word(rest[..end].to_owned()));
        rest = rest[end..].trim_start();
    }
    found.push(Token::End);
    found
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, String> {
    let tokens = tokens(text);
    let mut at = 0;
    let peek = |at: usize| tokens.get(at).cloned().unwrap_or(Token::End);
    let mut requirements = Vec::new();
    loop {
        match peek(at) {
            Token::End => return Ok(requirements),
            Token::Word(_) | Token::Symbol("!") => {
                let wrong = |why: String| format!("unable to parse requirement: {why}");
                let mut operator = None;
                if peek(at) == Token::Symbol("!") {
                    operator = Some(Operator::Absent);
                    at += 1;
                }
                let Token::Word(key) = peek(at) else {
                    return Err(wrong(format!("found '{}', expected: identifier", peek(at).text())));
                };
                at += 1;
                check_key(&key).map_err(wrong)?;
                let next = peek(at);
                let is_end = matches!(next, Token::End | Token::Symbol(","));
                if is_end || operator.is_some() {
                    let operator = operator.unwrap_or(Operator::Exists);
                    requirements.push(Requirement { key, operator, values: Vec::new() });
                } else {
                    at += 1;
                    let operator = match (&next, next.text()) {
                        (Token::Symbol(_), "=" | "==") => Operator::In,
                        (Token::Symbol(_), "!=") => Operator::NotIn,
                        (Token::Symbol(_), ">") => Operator::Greater,
                        (Token::Symbol(_), "<") => Operator::Less,
                        (Token::Word(_), "in") => Operator::In,
                        (Token::Word(_), "notin") => Operator::NotIn,
                        (_, found) => {
                            return Err(wrong(format!(
                                "found '{found}', expected: in, notin, =, ==, !=, gt, lt"
                            )));
                        }
                    };
                    let values = if matches!(next, Token::Word(_)) {
                        values_in_parentheses(&tokens, &mut at).map_err(wrong)?
                    } else {
                        match peek(at) {
                            Token::Word(value) => {
                                at += 1;
                                vec![value]
                            }
                            Token::End | Token::Symbol(",") => vec![String::new()],
                            found => {
                                return Err(wrong(format!("found '{}', expected: identifier", found.text())));
                            }
                        }
                    };
                    check_values(operator, &values).map_err(wrong)?;
                    requirements.push(Requirement { key, operator, values });
                }
                match peek(at) {
                    Token::End => return Ok(requirements),
                    Token::Symbol(",") => {
                        at += 1;
                        match peek(at) {
                            Token::Word(_) | Token::Symbol("!") => {}
                            found => {
                                return Err(format!(
                                    "found '{}', expected: identifier after ','",
                                    found.text()
                                ));
                            }
                        }
                    }
                    found => {
                        return Err(format!("found '{}', expected: ',' or 'end of string'", found.text()));
                    }
                }
            }
            found => {
                return Err(format!("found '{}', expected: !, identifier, or 'end of string'", found.text()));
            }
        }
    }
}

fn values_in_parentheses(tokens: &[Token], at: &mut usize) -> Result<Vec<String>, String> {
    let peek = |at: usize| tokens.get(at).cloned().unwrap_or(Token::End);
    if peek(*at) != Token::Symbol("(") {
        return Err(format!("found '{}' expected: '('", peek(*at).text()));
    }
    *at += 1;
    let mut values = Vec::new();
    let mut expect_value = true;
    loop {
        match peek(*at) {
            Token::Word(value) => {
                values.push(value);
                expect_value = false;
                *at += 1;
                match peek(*at) {
                    Token::Symbol("," | ")") => {}
                    found => return Err(format!("found '{}', expected: ',' or ')'", found.text())),
                }
            }
            Token::Symbol(")") => {
                if expect_value {
                    values.push(String::new());
                }
                *at += 1;
                values.sort();
                values.dedup();
                return Ok(values);
            }
            Token::Symbol(",") => {
                if expect_value {
                    values.push(String::new());
                }
                expect_value = true;
                *at += 1;
            }
            found => return Err(format!("found '{}', expected: ',', ')' or identifier", found.text())),
        }
    }
}

fn check_key(key: &str) -> Result<(), String> {
    match super::names::qualified_name(key).first() {
        None => Ok(()),
        Some(why) => Err(format!("key: Invalid value: {}: {why}", go_quoted(key))),
    }
}

fn check_values(operator: Operator, values: &[String]) -> Result<(), String> {
    if matches!(operator, Operator::Greater | Operator::Less) {
        let value = values.first().map_or("", String::as_str);
        if value.parse::<i64>().is_err() {
            return Err(format!(
                "values[0]: Invalid value: {}: for 'Gt', 'Lt' operators, the value must be an integer",
                go_quoted(value)
            ));
        }
    }
    for (position, value) in values.iter().enumerate() {
        if let Some(why) = super::names::label_value(value).first() {
            return Err(format!("values[{position}]: Invalid value: {}: {why}", go_quoted(value)));
        }
    }
    Ok(())
}

fn parse_fields(text: &str) -> Answer<Vec<Term>> {
    let mut terms = Vec::new();
    for part in split_terms(text).into_iter().filter(|part| !part.is_empty()) {
        let found = ["!=", "==", "="].iter().filter_map(|operator| Some((part.find(operator)?, *operator)));
        let Some((position, operator)) =
            found.min_by_key(|(position, operator)| (*position, 2 - operator.len()))
        else {
            return Err(Refusal::bad_request(format!(
                "invalid selector: '{text}'; can't understand '{part}'"
            )));
        };
        let value =
            part[position + operator.len()..].replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
        let field = part[..position].to_owned();
        // A term without a field and without a value asks for nothing.
        if field.is_empty() && value.is_empty() {
            continue;
        }
        terms.push(Term { field, value, equal: operator != "!=" });
    }
    Ok(terms)
}

fn split_terms(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == ',' && !escaped {
            parts.push(String::new());
            continue;
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

/// The fields by which objects of a kind can be selected, beside name and namespace.
fn selectable(kind: &Kind) -> &'static [&'static str] {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "Event") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "Event") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        ("", "Namespace") => &["status.phase"],
        ("", "Node") => &["spec.unschedulable"],
        ("", "ReplicationController") => &["status.replicas"],
        ("", "Secret") => &["type"],
        ("", "Service") => &["spec.clusterIP", "spec.type"],
        ("batch", "Job") => &["status.successful"],
        ("certificates.k8s.io", "CertificateSigningRequest") => &["spec.signerName"],
        _ => &[],
    }
}

fn check_field(kind: &Kind, field: &str) -> Answer<()> {
    // Kinds with fields of their own that are in no namespace know none.
    let by_namespace = field == "metadata.namespace" && (kind.namespaced || selectable(kind).is_empty());
    if field == "metadata.name" || by_namespace || selectable(kind).contains(&field) {
        return Ok(());
    }
    if let Some(custom) = &kind.custom {
        if custom.selectable_fields(&kind.version).iter().any(|path| path == field) {
            return Ok(());
        }
        return Err(Refusal::bad_request(format!("field label not supported: {field}")));
    }
    // Kinds with fields of their own say it in another way than those without.
    let own = !selectable(kind).is_empty();
    Err(Refusal::bad_request(if own {
        format!("field label not supported: {field}")
    } else {
        format!("\"{field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    }))
}

fn field_value(object: &Value, field: &str) -> String {
    let path = match field {
        "name" => "metadata.name",
        "source" => "source.component",
        "reportingController" if object["reportingController"].is_null() => "reportingComponent",
        other => other,
    };
    let mut value = object;
    for name in path.split('.') {
        value = &value[name];
    }
    match (value, field) {
        (Value::String(text), _) => text.clone(),
        (Value::Bool(value), _) => value.to_string(),
        (Value::Number(number), _) => number.to_string(),
        (_, "spec.hostNetwork" | "spec.unschedulable") => "false".to_owned(),
        (_, "status.replicas") => "0".to_owned(),
        (_, "status.successful") => object["status"]["succeeded"].as_i64().unwrap_or(0).to_string(),
        _ => String::new(),
    }
}
