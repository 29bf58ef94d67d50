//! What names, keys and label values of Kubernetes look like, and what the API server says of those that do not
//! (`k8s.io/apimachinery/pkg/util/validation`).
//!
//! Each check returns everything that is wrong, in the server's words; nothing is wrong with an empty list.
//!
//! ```
//! use gitops_expr::names;
//! assert!(names::label_1123("shop").is_empty());
//! assert_eq!(names::label_1123("shop.eu"), ["must not contain dots"]);
//! ```

use std::sync::LazyLock;

use regex::Regex;

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("because the expression is constant")
}

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

static IS_LABEL: LazyLock<Regex> = LazyLock::new(|| regex(&format!("^{LABEL}$")));
static IS_LABEL_1035: LazyLock<Regex> = LazyLock::new(|| regex("^[a-z]([-a-z0-9]*[a-z0-9])?$"));
static IS_SUBDOMAIN: LazyLock<Regex> = LazyLock::new(|| regex(&format!("^{SUBDOMAIN}$")));
static IS_QUALIFIED: LazyLock<Regex> = LazyLock::new(|| regex(&format!("^{QUALIFIED}$")));
static IS_LABEL_VALUE: LazyLock<Regex> = LazyLock::new(|| regex(&format!("^{LABEL_VALUE}$")));
static IS_CONFIG_KEY: LazyLock<Regex> = LazyLock::new(|| regex("^[-._a-zA-Z0-9]+$"));

/// Keys and values of labels count bytes, where all other names say that they count characters.
fn too_many_bytes(limit: usize) -> String {
    format!("must be no more than {limit} bytes")
}

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn described(why: &str, expression: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}'")).collect();
    let (start, middle) = match examples.len() {
        0 => (String::new(), String::new()),
        _ => (format!("e.g. {}, ", examples.join(",  or ")), String::new()),
    };
    format!("{why} ({start}{middle}regex used for validation is '{expression}')")
}

/// A DNS label of RFC 1123: lower case letters, digits and dashes.
#[must_use]
pub fn label_1123(name: &str) -> Vec<String> {
    let mut why = Vec::new();
    if name.len() > 63 {
        why.push(too_long(63));
    }
    if !IS_LABEL.is_match(name) {
        if IS_SUBDOMAIN.is_match(name) {
            why.push("must not contain dots".to_owned());
        } else {
            let text = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
            why.push(described(text, LABEL, &["my-name", "123-abc"]));
        }
    }
    why
}

/// A DNS label of RFC 1035: as above, and a letter first.
#[must_use]
pub fn label_1035(name: &str) -> Vec<String> {
    let mut why = Vec::new();
    if name.len() > 63 {
        why.push(too_long(63));
    }
    if !IS_LABEL_1035.is_match(name) {
        let text = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
        why.push(described(text, "[a-z]([-a-z0-9]*[a-z0-9])?", &["my-name", "abc-123"]));
    }
    why
}

/// A DNS subdomain: labels and dots.
#[must_use]
pub fn subdomain(name: &str) -> Vec<String> {
    let mut why = Vec::new();
    if name.len() > 253 {
        why.push(too_long(253));
    }
    if !IS_SUBDOMAIN.is_match(name) {
        why.push(not_a_subdomain());
    }
    why
}

fn not_a_subdomain() -> String {
    let text = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    described(text, SUBDOMAIN, &["example.com"])
}

/// A DNS subdomain whose labels may have underscores.
#[must_use]
pub fn subdomain_with_underscores(name: &str) -> Vec<String> {
    const LABELS: &str = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
    static IS: LazyLock<Regex> = LazyLock::new(|| regex(&format!("^{LABELS}$")));
    let mut why = Vec::new();
    if name.len() > 253 {
        why.push(too_long(253));
    }
    if !IS.is_match(name) {
        let text = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
        why.push(described(text, LABELS, &["example.com"]));
    }
    why
}

/// A DNS subdomain behind a star: `*.example.com`.
#[must_use]
pub fn wildcard(name: &str) -> Vec<String> {
    let mut why = Vec::new();
    if name.len() > 253 {
        why.push(too_long(253));
    }
    if !name.strip_prefix("*.").is_some_and(|rest| IS_SUBDOMAIN.is_match(rest)) {
        let text = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
        why.push(described(text, &format!("\\*\\.{SUBDOMAIN}"), &["*.example.com"]));
    }
    why
}

