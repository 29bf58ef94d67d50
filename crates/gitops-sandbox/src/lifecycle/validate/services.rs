//! The rules of services, ingresses and network policies.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::super::metadata;
use super::super::names;
use super::fields::{has, items, selector, text};
use super::pods::{port_name, port_number, target_port};
use crate::wire::status::Cause;

const BAD_ADDRESS: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

pub(super) fn service(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let kind = text(spec, "type");
    let headless = text(spec, "clusterIP") == "None";
    if items(&spec["ports"]).next().is_none() && !headless && kind != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            let why = format!("may not be set to 'None' for {kind} services");
            causes.push(Cause::invalid("spec.clusterIPs[0]", &json!("None"), &why));
        }
        "ExternalName" => {
            if text(spec, "externalName").is_empty() {
                causes.push(Cause::required("spec.externalName", ""));
            } else {
                let name = text(spec, "externalName").trim_end_matches('.');
                let why = names::subdomain(name);
                causes.extend(
                    why.iter().map(|why| Cause::invalid("spec.externalName", &spec["externalName"], why)),
                );
            }
            if !text(spec, "clusterIP").is_empty() {
                let why = "may not be set for ExternalName services";
                causes.push(Cause::forbidden("spec.clusterIPs[0]", why));
            }
        }
        _ => {}
    }
    ports(spec, headless, causes);
    causes.extend(metadata::validate_labels(&spec["selector"], "spec.selector"));
    match text(spec, "sessionAffinity") {
        "" => causes.push(Cause::required("spec.sessionAffinity", "")),
        "ClientIP" | "None" => {}
        _ => {
            let supported = ["ClientIP", "None"];
            causes.push(Cause::not_supported("spec.sessionAffinity", &spec["sessionAffinity"], &supported));
        }
    }
    if let Some(seconds) = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].as_i64()
        && !(1..=86400).contains(&seconds)
    {
        let field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
        causes.push(Cause::invalid(
            field,
            &json!(seconds),
            "must be greater than 0 and less than or equal to 86400",
        ));
    }
    addresses(spec, causes);
    for (position, address) in items(&spec["externalIPs"]).enumerate() {
        external(address, &format!("spec.externalIPs[{position}]"), causes);
    }
    match kind {
        "" => causes.push(Cause::required("spec.type", "")),
        "ExternalName" | "ClusterIP" | "NodePort" | "LoadBalancer" => {}
        _ => {
            let supported = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
            causes.push(Cause::not_supported("spec.type", &spec["type"], &supported));
        }
    }
    node_ports(spec, kind, causes);
    let policy = text(spec, "externalTrafficPolicy");
    let outside = matches!(kind, "NodePort" | "LoadBalancer")
        || (kind == "ClusterIP" && items(&spec["externalIPs"]).next().is_some());
    if !policy.is_empty() {
        if !outside {
            let why = "may only be set for externally-accessible services";
            causes.push(Cause::invalid("spec.externalTrafficPolicy", &spec["externalTrafficPolicy"], why));
        } else if !matches!(policy, "Cluster" | "Local") {
            let supported = ["Cluster", "Local"];
            causes.push(Cause::not_supported(
                "spec.externalTrafficPolicy",
                &spec["externalTrafficPolicy"],
                &supported,
            ));
        }
    }
    let policy = text(spec, "internalTrafficPolicy");
    if !matches!(policy, "" | "Cluster" | "Local") {
        let supported = ["Cluster", "Local"];
        causes.push(Cause::not_supported(
            "spec.internalTrafficPolicy",
            &spec["internalTrafficPolicy"],
            &supported,
        ));
    }
}

fn ports(spec: &Value, headless: bool, causes: &mut Vec<Cause>) {
    let several = items(&spec["ports"]).count() > 1;
    let mut seen: Vec<&str> = Vec::new();
    for (position, port) in items(&spec["ports"]).enumerate() {
        let at = format!("spec.ports[{position}]");
        let name = text(port, "name");
        if several && name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else if !name.is_empty() {
            let why = names::label_1123(name);
            causes.extend(why.iter().map(|why| Cause::invalid(format!("{at}.name"), &port["name"], why)));
            if seen.contains(&name) {
                causes.push(Cause::duplicate(format!("{at}.name"), &port["name"]));
            }
            seen.push(name);
        }
        port_number(port["port"].as_i64().unwrap_or(0), &format!("{at}.port"), causes);
        match text(port, "protocol") {
            "" => causes.push(Cause::required(format!("{at}.protocol"), "")),
            "TCP" | "UDP" | "SCTP" => {}
            _ => {
                let supported = ["SCTP", "TCP", "UDP"];
                causes.push(Cause::not_supported(format!("{at}.protocol"), &port["protocol"], &supported));
            }
        }
        let _ = headless;
        target_port(&port["targetPort"], &format!("{at}.targetPort"), causes);
    }
    let known: Vec<&Value> = items(&spec["ports"]).collect();
    for (position, port) in known.iter().enumerate() {
        let twice = known[..position]
            .iter()
            .any(|other| other["port"] == port["port"] && other["protocol"] == port["protocol"]);
        if twice {
            let shown = json!({
                "Name": "", "Protocol": port["protocol"], "AppProtocol": null, "Port": port["port"],
                "TargetPort": 0, "NodePort": 0,
            });
            causes.push(Cause::duplicate(format!("spec.ports[{position}]"), &shown));
        }
    }
}

