//! The rules of EndpointSlices and Endpoints.

use serde_json::{Value, json};

use super::super::metadata;
use super::super::names;
use super::fields::{child, each, has, items, looks, looks_if_any, needed, number, one_of, text};
use super::pods::{self, BAD_ADDRESS, external_address, port_number, protocol};
use crate::wire::status::Cause;

const MAX_ENDPOINTS: usize = 1000;
const MAX_ADDRESSES: usize = 100;
const MAX_PORTS: usize = 20_000;
const MAX_HINTS: usize = 8;
const MAX_TOPOLOGY: usize = 16;

fn many(list: &Value, field: &str, limit: usize, causes: &mut Vec<Cause>) {
    let count = items(list).count();
    if count > limit {
        causes.push(Cause::too_many(field, count, limit));
    }
}

/// Checks a slice.
///
/// What is stored already may be wrong.
pub(super) fn slice(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    if needed(object, "addressType", "", causes) {
        one_of(object, "addressType", "", &["FQDN", "IPv4", "IPv6"], causes);
    }
    many(&object["ports"], "ports", MAX_PORTS, causes);
    let mut known: Vec<&str> = Vec::new();
    for (at, port) in each(&object["ports"], "ports") {
        let name = text(port, "name");
        looks_if_any(port, "name", &at, names::label_1123, causes);
        if known.contains(&name) {
            causes.push(Cause::duplicate(child(&at, "name"), &json!(name)));
        } else {
            known.push(name);
        }
        if has(port, "protocol") {
            one_of(port, "protocol", &at, &["SCTP", "TCP", "UDP"], causes);
        }
        looks(&port["appProtocol"], &child(&at, "appProtocol"), names::qualified_name, causes);
    }
    if old.is_some_and(|old| old["endpoints"] == object["endpoints"]) {
        return;
    }
    many(&object["endpoints"], "endpoints", MAX_ENDPOINTS, causes);
    for (at, endpoint) in each(&object["endpoints"], "endpoints") {
        addresses(endpoint, text(object, "addressType"), &child(&at, "addresses"), causes);
        looks(&endpoint["nodeName"], &child(&at, "nodeName"), names::subdomain, causes);
        topology(&endpoint["deprecatedTopology"], &child(&at, "deprecatedTopology"), causes);
        looks(&endpoint["hostname"], &child(&at, "hostname"), names::label_1123, causes);
        hints(&endpoint["hints"], &child(&at, "hints"), causes);
    }
}

fn topology(labels: &Value, path: &str, causes: &mut Vec<Cause>) {
    let count = labels.as_object().map_or(0, serde_json::Map::len);
    if count > MAX_TOPOLOGY {
        causes.push(Cause::too_many(path, count, MAX_TOPOLOGY));
    }
    causes.extend(metadata::validate_labels(labels, path));
}

fn addresses(endpoint: &Value, kind: &str, path: &str, causes: &mut Vec<Cause>) {
    if items(&endpoint["addresses"]).next().is_none() {
        causes.push(Cause::required(path, "must contain at least 1 address"));
    }
    many(&endpoint["addresses"], path, MAX_ADDRESSES, causes);
    for (at, address) in each(&endpoint["addresses"], path) {
        let given = address.as_str().unwrap_or_default();
        if kind == "FQDN" {
            domain(address, &at, causes);
            continue;
        }
        let (wanted, why) = match kind {
            "IPv4" => (true, "must be an IPv4 address"),
            "IPv6" => (false, "must be an IPv6 address"),
            _ => continue,
        };
        match pods::address(given) {
            None => causes.push(Cause::invalid(at, address, BAD_ADDRESS)),
            Some(parsed) => {
                if parsed.is_ipv4() != wanted {
                    causes.push(Cause::invalid(path, address, why));
                } else if !wanted && parsed.to_string() != given {
                    let why = format!("must be in canonical form ({:?})", parsed.to_string());
                    causes.push(Cause::invalid(at.clone(), address, &why));
                    continue;
                }
                external_address(address, &at, causes);
            }
        }
    }
}

/// Checks the name of a host, with its domain.
fn domain(name: &Value, field: &str, causes: &mut Vec<Cause>) {
    let given = name.as_str().unwrap_or_default();
    if given.is_empty() {
        return causes.push(Cause::required(field, ""));
    }
    let given = given.strip_suffix('.').unwrap_or(given);
    let why = names::subdomain(given);
    if !why.is_empty() {
        causes.push(Cause::invalid(field, &json!(given), &why.join(",")));
    } else if !given.contains('.') {
        let why = "should be a domain with at least two segments separated by dots";
        causes.push(Cause::invalid(field, &json!(given), why));
    }
}

fn hints(hints: &Value, path: &str, causes: &mut Vec<Cause>) {
    for list in ["forZones", "forNodes"] {
        let look = if list == "forZones" { names::label_value } else { names::subdomain };
        let at = child(path, list);
        many(&hints[list], &at, MAX_HINTS, causes);
        let mut known: Vec<&str> = Vec::new();
        for (at, hint) in each(&hints[list], &at) {
            let (name, field) = (text(hint, "name"), child(&at, "name"));
            if known.contains(&name) {
                causes.push(Cause::duplicate(field.clone(), &json!(name)));
            } else {
                known.push(name);
            }
            looks(&json!(name), &field, look, causes);
        }
    }
}

/// Checks Endpoints; what is stored already may be wrong.
pub(super) fn endpoints(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    if old.is_some_and(|old| old["subsets"] == object["subsets"]) {
        return;
    }
    for (at, subset) in each(&object["subsets"], "subsets") {
        let lists = ["addresses", "notReadyAddresses"];
        if lists.iter().all(|list| items(&subset[*list]).next().is_none()) {
            let why = "must specify `addresses` or `notReadyAddresses`";
            causes.push(Cause::required(at.clone(), why));
        }
        for list in lists {
            for (at, address) in each(&subset[list], &child(&at, list)) {
                of_subset(address, &at, causes);
            }
        }
        let several = items(&subset["ports"]).count() > 1;
        for (at, port) in each(&subset["ports"], &child(&at, "ports")) {
            if several {
                needed(port, "name", &at, causes);
            }
            looks_if_any(port, "name", &at, names::label_1123, causes);
            port_number(number(port, "port"), &child(&at, "port"), causes);
            protocol(port, &at, causes);
            looks(&port["appProtocol"], &child(&at, "appProtocol"), names::qualified_name, causes);
        }
    }
}

fn of_subset(address: &Value, path: &str, causes: &mut Vec<Cause>) {
    let (given, field) = (json!(text(address, "ip")), child(path, "ip"));
    let known = pods::address(text(address, "ip")).is_some();
    if !known {
        causes.push(Cause::invalid(field.clone(), &given, BAD_ADDRESS));
    }
    looks_if_any(address, "hostname", path, names::label_1123, causes);
    looks(&address["nodeName"], &child(path, "nodeName"), names::subdomain, causes);
    if known {
        external_address(&given, &field, causes);
    } else {
        causes.push(Cause::invalid(field, &given, "must be a valid IP address"));
    }
}
