//! The rules of NetworkPolicies.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::fields::{each, has, items, selector, text};
use super::pods::{self, BAD_RANGE, port_number, target_port};
use crate::wire::status::Cause;

pub(super) fn network_policy(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    selector(&spec["podSelector"], "spec.podSelector", causes);
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for (position, rule) in items(&spec[rules]).enumerate() {
            let at = format!("spec.{rules}[{position}]");
            for (position, port) in items(&rule["ports"]).enumerate() {
                policy_port(port, &format!("{at}.ports[{position}]"), causes);
            }
            for (position, peer) in items(&rule[peers]).enumerate() {
                let at = format!("{at}.{peers}[{position}]");
                for name in ["podSelector", "namespaceSelector"] {
                    if has(peer, name) {
                        selector(&peer[name], &format!("{at}.{name}"), causes);
                    }
                }
                let given = ["podSelector", "namespaceSelector", "ipBlock"];
                let given: Vec<&str> = given.into_iter().filter(|name| has(peer, name)).collect();
                if given.contains(&"ipBlock") {
                    block(&peer["ipBlock"], &format!("{at}.ipBlock"), causes);
                }
                if given.is_empty() {
                    causes.push(Cause::required(at.clone(), "must specify a peer"));
                }
                if given.contains(&"ipBlock") && given.len() > 1 {
                    let why = "may not specify both ipBlock and another peer";
                    causes.push(Cause::forbidden(at.clone(), why));
                }
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

/// Checks a range of addresses, and what is taken out of it.
fn block(of: &Value, path: &str, causes: &mut Vec<Cause>) {
    if text(of, "cidr").is_empty() {
        return causes.push(Cause::required(format!("{path}.cidr"), ""));
    }
    let Some((start, length)) = pods::range(text(of, "cidr")) else {
        return causes.push(Cause::invalid(format!("{path}.cidr"), &of["cidr"], BAD_RANGE));
    };
    for (at, except) in each(&of["except"], &format!("{path}.except")) {
        match pods::range(except.as_str().unwrap_or_default()) {
            None => causes.push(Cause::invalid(at, except, BAD_RANGE)),
            Some((inner, own)) => {
                if own <= length || !is_within(inner, start, length) {
                    causes.push(Cause::invalid(at, except, "must be a strict subset of `cidr`"));
                }
            }
        }
    }
}

fn is_within(address: IpAddr, start: IpAddr, length: u8) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)) << 96, 32),
        IpAddr::V6(six) => (u128::from(six), 128),
    };
    let ((address, one), (start, other)) = (bits(address), bits(start));
    let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
    one == other && address & mask == start & mask
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