fn node_ports(spec: &Value, kind: &str, causes: &mut Vec<Cause>) {
    let known: Vec<&Value> = items(&spec["ports"]).collect();
    for (position, port) in known.iter().enumerate() {
        let number = port["nodePort"].as_i64().unwrap_or(0);
        if number == 0 {
            continue;
        }
        let field = format!("spec.ports[{position}].nodePort");
        if !matches!(kind, "NodePort" | "LoadBalancer") {
            let why = format!("may not be used when `type` is '{kind}'");
            causes.push(Cause::forbidden(field, &why));
            continue;
        }
        let twice = known[..position]
            .iter()
            .any(|other| other["nodePort"] == port["nodePort"] && other["protocol"] == port["protocol"]);
        if twice {
            causes.push(Cause::duplicate(field, &json!(number)));
        }
    }
}

fn addresses(spec: &Value, causes: &mut Vec<Cause>) {
    let list: Vec<&Value> = items(&spec["clusterIPs"]).collect();
    for (position, address) in list.iter().enumerate() {
        let address = address.as_str().unwrap_or_default();
        let field = format!("spec.clusterIPs[{position}]");
        if address == "None" && position == 0 {
            continue;
        }
        if address.parse::<IpAddr>().is_err() {
            causes.push(Cause::invalid(field, &json!(address), BAD_ADDRESS));
        }
    }
    let first = list.first().and_then(|first| first.as_str()).unwrap_or_default();
    if !list.is_empty() && first != text(spec, "clusterIP") {
        let why = "first value must match `clusterIP`";
        causes.push(Cause::invalid("spec.clusterIPs", &spec["clusterIPs"], why));
    }
}

fn external(address: &Value, field: &str, causes: &mut Vec<Cause>) {
    let Some(parsed) = address.as_str().and_then(|text| text.parse::<IpAddr>().ok()) else {
        return causes.push(Cause::invalid(field, address, BAD_ADDRESS));
    };
    if parsed.is_unspecified() {
        causes.push(Cause::invalid(field, address, "may not be unspecified (0.0.0.0 or ::)"));
    }
    if parsed.is_loopback() {
        let why = "may not be in the loopback range (127.0.0.0/8, ::1/128)";
        causes.push(Cause::invalid(field, address, why));
    }
}

pub(super) fn update_service(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (now, was) = (&new["spec"], &old["spec"]);
    let external = now["type"] == "ExternalName" || was["type"] == "ExternalName";
    let first = text(was, "clusterIP");
    if !external && !first.is_empty() && now["clusterIPs"][0] != was["clusterIPs"][0] {
        causes.push(Cause::invalid("spec.clusterIPs[0]", &now["clusterIPs"], "may not change once set"));
    }
    if !was["loadBalancerClass"].is_null()
        && now["loadBalancerClass"] != was["loadBalancerClass"]
        && now["type"] == was["type"]
    {
        let why = "may not change once set";
        causes.push(Cause::invalid("spec.loadBalancerClass", &now["loadBalancerClass"], why));
    }
}

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
        if !host.is_empty() {
            if host.parse::<IpAddr>().is_ok() {
                let why = "must be a DNS name, not an IP address";
                causes.push(Cause::invalid(format!("{at}.host"), &rule["host"], why));
            }
            let plain = host.strip_prefix("*.").unwrap_or(host);
            if host.parse::<IpAddr>().is_err() {
                let why = names::subdomain(plain);
                causes.extend(why.iter().map(|why| Cause::invalid(format!("{at}.host"), &rule["host"], why)));
            }
        }
        if has(rule, "http") && items(&rule["http"]["paths"]).next().is_none() {
            causes.push(Cause::required(format!("{at}.http.paths"), ""));
        }
        for (position, path) in items(&rule["http"]["paths"]).enumerate() {
            ingress_path(path, &format!("{at}.http.paths[{position}]"), causes);
        }
    }
    let class = text(spec, "ingressClassName");
    if has(spec, "ingressClassName") {
        let why = names::subdomain(class);
        let field = "spec.ingressClassName";
        causes.extend(why.iter().map(|why| Cause::invalid(field, &spec["ingressClassName"], why)));
    }
    for (position, tls) in items(&spec["tls"]).enumerate() {
        for (at, host) in items(&tls["hosts"]).enumerate() {
            let field = format!("spec.tls[{position}].hosts[{at}]");
            let name = host.as_str().unwrap_or_default();
            let why = names::subdomain(name.strip_prefix("*.").unwrap_or(name));
            causes.extend(why.iter().map(|why| Cause::invalid(field.clone(), host, why)));
        }
        let name = text(tls, "secretName");
        if !name.is_empty() {
            let why = names::subdomain(name);
            let field = format!("spec.tls[{position}].secretName");
            causes.extend(why.iter().map(|why| Cause::invalid(field.clone(), &tls["secretName"], why)));
        }
    }
}

