//! Selecting objects by kind, name, labels and annotations, as kustomize's targets do.

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fields;

/// Which objects a rule is about; an empty field is about all.
///
/// Kind, name and namespace are regular expressions that must match the whole text
/// (fluxcd/pkg `ssa/jsondiff/selector.go`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// The API group.
    pub group: String,
    /// The API version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// A label selector on the object's labels, such as `app=web, tier in (a, b), !old`.
    pub label_selector: String,
    /// A label selector on the object's annotations.
    pub annotation_selector: String,
}

/// A selector that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// A field is no regular expression.
    #[error("field {field} of the selector is no regular expression: '{text}'")]
    Expression {
        /// The field.
        field: &'static str,
        /// What stands in it.
        text: String,
    },
    /// A label selector cannot be read.
    #[error("'{text}' is no label selector; write for example a=b, c in (d, e), !f")]
    Labels {
        /// What stands there.
        text: String,
    },
}

/// A selector that has been read.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    expressions: [Option<Regex>; 5],
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

impl Selector {
    /// Returns whether the selector is about an object.
    ///
    /// # Errors
    /// When the selector cannot be read.
    pub fn matches(&self, object: &Value) -> Result<bool, SelectorError> {
        Ok(self.compile()?.matches(object))
    }

    pub(crate) fn compile(&self) -> Result<Compiled, SelectorError> {
        Ok(Compiled {
            expressions: [
                whole("group", &self.group)?,
                whole("version", &self.version)?,
                whole("kind", &self.kind)?,
                whole("name", &self.name)?,
                whole("namespace", &self.namespace)?,
            ],
            labels: requirements(&self.label_selector)?,
            annotations: requirements(&self.annotation_selector)?,
        })
    }
}

impl Compiled {
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let texts = [
            fields::group(object),
            fields::version(object),
            fields::kind(object),
            fields::name(object),
            fields::namespace(object),
        ];
        let named =
            self.expressions.iter().zip(texts).all(|(expression, text)| {
                expression.as_ref().is_none_or(|expression| expression.is_match(text))
            });
        let holds = |requirements: &[Requirement], place: &str| {
            let map = fields::metadata_map(object, place);
            requirements.iter().all(|requirement| requirement.holds(map))
        };
        named && holds(&self.labels, "labels") && holds(&self.annotations, "annotations")
    }
}

fn whole(field: &'static str, text: &str) -> Result<Option<Regex>, SelectorError> {
    if text.is_empty() {
        return Ok(None);
    }
    Regex::new(&format!("^(?:{text})$"))
        .map(Some)
        .map_err(|_| SelectorError::Expression { field, text: text.to_owned() })
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl Requirement {
    fn holds(&self, map: Option<&Map<String, Value>>) -> bool {
        let value = map.and_then(|map| map.get(&self.key)?.as_str());
        let among = |values: &[String]| value.is_some_and(|value| values.iter().any(|known| known == value));
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::In(values) => among(values),
            Test::NotIn(values) => !among(values),
        }
    }
}

/// Reads Kubernetes' label selectors (apimachinery `labels/selector.go`).
fn requirements(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    let refuse = || SelectorError::Labels { text: text.to_owned() };
    let mut list = Vec::new();
    for part in split_outside_brackets(text) {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        list.push(requirement(part).ok_or_else(refuse)?);
    }
    Ok(list)
}

fn requirement(part: &str) -> Option<Requirement> {
    let made = |key: &str, test: Test| {
        let key = key.trim();
        let is_key = !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || "()=!,".contains(c));
        is_key.then(|| Requirement { key: key.to_owned(), test })
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some(key) = part.strip_prefix('!') {
        return made(key, Test::Absent);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return made(key, Test::NotIn(one(value)));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return made(key, Test::In(one(value)));
    }
    let Some((before, values)) = part.split_once('(') else { return made(part, Test::Exists) };
    let values = values.trim().strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
    let (key, operator) = before.trim().rsplit_once(char::is_whitespace)?;
    match operator {
        "in" => made(key, Test::In(values)),
        "notin" => made(key, Test::NotIn(values)),
        _ => None,
    }
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn label_selectors_read_as_in_kubernetes() {
        #[track_caller]
        fn check(selector: &str, want: Option<bool>) {
            let selector = Selector { label_selector: selector.to_owned(), ..Selector::default() };
            let object = json!({"metadata": {"labels": {"a": "1", "b": "2"}}});
            assert_eq!(selector.matches(&object).ok(), want, "{selector:?}");
        }
        check("", Some(true));
        check("a=1,b==2", Some(true));
        check("a!=1", Some(false));
        check("c!=1", Some(true));
        check("a in (0, 1),b notin (3)", Some(true));
        check("a in(1)", Some(true));
        check("a, !c", Some(true));
        check("!a", Some(false));
        check("a within (1)", None);
        check("a in (1", None);
    }
}
