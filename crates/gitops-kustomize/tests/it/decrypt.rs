//! Decryption beyond what the corpus judges: whole trees, strictness, bounds, what errors tell, and hostile bytes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};

use age::secrecy::ExposeSecret as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gitops_kustomize::decrypt::{
    DecryptError, DecryptLimits, Decryptor, Format, KeyFuture, KeyService, KeyServiceError, Keyring,
    MasterKey, Strictness,
};
use gitops_kustomize::{Kustomize, Overlay};
use gitops_manifest::{FileTree as _, Manifests, MemoryTree, Object};
use proptest::prelude::*;
use serde_json::json;

const DATA_KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("only key services make anybody wait"),
    }
}

/// An identity, and the data key encrypted for it.
fn identity() -> (String, String) {
    let identity = age::x25519::Identity::generate();
    let mut armoured = Vec::new();
    let writer =
        age::armor::ArmoredWriter::wrap_output(&mut armoured, age::armor::Format::AsciiArmor).unwrap();
    let recipient = identity.to_public();
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as _)).unwrap();
    let mut writer = encryptor.wrap_output(writer).unwrap();
    writer.write_all(&DATA_KEY).unwrap();
    writer.finish().unwrap().finish().unwrap();
    (identity.to_string().expose_secret().to_owned(), String::from_utf8(armoured).unwrap())
}

fn keyring(identity: &str) -> Keyring {
    let mut keys = Keyring::new();
    keys.import_age(identity).unwrap();
    keys
}

/// What SOPS writes beside a file in which nothing is encrypted.
fn metadata(encrypted_key: &str) -> serde_json::Value {
    json!({
        "age": [{ "recipient": "age1test", "enc": encrypted_key }], "lastmodified": "2026-11-21T12:00:00Z",
        "mac": "", "encrypted_suffix": "_never", "version": "3.13.3"
    })
}

/// A file in which nothing is encrypted, and which still has to be opened.
fn wrapped(format: Format, body: &str, encrypted_key: &str) -> String {
    let flat = |prefix: &str, sign: &str, line_break: &str| {
        let enc = encrypted_key.replace('\n', line_break);
        [
            ("age__list_0__map_recipient", "age1test"),
            ("age__list_0__map_enc", enc.as_str()),
            ("lastmodified", "2026-11-21T12:00:00Z"),
            ("mac", ""),
            ("encrypted_suffix", "_never"),
            ("version", "3.13.3"),
        ]
        .map(|(name, value)| format!("{prefix}{name}{sign}{value}\n"))
        .concat()
    };
    match format {
        Format::Yaml => format!("{body}\nsops: {}\n", metadata(encrypted_key)),
        Format::Dotenv => format!("{body}\n{}", flat("sops_", "=", "\\n")),
        Format::Ini => format!("{body}\n[sops]\n{}", flat("", " = ", "\\n")),
        _ => format!(
            "{{\"sops\": {}{}{body}}}",
            metadata(encrypted_key),
            if body.is_empty() { "" } else { "," }
        ),
    }
}

/// Encrypts one value as SOPS does.
fn sealed(value: &str, path: &str) -> String {
    use aes_gcm::aead::{Aead as _, KeyInit as _, Payload, consts::U32};
    type Aes = aes_gcm::AesGcm<aes_gcm::aes::Aes256, U32>;
    let nonce = [7_u8; 32];
    let payload = Payload { msg: value.as_bytes(), aad: path.as_bytes() };
    let sealed = Aes::new_from_slice(&DATA_KEY).unwrap();
    let mut data = sealed.encrypt(aes_gcm::Nonce::from_slice(&nonce), payload).unwrap();
    let tag = data.split_off(data.len() - 16);
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    format!("ENC[AES256_GCM,data:{},iv:{},tag:{},type:str]", text(&data), text(&nonce), text(&tag))
}

