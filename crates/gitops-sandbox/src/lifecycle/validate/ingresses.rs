//! The rules of Ingresses.

use serde_json::{Value, json};

use super::super::names;
use super::fields::{each, has, items, looks, looks_if_any, text};
use super::pods::{self, BAD_ADDRESS, port_number};
use crate::wire::status::Cause;

pub(super) fn ingress(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if items(&spec["rules"]).next().is_none() && !has(spec, "defaultBackend") {
        let why = "either `defaultBackend` or `rules` must be specified";
        causes.push(Cause::invalid("spec", &Value::Null, why));
    }
    if has(spec, "defaultBackend") {
        backend(&spec["defaultBackend"], "spec.defaultBackend", causes);
    }
    for (position, rule) in items(&spec["rules"]).enumerate() {
        let at = format!("spec.rules[{position}]");
        let host = text(rule, "host");
        let field = format!("{at}.host");
        if pods::address(host).is_some() {
            let why = "must be a DNS name, not an IP address";
            causes.push(Cause::invalid(field.clone(), &rule["host"], why));
        }
        if !host.is_empty() {
            looks(&rule["host"], &field, look_of_host(host), causes);
        }
        if has(rule, "http") && items(&rule["http"]["paths"]).next().is_none() {
            causes.push(Cause::required(format!("{at}.http.paths"), ""));
        }
        for (position, path) in items(&rule["http"]["paths"]).enumerate() {
            ingress_path(path, &format!("{at}.http.paths[{position}]"), causes);
        }
    }
    for (at, tls) in each(&spec["tls"], "spec.tls") {
        for (at, host) in each(&tls["hosts"], &format!("{at}.hosts")) {
            looks(host, &at, look_of_host(host.as_str().unwrap_or_default()), causes);
        }
        looks_if_any(tls, "secretName", &at, names::subdomain, causes);
    }
    looks(&spec["ingressClassName"], "spec.ingressClassName", names::subdomain, causes);
}

/// Checks a new ingress, which may name its class in two places.
pub(super) fn new_ingress(object: &Value, causes: &mut Vec<Cause>) {
    const CLASS: &str = "kubernetes.io/ingress.class";
    let (given, class) = (&object["metadata"]["annotations"][CLASS], &object["spec"]["ingressClassName"]);
    if !given.is_null() && !class.is_null() && given != class {
        let why = "must match `ingressClassName` when both are specified";
        causes.push(Cause::invalid(format!("annotations.{CLASS}"), given, why));
    }
}

fn look_of_host(host: &str) -> fn(&str) -> Vec<String> {
    if host.contains('*') { names::wildcard } else { names::subdomain }
}

fn ingress_path(path: &Value, at: &str, causes: &mut Vec<Cause>) {
    let given = text(path, "path");
    match text(path, "pathType") {
        "" => return causes.push(Cause::required(format!("{at}.pathType"), "pathType must be specified")),
        "Exact" | "Prefix" => {
            if !given.starts_with('/') {
                causes.push(Cause::invalid(format!("{at}.path"), &json!(given), "must be an absolute path"));
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"] {
                if given.contains(part) {
                    let why = format!("must not contain '{part}'");
                    causes.push(Cause::invalid(format!("{at}.path"), &json!(given), &why));
                }
            }
            for end in ["/..", "/."] {
                if given.ends_with(end) {
                    let why = format!("cannot end with '{end}'");
                    causes.push(Cause::invalid(format!("{at}.path"), &json!(given), &why));
                }
            }
        }
        "ImplementationSpecific" => {
            if !given.is_empty() && !given.starts_with('/') {
                causes.push(Cause::invalid(format!("{at}.path"), &json!(given), "must be an absolute path"));
            }
        }
        _ => {
            let supported = ["Exact", "ImplementationSpecific", "Prefix"];
            causes.push(Cause::not_supported(format!("{at}.pathType"), &path["pathType"], &supported));
        }
    }
    backend(&path["backend"], &format!("{at}.backend"), causes);
}

fn backend(backend: &Value, path: &str, causes: &mut Vec<Cause>) {
    let service = &backend["service"];
    if has(backend, "resource") && has(backend, "service") {
        causes.push(Cause::invalid(path, &json!(""), "cannot set both resource and service backends"));
        return;
    }
    if has(backend, "resource") {
        super::classes::local_reference(&backend["resource"], &format!("{path}.resource"), causes);
        return;
    }
    if service.is_null() {
        causes.push(Cause::invalid(path, &json!(""), "resource or service backend is required"));
        return;
    }
    let name = text(service, "name");
    if name.is_empty() {
        causes.push(Cause::required(format!("{path}.service.name"), ""));
    } else {
        let why = names::label_1035(name);
        causes.extend(
            why.iter().map(|why| Cause::invalid(format!("{path}.service.name"), &service["name"], why)),
        );
    }
    let (port, number) = (text(&service["port"], "name"), service["port"]["number"].as_i64().unwrap_or(0));
    if !port.is_empty() && number != 0 {
        causes.push(Cause::invalid(path, &json!(""), "cannot set both port name & port number"));
    } else if !port.is_empty() {
        let why = names::port(port);
        let field = format!("{path}.service.port.name");
        causes.extend(why.iter().map(|why| Cause::invalid(field.clone(), &service["port"]["name"], why)));
    } else if number == 0 {
        causes.push(Cause::required(path, "port name or number is required"));
    } else {
        port_number(number, &format!("{path}.service.port.number"), causes);
    }
}

/// Checks the status of an ingress.
pub(super) fn status(object: &Value, causes: &mut Vec<Cause>) {
    for (at, ingress) in each(&object["status"]["loadBalancer"]["ingress"], "status.loadBalancer.ingress") {
        let address = text(ingress, "ip");
        if !address.is_empty() && pods::address(address).is_none() {
            causes.push(Cause::invalid(format!("{at}.ip"), &ingress["ip"], BAD_ADDRESS));
        }
        looks_if_any(ingress, "hostname", &at, names::subdomain, causes);
        if pods::address(text(ingress, "hostname")).is_some() {
            let why = "must be a DNS name, not an IP address";
            causes.push(Cause::invalid(format!("{at}.hostname"), &ingress["hostname"], why));
        }
    }
}
