//! Words for failures of the network, as Go's standard library has them and Flux's users read them.

use std::error::Error;
use std::io;

use gix::error::Error as GixError;
use http::Method;
use url::Url;

use super::failure::RemoteFailure;
use super::remote::{GitRemote, host_and_port};

/// Returns the method as Go writes it in errors.
pub(super) fn word(method: &Method) -> &'static str {
    if method == Method::POST { "Post" } else { "Get" }
}

/// Returns what a failed request means.
pub(super) fn from_reqwest(
    error: &reqwest::Error,
    method: &Method,
    url: &Url,
    remote: &GitRemote,
) -> RemoteFailure {
    let method = word(method);
    if error.is_timeout() && !error.is_connect() {
        return RemoteFailure::Deadline { method, url: url.to_string() };
    }
    let reason = remote.scrub(&reason(error, url, remote));
    RemoteFailure::Network { method, url: url.to_string(), reason }
}

fn reason(error: &reqwest::Error, url: &Url, remote: &GitRemote) -> String {
    let proxy = remote.proxy.as_ref().map(super::remote::ProxyOptions::host);
    let (prefix, address) = match &proxy {
        Some(proxy) => ("proxyconnect tcp: ", proxy.clone()),
        None => ("", host_and_port(url)),
    };
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    for cause in chain(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return tls_words(tls);
        }
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && let Some(words) = io_words(io)
        {
            return if error.is_connect() {
                format!("{prefix}dial tcp {address}: {words}")
            } else {
                words.to_owned()
            };
        }
        if cause.to_string() == "dns error" {
            return format!("{prefix}dial tcp: lookup {host}: no such host");
        }
    }
    if error.is_timeout() {
        return format!("{prefix}dial tcp {address}: i/o timeout");
    }
    match chain(error).last() {
        Some(last) if last.to_string().contains("connection closed before message completed") => {
            "EOF".to_owned()
        }
        Some(last) => last.to_string(),
        None => "unknown error".to_owned(),
    }
}

fn io_words(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused",
        io::ErrorKind::ConnectionReset => "read: connection reset by peer",
        io::ErrorKind::BrokenPipe => "write: broken pipe",
        io::ErrorKind::HostUnreachable => "connect: no route to host",
        io::ErrorKind::NetworkUnreachable => "connect: network is unreachable",
        io::ErrorKind::UnexpectedEof => "unexpected EOF",
        _ => return None,
    })
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::CertificateError as Certificate;
    let certificate = match error {
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => {
            "certificate signed by unknown authority"
        }
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "certificate has expired or is not yet valid"
        }
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => "certificate is not valid for this name",
        rustls::Error::InvalidCertificate(other) => {
            return format!("tls: failed to verify certificate: {other}");
        }
        other => return format!("tls: {other}"),
    };
    format!("tls: failed to verify certificate: x509: {certificate}")
}

/// Returns the errors from the outermost to the innermost, also those that `io::Error` holds without naming
/// them as its source.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// Returns what a failure of the protocol means, when the network itself was fine.
pub(super) fn from_gix(error: &GixError, remote: &GitRemote) -> RemoteFailure {
    let texts: Vec<String> = error.iter_errors().map(ToString::to_string).collect();
    let reason = texts.last().cloned().unwrap_or_else(|| error.to_string());
    RemoteFailure::Protocol { reason: remote.scrub(&reason) }
}
