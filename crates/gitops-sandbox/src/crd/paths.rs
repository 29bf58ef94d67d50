//! Paths of fields in schemas, as rules and selectable fields name them (`ValidFieldPath` of the server).

use serde_json::Value;

/// Returns the path as errors print it, and the schema that it leads to.
///
/// # Errors
/// Says why the path leads nowhere.
pub(super) fn follow<'s>(
    schema: &'s Value,
    path: &str,
    brackets: bool,
) -> Result<(String, &'s Value), String> {
    let tokens = tokens(path);
    let mut tokens = tokens.iter().map(String::as_str);
    let end = || "unexpected end of JSON path".to_owned();
    let (mut printed, mut found) = (String::new(), schema);
    while let Some(token) = tokens.next() {
        let name = match token {
            "[" if !brackets => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let quoted = tokens.next().ok_or_else(end)?;
                let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                let inner = inner.filter(|_| quoted.len() >= 2);
                let inner = inner.ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                inner.replace("\\'", "'").replace("\\\\", "\\")
            }
            "." => tokens.next().ok_or_else(end)?.to_owned(),
            other => return Err(format!("expected [ or . but got: {other}")),
        };
        (printed, found) = step(printed, found, &name)?;
        if token == "[" {
            let close = tokens.next().ok_or_else(end)?;
            if close != "]" {
                return Err(format!("expected ] but got {close}"));
            }
        }
    }
    Ok((printed, found))
}

fn step<'s>(mut printed: String, schema: &'s Value, name: &str) -> Result<(String, &'s Value), String> {
    let nowhere = || "does not refer to a valid field".to_owned();
    let properties = schema["properties"].as_object().filter(|properties| !properties.is_empty());
    match (properties, &schema["additionalProperties"]) {
        (Some(properties), _) => {
            if !printed.is_empty() {
                printed.push('.');
            }
            printed.push_str(name);
            properties.get(name).map(|found| (printed, found)).ok_or_else(nowhere)
        }
        (None, below @ Value::Object(_)) => Ok((format!("{printed}[{name}]"), below)),
        _ => Err(nowhere()),
    }
}

/// Splits a path at its dots and brackets, which are tokens of their own; quoted texts stay whole.
fn tokens(path: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), path);
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '.' | '[' | ']' => 1,
            '\'' => {
                let close = rest.char_indices().skip(1);
                let mut close = close.filter(|(at, c)| *c == '\'' && !rest[..*at].ends_with('\\'));
                close.next().map_or(rest.len(), |(at, _)| at + 1)
            }
            _ => rest.find(['.', '[', ']']).unwrap_or(rest.len()),
        };
        found.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::follow;

    fn check(path: &str, want: Result<&str, &str>) {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "object", "properties": {"b.c": {"type": "string"}}},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "s": {"type": "string"},
        }});
        let got = follow(&schema, path, true).map(|(printed, _)| printed);
        assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned), "{path}");
    }

    #[test]
    fn paths_lead_through_fields_and_keys() {
        check(".a['b.c']", Ok("a.b.c"));
        check(".m.x", Ok("m[x]"));
        check(".m['x y']", Ok("m[x y]"));
        check(".s", Ok("s"));
        check(".s.t", Err("does not refer to a valid field"));
        check(".x", Err("does not refer to a valid field"));
        check("a", Err("expected [ or . but got: a"));
        check(".a[b]", Err("expected single quoted string but got b"));
        check(".", Err("unexpected end of JSON path"));
    }
}