/// A YAML file with one encrypted value and no MAC.
fn encrypted_yaml(key: &str, value: &str, encrypted_key: &str) -> String {
    let mut metadata = metadata(encrypted_key);
    metadata.as_object_mut().unwrap().remove("encrypted_suffix");
    // The mark by which Flux knows YAML is the MAC in block style.
    let mac = sealed("", "2026-11-21T12:00:00Z");
    metadata["mac"] = json!(mac);
    let mut text = format!("{key}: {}\nsops:\n", sealed(value, &format!("{key}:")));
    for (name, value) in metadata.as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.push_str(&format!("    {name}: {value}\n"));
    }
    text.replace("lastmodified: 2026-11-21T12:00:00Z", "lastmodified: \"2026-11-21T12:00:00Z\"")
}

#[test]
fn a_tree_is_decrypted_through_resources_and_components() {
    let (identity, encrypted_key) = identity();
    let file = |value: &str| encrypted_yaml("a", value, &encrypted_key);
    let mut tree = MemoryTree::new();
    let mut put = |path: &str, text: String| tree.insert(path, text).unwrap();
    put(
        "app/kustomization.yaml",
        "resources: [../base]\ncomponents: [part]\nsecretGenerator: [{name: top, files: [x.yaml=top.enc]}]\n"
            .into(),
    );
    put("app/top.enc", file("from the top"));
    put("app/part/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nsecretGenerator: [{name: part, files: [part.yaml]}]\n".into());
    put("app/part/part.yaml", file("from a component"));
    put("base/kustomization.yaml", "secretGenerator: [{name: base, files: [base.yaml, plain.yaml]}]\nconfigMapGenerator: [{name: config, files: [config.yaml]}]\n".into());
    put("base/base.yaml", file("from the base"));
    put("base/plain.yaml", "never: encrypted\n".into());
    put("base/config.yaml", file("of a ConfigMap"));
    let kustomize = Kustomize::new("app").overlay(Overlay::default());
    let decryptor = Decryptor::new(keyring(&identity)).strictness(Strictness::Flux);
    let decrypted = ready(decryptor.sources(&tree, &kustomize)).unwrap();
    let read = |path: &str| String::from_utf8(decrypted.read(path).unwrap().to_vec()).unwrap();
    assert_eq!(read("app/top.enc"), "a: from the top\n");
    assert_eq!(read("app/part/part.yaml"), "a: from a component\n");
    assert_eq!(read("base/base.yaml"), "a: from the base\n");
    assert_eq!(read("base/plain.yaml"), "never: encrypted\n");
    // Flux decrypts what becomes a Secret, and nothing else.
    assert_eq!(read("base/config.yaml"), file("of a ConfigMap"));

    let built = kustomize.build(&decrypted).unwrap();
    let top = built.iter().find(|object| object.name().starts_with("top-")).unwrap();
    assert_eq!(top.value()["data"]["x.yaml"], BASE64_STANDARD.encode("a: from the top\n"));
}

#[test]
fn a_file_without_a_mac_is_refused_when_it_is_safe() {
    let (identity, encrypted_key) = identity();
    let file = encrypted_yaml("a", "value", &encrypted_key);
    let decrypt = |strictness: Strictness| {
        let decryptor = Decryptor::new(keyring(&identity)).strictness(strictness);
        ready(decryptor.file(file.as_bytes(), Format::Yaml, Format::Yaml))
    };
    assert_eq!(decrypt(Strictness::Flux).unwrap(), "a: value\n");
    assert!(matches!(decrypt(Strictness::Safe), Err(DecryptError::Mac(_))));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let mut limits = DecryptLimits::default();
    limits.file_bytes = 10;
    let decryptor = Decryptor::new(Keyring::new()).limits(limits);
    let error = ready(decryptor.file(b"0123456789a", Format::Yaml, Format::Yaml)).unwrap_err();
    assert!(matches!(error, DecryptError::Limit { limit: 10, .. }), "{error}");
}