fn ingress_path(path: &Value, at: &str, causes: &mut Vec<Cause>) {
    let given = text(path, "path");
    match text(path, "pathType") {
        "" => causes.push(Cause::required(format!("{at}.pathType"), "pathType must be specified")),
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
        for name in ["kind", "name"] {
            if text(&backend["resource"], name).is_empty() {
                causes.push(Cause::required(format!("{path}.resource.{name}"), ""));
            }
        }
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
        let why = port_name(port);
        let field = format!("{path}.service.port.name");
        causes.extend(why.iter().map(|why| Cause::invalid(field.clone(), &service["port"]["name"], why)));
    } else if number == 0 {
        causes.push(Cause::required(path, "port name or number is required"));
    } else {
        port_number(number, &format!("{path}.service.port.number"), causes);
    }
}

pub(super) fn network_policy(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    selector(&spec["podSelector"], "spec.podSelector", causes);
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for (position, rule) in items(&spec[rules]).enumerate() {
            let at = format!("spec.{rules}[{position}]");
            for (position, peer) in items(&rule[peers]).enumerate() {
                let at = format!("{at}.{peers}[{position}]");
                for name in ["podSelector", "namespaceSelector"] {
                    if has(peer, name) {
                        selector(&peer[name], &format!("{at}.{name}"), causes);
                    }
                }
                let given = ["podSelector", "namespaceSelector", "ipBlock"];
                let given: Vec<&str> = given.into_iter().filter(|name| has(peer, name)).collect();
                if given.is_empty() {
                    causes.push(Cause::required(at.clone(), "must specify a peer"));
                }
                if given.contains(&"ipBlock") && given.len() > 1 {
                    causes
                        .push(Cause::forbidden(at.clone(), "may not specify both ipBlock and another peer"));
                }
                if given.contains(&"ipBlock") {
                    let cidr = text(&peer["ipBlock"], "cidr");
                    if cidr.is_empty() {
                        causes.push(Cause::required(format!("{at}.ipBlock.cidr"), ""));
                    } else if !is_cidr(cidr) {
                        let why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
                        causes.push(Cause::invalid(
                            format!("{at}.ipBlock.cidr"),
                            &peer["ipBlock"]["cidr"],
                            why,
                        ));
                    }
                }
            }
            for (position, port) in items(&rule["ports"]).enumerate() {
                policy_port(port, &format!("{at}.ports[{position}]"), causes);
            }
        }
    }
    let types = items(&spec["policyTypes"]).count();
    if types > 2 {
        let why = "may not specify more than two policyTypes";
        return causes.push(Cause::invalid("spec.policyTypes", &spec["policyTypes"], why));
    }
    for (position, kind) in items(&spec["policyTypes"]).enumerate() {
        if kind != "Ingress" && kind != "Egress" {
            let field = format!("spec.policyTypes[{position}]");
            causes.push(Cause::not_supported(field, kind, &["Ingress", "Egress"]));
        }
    }
}

fn policy_port(port: &Value, at: &str, causes: &mut Vec<Cause>) {
    let protocol = text(port, "protocol");
    if !matches!(protocol, "" | "TCP" | "UDP" | "SCTP") {
        let supported = ["TCP", "UDP", "SCTP"];
        causes.push(Cause::not_supported(format!("{at}.protocol"), &port["protocol"], &supported));
    }
    if has(port, "port") {
        target_port(&port["port"], &format!("{at}.port"), causes);
    }
    let Some(end) = port["endPort"].as_i64() else { return };
    let field = format!("{at}.endPort");
    match port["port"].as_i64() {
        None if has(port, "port") => {
            causes.push(Cause::invalid(
                field,
                &json!(end),
                "may not be specified when `port` is non-numeric",
            ));
        }
        None => {
            causes.push(Cause::invalid(
                field,
                &json!(end),
                "may not be specified when `port` is not specified",
            ));
        }
        Some(start) => {
            if end < start {
                let why = "must be greater than or equal to `port`";
                causes.push(Cause::invalid(field.clone(), &json!(start), why));
            }
            port_number(end, &field, causes);
        }
    }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let Ok(length) = length.parse::<u8>() else { return false };
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => length <= 32,
        Ok(IpAddr::V6(_)) => length <= 128,
        Err(_) => false,
    }
}
