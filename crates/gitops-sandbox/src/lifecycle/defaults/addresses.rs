//! Addresses and ports of services: what only one can have.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::server::Server;
use crate::wire::status::{Answer, Cause, Refusal};

/// The range of cluster addresses, 10.0.0.0/16.
const FIRST: u32 = u32::from_be_bytes([10, 0, 0, 1]);
const COUNT: u32 = 65_534;
/// The range as the server tells it.
const RANGE: &str = "10.0.0.0/16";
const FIRST_PORT: u16 = 30_000;
const PORTS: u16 = 2_768;
/// What a dry run shows: it takes nothing, so it need not look for what is free.
const DRY_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const DRY_PORT: u16 = 32_769;

/// What is taken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    addresses: Mutex<HashSet<Ipv4Addr>>,
    ports: Mutex<HashSet<u16>>,
}

impl Taken {
    /// Takes up what a stored service has.
    pub(crate) fn take(&self, service: &Value) {
        let (addresses, ports) = of(service);
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).extend(addresses);
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).extend(ports);
    }

    /// Gives back what a service had.
    pub(crate) fn release(&self, service: &Value) {
        let (addresses, ports) = of(service);
        let mut taken = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.iter().for_each(|address| {
            taken.remove(address);
        });
        let mut taken = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.iter().for_each(|port| {
            taken.remove(port);
        });
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn address(&self, server: &Server) -> Ipv4Addr {
        let taken = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let start = u32::try_from(server.random(u64::from(COUNT))).unwrap_or(0);
        let mut all = (0..COUNT).map(|step| Ipv4Addr::from(FIRST + (start + step) % COUNT));
        all.find(|address| !taken.contains(address)).unwrap_or(Ipv4Addr::from(FIRST))
    }

    fn port(&self, server: &Server, also: &[u16]) -> u16 {
        let taken = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let start = u16::try_from(server.random(u64::from(PORTS))).unwrap_or(0);
        let mut all = (0..PORTS).map(|step| FIRST_PORT + (start + step) % PORTS);
        all.find(|port| !taken.contains(port) && !also.contains(port)).unwrap_or(FIRST_PORT)
    }
}

fn of(service: &Value) -> (Vec<Ipv4Addr>, Vec<u16>) {
    let spec = &service["spec"];
    let addresses = spec["clusterIPs"].as_array().into_iter().flatten();
    let addresses = addresses.filter_map(|address| address.as_str()?.parse().ok());
    let ports = spec["ports"].as_array().into_iter().flatten();
    let ports = ports.filter_map(|port| u16::try_from(port["nodePort"].as_u64()?).ok());
    (addresses.collect(), ports.collect())
}

fn kind(spec: &Value) -> &str {
    spec["type"].as_str().unwrap_or_default()
}

fn needs_address(spec: &Value) -> bool {
    kind(spec) != "ExternalName"
}

fn needs_ports(spec: &Value) -> bool {
    kind(spec) == "NodePort"
        || (kind(spec) == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false)
}

/// Whether a service has no address and no pods: it may be of families that the cluster has not.
fn is_free(spec: &Value) -> bool {
    let selects = spec["selector"].as_object().is_some_and(|selector| !selector.is_empty());
    text(spec, "clusterIP") == "None" && !selects
}

fn text<'v>(spec: &'v Value, name: &str) -> &'v str {
    spec[name].as_str().unwrap_or_default()
}

fn has_items(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty())
}

fn remove(spec: &mut Value, names: &[&str]) {
    if let Some(map) = spec.as_object_mut() {
        names.iter().for_each(|name| {
            map.remove(*name);
        });
    }
}

/// Makes one of the two forms of a new service's address.
pub(super) fn normalize(spec: &mut Value) {
    if !text(spec, "clusterIP").is_empty() && !has_items(&spec["clusterIPs"]) {
        spec["clusterIPs"] = json!([spec["clusterIP"]]);
    }
}

