//! The rules of addresses, and of how a pod finds others.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use super::super::super::names;
use super::super::fields::{each, has, items, looks, text};
use crate::wire::status::Cause;

pub(in super::super) const BAD_ADDRESS: &str =
    "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
pub(in super::super) const BAD_RANGE: &str =
    "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// Reads an address, also one whose parts begin with zeros.
pub(in super::super) fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let parts: Vec<&str> = text.split('.').collect();
    let number = |part: &&str| {
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u8>().ok()).flatten()
    };
    let numbers: Vec<u8> = parts.iter().map(number).collect::<Option<_>>()?;
    let four: [u8; 4] = numbers.try_into().ok()?;
    Some(IpAddr::V4(Ipv4Addr::from(four)))
}

/// Reads a range: where it begins, and how many bits of that are fixed.
pub(in super::super) fn range(text: &str) -> Option<(IpAddr, u8)> {
    let (start, length) = text.split_once('/')?;
    let (start, length) = (address(start)?, length.parse::<u8>().ok()?);
    let most = if start.is_ipv4() { 32 } else { 128 };
    (length <= most).then_some((start, length))
}

/// Checks an address that others reach.
pub(in super::super) fn external_address(given: &Value, field: &str, causes: &mut Vec<Cause>) {
    let text = given.as_str().unwrap_or_default();
    let Some(parsed) = address(text) else {
        return causes.push(Cause::invalid(field, given, BAD_ADDRESS));
    };
    let (local, local_group) = match parsed {
        IpAddr::V4(four) => (four.is_link_local(), four.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(six) => (six.is_unicast_link_local(), six.segments()[0] & 0xff0f == 0xff02),
    };
    let whole = [
        (parsed.is_unspecified(), format!("may not be unspecified ({text})")),
        (parsed.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()),
        (local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()),
        (local_group, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned()),
    ];
    for (_, why) in whole.iter().filter(|(holds, _)| *holds) {
        causes.push(Cause::invalid(field, given, why));
    }
}

/// Checks how a pod resolves names.
pub(super) fn resolver(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    const MAX_SERVERS: usize = 3;
    const MAX_SEARCHES: usize = 32;
    const MAX_LETTERS: usize = 2048;
    let config = &spec["dnsConfig"];
    if spec["dnsPolicy"] == "None" {
        if config.is_null() {
            let why = "must provide `dnsConfig` when `dnsPolicy` is None";
            return causes.push(Cause::required(path, why));
        }
        if items(&config["nameservers"]).next().is_none() {
            let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return causes.push(Cause::required(format!("{path}.nameservers"), why));
        }
    }
    let (servers, searches) = (format!("{path}.nameservers"), format!("{path}.searches"));
    if items(&config["nameservers"]).count() > MAX_SERVERS {
        let why = format!("must not have more than {MAX_SERVERS} nameservers");
        causes.push(Cause::invalid(servers.clone(), &config["nameservers"], &why));
    }
    for (at, server) in each(&config["nameservers"], &servers) {
        if address(server.as_str().unwrap_or_default()).is_none() {
            causes.push(Cause::invalid(at, server, BAD_ADDRESS));
        }
    }
    let given: Vec<&str> = items(&config["searches"]).filter_map(Value::as_str).collect();
    if given.len() > MAX_SEARCHES {
        let why = format!("must not have more than {MAX_SEARCHES} search paths");
        causes.push(Cause::invalid(searches.clone(), &config["searches"], &why));
    }
    if given.join(" ").len() > MAX_LETTERS {
        let why =
            format!("must not have more than {MAX_LETTERS} characters (including spaces) in the search list");
        causes.push(Cause::invalid(searches.clone(), &config["searches"], &why));
    }
    for (position, search) in given.iter().enumerate().filter(|(_, search)| **search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        looks(&json!(search), &format!("{searches}[{position}]"), names::subdomain_with_underscores, causes);
    }
    for (at, option) in each(&config["options"], &format!("{path}.options")) {
        if text(option, "name").is_empty() {
            causes.push(Cause::required(at, "must not be empty"));
        }
    }
}

/// Checks names that a pod gives to addresses.
pub(super) fn aliases(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (at, alias) in each(list, path) {
        let given = text(alias, "ip");
        if address(given).is_none() {
            causes.push(Cause::invalid(format!("{at}.ip"), &json!(given), BAD_ADDRESS));
        }
        for (at, name) in each(&alias["hostnames"], &format!("{at}.hostnames")) {
            looks(name, &at, names::subdomain, causes);
        }
    }
}

/// Checks a name that a pod has in place of its own.
pub(super) fn host_name(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    const LIMIT: usize = 64;
    let field = format!("{path}.hostnameOverride");
    if !has(spec, "hostnameOverride") {
        return;
    }
    for (name, what) in
        [("setHostnameAsFQDN", "setHostnameAsFQDN is true"), ("hostNetwork", "hostNetwork is true")]
    {
        if spec[name] == true {
            causes.push(Cause::forbidden(field.clone(), &format!("may not be specified when {what}")));
        }
    }
    if text(spec, "hostnameOverride").len() > LIMIT {
        causes.push(Cause::too_long(field.clone(), LIMIT));
    }
    looks(&spec["hostnameOverride"], &field, names::subdomain, causes);
}