#[test]
fn no_error_tells_a_value() {
    let (identity, encrypted_key) = identity();
    let decryptor = Decryptor::new(keyring(&identity));
    let plain = encrypted_yaml("a", "x", &encrypted_key);
    let files = [
        (Format::Yaml, plain.replace("a: ENC", "canary: s3cr3t-canary\na: ENC")),
        (Format::Yaml, plain.replace("a: ENC", "canary: ENC").replace("data:", "data:canary")),
        (Format::Yaml, "a: [canary\n".to_owned()),
        (Format::Yaml, "a: &canary 1\nb: *canary2\n".to_owned()),
        (Format::Json, "{\"a\": canary}".to_owned()),
        (Format::Json, "{\"a\": \"canary".to_owned()),
        (Format::Dotenv, "canary".to_owned()),
        (Format::Ini, "[a]\ncanary".to_owned()),
        (Format::Binary, wrapped(Format::Binary, "\"x\": \"canary\"", &encrypted_key)),
    ];
    for (format, file) in files {
        let error = ready(decryptor.file(file.as_bytes(), format, format)).unwrap_err();
        // The key's name may be told, the value may not.
        let told =
            format!("{error} {error:?}").replace("value of 'canary'", "").replace("path: \"canary\"", "");
        assert!(!told.contains("canary"), "{told}");
    }
}

#[test]
fn keys_that_cannot_be_read_are_named() {
    let (_, encrypted_key) = identity();
    let mut keys = Keyring::new();
    keys.import_age(
        "AGE-SECRET-KEY-PQ-1ULMXN05UWKK2NCHLC4AT52YSQ5WRNNWHUWHH9RJ62\nAGE-PLUGIN-YUBIKEY-1QQQ\n",
    )
    .unwrap();
    let file = wrapped(Format::Yaml, "a: b", &encrypted_key);
    let error = ready(Decryptor::new(keys).file(file.as_bytes(), Format::Yaml, Format::Yaml)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("a post-quantum age identity (AGE-SECRET-KEY-PQ-1…)"), "{text}");
    assert!(text.contains("an identity of an age plugin (AGE-PLUGIN-…)"), "{text}");
    assert!(text.contains("Group 0: FAILED\n  age1test: FAILED\n    - | "), "{text}");
}

#[test]
fn imports_name_the_line_and_nothing_of_it() {
    let check = |text: &str, want: &str| {
        assert_eq!(Keyring::new().import_age(text).unwrap_err().to_string(), want);
    };
    check("# fine\n\nAGE-SECRET-KEY-1CANARY", "line 3: a malformed age identity");
    check("canary", "line 1: not an age identity");
    assert_eq!(
        Keyring::new().import_pgp(b"canary").unwrap_err().to_string(),
        "not a PGP key, armoured or binary"
    );
    assert_eq!(Keyring::new().import_ssh("canary").unwrap_err().to_string(), "not an SSH private key");
}

/// A service that knows one key.
struct Service(Mutex<Vec<String>>);

impl KeyService for Service {
    fn decrypt<'a>(&'a self, key: &'a MasterKey) -> Option<KeyFuture<'a>> {
        let MasterKey::Vault { name, .. } = key else { return None };
        self.0.lock().unwrap().push(key.to_string());
        Some(Box::pin(async move {
            if name == "good" {
                Ok(DATA_KEY.to_vec().into())
            } else {
                Err(KeyServiceError::new("permission denied"))
            }
        }))
    }
}

