//! An authority for tests, the certificates it gives to servers and clients, and a listener that speaks TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::TestkitError;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An authority of its own, which no system knows.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, both as PEM.
#[derive(Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Authority {
    pub(crate) fn generate() -> Result<Self, TestkitError> {
        let generate = || -> Result<_, Cause> {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, "test authority");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
        };
        Ok(Self { issuer: generate().map_err(failed("making an authority"))? })
    }

    /// Returns its certificate as PEM.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Returns a certificate for a server on loopback.
    pub(crate) fn server(&self) -> Result<Pair, TestkitError> {
        self.issue(ExtendedKeyUsagePurpose::ServerAuth).map_err(failed("making a server's certificate"))
    }

    /// Returns a certificate for a client.
    pub(crate) fn client(&self) -> Result<Pair, TestkitError> {
        self.issue(ExtendedKeyUsagePurpose::ClientAuth).map_err(failed("making a client's certificate"))
    }

    fn issue(&self, purpose: ExtendedKeyUsagePurpose) -> Result<Pair, Cause> {
        let key = KeyPair::generate()?;
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(names)?;
        params.extended_key_usages = vec![purpose];
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Returns a listener that shows a certificate of this authority, and wants one of its clients' when told so.
    pub(crate) fn listener(&self, tcp: TcpListener, wants_client: bool) -> Result<TlsListener, TestkitError> {
        let config = self.server_config(wants_client).map_err(failed("setting up a server's TLS"))?;
        Ok(TlsListener { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    fn server_config(&self, wants_client: bool) -> Result<ServerConfig, Cause> {
        let key = KeyPair::generate()?;
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = if wants_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(builder.with_single_cert(vec![certificate.der().clone()], key)?)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn failed(stage: &'static str) -> impl FnOnce(Cause) -> TestkitError {
    move |source| TestkitError::Certificate { stage, source }
}

pub(crate) struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = axum::serve::Listener::accept(&mut self.tcp).await;
            // A client that does not trust us ends the handshake; that is its test.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
