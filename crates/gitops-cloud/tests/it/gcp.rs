//! GCP KMS, and the tokens of Google. What a service account says of itself is verified with its public key.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gitops_cloud::{GcpCredentials, GcpKms};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::server::{Answer, Server, http};
use crate::{PLAIN, PLAIN_BASE64};

const KEY: &str = "projects/fleet/locations/global/keyRings/sops/cryptoKeys/prod";

fn answer() -> Answer {
    Answer::ok(json!({ "plaintext": PLAIN_BASE64, "plaintextCrc32c": "123", "protectionLevel": "SOFTWARE" }))
}

fn pem(pair: &KeyPair) -> String {
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let text = BASE64_STANDARD.encode(der.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

#[tokio::test]
async fn a_data_key_is_opened_with_a_token_for_a_signed_statement() {
    let token = json!({ "access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer" });
    let (login, kms) = (Server::start([Answer::ok(token)]).await, Server::start([answer()]).await);
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let token_uri = format!("{}token", login.address);
    let file = json!({
        "type": "service_account", "client_email": "sops@fleet.iam.gserviceaccount.com", "private_key_id": "kid1",
        "private_key": pem(&pair), "token_uri": token_uri,
    });
    let credentials = GcpCredentials::from_json(&file.to_string()).unwrap();
    let client = GcpKms::new(http(), credentials).endpoint(&kms.address).unwrap();
    for _ in 0..2 {
        assert_eq!(client.decrypt(KEY, "CiQAcipher==").await.unwrap().expose_secret(), PLAIN);
    }

    let [asked] = &login.asked()[..] else { panic!("a token was obtained more than once") };
    let form = asked.form();
    assert_eq!(asked.line, "POST /token");
    assert_eq!(form[0], ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()));
    assert_eq!(form[1].0, "assertion");
    let parts: Vec<&str> = form[1].1.split('.').collect();
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let read = |part: &str| -> Value { serde_json::from_slice(&decode(part)).unwrap() };
    assert_eq!(read(parts[0]), json!({ "alg": "RS256", "typ": "JWT", "kid": "kid1" }));
    let claims = read(parts[1]);
    assert_eq!(claims["iss"], "sops@fleet.iam.gserviceaccount.com");
    assert_eq!(claims["aud"], token_uri);
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/cloud-platform");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &decode(parts[2])).unwrap();

    let asked = &kms.asked()[0];
    assert_eq!(asked.line, format!("POST /v1/{KEY}:decrypt"));
    assert_eq!(asked.header("authorization"), "Bearer ya29.token");
    assert_eq!(asked.json(), json!({ "ciphertext": "CiQAcipher==" }));
}

#[tokio::test]
async fn a_login_of_a_person_is_refreshed() {
    let token = json!({ "access_token": "ya29.person", "expires_in": "3599" });
    let (login, kms) = (Server::start([Answer::ok(token)]).await, Server::start([answer()]).await);
    let file = json!({
        "type": "authorized_user", "client_id": "id", "client_secret": "cs", "refresh_token": "1//rt",
        "token_uri": login.address,
    });
    let credentials = GcpCredentials::from_json(&file.to_string()).unwrap();
    let client = GcpKms::new(http(), credentials).endpoint(&kms.address).unwrap();
    client.decrypt(KEY, "CiQAcipher==").await.unwrap();
    let want = [
        ("grant_type", "refresh_token"),
        ("client_id", "id"),
        ("client_secret", "cs"),
        ("refresh_token", "1//rt"),
    ];
    assert_eq!(login.asked()[0].form(), want.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(kms.asked()[0].header("authorization"), "Bearer ya29.person");
}

#[tokio::test]
async fn a_given_token_is_used_as_it_is() {
    let kms = Server::start([answer()]).await;
    let client = GcpKms::new(http(), GcpCredentials::Token(SecretString::from("given")))
        .endpoint(&kms.address)
        .unwrap();
    client.decrypt(KEY, "CiQAcipher==").await.unwrap();
    assert_eq!(kms.asked()[0].header("authorization"), "Bearer given");
}

#[test]
fn credentials_that_cannot_be_used_are_named_without_a_value() {
    let check = |text: &str, want: &str| {
        let error = GcpCredentials::from_json(text).unwrap_err().to_string();
        assert!(error.contains(want) && !error.contains("canary"), "{error}");
    };
    check("canary", "not JSON");
    check(r#"{"client_email": "canary"}"#, "the field type is missing");
    check(r#"{"type": "service_account", "private_key": "canary"}"#, "the field client_email is missing");
    check(r#"{"type": "external_account"}"#, "type external_account is not supported");
}

#[tokio::test]
async fn a_private_key_that_is_none_is_told_without_its_text() {
    let file = json!({ "type": "service_account", "client_email": "a", "private_key": "canary" });
    let credentials = GcpCredentials::from_json(&file.to_string()).unwrap();
    let error = GcpKms::new(http(), credentials).decrypt(KEY, "CiQA").await.unwrap_err().to_string();
    assert!(error.contains("the private key is no PEM") && !error.contains("canary"), "{error}");
}
