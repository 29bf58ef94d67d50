//! The one provider of TLS.

/// Makes aws-lc-rs the process's TLS provider; does nothing when there is one already.
///
/// rustls refuses to choose among several, so every program and test that talks TLS says it once, before its first
/// client. Starting a control plane does it.
pub fn install_crypto() {
    // The only failure is that a provider is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

pub(crate) use install_crypto as install;
