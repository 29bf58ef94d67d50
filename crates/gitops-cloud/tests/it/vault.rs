//! The transit engine of Vault and OpenBao.

use gitops_cloud::VaultTransit;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::server::{Answer, Server, http};
use crate::{PLAIN, PLAIN_BASE64};

fn answer() -> Answer {
    Answer::ok(
        json!({ "request_id": "r", "lease_id": "", "renewable": false, "data": { "plaintext": PLAIN_BASE64 } }),
    )
}

#[tokio::test]
async fn a_data_key_is_opened_with_a_token() {
    let server = Server::start([answer()]).await;
    let vault = VaultTransit::new(http(), "s.token").namespace("team");
    let plain = vault.decrypt(&server.address, "sops/transit", "prod", "vault:v1:abc==").await.unwrap();
    assert_eq!(plain.expose_secret(), PLAIN);
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST /v1/sops/transit/decrypt/prod");
    assert_eq!(asked.header("x-vault-token"), "s.token");
    assert_eq!(asked.header("x-vault-namespace"), "team");
    assert_eq!(asked.json(), json!({ "ciphertext": "vault:v1:abc==" }));
}

#[tokio::test]
async fn the_token_goes_to_servers_that_may_have_it() {
    let (server, other) = (Server::start([answer()]).await, Server::start([answer()]).await);
    let vault = VaultTransit::new(http(), "s.token").only_at([server.address.as_str()]).unwrap();
    vault.decrypt(&server.address, "sops", "prod", "vault:v1:abc==").await.unwrap();
    let error = vault.decrypt(&other.address, "sops", "prod", "vault:v1:abc==").await.unwrap_err();
    assert!(error.to_string().contains("is not among the servers that may have the token"), "{error}");
    assert!(other.asked().is_empty());
}
