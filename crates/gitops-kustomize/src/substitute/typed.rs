//! Substitution that knows types: text by text, each kept what its field is.

use gitops_manifest::{Document, Object, ParseOptions, parse};
use kubernetes_schema::{ScalarType, TypeKind, TypeRef, builtin};
use serde_json::{Map, Value};

use super::expand::{ExpandError, expand};
use super::template::{Part, parse as parse_template};

/// Expands the texts of an object.
///
/// # Errors
/// A text that says what is wrong and where. None holds a value.
pub(super) fn expanded(object: &Object, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Object, String> {
    let of = builtin().of(object.api_version(), object.kind());
    let value = Walker { lookup }.value(object.value(), of, "")?;
    Object::new(value).map_err(|error| error.to_string())
}

struct Walker<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl Walker<'_> {
    fn value(&self, value: &Value, of: Option<TypeRef<'_>>, path: &str) -> Result<Value, String> {
        match value {
            Value::String(text) => self.text(text, of, path),
            Value::Array(items) => {
                let element = of.and_then(|of| of.element());
                let items = items.iter().enumerate();
                let items = items.map(|(at, item)| self.value(item, element, &format!("{path}[{at}]")));
                items.collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            Value::Object(map) => {
                let mut expanded = Map::new();
                for (key, item) in map {
                    let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    let of = type_of(of, key, &inner);
                    let key = self.expand(key, &inner)?;
                    expanded.insert(key, self.value(item, of, &inner)?);
                }
                Ok(Value::Object(expanded))
            }
            // A number or boolean holds no variable, and stays to its last digit.
            other => Ok(other.clone()),
        }
    }

    fn expand(&self, text: &str, path: &str) -> Result<String, String> {
        expand(text, self.lookup).map_err(|error| match error {
            ExpandError::NotSet(_) => format!("variable substitution failed: {error}"),
            error => format!("variable substitution failed: {error} in {path}"),
        })
    }

    fn text(&self, text: &str, of: Option<TypeRef<'_>>, path: &str) -> Result<Value, String> {
        let expanded = self.expand(text, path)?;
        // What is only partly a variable has always been a text.
        let is_variable = matches!(parse_template(text).as_deref(), Ok([Part::Call { .. }]));
        if !is_variable {
            return Ok(Value::String(expanded));
        }
        let wants = match of.and_then(|of| of.kind()) {
            Some(TypeKind::Scalar(scalar)) => Some(scalar),
            _ => None,
        };
        let found = match wants {
            Some(ScalarType::String | ScalarType::Bytes | ScalarType::Formatted) => {
                return Ok(Value::String(expanded));
            }
            _ => read(&expanded),
        };
        let must_be =
            |what: &str| Err(format!("{path} must be {what}, and the value of its variable is none"));
        match (wants, &found) {
            (Some(ScalarType::Boolean), Value::Bool(_)) => Ok(found),
            (Some(ScalarType::Boolean), _) => must_be("a boolean"),
            (Some(ScalarType::Integer | ScalarType::Number), Value::Number(_)) => Ok(found),
            (Some(ScalarType::Integer | ScalarType::Number), _) => must_be("a number"),
            (Some(ScalarType::Quantity), Value::Bool(_)) => Ok(Value::String(expanded)),
            (_, Value::Bool(_) | Value::Number(_)) => Ok(found),
            _ => Ok(Value::String(expanded)),
        }
    }
}

/// Returns the type of a field; labels and annotations are texts, whoever they belong to.
fn type_of<'t>(of: Option<TypeRef<'t>>, key: &str, path: &str) -> Option<TypeRef<'t>> {
    let named = |name: &str| builtin().named(name);
    match path {
        "metadata" => of
            .and_then(|of| of.field(key).map(|field| field.of()))
            .or_else(|| named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")),
        _ => {
            let of = of?;
            of.field(key).map(|field| field.of()).or_else(|| of.element())
        }
    }
}

/// Reads a text as a plain scalar.
fn read(text: &str) -> Value {
    if text.contains(['\n', '#', ':', '{', '[', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`']) {
        return Value::String(text.to_owned());
    }
    let documents = parse("", text.as_bytes(), &ParseOptions::kubectl()).unwrap_or_default();
    documents.into_iter().next().map_or(Value::Null, Document::into_value)
}
