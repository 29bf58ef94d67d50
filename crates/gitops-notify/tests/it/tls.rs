//! Certificates of providers.

use std::sync::Arc;

use gitops_notify::provider::{AddressPolicy, Clients, Credentials, Settings, provider};
use gitops_notify::{NotifyError, SecretData};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::setup::{event, provider_of};

struct Pair {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn signed(by: &CertifiedIssuer<'static, KeyPair>) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Pair { certificate: params.signed_by(&key, by).unwrap(), key }
}

/// Starts a server of TLS that asks for a client's certificate of the same authority; returns its port.
async fn server(authority: &CertifiedIssuer<'static, KeyPair>) -> u16 {
    let pair = signed(authority);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(authority.der().to_vec())).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from(pair.certificate.der().to_vec())],
            PrivateKeyDer::try_from(pair.key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

async fn send(port: u16, data: Vec<(&str, String)>) -> Result<(), NotifyError> {
    let spec = serde_json::json!({
        "type": "generic", "address": format!("https://localhost:{port}/"), "certSecretRef": {"name": "certs"},
    });
    let credentials = Credentials::default().certificates(SecretData::new(data));
    let settings = Settings::new(&provider_of("p", spec).spec, &credentials, &Default::default())?;
    let wire = Clients::new(AddressPolicy::Any).wire(&settings)?;
    provider(&settings)?.deliver(&event("app", "m"), &wire).await
}

#[tokio::test]
async fn the_secrets_authority_is_trusted_and_its_certificate_shown() {
    let (ours, foreign) = (authority(), authority());
    let port = server(&ours).await;
    let client = signed(&ours);
    let identity = || [("tls.crt", client.certificate.pem()), ("tls.key", client.key.serialize_pem())];
    let with = |ca: String| identity().into_iter().chain([("ca.crt", ca)]).collect::<Vec<_>>();

    send(port, with(ours.pem())).await.unwrap();
    let refused = send(port, with(foreign.pem())).await;
    assert!(matches!(refused, Err(NotifyError::Unreachable { .. })), "another authority: {refused:?}");
    let refused = send(port, identity().to_vec()).await;
    assert!(matches!(refused, Err(NotifyError::Unreachable { .. })), "the system's authorities: {refused:?}");
    let refused = send(port, vec![("ca.crt", ours.pem())]).await;
    assert!(matches!(refused, Err(NotifyError::Unreachable { .. })), "no certificate: {refused:?}");
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_named() {
    let pair = signed(&authority());
    let check = async |data: Vec<(&str, String)>, want: &str| {
        let error = send(1, data).await.unwrap_err();
        assert_eq!(error.to_string(), format!("invalid generic provider: the certificates' Secret {want}"));
    };
    let (certificate, key) = (pair.certificate.pem(), pair.key.serialize_pem());
    check(vec![("ca.crt", "aaaaa".to_owned())], "has no PEM certificate in 'ca.crt'").await;
    check(vec![("tls.crt", certificate.clone())], "has only one of 'tls.crt' and 'tls.key'").await;
    check(vec![], "has neither 'ca.crt' nor 'tls.crt' and 'tls.key'").await;
    let broken = vec![("tls.crt", certificate), ("tls.key", key[..40].to_owned())];
    check(broken, "has no PEM certificate and key in 'tls.crt' and 'tls.key'").await;
}
