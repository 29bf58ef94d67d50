//! What the servers read at start: keys, certificates, tokens, the audit policy, kubeconfigs.

use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

use super::audit::AuditLevel;
use crate::TestkitError;

/// Somebody whom the API server knows by a token.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) token: String,
}

impl User {
    pub(crate) fn new(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Self { name: name.to_owned(), groups, token: token() }
    }
}

/// Returns 128 random bits: the server listens where every user of the machine can reach it.
fn token() -> String {
    let word = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}

/// The certificate authority of one control plane.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    pub(crate) pem: String,
    pub(crate) der: Vec<u8>,
}

/// Writes everything into `directory`, but for the kubeconfigs, which need the port.
pub(crate) fn write(directory: &Path, users: &[User], audit: AuditLevel) -> Result<Authority, TestkitError> {
    let authority = certificates(directory)?;
    let accounts = KeyPair::generate().map_err(certificate("a key for service accounts"))?;
    put(directory, "service-account.key", &accounts.serialize_pem())?;
    put(directory, "service-account.pub", &accounts.public_key_pem())?;
    put(directory, "tokens.csv", &tokens(users))?;
    put(directory, "audit-policy.yaml", &audit.policy())?;
    if audit != AuditLevel::None {
        put(directory, "audit.log", "")?;
    }
    Ok(authority)
}

fn certificates(directory: &Path) -> Result<Authority, TestkitError> {
    let stage = "the certificates of the API server";
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "gitops-testkit");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(certificate(stage))?;
    let root = CertifiedIssuer::self_signed(root, key).map_err(certificate(stage))?;

    let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
    let mut server = CertificateParams::new(names).map_err(certificate(stage))?;
    server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    let key = KeyPair::generate().map_err(certificate(stage))?;
    let server = server.signed_by(&key, &root).map_err(certificate(stage))?;

    put(directory, "ca.crt", &root.pem())?;
    put(directory, "server.crt", &server.pem())?;
    put(directory, "server.key", &key.serialize_pem())?;
    Ok(Authority { pem: root.pem(), der: root.der().to_vec() })
}

/// Prints users as `--token-auth-file` wants them: token, name, uid, and the groups in quotes.
fn tokens(users: &[User]) -> String {
    users.iter().fold(String::new(), |mut text, User { name, groups, token }| {
        let _ = writeln!(text, "{token},{name},{name},\"{}\"", groups.join(","));
        text
    })
}

/// Prints the kubeconfig of one user.
pub(crate) fn kubeconfig(port: u16, authority: &Authority, user: &User) -> String {
    let ca = base64::engine::general_purpose::STANDARD.encode(&authority.pem);
    let User { name, token, .. } = user;
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: testkit
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority-data: {ca}
users:
- name: {name}
  user:
    token: {token}
contexts:
- name: testkit
  context:
    cluster: testkit
    user: {name}
current-context: testkit
"
    )
}

/// Writes one file of the directory.
pub(crate) fn put(directory: &Path, name: &str, text: &str) -> Result<(), TestkitError> {
    std::fs::write(directory.join(name), text).map_err(TestkitError::io(format!("writing {name}")))
}

fn certificate(stage: &'static str) -> impl FnOnce(rcgen::Error) -> TestkitError {
    move |source| TestkitError::Certificate { stage, source: Box::new(source) }
}