/// The name of an environment variable: printable ASCII without `=`.
#[must_use]
pub fn variable(name: &str) -> Vec<String> {
    if name.is_empty() {
        return vec!["environment variable name must be non-empty".to_owned()];
    }
    if name.contains('=') || !name.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        let text = "a valid environment variable name must consist only of printable ASCII characters other than '='";
        return vec![text.to_owned()];
    }
    Vec::new()
}

/// The name of a header of HTTP.
#[must_use]
pub fn header(name: &str) -> Vec<String> {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Vec::new();
    }
    let text = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![described(text, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// The name of a container's port.
#[must_use]
pub fn port(name: &str) -> Vec<String> {
    let mut why = Vec::new();
    if name.len() > 15 {
        why.push(too_long(15));
    }
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_allowed) {
        why.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        why.push("must contain at least one letter (a-z)".to_owned());
    }
    if name.contains("--") {
        why.push("must not contain consecutive hyphens".to_owned());
    }
    if name.starts_with('-') || name.ends_with('-') {
        why.push("must not begin or end with a hyphen".to_owned());
    }
    why
}

/// A name that leaves room for what is put behind it in the names of Jobs.
#[must_use]
pub fn cron_job(name: &str) -> Vec<String> {
    const LIMIT: usize = 52;
    let mut why = subdomain(name);
    if name.len() > LIMIT {
        why.push(format!("must be no more than {LIMIT} characters"));
    }
    why
}

/// A name that can stand in a path.
#[must_use]
pub fn path_segment(name: &str) -> Vec<String> {
    if name == "." || name == ".." {
        return vec![format!("may not be '{name}'")];
    }
    ["/", "%"]
        .iter()
        .filter(|part| name.contains(**part))
        .map(|part| format!("may not contain '{part}'"))
        .collect()
}

/// A key of labels and annotations: `example.com/name`.
#[must_use]
pub fn qualified_name(key: &str) -> Vec<String> {
    let mut why = Vec::new();
    let mut parts = key.splitn(3, '/');
    let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let text = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    let name = match (second, third) {
        (None, _) => first,
        (Some(name), None) => {
            if first.is_empty() {
                why.push("prefix part must be non-empty".to_owned());
            } else {
                if first.len() > 253 {
                    why.push(format!("prefix part {}", too_many_bytes(253)));
                }
                if !IS_SUBDOMAIN.is_match(first) {
                    why.push(format!("prefix part {}", not_a_subdomain()));
                }
            }
            name
        }
        _ => {
            return vec![format!(
                "a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                described(text, QUALIFIED, &["MyName", "my.name", "123-abc"])
            )];
        }
    };
    if name.is_empty() {
        why.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        why.push(format!("name part {}", too_many_bytes(63)));
    }
    if !IS_QUALIFIED.is_match(name) {
        why.push(format!("name part {}", described(text, QUALIFIED, &["MyName", "my.name", "123-abc"])));
    }
    why
}

/// The value of a label.
#[must_use]
pub fn label_value(value: &str) -> Vec<String> {
    let mut why = Vec::new();
    if value.len() > 63 {
        why.push(too_many_bytes(63));
    }
    if !IS_LABEL_VALUE.is_match(value) {
        let text = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
        why.push(described(text, LABEL_VALUE, &["MyValue", "my_value", "12345"]));
    }
    why
}

/// A key of a ConfigMap's or a Secret's data.
#[must_use]
pub fn config_key(key: &str) -> Vec<String> {
    let mut why = Vec::new();
    if key.len() > 253 {
        why.push(too_long(253));
    }
    if !IS_CONFIG_KEY.is_match(key) {
        let text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        why.push(described(text, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    match key {
        "." => why.push("must not be '.'".to_owned()),
        ".." => why.push("must not be '..'".to_owned()),
        _ if key.starts_with("..") => why.push("must not start with '..'".to_owned()),
        _ => {}
    }
    why
}

/// A name that is made by adding to a prefix: what would be wrong with the prefix is.
#[must_use]
pub fn of_prefix(check: fn(&str) -> Vec<String>, prefix: &str) -> Vec<String> {
    let masked = match prefix.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{rest}a"),
        _ => prefix.to_owned(),
    };
    check(&masked)
}
