//! Words for failures of the network, as Go's standard library has them and Flux's users read them.

use std::error::Error;
use std::io;

use http::Method;
use url::Url;

use crate::connection::{ProxyOptions, host_and_port};

/// Returns the method as Go writes it in errors.
pub(crate) fn word(method: &Method) -> &'static str {
    match *method {
        Method::POST => "Post",
        Method::HEAD => "Head",
        _ => "Get",
    }
}

/// Returns why a request failed; the text may repeat what the other side sent.
pub(crate) fn reason(error: &reqwest::Error, url: &Url, proxy: Option<&ProxyOptions>) -> String {
    let proxy = proxy.map(ProxyOptions::host);
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

/// Returns whether a connection failed because one side does not trust the other's certificate.
pub(crate) fn is_about_certificates(error: &reqwest::Error) -> bool {
    use rustls::{AlertDescription as Alert, Error as Tls};
    chain(error).filter_map(|cause| cause.downcast_ref::<Tls>()).any(|tls| {
        matches!(
            tls,
            Tls::InvalidCertificate(_)
                | Tls::NoCertificatesPresented
                | Tls::AlertReceived(
                    Alert::CertificateRequired
                        | Alert::BadCertificate
                        | Alert::UnknownCA
                        | Alert::CertificateUnknown
                        | Alert::CertificateExpired
                        | Alert::CertificateRevoked
                        | Alert::UnsupportedCertificate
                        | Alert::AccessDenied
                )
        )
    })
}

/// Returns whether a connection failed because nobody is there, or somebody who does not know TLS.
pub(crate) fn is_without_tls(error: &reqwest::Error) -> bool {
    use io::ErrorKind as Kind;
    let tells = |cause: &(dyn Error + 'static)| {
        let garbage = matches!(cause.downcast_ref(), Some(rustls::Error::InvalidMessage(_)));
        let gone = cause.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                Kind::ConnectionRefused
                    | Kind::ConnectionReset
                    | Kind::ConnectionAborted
                    | Kind::BrokenPipe
                    | Kind::UnexpectedEof
                    | Kind::TimedOut
                    | Kind::HostUnreachable
                    | Kind::NetworkUnreachable
            )
        });
        garbage || gone
    };
    error.is_connect() && (error.is_timeout() || chain(error).any(tells))
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
