//! Signatures that the `openssl` command made.

use std::io::Write as _;
use std::process::{Command, Stdio};

use gitops_notify::receiver::ReceiveOptions;
use serde_json::json;

use crate::receive::{TOKEN, cluster, endpoint, path, receiver, send};

/// Returns what `openssl dgst -ALGORITHM -hmac TOKEN` says of a body; `None` without the command.
fn openssl(algorithm: &str, token: &str, body: &[u8]) -> Option<String> {
    let started = Command::new("openssl")
        .args(["dgst", &format!("-{algorithm}"), "-hmac", token, "-hex"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "openssl is missing and CI=true");
        println!("skipped signatures: there is no openssl command");
        return None;
    };
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.trim().rsplit(' ').next().unwrap().to_owned())
}

async fn status(kind: &str, options: ReceiveOptions, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    let cluster = cluster(Some(TOKEN.as_bytes()));
    let spec = json!({"type": kind, "events": if kind == "github" { vec!["push", "ping"] } else { vec![] }});
    let endpoint = endpoint(&receiver(spec), &cluster, options);
    let status = send(&endpoint, &path(), headers, body).await;
    assert_eq!(cluster.asked.lock().unwrap().len(), usize::from(status == 200), "{headers:?}");
    status
}

#[tokio::test]
async fn a_body_that_openssl_signed_is_taken_and_no_other() {
    let bodies: [&[u8]; 5] =
        [b"", b"{}", br#"{"ref":"refs/heads/main"}"#, b"\xff\xfe\x00 no text", &[b'x'; 100_000]];
    for body in bodies {
        for algorithm in ["sha256", "sha512", "sha1"] {
            let Some(digits) = openssl(algorithm, TOKEN, body) else { return };
            let foreign = openssl(algorithm, "other-token", body).unwrap();
            let strict = if algorithm == "sha1" { 400 } else { 200 };
            let check = async |signature: String, options: ReceiveOptions, want: u16| {
                let headers = [("X-Signature", signature.as_str())];
                assert_eq!(status("generic-hmac", options, &headers, body).await, want, "{signature}");
            };
            check(format!("{algorithm}={digits}"), ReceiveOptions::flux(), 200).await;
            check(format!("{algorithm}={digits}"), ReceiveOptions::default(), strict).await;
            check(format!("{algorithm}={}", digits.to_uppercase()), ReceiveOptions::flux(), 200).await;
            check(format!("{algorithm}={foreign}"), ReceiveOptions::flux(), 400).await;
        }
    }
}

#[tokio::test]
async fn what_is_almost_a_signature_is_refused() {
    let body = br#"{"ref":"refs/heads/main"}"#;
    let Some(digits) = openssl("sha256", TOKEN, body) else { return };
    let check = async |signature: &str| {
        let headers = [("X-Signature", signature)];
        assert_eq!(status("generic-hmac", ReceiveOptions::flux(), &headers, body).await, 400, "{signature}");
    };
    check("").await;
    check("sha256=").await;
    check("sha256").await;
    check(&digits).await;
    check(&format!("SHA256={digits}")).await;
    check(&format!("sha512={digits}")).await;
    check(&format!("sha1={digits}")).await;
    check(&format!("md5={digits}")).await;
    check(&format!("sha256= {digits}")).await;
    check(&format!("sha256={digits}00")).await;
    check(&format!("sha256=0x{digits}")).await;
    check(&format!("sha256={digits},sha256={digits}")).await;
    for length in 0..digits.len() {
        check(&format!("sha256={}", &digits[..length])).await;
    }
    for place in 0..digits.len() {
        let mut changed = digits.clone().into_bytes();
        changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
        check(&format!("sha256={}", String::from_utf8(changed).unwrap())).await;
    }
    let signature = format!("sha256={digits}");
    let twice = [("X-Signature", signature.as_str()), ("X-Signature", signature.as_str())];
    assert_eq!(status("generic-hmac", ReceiveOptions::flux(), &twice, body).await, 400, "given twice");
    let headers = [("X-Signature", signature.as_str())];
    assert_eq!(status("generic-hmac", ReceiveOptions::flux(), &headers, b"{}").await, 400, "another body");
}

#[tokio::test]
async fn github_proves_itself_with_the_stronger_signature() {
    let body = br#"{"ref":"refs/heads/main"}"#;
    let Some(strong) = openssl("sha256", TOKEN, body) else { return };
    let weak = openssl("sha1", TOKEN, body).unwrap();
    let (strong, weak) = (format!("sha256={strong}"), format!("sha1={weak}"));
    let check = async |headers: &[(&str, &str)], flux: u16, safe: u16| {
        assert_eq!(status("github", ReceiveOptions::flux(), headers, body).await, flux, "{headers:?}");
        assert_eq!(status("github", ReceiveOptions::default(), headers, body).await, safe, "{headers:?}");
    };
    let json_type = ("Content-Type", "application/json");
    let push = ("X-GitHub-Event", "Push");
    let (strong, weak) = (("X-Hub-Signature-256", strong.as_str()), ("X-Hub-Signature", weak.as_str()));
    check(&[json_type, push, strong], 200, 200).await;
    check(&[("Content-Type", "application/x-www-form-urlencoded"), push, strong], 200, 200).await;
    check(&[("Content-Type", "Application/JSON; charset=utf-8"), push, strong, weak], 200, 200).await;
    check(&[json_type, push, weak], 200, 400).await;
    check(&[json_type, push, ("X-Hub-Signature-256", "sha256=00"), weak], 400, 400).await;
    check(&[json_type, ("X-GitHub-Event", "release"), strong], 400, 400).await;
    check(&[json_type, strong], 400, 400).await;
    check(&[push, strong], 400, 400).await;
    check(&[("Content-Type", "text/plain"), push, strong], 400, 400).await;
    check(&[json_type, push], 400, 400).await;
}
