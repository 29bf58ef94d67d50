//! The rules of probes and hooks.

use serde_json::{Value, json};

use super::super::super::names;
use super::super::fields::{each, has, items, looks, needed, non_negative, number, one_of, text};
use super::Around;
use crate::wire::status::Cause;

const MANY: &str = "may not specify more than 1 handler type";

/// Checks a probe by its name.
pub(super) fn probe(probe: &Value, around: &Around<'_>, path: &str, name: &str, causes: &mut Vec<Cause>) {
    const GRACE: &str = "terminationGracePeriodSeconds";
    let path = format!("{path}.{name}");
    handler(probe, &["exec", "httpGet", "tcpSocket", "grpc"], around, &path, causes);
    for number in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        non_negative(probe, number, &path, causes);
    }
    if probe[GRACE].as_i64().is_some_and(|seconds| seconds <= 0) {
        causes.push(Cause::invalid(format!("{path}.{GRACE}"), &probe[GRACE], "must be greater than 0"));
    }
    if name == "readinessProbe" {
        if has(probe, GRACE) {
            let why = "must not be set for readinessProbes";
            causes.push(Cause::invalid(format!("{path}.{GRACE}"), &probe[GRACE], why));
        }
    } else if probe["successThreshold"].as_i64().unwrap_or(1) != 1 {
        let field = format!("{path}.successThreshold");
        causes.push(Cause::invalid(field, &probe["successThreshold"], "must be 1"));
    }
}

/// Checks what is done as a container starts and ends.
pub(super) fn hooks(hooks: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    for hook in ["postStart", "preStop"] {
        if has(hooks, hook) {
            let kinds = ["exec", "httpGet", "tcpSocket", "sleep"];
            handler(&hooks[hook], &kinds, around, &format!("{path}.{hook}"), causes);
        }
    }
}

fn handler(of: &Value, kinds: &[&str], around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    let mut found = 0;
    for kind in kinds.iter().filter(|kind| has(of, kind)) {
        let (inner, at) = (&of[*kind], format!("{path}.{kind}"));
        found += 1;
        if found > 1 {
            causes.push(Cause::forbidden(at, MANY));
            continue;
        }
        match *kind {
            "exec" => {
                if items(&inner["command"]).next().is_none() {
                    causes.push(Cause::required(format!("{at}.command"), ""));
                }
            }
            "httpGet" => http(inner, &at, causes),
            "tcpSocket" => target_port(&inner["port"], &format!("{at}.port"), causes),
            "grpc" => port_number(number(inner, "port"), &format!("{at}.port"), causes),
            _ => {
                let seconds = number(inner, "seconds");
                if seconds < 0 || seconds > around.grace {
                    let why = format!(
                        "must be non-negative and less than terminationGracePeriodSeconds ({})",
                        around.grace
                    );
                    causes.push(Cause::invalid(at, &json!(seconds), &why));
                }
            }
        }
    }
    if found == 0 {
        causes.push(Cause::required(path, "must specify a handler type"));
    }
}

fn http(get: &Value, path: &str, causes: &mut Vec<Cause>) {
    needed(get, "path", path, causes);
    target_port(&get["port"], &format!("{path}.port"), causes);
    one_of(get, "scheme", path, &["HTTP", "HTTPS"], causes);
    for (_, header) in each(&get["httpHeaders"], path) {
        looks(&json!(text(header, "name")), &format!("{path}.httpHeaders"), names::header, causes);
    }
}

/// Checks the number of a port.
pub(in super::super) fn port_number(number: i64, field: &str, causes: &mut Vec<Cause>) {
    if !(1..=65535).contains(&number) {
        causes.push(Cause::invalid(field, &json!(number), "must be between 1 and 65535, inclusive"));
    }
}

/// Checks a port that is named by its number or its name.
pub(in super::super) fn target_port(port: &Value, field: &str, causes: &mut Vec<Cause>) {
    match port {
        Value::String(_) => looks(port, field, names::port, causes),
        other => port_number(other.as_i64().unwrap_or(0), field, causes),
    }
}
