//! What a registry says when it refuses, in the words that go-containerregistry makes of it.

use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

/// How much of an answer's text stands in an error.
const MOST: usize = 512;
/// The parameters whose values may stand in a text; others may be signatures of a storage.
const HARMLESS: &[&str] = &["scope", "service", "mount", "from", "digest", "n", "last"];

/// Returns what a refusal's body says.
pub(super) fn words(method: &Method, status: StatusCode, body: &[u8]) -> String {
    let errors = serde_json::from_slice::<Value>(body).ok();
    let errors = errors.as_ref().and_then(|body| body.get("errors")?.as_array());
    let told: Vec<String> = errors.into_iter().flatten().take(16).map(diagnostic).collect();
    let text = match told.as_slice() {
        [] => {
            let status = format!(
                "unexpected status code {} {}",
                status.as_u16(),
                status.canonical_reason().unwrap_or_default()
            );
            let body = String::from_utf8_lossy(&body[..body.len().min(MOST)]);
            match body.trim() {
                "" if method == Method::HEAD => {
                    format!("{status} (HEAD responses have no body, use GET for details)")
                }
                "" => status,
                text => format!("{status}: {text}"),
            }
        }
        [one] => one.clone(),
        several => format!("multiple errors returned: {}", several.join("; ")),
    };
    plain(&text)
}

/// Returns an address as it may stand in a text.
pub(super) fn address(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for addresses without a host, which are not asked.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    if url.query().is_some() {
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        shown.query_pairs_mut().clear().extend_pairs(pairs.into_iter().map(|(name, value)| {
            let harmless = HARMLESS.contains(&name.as_str());
            (name, if harmless { value } else { "REDACTED".to_owned() })
        }));
    }
    cut(shown.into(), MOST * 4)
}

fn diagnostic(error: &Value) -> String {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let words = format!("{}: {}", text("code"), text("message"));
    match error.get("detail") {
        None | Some(Value::Null) => words,
        Some(detail) => format!("{words}; {}", as_go_prints(detail, 0)),
    }
}

/// Prints a JSON value as Go's `%v` does.
fn as_go_prints(value: &Value, depth: usize) -> String {
    let inner = |value: &Value| if depth < 8 { as_go_prints(value, depth + 1) } else { "...".to_owned() };
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(inner).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut pairs: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}:{}", inner(value))).collect();
            pairs.sort();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

/// Returns a text without control characters and not too long.
fn plain(text: &str) -> String {
    cut(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(), MOST * 2)
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_read_as_in_flux() {
        let check = |method: Method, status: u16, body: &str, want: &str| {
            assert_eq!(words(&method, StatusCode::from_u16(status).unwrap(), body.as_bytes()), want);
        };
        check(
            Method::GET,
            404,
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry","detail":{"name":"a/b"}}]}"#,
            "NAME_UNKNOWN: repository name not known to registry; map[name:a/b]",
        );
        check(
            Method::GET,
            401,
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[{"Type":"repository","Action":"pull"}]}]}"#,
            "UNAUTHORIZED: authentication required; [map[Action:pull Type:repository]]",
        );
        check(
            Method::GET,
            400,
            r#"{"errors":[{"code":"A","message":"b"},{"code":"C","message":"d","detail":null}]}"#,
            "multiple errors returned: A: b; C: d",
        );
        check(
            Method::GET,
            502,
            "<html>\nno\u{1b}[1m</html>",
            "unexpected status code 502 Bad Gateway: <html> no [1m</html>",
        );
        check(Method::GET, 500, "", "unexpected status code 500 Internal Server Error");
        check(
            Method::HEAD,
            404,
            "",
            "unexpected status code 404 Not Found (HEAD responses have no body, use GET for details)",
        );
    }

    #[test]
    fn addresses_hide_what_may_be_a_secret() {
        let check = |url: &str, want: &str| assert_eq!(address(&Url::parse(url).unwrap()), want);
        check(
            "https://a.example/v2/b/tags/list?n=1000&last=x",
            "https://a.example/v2/b/tags/list?n=1000&last=x",
        );
        check("https://u:p@a.example/x?sig=abc&n=1#f", "https://a.example/x?sig=REDACTED&n=1");
    }
}
