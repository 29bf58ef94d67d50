//! Listeners on loopback.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
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
    // Dropping it ends the tasks.
    _stop: watch::Sender<()>,
}

impl Listener {
    pub(crate) async fn open(
        service: SandboxService,
        address: SocketAddr,
        security: Security,
        token: String,
    ) -> Result<Self, SandboxError> {
        let listener =
            TcpListener::bind(address).await.map_err(|source| SandboxError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| SandboxError::Listen { address, source })?;
        let (acceptor, ca) = match security {
            Security::Plain => (None, None),
            Security::Tls => {
                let (config, ca) = certificate(address)?;
                (Some(TlsAcceptor::from(Arc::new(config))), Some(ca))
            }
        };
        let (stop, stopped) = watch::channel(());
        tokio::spawn(serve(listener, service, acceptor, stopped));
        Ok(Self { address, ca, token, _stop: stop })
    }

    /// Returns the address, with the port that was chosen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
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

/// Makes a CA and a certificate for this address.
fn certificate(address: SocketAddr) -> Result<(rustls::ServerConfig, String), SandboxError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| SandboxError::Certificate { source };
    let ca_key = rcgen::KeyPair::generate().map_err(|error| failed(error.into()))?;
    let mut ca = rcgen::CertificateParams::new(Vec::new()).map_err(|error| failed(error.into()))?;
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.distinguished_name.push(rcgen::DnType::CommonName, "sandbox");
    let ca_certificate = ca.self_signed(&ca_key).map_err(|error| failed(error.into()))?;
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().map_err(|error| failed(error.into()))?;
    let names =
        vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), address.ip().to_string()];
    let leaf = rcgen::CertificateParams::new(names).map_err(|error| failed(error.into()))?;
    let leaf = leaf.signed_by(&key, &issuer).map_err(|error| failed(error.into()))?;
    let private = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.into()))?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .map_err(|error| failed(error.into()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, ca_certificate.pem()))
}