#[test]
fn services_are_asked_for_keys_of_their_kind() {
    let vault = |name: &str| {
        json!({ "vault_address": "https://v/", "engine_path": "sops", "key_name": name,
                "created_at": "2026-11-21T12:00:00Z", "enc": "vault:v1:x" })
    };
    let gcp = json!({ "resource_id": "projects/p", "created_at": "2026-11-21T12:00:00Z", "enc": "x" });
    let file = |keys: &[serde_json::Value]| {
        let mut metadata = metadata("");
        metadata["age"] = json!([]);
        metadata["gcp_kms"] = json!([gcp]);
        metadata["hc_vault"] = json!(keys);
        json!({ "a": "b", "sops": metadata }).to_string()
    };
    let service = Arc::new(Service(Mutex::default()));
    let decryptor = Decryptor::new(Keyring::new().with_service(service.clone())).strictness(Strictness::Flux);
    let decrypt = |text: String| ready(decryptor.file(text.as_bytes(), Format::Json, Format::Yaml));
    assert_eq!(decrypt(file(&[vault("bad"), vault("good")])).unwrap(), "a: b\n");
    assert_eq!(*service.0.lock().unwrap(), ["https://v/v1/sops/keys/bad", "https://v/v1/sops/keys/good"]);
    let text = decrypt(file(&[vault("bad")])).unwrap_err().to_string();
    assert!(
        text.contains("projects/p: FAILED\n    - | no credentials for this kind of key were given"),
        "{text}"
    );
    assert!(text.contains("https://v/v1/sops/keys/bad: FAILED\n    - | permission denied"), "{text}");
}

#[test]
fn the_object_that_does_not_decrypt_is_named() {
    let (_, encrypted_key) = identity();
    let secret = |name: &str| {
        let mut metadata = metadata(&encrypted_key);
        metadata["mac"] = json!("ENC[x]");
        let value = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": "prod" }, "sops": metadata
        });
        Object::new(value).unwrap()
    };
    let error =
        ready(Decryptor::new(Keyring::new()).objects(Manifests::from(vec![secret("db")]))).unwrap_err();
    let want = "decryption failed for 'Secret.v1.[noGrp]/db': failed to decrypt and format 'prod/db' Secret data: \
                cannot get sops data key: ";
    assert!(error.to_string().starts_with(want), "{error}");
}

const FORMATS: [Format; 5] = [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary];

/// Reads a file in one format and prints it in every one.
fn prints(format: Format, file: &str, decryptor: &Decryptor) -> BTreeMap<String, Vec<u8>> {
    let print = |output: Format| {
        let printed = ready(decryptor.file(file.as_bytes(), format, output)).ok()?;
        Some((output.to_string(), printed.to_vec()))
    };
    FORMATS.into_iter().filter_map(print).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_end_with_content_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let decryptor = Decryptor::new(Keyring::new());
        for format in FORMATS {
            let _ = ready(decryptor.file(&bytes, format, format));
            let _ = format.marks(&bytes);
        }
        let _ = Format::of_content(&bytes);
    }

    /// What was printed as JSON or dotenv and is read again is the same.
    #[test]
    fn what_is_printed_reads_back(
        body in r#"[-a-c"'\[\]{}:,#&*!|>%@ \t\n\\0-9._=;~<]{0,60}"#,
        lines in prop::collection::vec(r#"(#.{0,8}|[a-z]{1,4}=[ -~]{0,12}|)"#, 0..6),
    ) {
        static KEY: LazyLock<(String, String)> = LazyLock::new(identity);
        let (identity, encrypted_key) = &*KEY;
        let decryptor = Decryptor::new(keyring(identity)).strictness(Strictness::Flux);
        for body in [body, lines.join("\n")] {
            for format in FORMATS {
                let printed = prints(format, &wrapped(format, &body, encrypted_key), &decryptor);
                for (format, name) in [(Format::Json, "JSON"), (Format::Dotenv, "dotenv")] {
                    let Some(first) = printed.get(name) else { continue };
                    let first = String::from_utf8(first.clone()).unwrap();
                    let inner = match format {
                        Format::Json => first.trim().trim_start_matches('{').strip_suffix('}').unwrap().trim().to_owned(),
                        _ => first.clone(),
                    };
                    let again = prints(format, &wrapped(format, &inner, encrypted_key), &decryptor);
                    prop_assert_eq!(again.get(name).map(|text| String::from_utf8_lossy(text).into_owned()), Some(first));
                }
            }
        }
    }
}
