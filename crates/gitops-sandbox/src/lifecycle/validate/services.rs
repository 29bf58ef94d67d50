//! The rules of Services.

use serde_json::{Value, json};

use super::super::metadata;
use super::super::names;
use super::fields::{each, has, items, looks, looks_if_any, needed, number, one_of, text};
use super::pods::{self, BAD_ADDRESS, BAD_RANGE, external_address, port_number, protocol, target_port};
use crate::wire::status::{Cause, shown};

const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];
const POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const KINDS: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const TRAFFIC: [&str; 2] = ["Cluster", "Local"];
const ONLY_BALANCERS: &str = "may only be used when `type` is 'LoadBalancer'";
const FIXED: &str = "may not change once set";

fn is_headless(spec: &Value) -> bool {
    items(&spec["clusterIPs"]).count() == 1 && spec["clusterIPs"][0] == "None"
}

fn is_external_name(spec: &Value) -> bool {
    spec["type"] == "ExternalName"
}

/// Checks a service, and what others have said of it before.
pub(super) fn service(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let (kind, headless) = (text(spec, "type"), is_headless(spec));
    // Addresses are given out before all else is looked at.
    let mut early = Vec::new();
    given_out(spec, &mut early);
    if !early.is_empty() {
        return causes.extend(early);
    }
    hints(&object["metadata"]["annotations"], causes);
    if items(&spec["ports"]).next().is_none() && !headless && !is_external_name(spec) {
        causes.push(Cause::required("spec.ports", ""));
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            let why = format!("may not be set to 'None' for {kind} services");
            causes.push(Cause::invalid("spec.clusterIPs[0]", &json!("None"), &why));
        }
        "ExternalName" => external_name(spec, causes),
        _ => {}
    }
    ports(spec, causes);
    causes.extend(metadata::validate_labels(&spec["selector"], "spec.selector"));
    affinity(spec, causes);
    for (at, address) in each(&spec["externalIPs"], "spec.externalIPs") {
        external_address(address, &at, causes);
    }
    if needed(spec, "type", "spec", causes) {
        one_of(spec, "type", "spec", &KINDS, causes);
    }
    node_ports(spec, kind, causes);
    twice(spec, causes);
    balancer(object, old, causes);
    traffic(spec, causes);
}

fn hints(annotations: &Value, causes: &mut Vec<Cause>) {
    const MODE: &str = "service.kubernetes.io/topology-mode";
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    let (mode, hints) = (&annotations[MODE], &annotations[HINTS]);
    if !mode.is_null() && !hints.is_null() && mode != hints {
        let why = format!("must match annotations[{HINTS}] when both are specified");
        causes.push(Cause::invalid(format!("metadata.annotations[{MODE}]"), mode, &why));
    }
}

fn external_name(spec: &Value, causes: &mut Vec<Cause>) {
    let why = "may not be set for ExternalName services";
    for name in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        let given = items(&spec[name]).next().is_some() || spec[name].is_string();
        if given {
            causes.push(Cause::forbidden(format!("spec.{name}"), why));
        }
    }
    let name = text(spec, "externalName");
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        causes.push(Cause::required("spec.externalName", ""));
    } else {
        looks(&json!(name), "spec.externalName", names::subdomain, causes);
    }
}

fn ports(spec: &Value, causes: &mut Vec<Cause>) {
    let several = items(&spec["ports"]).count() > 1;
    let mut known: Vec<&str> = Vec::new();
    for (at, port) in each(&spec["ports"], "spec.ports") {
        let name = text(port, "name");
        if name.is_empty() {
            if several {
                needed(port, "name", &at, causes);
            }
        } else {
            looks_if_any(port, "name", &at, names::label_1123, causes);
            if known.contains(&name) {
                causes.push(Cause::duplicate(format!("{at}.name"), &port["name"]));
            }
            known.push(name);
        }
        port_number(number(port, "port"), &format!("{at}.port"), causes);
        protocol(port, &at, causes);
        target_port(&port["targetPort"], &format!("{at}.targetPort"), causes);
        looks(&port["appProtocol"], &format!("{at}.appProtocol"), names::qualified_name, causes);
    }
}

