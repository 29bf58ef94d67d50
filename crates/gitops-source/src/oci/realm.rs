//! Which token server may be asked: the registry names it, so it is judged before anything is sent there.

use url::{Host, Url};

use super::options::TokenServers;

/// Second-level names under which countries register domains.
const SHARED: &[&str] = &["ac", "co", "com", "edu", "gov", "net", "org"];

/// Returns the token server's address when it may be asked on behalf of a registry.
///
/// # Errors
/// Why not.
pub(super) fn judge(
    realm: &str,
    registry: &Url,
    with_credentials: bool,
    trusted: &TokenServers,
) -> Result<Url, &'static str> {
    let realm = Url::parse(realm).map_err(|_| "this is no address")?;
    match realm.scheme() {
        "https" => {}
        "http" if registry.scheme() == "http" => {}
        "http" => return Err("a registry with TLS has no token server without"),
        _ => return Err("this is neither http nor https"),
    }
    if !realm.username().is_empty() || realm.password().is_some() {
        return Err("the address holds credentials");
    }
    let (Some(host), Some(own)) = (realm.host(), registry.host()) else {
        return Err("the address has no host");
    };
    if host == own {
        return Ok(realm);
    }
    if is_internal(&host) {
        return Err("this is an address of this machine or of a private network");
    }
    if !with_credentials || domain(&host) == domain(&own) {
        return Ok(realm);
    }
    let trusts = match trusted {
        TokenServers::Any => true,
        TokenServers::SameDomain => false,
        TokenServers::SameDomainAnd(hosts) => {
            hosts.iter().any(|known| known.eq_ignore_ascii_case(&host.to_string()))
        }
    };
    if trusts { Ok(realm) } else { Err("credentials are not sent to another domain than the registry's") }
}

/// Returns whether a host is a number of this machine, a private network or a link.
pub(super) fn is_internal(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => {
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
        }
        Host::Ipv6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_internal(&Host::Ipv4(mapped)),
            None => {
                address.is_loopback()
                    || address.is_unspecified()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
            }
        },
    }
}

/// Returns the part of a host that one owner has: the last two labels, or three under `co.uk` and its like.
fn domain(host: &Host<&str>) -> String {
    let Host::Domain(name) = host else { return host.to_string() };
    let labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
    let shared = labels.len() > 2
        && labels.last().is_some_and(|last| last.len() == 2)
        && labels.get(labels.len() - 2).is_some_and(|second| SHARED.contains(second));
    labels[labels.len().saturating_sub(if shared { 3 } else { 2 })..].join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(realm: &str, registry: &str, with_credentials: bool, trusted: &TokenServers, want: bool) {
        let got = judge(realm, &Url::parse(registry).unwrap(), with_credentials, trusted);
        assert_eq!(got.is_ok(), want, "{realm} for {registry}: {got:?}");
    }

    #[test]
    fn credentials_stay_in_the_registrys_domain() {
        let own = TokenServers::SameDomain;
        check("https://auth.docker.io/token", "https://index.docker.io/", true, &own, true);
        check("https://gitlab.com/jwt/auth", "https://registry.gitlab.com/", true, &own, true);
        check("https://ghcr.io/token", "https://ghcr.io/", true, &own, true);
        check("https://gitlab.corp.co.uk/jwt", "https://registry.corp.co.uk/", true, &own, true);
        check("https://evil.co.uk/jwt", "https://registry.corp.co.uk/", true, &own, false);
        check("https://evil.example/token", "https://ghcr.io/", true, &own, false);
        check("https://ghcr.io.evil.example/token", "https://ghcr.io/", true, &own, false);
        check("https://evil.example/token", "https://ghcr.io/", false, &own, true);
        check("https://evil.example/token", "https://ghcr.io/", true, &TokenServers::Any, true);
        let named = TokenServers::SameDomainAnd(vec!["GHCR.io".to_owned()]);
        check("https://ghcr.io/token", "https://lscr.io/", true, &named, true);
        check("https://quay.io/token", "https://lscr.io/", true, &named, false);
    }

    #[test]
    fn transport_is_never_worse_than_the_registrys() {
        let any = TokenServers::Any;
        check("http://ghcr.io/token", "https://ghcr.io/", false, &any, false);
        check("http://registry.example/token", "http://registry.example/", true, &any, true);
        check("https://registry.example/token", "http://registry.example/", true, &any, true);
        check("ftp://ghcr.io/token", "https://ghcr.io/", false, &any, false);
        check("/token", "https://ghcr.io/", false, &any, false);
        check("", "https://ghcr.io/", false, &any, false);
        check("https://a:b@ghcr.io/token", "https://ghcr.io/", false, &any, false);
    }

    #[test]
    fn internal_addresses_are_the_registrys_own_or_refused() {
        let any = TokenServers::Any;
        for internal in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "localhost",
            "2130706433", // 127.0.0.1 as one number
        ] {
            check(&format!("https://{internal}/token"), "https://registry.example/", false, &any, false);
        }
        check("http://127.0.0.1:5001/token", "http://127.0.0.1:5000/", true, &TokenServers::SameDomain, true);
        check("http://127.0.0.1:5001/token", "http://localhost:5000/", true, &any, false);
        check("https://10.0.0.5/service/token", "https://10.0.0.5/", true, &TokenServers::SameDomain, true);
    }
}
