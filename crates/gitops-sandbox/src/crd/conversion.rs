//! How objects go from one version of a definition to another.

use serde_json::{Value, json};

use crate::lifecycle::names as rules;
use crate::wire::status::Cause;

const PATH: &str = "spec.conversion";

/// Checks the conversion that a definition asks for.
pub(super) fn check(spec: &Value, causes: &mut Vec<Cause>) {
    let conversion = &spec["conversion"];
    if conversion.is_null() {
        return;
    }
    let at = |name: &str| format!("{PATH}.{name}");
    let strategy = conversion["strategy"].as_str().unwrap_or_default();
    match strategy {
        "" => causes.push(Cause::required(at("strategy"), "")),
        "None" | "Webhook" => {}
        _ => {
            let known = ["None", "Webhook"];
            causes.push(Cause::not_supported(at("strategy"), &conversion["strategy"], &known));
        }
    }
    let webhook = &conversion["webhook"];
    let (client, reviews) = (&webhook["clientConfig"], &webhook["conversionReviewVersions"]);
    if strategy == "Webhook" {
        if client.is_null() {
            let why = "required when strategy is set to Webhook";
            causes.push(Cause::required(at("webhookClientConfig"), why));
        } else {
            address(client, causes);
        }
        review_versions(reviews, causes);
        return;
    }
    let why = "should not be set when strategy is not set to Webhook";
    if !client.is_null() {
        causes.push(Cause::forbidden(at("webhookClientConfig"), why));
    }
    if reviews.as_array().is_some_and(|reviews| !reviews.is_empty()) {
        causes.push(Cause::forbidden(at("conversionReviewVersions"), why));
    }
}

fn address(client: &Value, causes: &mut Vec<Cause>) {
    let path = format!("{PATH}.webhookClientConfig");
    match (&client["url"], &client["service"]) {
        (Value::Null, Value::Null) => {
            causes.push(Cause::required(path, "exactly one of url or service is required"));
        }
        (Value::String(text), Value::Null) => url(text, &format!("{path}.url"), causes),
        (Value::Null, service) => of_service(service, &format!("{path}.service"), causes),
        _ => causes.push(Cause::required(path, "exactly one of url or service is required")),
    }
}

fn url(text: &str, path: &str, causes: &mut Vec<Cause>) {
    const FORM: &str = "; desired format: https://host[/path]";
    let read = url::Url::parse(text);
    let (scheme, host) = match &read {
        Ok(url) => (url.scheme().to_owned(), url.host_str().unwrap_or_default().to_owned()),
        Err(_) => (String::new(), String::new()),
    };
    if scheme != "https" {
        let why = format!("'https' is the only allowed URL scheme{FORM}");
        causes.push(Cause::invalid(path, &json!(scheme), &why));
    }
    if host.is_empty() {
        causes.push(Cause::invalid(path, &json!(host), &format!("host must be specified{FORM}")));
    }
    let Ok(url) = read else { return };
    let mut refuse = |given: &str, why: &str| causes.push(Cause::invalid(path, &json!(given), why));
    if !url.username().is_empty() || url.password().is_some() {
        refuse(url.username(), "user information is not permitted in the URL");
    }
    if let Some(fragment) = url.fragment().filter(|text| !text.is_empty()) {
        refuse(fragment, "fragments are not permitted in the URL");
    }
    if let Some(query) = url.query().filter(|text| !text.is_empty()) {
        refuse(query, "query parameters are not permitted in the URL");
    }
}

/// Checks a service; the server takes its name and its namespace for each other.
fn of_service(service: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (given, named) in [("namespace", "name"), ("name", "namespace")] {
        if service[given].as_str().unwrap_or_default().is_empty() {
            causes.push(Cause::required(format!("{path}.{named}"), ""));
        }
    }
    let port = service["port"].as_i64().unwrap_or(443);
    if !(1..=65535).contains(&port) {
        let why = "port is not valid: must be between 1 and 65535, inclusive";
        causes.push(Cause::invalid(format!("{path}.port"), &json!(port), why));
    }
    let Some(given) = service["path"].as_str().filter(|given| !given.is_empty() && *given != "/") else {
        return;
    };
    let mut refuse = |why: &str| causes.push(Cause::invalid(format!("{path}.path"), &json!(given), why));
    if given == "//" {
        return refuse("segment[0] may not be empty");
    }
    if !given.starts_with('/') {
        refuse("must start with a '/'");
    }
    let rest = given.get(1..).unwrap_or_default();
    for (place, segment) in rest.strip_suffix('/').unwrap_or(rest).split('/').enumerate() {
        if segment.is_empty() {
            refuse(&format!("segment[{place}] may not be empty"));
            continue;
        }
        for why in rules::subdomain(segment) {
            refuse(&format!("segment[{place}]: {why}"));
        }
    }
}

fn review_versions(versions: &Value, causes: &mut Vec<Cause>) {
    let path = format!("{PATH}.conversionReviewVersions");
    let listed: &[Value] = versions.as_array().map_or(&[], Vec::as_slice);
    if listed.is_empty() {
        return causes.push(Cause::required(path, ""));
    }
    for (place, version) in listed.iter().enumerate() {
        let field = format!("{path}[{place}]");
        if listed[..place].contains(version) {
            causes.push(Cause::invalid(field, version, "duplicate version"));
            continue;
        }
        for why in rules::label_1035(version.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid(field.clone(), version, &why));
        }
    }
    if !listed.iter().any(|version| version == "v1" || version == "v1beta1") {
        causes.push(Cause::invalid(path, versions, "must include at least one of v1, v1beta1"));
    }
}
