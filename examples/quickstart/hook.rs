//! A forge that announces pushes, signed as GitHub signs them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::failure::Failure;

/// What the forge and the Receiver's Secret share.
pub(crate) const TOKEN: &str = "quickstart-hook-token";

/// Announces a push at a receiver's address, signed with `token`; returns the answer's status.
pub(crate) async fn announce(url: &str, token: &str) -> Result<u16, Failure> {
    let body = r#"{"ref":"refs/heads/main"}"#;
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes())?;
    mac.update(body.as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let request = reqwest::Client::new()
        .post(url)
        .header("Content-Type", "application/json")
        .header("X-GitHub-Event", "push")
        .header("X-Hub-Signature-256", format!("sha256={signature}"))
        .body(body);
    Ok(request.send().await?.status().as_u16())
}