/// Checks that clients stay with a pod for a time.
fn affinity(spec: &Value, causes: &mut Vec<Cause>) {
    const LONGEST: i64 = 86400;
    let (config, path) = (&spec["sessionAffinityConfig"], "spec.sessionAffinityConfig");
    if needed(spec, "sessionAffinity", "spec", causes) {
        one_of(spec, "sessionAffinity", "spec", &["ClientIP", "None"], causes);
    }
    match text(spec, "sessionAffinity") {
        "ClientIP" => {
            let why = "when session affinity type is ClientIP";
            let seconds = &config["clientIP"]["timeoutSeconds"];
            if config.is_null() {
                causes.push(Cause::required(path, why));
            } else if !has(config, "clientIP") {
                causes.push(Cause::required(format!("{path}.clientIP"), why));
            } else if seconds.is_null() {
                causes.push(Cause::required(format!("{path}.clientIP.timeoutSeconds"), why));
            } else if !seconds.as_i64().is_some_and(|seconds| (1..=LONGEST).contains(&seconds)) {
                let why = format!("must be greater than 0 and less than {LONGEST}");
                causes.push(Cause::invalid(format!("{path}.clientIP.timeoutSeconds"), seconds, &why));
            }
        }
        "None" if !config.is_null() => {
            causes.push(Cause::forbidden(path, "must not be set when session affinity is None"));
        }
        _ => {}
    }
}

/// Checks addresses within the cluster, and their families.
fn families(spec: &Value, causes: &mut Vec<Cause>) {
    if is_external_name(spec) {
        return;
    }
    let (list, field) = (&spec["clusterIPs"], "spec.clusterIPs");
    let first = text(spec, "clusterIP");
    let count = items(list).count();
    if first.is_empty() {
        if count > 0 {
            let why = "must be empty when `clusterIP` is not specified";
            causes.push(Cause::invalid(field, list, why));
        }
    } else if count == 0 {
        causes.push(Cause::required(field, ""));
    } else if list[0] != first {
        causes.push(Cause::invalid(field, list, "first value must match `clusterIP`"));
    }
    let mut known: Vec<&Value> = Vec::new();
    for (at, family) in each(&spec["ipFamilies"], "spec.ipFamilies") {
        if !FAMILIES.contains(&family.as_str().unwrap_or_default()) {
            causes.push(Cause::not_supported(at.clone(), family, &FAMILIES));
        }
        if known.contains(&family) {
            causes.push(Cause::duplicate(at, family));
        }
        known.push(family);
    }
    if has(spec, "ipFamilyPolicy") {
        one_of(spec, "ipFamilyPolicy", "spec", &POLICIES, causes);
    }
    let before = causes.len();
    for (position, address) in items(list).enumerate() {
        if position == 0 && address == "None" {
            if count > 1 {
                causes.push(Cause::invalid(field, list, "'None' must be the first and only value"));
            }
        } else if pods::address(address.as_str().unwrap_or_default()).is_none() {
            causes.push(Cause::invalid(format!("{field}[{position}]"), address, BAD_ADDRESS));
        }
    }
    let broken = causes.len() > before;
    if count > 2 {
        causes.push(Cause::invalid(field, list, "may only hold up to 2 values"));
    }
    if broken || is_headless(spec) {
        return;
    }
    let parsed = items(list).filter_map(Value::as_str).filter_map(pods::address);
    let parsed: Vec<bool> = parsed.map(|address| address.is_ipv4()).collect();
    if parsed.len() > 1 && (parsed.iter().all(|four| *four) || !parsed.iter().any(|four| *four)) {
        let why = "may specify no more than one IP for each IP family";
        causes.push(Cause::invalid(field, list, why));
    }
    for (position, (four, family)) in parsed.iter().zip(items(&spec["ipFamilies"])).enumerate() {
        let wanted = family.as_str().unwrap_or_default();
        if FAMILIES.contains(&wanted) && (wanted == "IPv4") != *four {
            let why = format!("expected an {wanted} value as indicated by `ipFamilies[{position}]`");
            causes.push(Cause::invalid(format!("{field}[{position}]"), &list[position], &why));
        }
    }
}

