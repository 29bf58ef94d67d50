//! IP addresses and networks.

use std::net::IpAddr;

use super::{Special, special};
use crate::cel::functions::Answer;
use crate::cel::meter::Fault;
use crate::cel::value::Value;

/// Reads an address; those of version 4 inside of version 6 and those with zones are none.
fn address(text: &str) -> Option<IpAddr> {
    match text.parse().ok()? {
        IpAddr::V6(inner) if inner.to_ipv4_mapped().is_some() => None,
        found => Some(found),
    }
}

fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (before, bits) = text.split_once('/')?;
    let found = address(before)?;
    let canonical = bits == "0" || !bits.starts_with(['0', '+']);
    let bits: u8 = bits.parse().ok()?;
    (canonical && bits <= width(found)).then_some((found, bits))
}

fn width(of: IpAddr) -> u8 {
    if of.is_ipv4() { 32 } else { 128 }
}

/// Clears the bits behind those that name the network.
fn masked(of: IpAddr, bits: u8) -> IpAddr {
    match of {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((u128::from(v6) & mask).into())
        }
    }
}

fn unread(what: &str, text: &str) -> Fault {
    Fault::text(format!("{what} Address {text:?} parse error during conversion from string"))
}

pub(super) fn function(name: &str, values: &[Value]) -> Answer {
    if let ("string", [Value::Special(of)]) = (name, values) {
        return Some(Ok(Value::text(of.to_string())));
    }
    let [Value::String(text)] = values else { return None };
    Some(match name {
        "ip" => address(text).map(|ip| special(Special::Ip(ip))).ok_or_else(|| unread("IP", text)),
        "isIP" => Ok(Value::Bool(address(text).is_some())),
        "ip.isCanonical" => {
            address(text).map(|ip| Value::Bool(ip.to_string() == **text)).ok_or_else(|| unread("IP", text))
        }
        "cidr" => network(text)
            .map(|(ip, bits)| special(Special::Cidr(ip, bits)))
            .ok_or_else(|| unread("network", text)),
        "isCIDR" => Ok(Value::Bool(network(text).is_some())),
        _ => return None,
    })
}

pub(super) fn method(name: &str, of: &Special, rest: &[Value]) -> Answer {
    Some(match (of, name, rest) {
        (Special::Ip(ip), _, []) => of_address(name, *ip)?,
        (Special::Cidr(ip, _), "ip", []) => Ok(special(Special::Ip(*ip))),
        (Special::Cidr(_, bits), "prefixLength", []) => Ok(Value::Int(i64::from(*bits))),
        (Special::Cidr(ip, bits), "masked", []) => Ok(special(Special::Cidr(masked(*ip, *bits), *bits))),
        (Special::Cidr(ip, bits), "containsIP", [other]) => match other {
            Value::String(text) => {
                address(text).map(|other| holds((*ip, *bits), other)).ok_or_else(|| unread("IP", text))
            }
            Value::Special(other) => match &**other {
                Special::Ip(other) => Ok(holds((*ip, *bits), *other)),
                _ => Err(Fault::overload()),
            },
            _ => Err(Fault::overload()),
        },
        (Special::Cidr(ip, bits), "containsCIDR", [other]) => match other {
            Value::String(text) => network(text)
                .map(|other| holds_network((*ip, *bits), other))
                .ok_or_else(|| unread("network", text)),
            Value::Special(other) => match &**other {
                Special::Cidr(other, its) => Ok(holds_network((*ip, *bits), (*other, *its))),
                _ => Err(Fault::overload()),
            },
            _ => Err(Fault::overload()),
        },
        _ => return None,
    })
}

fn holds((ip, bits): (IpAddr, u8), other: IpAddr) -> Value {
    Value::Bool(ip.is_ipv4() == other.is_ipv4() && masked(ip, bits) == masked(other, bits))
}

fn holds_network((ip, bits): (IpAddr, u8), (other, its): (IpAddr, u8)) -> Value {
    let inside = ip.is_ipv4() == other.is_ipv4() && its >= bits;
    Value::Bool(inside && masked(ip, bits) == masked(other, bits))
}

fn of_address(name: &str, ip: IpAddr) -> Answer {
    let link_local_multicast = match ip {
        IpAddr::V4(v4) => v4.octets()[..3] == [224, 0, 0],
        IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
    };
    let link_local = match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    };
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    let yes = match name {
        "family" => return Some(Ok(Value::Int(if ip.is_ipv4() { 4 } else { 6 }))),
        "isUnspecified" => ip.is_unspecified(),
        "isLoopback" => ip.is_loopback(),
        "isLinkLocalMulticast" => link_local_multicast,
        "isLinkLocalUnicast" => link_local,
        "isGlobalUnicast" => {
            !(ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || link_local || broadcast)
        }
        _ => return None,
    };
    Some(Ok(Value::Bool(yes)))
}