/// Keeps what was given to a service, and drops what its type no longer needs.
pub(super) fn carry_over(new: &mut Map<String, Value>, old: &Map<String, Value>) {
    let (Some(spec), Some(before)) = (new.get_mut("spec"), old.get("spec")) else { return };
    let same = spec["clusterIPs"] == before["clusterIPs"];
    let (now, was) = (text(spec, "clusterIP").to_owned(), text(before, "clusterIP").to_owned());
    if now.is_empty() && !was.is_empty() && same {
        remove(spec, &["clusterIPs"]);
    } else if now != was && (same || !has_items(&spec["clusterIPs"])) && !now.is_empty() {
        spec["clusterIPs"] = json!([now]);
    }
    if needs_address(before) && needs_address(spec) {
        if text(spec, "clusterIP").is_empty() && !was.is_empty() {
            spec["clusterIP"] = json!(was);
        }
        if !has_items(&spec["clusterIPs"])
            && spec["clusterIP"] == before["clusterIP"]
            && has_items(&before["clusterIPs"])
        {
            spec["clusterIPs"] = before["clusterIPs"].clone();
        }
        if spec["ipFamilyPolicy"].is_null() && !before["ipFamilyPolicy"].is_null() {
            spec["ipFamilyPolicy"] = before["ipFamilyPolicy"].clone();
        }
        // Families that the cluster has not are only told of to who names them.
        let refused = spec["ipFamilyPolicy"] == "RequireDualStack" && !is_free(spec);
        if spec["ipFamilies"].is_null() && !before["ipFamilies"].is_null() && !refused {
            spec["ipFamilies"] = before["ipFamilies"].clone();
        }
    }
    if needs_address(before) && !needs_address(spec) && (same || !has_items(&spec["clusterIPs"])) {
        remove(spec, &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]);
        if spec["internalTrafficPolicy"] == before["internalTrafficPolicy"] {
            remove(spec, &["internalTrafficPolicy"]);
        }
    }
    let known: Vec<Value> = before["ports"].as_array().cloned().unwrap_or_default();
    if needs_ports(before) && needs_ports(spec) {
        for port in super::pods::items(spec.get_mut("ports")) {
            let found = known
                .iter()
                .find(|known| known["protocol"] == port["protocol"] && known["port"] == port["port"]);
            if let (None, Some(found)) = (port["nodePort"].as_u64().filter(|port| *port > 0), found)
                && !found["nodePort"].is_null()
            {
                port["nodePort"] = found["nodePort"].clone();
            }
        }
    } else if !needs_ports(spec) {
        for port in super::pods::items(spec.get_mut("ports")) {
            let kept = known.iter().any(|known| known["nodePort"] == port["nodePort"]);
            if kept && let Some(port) = port.as_object_mut() {
                port.remove("nodePort");
            }
        }
    }
    if !matches!(kind(spec), "NodePort" | "LoadBalancer")
        && !has_items(&spec["externalIPs"])
        && spec["externalTrafficPolicy"] == before["externalTrafficPolicy"]
    {
        remove(spec, &["externalTrafficPolicy"]);
    }
    let checked = |spec: &Value| kind(spec) == "LoadBalancer" && spec["externalTrafficPolicy"] == "Local";
    if checked(before) && !checked(spec) && spec["healthCheckNodePort"] == before["healthCheckNodePort"] {
        remove(spec, &["healthCheckNodePort"]);
    }
    if kind(spec) != "LoadBalancer" {
        for name in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if spec[name] == before[name] {
                remove(spec, &[name]);
            }
        }
    }
}