fn node_ports(spec: &Value, kind: &str, causes: &mut Vec<Cause>) {
    let given = |port: &&Value| number(port, "nodePort") != 0;
    if kind == "ClusterIP" {
        for (position, _) in items(&spec["ports"]).enumerate().filter(|(_, port)| given(port)) {
            let why = "may not be used when `type` is 'ClusterIP'";
            causes.push(Cause::forbidden(format!("spec.ports[{position}].nodePort"), why));
        }
    }
    if matches!(kind, "NodePort" | "LoadBalancer") {
        return;
    }
    for (position, port) in repeated(spec) {
        causes.push(Cause::duplicate(format!("spec.ports[{position}].nodePort"), port));
    }
}

/// Returns the places of ports of the node that stand twice for one protocol.
fn repeated(spec: &Value) -> Vec<(usize, &Value)> {
    let mut known: Vec<(&Value, &str)> = Vec::new();
    let mut found = Vec::new();
    for (position, port) in items(&spec["ports"]).enumerate() {
        let key = (&port["nodePort"], text(port, "protocol"));
        if number(port, "nodePort") != 0 && known.contains(&key) {
            found.push((position, key.0));
        }
        known.push(key);
    }
    found
}

/// Checks what fails already as addresses and ports are given out: nothing else is looked at then.
fn given_out(spec: &Value, causes: &mut Vec<Cause>) {
    families(spec, causes);
    let ports = matches!(text(spec, "type"), "NodePort" | "LoadBalancer");
    if let Some((position, port)) = repeated(spec).first().filter(|_| ports && causes.is_empty()) {
        let why = "provided port is already allocated";
        causes.push(Cause::invalid(format!("spec.ports[{position}].nodePort"), port, why));
    }
}

/// A port of a protocol is one port.
fn twice(spec: &Value, causes: &mut Vec<Cause>) {
    let mut known: Vec<(i64, &str)> = Vec::new();
    for (at, port) in each(&spec["ports"], "spec.ports") {
        let key = (number(port, "port"), text(port, "protocol"));
        if known.contains(&key) {
            let given = format!(
                "{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{},\"TargetPort\":0,\"NodePort\":0}}",
                json!(key.1),
                key.0
            );
            causes.push(Cause::new("FieldValueDuplicate", at, format!("Duplicate value: {given}")));
        }
        known.push(key);
    }
}

/// Checks what only load balancers have.
fn balancer(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let spec = &object["spec"];
    let is_balancer = spec["type"] == "LoadBalancer";
    let known = |range: &str| {
        old.is_some_and(|old| items(&old["spec"]["loadBalancerSourceRanges"]).any(|known| known == range))
    };
    let annotation = &object["metadata"]["annotations"][RANGES];
    if items(&spec["loadBalancerSourceRanges"]).next().is_some() {
        // The server's own spelling.
        let field = "spec.LoadBalancerSourceRanges";
        if !is_balancer {
            causes.push(Cause::forbidden(field, ONLY_BALANCERS));
        }
        for (at, range) in each(&spec["loadBalancerSourceRanges"], field) {
            let given = range.as_str().unwrap_or_default().trim();
            if pods::range(given).is_none() && !known(given) {
                causes.push(Cause::invalid(at, &json!(given), BAD_RANGE));
            }
        }
    } else if let Some(ranges) = annotation.as_str() {
        let field = format!("metadata.annotations[{RANGES}]");
        if !is_balancer {
            causes.push(Cause::forbidden(field.clone(), ONLY_BALANCERS));
        }
        let changed = old.is_none_or(|old| old["metadata"]["annotations"][RANGES] != *annotation);
        let parts = ranges.trim().split(',').map(str::trim);
        for range in parts.filter(|_| changed && !ranges.trim().is_empty()) {
            if pods::range(range).is_none() {
                causes.push(Cause::invalid(field.clone(), &json!(range), BAD_RANGE));
            }
        }
    }
    if has(spec, "allocateLoadBalancerNodePorts") && !is_balancer {
        causes.push(Cause::forbidden("spec.allocateLoadBalancerNodePorts", ONLY_BALANCERS));
    }
    if has(spec, "loadBalancerClass") {
        let field = "spec.loadBalancerClass";
        if is_balancer {
            looks(&spec["loadBalancerClass"], field, names::qualified_name, causes);
        } else {
            causes.push(Cause::forbidden(field, ONLY_BALANCERS));
        }
    }
}

