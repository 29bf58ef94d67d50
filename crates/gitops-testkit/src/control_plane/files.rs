//! What the servers read at start: keys, certificates, tokens, the audit policy.

use std::fmt::Write as _;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

use super::audit::AuditLevel;
use crate::TestkitError;
use crate::door::{Authority, User, put};

/// Writes everything into `directory`.
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

fn certificate(stage: &'static str) -> impl FnOnce(rcgen::Error) -> TestkitError {
    move |source| TestkitError::Certificate { stage, source: Box::new(source) }
}
