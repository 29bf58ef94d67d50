//! Listeners on loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::SandboxService;
use super::kubeconfig::kubeconfig;
use crate::error::SandboxError;

/// How a listener is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// TLS with a certificate of its own, for which the kubeconfig has the CA.
    Tls,
    /// Nothing; for players and probes on loopback.
    Plain,
}

/// An address on which the server listens; it stops when the value is dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    ca: Option<String>,
    token: String,
    accepting: JoinHandle<()>,
    // Dropping it ends the tasks.
    stop: watch::Sender<()>,
}

impl Listener {
    pub(crate) async fn open(
        service: SandboxService,
        address: SocketAddr,
        security: Security,
        authority: &Mutex<Option<Authority>>,
        token: String,
    ) -> Result<Self, SandboxError> {
        let listener =
            TcpListener::bind(address).await.map_err(|source| SandboxError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| SandboxError::Listen { address, source })?;
        let (acceptor, ca) = match security {
            Security::Plain => (None, None),
            Security::Tls => {
                let mut authority = authority.lock().unwrap_or_else(PoisonError::into_inner);
                let authority = match &mut *authority {
                    Some(made) => made,
                    none => none.insert(Authority::new()?),
                };
                (
                    Some(TlsAcceptor::from(Arc::new(authority.vouch_for(address)?))),
                    Some(authority.pem.clone()),
                )
            }
        };
        let (stop, stopped) = watch::channel(());
        let accepting = tokio::spawn(serve(listener, service, acceptor, stopped));
        Ok(Self { address, ca, token, accepting, stop })
    }

    /// Stops, breaks off what clients wait for, and waits until the address is free.
    pub async fn close(self) {
        drop(self.stop);
        // It can only have ended, or its runtime has.
        let _ = self.accepting.await;
    }

    /// Returns the address, with the port that was chosen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address as a URL; that of this machine where it listens on all addresses.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            });
        }
        format!("{scheme}://{address}")
    }

    /// Returns the certificate of the CA as PEM, if the listener speaks TLS. All listeners of a sandbox have the same.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// Returns the text of a kubeconfig for kubectl and every other client.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        kubeconfig(&self.url(), self.ca.as_deref(), &self.token)
    }
}

async fn serve(
    listener: TcpListener,
    service: SandboxService,
    acceptor: Option<TlsAcceptor>,
    mut stopped: watch::Receiver<()>,
) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            // The sender never sends: a change is its end.
            _ = stopped.changed() => return,
        };
        let Ok((stream, _)) = stream else { continue };
        let (service, acceptor, mut stopped) = (service.clone(), acceptor.clone(), stopped.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = connection(stream, service, acceptor) => {}
                _ = stopped.changed() => {}
            }
        });
    }
}

async fn connection(stream: TcpStream, service: SandboxService, acceptor: Option<TlsAcceptor>) {
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(service);
    let builder = auto::Builder::new(TokioExecutor::new());
    let served = match acceptor {
        None => builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await,
            Err(error) => return tracing::debug!(%error, "a client gave up the TLS handshake"),
        },
    };
    if let Err(error) = served {
        tracing::debug!(error = &*error, "a connection ended");
    }
}

/// A certificate authority. Each server has one, so that clients know it again on another listener.
pub(crate) struct Authority {
    pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Result<Self, SandboxError> {
        let key = rcgen::KeyPair::generate().map_err(failed)?;
        let mut ca = rcgen::CertificateParams::new(Vec::new()).map_err(failed)?;
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        ca.distinguished_name.push(rcgen::DnType::CommonName, "sandbox");
        let pem = ca.self_signed(&key).map_err(failed)?.pem();
        Ok(Self { pem, issuer: rcgen::Issuer::new(ca, key) })
    }

    /// Makes a certificate for this address.
    fn vouch_for(&self, address: SocketAddr) -> Result<rustls::ServerConfig, SandboxError> {
        let key = rcgen::KeyPair::generate().map_err(failed)?;
        let names =
            vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), address.ip().to_string()];
        let leaf = rcgen::CertificateParams::new(names).map_err(failed)?;
        let leaf = leaf.signed_by(&key, &self.issuer).map_err(failed)?;
        let private = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)
            .map_err(failed)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> SandboxError {
    SandboxError::Certificate { source: source.into() }
}