/// Checks how traffic gets to pods.
fn traffic(spec: &Value, causes: &mut Vec<Cause>) {
    let kind = text(spec, "type");
    let outside = matches!(kind, "NodePort" | "LoadBalancer")
        || (kind == "ClusterIP" && items(&spec["externalIPs"]).next().is_some());
    let name = "externalTrafficPolicy";
    let given = text(spec, name);
    if outside {
        if needed(spec, name, "spec", causes) {
            one_of(spec, name, "spec", &TRAFFIC, causes);
        }
    } else if !given.is_empty() {
        let why = "may only be set for externally-accessible services";
        causes.push(Cause::invalid("spec.externalTrafficPolicy", &spec[name], why));
    }
    let (port, field) = (number(spec, "healthCheckNodePort"), "spec.healthCheckNodePort");
    if kind == "LoadBalancer" && given == "Local" {
        // Without a port of its own it gets one.
        if port != 0 {
            port_number(port, field, causes);
        }
    } else if port != 0 {
        let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        causes.push(Cause::invalid(field, &json!(port), why));
    }
    if has(spec, "internalTrafficPolicy") {
        one_of(spec, "internalTrafficPolicy", "spec", &TRAFFIC, causes);
    }
    if has(spec, "trafficDistribution") {
        let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
        one_of(spec, "trafficDistribution", "spec", &known, causes);
    }
}

/// Checks a changed service against what it was.
pub(super) fn update(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (now, was) = (&new["spec"], &old["spec"]);
    let mut broken = Vec::new();
    given_out(now, &mut broken);
    if !broken.is_empty() {
        return;
    }
    if !is_external_name(now) && !is_external_name(was) {
        kept_addresses(now, was, causes);
        kept_families(now, was, causes);
    }
    let balances = |spec: &Value| spec["type"] == "LoadBalancer";
    if balances(now) && balances(was) && now["loadBalancerClass"] != was["loadBalancerClass"] {
        let (class, field) = (&now["loadBalancerClass"], "spec.loadBalancerClass");
        causes.push(Cause::invalid_as(field, &shown(class), FIXED));
    }
    let checked = |spec: &Value| balances(spec) && spec["externalTrafficPolicy"] == "Local";
    let port = "healthCheckNodePort";
    if checked(now) && checked(was) && number(now, port) != number(was, port) {
        causes.push(Cause::forbidden("spec.healthCheckNodePort", "field is immutable"));
    }
}

fn kept_addresses(now: &Value, was: &Value, causes: &mut Vec<Cause>) {
    if is_headless(now) && is_headless(was) {
        return;
    }
    let (given, known) = (&now["clusterIPs"], &was["clusterIPs"]);
    let (count, before) = (items(given).count(), items(known).count());
    let mut fixed = |position: usize, why: &str| {
        causes.push(Cause::invalid(format!("spec.clusterIPs[{position}]"), given, why));
    };
    if count == before {
        for position in (0..count).filter(|position| given[*position] != known[*position]) {
            fixed(position, FIXED);
        }
        return;
    }
    if count == 0 {
        fixed(0, "primary clusterIP can not be unset");
    } else if before > 0 && given[0] != known[0] {
        fixed(0, FIXED);
    }
    if before > count && count == 1 && now["ipFamilyPolicy"] != "SingleStack" {
        let why = "must be set to 'SingleStack' when releasing the secondary clusterIP";
        causes.push(Cause::invalid("spec.ipFamilyPolicy", &now["ipFamilyPolicy"], why));
    }
}