/// Gives a service its addresses and ports.
pub(super) fn allocate(
    server: &Server,
    service: &mut Value,
    old: Option<&Value>,
    dry_run: bool,
) -> Answer<()> {
    let taken = &server.taken;
    let name = service["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let spec = &mut service["spec"];
    let before = old.map(of).unwrap_or_default();
    if needs_address(spec) {
        if text(spec, "clusterIP").is_empty() {
            let address = if dry_run { DRY_ADDRESS } else { taken.address(server) }.to_string();
            spec["clusterIP"] = json!(address);
            spec["clusterIPs"] = json!([address]);
        } else if let Ok(address) = text(spec, "clusterIP").parse::<Ipv4Addr>() {
            let is_taken = taken.addresses.lock().unwrap_or_else(PoisonError::into_inner).contains(&address);
            let is_ours = (FIRST..FIRST + COUNT).contains(&u32::from(address));
            if (is_taken || !is_ours) && !before.0.contains(&address) {
                let why = if is_ours {
                    format!("failed to allocate IP {address}: provided IP is already allocated")
                } else {
                    format!(
                        "failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. The range of valid IPs is {RANGE}"
                    )
                };
                let cause = Cause::invalid("spec.clusterIPs", &spec["clusterIPs"], &why);
                return Err(Refusal::invalid("", "Service", &name, &[cause]));
            }
        }
        if let Some(position) = spec["clusterIPs"].as_array().and_then(|list| {
            list.iter().position(|one| one.as_str().is_some_and(|one| one.parse::<Ipv6Addr>().is_ok()))
        }) {
            let (field, given) = (format!("spec.clusterIPs[{position}]"), &spec["clusterIPs"][position]);
            let cause = Cause::invalid(field, given, "IPv6 is not configured on this cluster");
            return Err(Refusal::invalid("", "Service", &name, &[cause]));
        }
        let free = is_free(spec);
        if !free {
            let mut causes = Vec::new();
            if spec["ipFamilyPolicy"] == "RequireDualStack" {
                let why = "this cluster is not configured for dual-stack services";
                causes.push(Cause::invalid("spec.ipFamilyPolicy", &spec["ipFamilyPolicy"], why));
            }
            for (position, family) in spec["ipFamilies"].as_array().into_iter().flatten().enumerate() {
                if family == "IPv6" {
                    let field = format!("spec.ipFamilies[{position}]");
                    causes.push(Cause::invalid(field, family, "not configured on this cluster"));
                }
            }
            let several = spec["ipFamilies"].as_array().is_some_and(|families| families.len() > 1);
            if several && matches!(text(spec, "ipFamilyPolicy"), "" | "SingleStack") {
                let why =
                    "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified";
                causes = vec![Cause::invalid("spec.ipFamilyPolicy", &json!("SingleStack"), why)];
            }
            if !causes.is_empty() {
                return Err(Refusal::invalid("", "Service", &name, &causes));
            }
        }
        if spec["ipFamilyPolicy"].is_null() {
            spec["ipFamilyPolicy"] = json!(if free { "RequireDualStack" } else { "SingleStack" });
        }
        let both = free && spec["ipFamilyPolicy"] != "SingleStack";
        let is_six = spec["ipFamilies"][0] == "IPv6";
        if both {
            spec["ipFamilies"] = if is_six { json!(["IPv6", "IPv4"]) } else { json!(["IPv4", "IPv6"]) };
        } else if !has_items(&spec["ipFamilies"]) {
            spec["ipFamilies"] = json!(["IPv4"]);
        }
    }
    let mut used: Vec<u16> = Vec::new();
    let next = |used: &[u16]| match used.iter().max() {
        _ if !dry_run => taken.port(server, used),
        Some(last) => last.saturating_add(1),
        None => DRY_PORT,
    };
    if needs_ports(spec) {
        let mut by_port: Vec<(Value, u16, Value)> = Vec::new();
        for port in super::pods::items(spec.get_mut("ports")) {
            let given =
                port["nodePort"].as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
            let chosen = match given {
                Some(given) => {
                    let ours = FIRST_PORT..FIRST_PORT + PORTS;
                    if !dry_run && !ours.contains(&given) {
                        let why = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                        let field = format!("spec.ports[{}].nodePort", by_port.len());
                        let cause = Cause::invalid(field, &json!(given), why);
                        return Err(Refusal::invalid("", "Service", &name, &[cause]));
                    }
                    let is_taken =
                        taken.ports.lock().unwrap_or_else(PoisonError::into_inner).contains(&given);
                    if is_taken && !before.1.contains(&given) {
                        let why = "provided port is already allocated";
                        let position = by_port.len();
                        let cause =
                            Cause::invalid(format!("spec.ports[{position}].nodePort"), &json!(given), why);
                        return Err(Refusal::invalid("", "Service", &name, &[cause]));
                    }
                    given
                }
                // One port over two protocols is one port of the node, if the service begins so.
                None => match by_port.iter().find(|(of, _, protocol)| {
                    old.is_none() && *of == port["port"] && *protocol != port["protocol"]
                }) {
                    Some((_, chosen, _)) => *chosen,
                    None => next(&used),
                },
            };
            // What it has already is not asked for again.
            if !dry_run || !before.1.contains(&chosen) {
                used.push(chosen);
            }
            by_port.push((port["port"].clone(), chosen, port["protocol"].clone()));
            port["nodePort"] = json!(chosen);
        }
    }
    if kind(spec) == "LoadBalancer"
        && spec["externalTrafficPolicy"] == "Local"
        && spec["healthCheckNodePort"].as_u64().unwrap_or(0) == 0
    {
        spec["healthCheckNodePort"] = json!(next(&used));
    }
    if !dry_run {
        if let Some(old) = old {
            taken.release(old);
        }
        taken.take(service);
    }
    Ok(())
}
