//! AWS KMS and STS. What is asked is held against the documented form of the calls, and its signature is made again from
//! what arrived.

use std::collections::BTreeMap;

use gitops_cloud::{AwsCredentials, AwsKey, AwsKms, CloudError};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::server::{Answer, Asked, Server, http};
use crate::{PLAIN, PLAIN_BASE64};

const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLE: &str = "arn:aws:iam::111122223333:role/sops";

/// In the form of the answer in the reference of STS.
const ASSUMED: &str = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>ARO123EXAMPLE123:sops</AssumedRoleId>
      <Arn>arn:aws:sts::111122223333:assumed-role/sops/sops</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <SessionToken>AQoDYXdzEPT//////////wEXAMPLE==</SessionToken>
      <Expiration>2099-07-15T23:28:33.359Z</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>"#;

fn answer() -> Answer {
    Answer::ok(json!({ "KeyId": ARN, "Plaintext": PLAIN_BASE64, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" }))
}

fn key() -> AwsKey {
    AwsKey { arn: ARN.to_owned(), encrypted: "AQICAHhExample==".to_owned(), ..AwsKey::default() }
}

/// Makes the signature again, as a service does: from the headers that it names.
fn check_signature(asked: &Asked, id: &str, secret: &str, region: &str, service: &str) {
    let authorization = asked.header("authorization");
    let part = |name: &str| {
        let at = authorization.find(name).unwrap() + name.len();
        authorization[at..].split(", ").next().unwrap().to_owned()
    };
    let (names, signature) = (part("SignedHeaders="), part("Signature="));
    let date = asked.header("x-amz-date");
    let scope = format!("{}/{region}/{service}/aws4_request", &date[..8]);
    assert_eq!(part("Credential="), format!("{id}/{scope}"));
    for needed in ["host", "x-amz-date"] {
        assert!(names.split(';').any(|name| name == needed), "{names}");
    }
    let lines: Vec<String> = names.split(';').map(|name| format!("{name}:{}", asked.header(name))).collect();
    let hash = |text: &str| hex(&Sha256::digest(text));
    let canonical = format!("POST\n/\n\n{}\n\n{names}\n{}", lines.join("\n"), hash(&asked.body));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hash(&canonical));
    let sign = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let day = sign(format!("AWS4{secret}").as_bytes(), &date[..8]);
    let key = sign(&sign(&sign(&day, region), service), "aws4_request");
    assert_eq!(signature, hex(&sign(&key, &text)));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_data_key_is_opened_with_its_context() {
    let server = Server::start([answer()]).await;
    let kms = AwsKms::new(http(), AwsCredentials::new("AKIDEXAMPLE", "secret"))
        .endpoints(&server.address, &server.address)
        .unwrap();
    let context =
        BTreeMap::from([("app".to_owned(), "web".to_owned()), ("env".to_owned(), "prod".to_owned())]);
    let plain = kms.decrypt(&AwsKey { context: context.clone(), ..key() }).await.unwrap();
    assert_eq!(plain.expose_secret(), PLAIN);

    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST /");
    assert_eq!(asked.header("x-amz-target"), "TrentService.Decrypt");
    assert_eq!(asked.header("content-type"), "application/x-amz-json-1.1");
    let want = json!({ "CiphertextBlob": "AQICAHhExample==", "KeyId": ARN, "EncryptionContext": context });
    assert_eq!(asked.json(), want);
    check_signature(asked, "AKIDEXAMPLE", "secret", "eu-west-1", "kms");
}

#[tokio::test]
async fn the_token_of_a_session_is_signed_too() {
    let server = Server::start([answer()]).await;
    let credentials = AwsCredentials::from_value(&json!({
        "aws_access_key_id": "AKID", "aws_secret_access_key": "s", "aws_session_token": "token"
    }));
    let kms = AwsKms::new(http(), credentials.unwrap()).endpoints(&server.address, &server.address).unwrap();
    kms.decrypt(&key()).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.header("x-amz-security-token"), "token");
    assert!(asked.header("authorization").contains("x-amz-security-token"));
    check_signature(asked, "AKID", "s", "eu-west-1", "kms");
}

#[tokio::test]
async fn a_role_is_taken_on_once_and_asked_with() {
    let (kms_server, sts_server) =
        (Server::start([answer()]).await, Server::start([Answer::ok(ASSUMED)]).await);
    let kms = AwsKms::new(http(), AwsCredentials::new("AKIDEXAMPLE", "secret"))
        .endpoints(&kms_server.address, &sts_server.address)
        .unwrap();
    let key = AwsKey { role: ROLE.to_owned(), ..key() };
    kms.decrypt(&key).await.unwrap();
    kms.decrypt(&key).await.unwrap();

    let [assumed] = &sts_server.asked()[..] else { panic!("the role was taken on more than once") };
    let form = assumed.form();
    let form: BTreeMap<&str, &str> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(form["Action"], "AssumeRole");
    assert_eq!(form["Version"], "2011-06-15");
    assert_eq!(form["RoleArn"], ROLE);
    assert!(form["RoleSessionName"].starts_with("sops@"));
    check_signature(assumed, "AKIDEXAMPLE", "secret", "eu-west-1", "sts");
    for asked in kms_server.asked() {
        assert_eq!(asked.header("x-amz-security-token"), "AQoDYXdzEPT//////////wEXAMPLE==");
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY";
        check_signature(&asked, "ASIAIOSFODNN7EXAMPLE", secret, "eu-west-1", "kms");
    }
}

#[tokio::test]
async fn a_role_that_is_refused_is_told_as_such() {
    let refused =
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code></Error></ErrorResponse>";
    let server = Server::start([Answer::Text(403, refused.to_owned())]).await;
    let kms = AwsKms::new(http(), AwsCredentials::new("AKID", "secret"))
        .endpoints(&server.address, &server.address)
        .unwrap();
    let error = kms.decrypt(&AwsKey { role: ROLE.to_owned(), ..key() }).await.unwrap_err();
    assert_eq!(error.to_string(), "AWS STS refused with status 403: AccessDenied");
}

#[test]
fn credentials_that_lack_a_field_are_named() {
    let error = AwsCredentials::from_value(&json!({ "aws_access_key_id": "a" })).unwrap_err();
    assert!(matches!(&error, CloudError::Credentials { .. }));
    assert!(error.to_string().contains("aws_secret_access_key"), "{error}");
}