fn kept_families(now: &Value, was: &Value, causes: &mut Vec<Cause>) {
    if is_headless(now) || is_headless(was) {
        return;
    }
    let (given, known) = (&now["ipFamilies"], &was["ipFamilies"]);
    let (count, before) = (items(given).count(), items(known).count());
    let field = "spec.ipFamilies[0]";
    if count == before {
        for _ in (0..count).filter(|position| given[*position] != known[*position]) {
            causes.push(Cause::invalid(field, given, FIXED));
        }
        return;
    }
    if before > count && items(&now["clusterIPs"]).next().is_none() {
        causes.push(Cause::invalid(field, given, "primary ipFamily can not be unset"));
    }
    if count > 0 && before > 0 && given[0] != known[0] {
        causes.push(Cause::invalid(field, &now["clusterIPs"], FIXED));
    }
    if before > count && count == 1 && now["ipFamilyPolicy"] != "SingleStack" {
        let why = "must be set to 'SingleStack' when releasing the secondary ipFamily";
        causes.push(Cause::invalid("spec.ipFamilyPolicy", &now["ipFamilyPolicy"], why));
    }
}

/// Checks the status of a service.
pub(super) fn status(object: &Value, causes: &mut Vec<Cause>) {
    let (list, path) = (&object["status"]["loadBalancer"]["ingress"], "status.loadBalancer.ingress");
    if object["spec"]["type"] != "LoadBalancer" && items(list).next().is_some() {
        let why = "may only be used when `spec.type` is 'LoadBalancer'";
        return causes.push(Cause::forbidden(path, why));
    }
    for (at, ingress) in each(list, path) {
        let address = text(ingress, "ip");
        if !address.is_empty() && pods::address(address).is_none() {
            causes.push(Cause::invalid(format!("{at}.ip"), &ingress["ip"], BAD_ADDRESS));
        }
        match (has(ingress, "ipMode"), address.is_empty()) {
            (false, false) => {
                let why = "must be specified when `ip` is set";
                causes.push(Cause::required(format!("{at}.ipMode"), why));
            }
            (true, true) => {
                let why = "may not be specified when `ip` is not set";
                causes.push(Cause::forbidden(format!("{at}.ipMode"), why));
            }
            (true, false) => one_of(ingress, "ipMode", &at, &["Proxy", "VIP"], causes),
            (false, true) => {}
        }
        host(ingress, &at, causes);
    }
}

fn host(ingress: &Value, path: &str, causes: &mut Vec<Cause>) {
    let field = format!("{path}.hostname");
    looks_if_any(ingress, "hostname", path, names::subdomain, causes);
    if pods::address(text(ingress, "hostname")).is_some() {
        causes.push(Cause::invalid(field, &ingress["hostname"], "must be a DNS name, not an IP address"));
    }
}

/// Remarks about a service.
pub(super) fn warnings(object: &Value, warnings: &mut Vec<String>) {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    let spec = &object["spec"];
    if has(&object["metadata"]["annotations"], HINTS) {
        warnings.push(format!(
            "annotation {HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead"
        ));
    }
    for list in ["clusterIPs", "externalIPs"] {
        for (at, address) in each(&spec[list], &format!("spec.{list}")) {
            warnings.extend(pods::of_address(address, &at));
        }
    }
    warnings.extend(pods::of_address(&spec["loadBalancerIP"], "spec.loadBalancerIP"));
    let any = |name: &str| items(&spec[name]).next().is_some();
    if spec["type"] == "ClusterIP" && spec["clusterIP"] == "None" {
        let ignored = [
            (!text(spec, "loadBalancerIP").is_empty(), "loadBalancerIP"),
            (any("externalIPs"), "externalIPs"),
            (text(spec, "sessionAffinity") != "None", "SessionAffinity"),
        ];
        for (_, name) in ignored.iter().filter(|(given, _)| *given) {
            warnings.push(format!("spec.{name} is ignored for headless services"));
        }
    }
    if is_external_name(spec) && any("externalIPs") {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if !is_external_name(spec) && !text(spec, "externalName").is_empty() {
        warnings.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if spec["trafficDistribution"] == "PreferClose" {
        let why = "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"";
        warnings.push(why.to_owned());
    }
}
