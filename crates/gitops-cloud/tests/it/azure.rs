//! Azure Key Vault, and the tokens of Microsoft Entra ID.

use gitops_cloud::{AzureCredentials, AzureKeyVault};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::PLAIN;
use crate::server::{Answer, Server, http};

const VAULT: &str = "https://prod.vault.azure.net";

/// The data key, as Key Vault writes base64.
const ANSWER: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

fn answer() -> Answer {
    Answer::ok(json!({ "kid": "https://prod.vault.azure.net/keys/sops/1a2b", "value": ANSWER }))
}

#[tokio::test]
async fn a_data_key_is_opened_with_a_token_for_the_secret() {
    let login = json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": "eyJ0.token" });
    let (login, vault) = (Server::start([Answer::ok(login)]).await, Server::start([answer()]).await);
    let credentials = AzureCredentials::from_value(&json!({
        "tenantId": "tenant-1", "clientId": "client-1", "clientSecret": "p&ss", "authorityHost": login.address
    }));
    let client = AzureKeyVault::new(http(), credentials.unwrap()).endpoint(&vault.address).unwrap();
    for _ in 0..2 {
        let plain = client.decrypt(VAULT, "sops", "1a2b", "Y2lwaGVy").await.unwrap();
        assert_eq!(plain.expose_secret(), PLAIN);
    }

    let [asked] = &login.asked()[..] else { panic!("a token was obtained more than once") };
    assert_eq!(asked.line, "POST /tenant-1/oauth2/v2.0/token");
    let want = [
        ("grant_type", "client_credentials"),
        ("client_id", "client-1"),
        ("client_secret", "p&ss"),
        ("scope", "https://vault.azure.net/.default"),
    ];
    assert_eq!(asked.form(), want.map(|(name, value)| (name.to_owned(), value.to_owned())));

    let asked = &vault.asked()[0];
    assert_eq!(asked.line, "POST /keys/sops/1a2b/decrypt?api-version=7.4");
    assert_eq!(asked.header("authorization"), "Bearer eyJ0.token");
    assert_eq!(asked.json(), json!({ "alg": "RSA-OAEP-256", "value": "Y2lwaGVy" }));
}

#[tokio::test]
async fn a_given_token_is_used_as_it_is() {
    let vault = Server::start([answer()]).await;
    let client = AzureKeyVault::new(http(), AzureCredentials::Token(SecretString::from("given")))
        .endpoint(&vault.address)
        .unwrap();
    client.decrypt(VAULT, "sops", "", "Y2lwaGVy").await.unwrap();
    assert_eq!(vault.asked()[0].line, "POST /keys/sops/decrypt?api-version=7.4");
    assert_eq!(vault.asked()[0].header("authorization"), "Bearer given");
}

#[tokio::test]
async fn a_token_goes_to_no_other_server() {
    let elsewhere = Server::start([answer()]).await;
    let client = AzureKeyVault::new(http(), AzureCredentials::Token(SecretString::from("given")));
    for address in [elsewhere.address.as_str(), "https://prod.vault.azure.net.evil.example"] {
        let error = client.decrypt(address, "sops", "1", "Y2lwaGVy").await.unwrap_err();
        assert!(error.to_string().contains("is not the address of a vault"), "{error}");
    }
    for (name, version) in [("../secrets/x", "1"), ("sops", "1?x=y"), ("", "1")] {
        let error = client.decrypt(VAULT, name, version, "Y2lwaGVy").await.unwrap_err();
        assert!(error.to_string().contains("is not the name and version of a key"), "{error}");
    }
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn the_forms_of_credentials_are_those_of_flux() {
    let check = |value: serde_json::Value, want: &str| {
        let got = match AzureCredentials::from_value(&value) {
            Ok(AzureCredentials::ClientSecret { tenant_id, client_id, authority, .. }) => {
                format!("{tenant_id} {client_id} {authority}")
            }
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        };
        assert!(got.contains(want), "{value}: {got}");
    };
    let public = "t c https://login.microsoftonline.com/";
    check(json!({ "tenantId": "t", "clientId": "c", "clientSecret": "s" }), public);
    check(json!({ "tenant": "t", "appId": "c", "password": "s" }), public);
    check(
        json!({ "tenantId": "t", "clientId": "c", "clientCertificate": "x" }),
        "clientCertificate is not supported",
    );
    check(json!({ "clientId": "c" }), "a managed identity (clientId alone) is not supported");
    check(json!({}), "tenantId, clientId and clientSecret are needed");
}
