//! Any bytes as a file that SOPS has encrypted: without a key, and inside a file that a key opens and in which nothing is
//! encrypted, so that everything behind the key is reached too. What was printed as JSON must read back as it was.
//!
//! `cargo +nightly fuzz run sops`
#![no_main]

use std::io::Write as _;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use gitops_kustomize::decrypt::{Decryptor, Format, Keyring, Strictness};
use libfuzzer_sys::fuzz_target;

const FORMATS: [Format; 5] = [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary];

/// An identity, and a data key encrypted for it.
static KEY: LazyLock<(String, String)> = LazyLock::new(|| {
    use age::secrecy::ExposeSecret as _;
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public();
    let mut text = Vec::new();
    let armour =
        age::armor::ArmoredWriter::wrap_output(&mut text, age::armor::Format::AsciiArmor).expect("memory");
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as _)).expect("one recipient");
    let mut writer = encryptor.wrap_output(armour).expect("memory");
    writer.write_all(&[7; 32]).expect("memory");
    writer.finish().and_then(|armour| armour.finish()).expect("memory");
    (identity.to_string().expose_secret().to_owned(), String::from_utf8(text).expect("armour is ASCII"))
});

fn decrypt(decryptor: &Decryptor, content: &[u8], input: Format, output: Format) -> Option<Vec<u8>> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(decryptor.file(content, input, output)).poll(&mut context) {
        Poll::Ready(done) => done.ok().map(|plain| plain.to_vec()),
        Poll::Pending => unreachable!("local keys wait for nobody"),
    }
}

fn wrapped(format: Format, body: &[u8]) -> Vec<u8> {
    let nested = serde_json::json!({
        "age": [{ "recipient": "age1", "enc": KEY.1 }], "lastmodified": "2026-11-21T12:00:00Z", "mac": "",
        "encrypted_suffix": "_never", "version": "3.13.3"
    });
    let flat = |prefix: &str| {
        format!(
            "{prefix}age__list_0__map_enc={}\n{prefix}lastmodified=2026-11-21T12:00:00Z\n{prefix}mac=\n\
             {prefix}encrypted_suffix=_never\n{prefix}version=3.13.3\n",
            KEY.1.replace('\n', "\\n")
        )
    };
    let (before, after) = match format {
        Format::Yaml => (String::new(), format!("\nsops: {nested}\n")),
        Format::Dotenv => (String::new(), format!("\n{}", flat("sops_"))),
        Format::Ini => (String::new(), format!("\n[sops]\n{}", flat(""))),
        _ => (format!("{{\"sops\": {nested},"), "}".to_owned()),
    };
    [before.as_bytes(), body, after.as_bytes()].concat()
}

fuzz_target!(|bytes: &[u8]| {
    let _ = Format::of_content(bytes);
    let keyless = Decryptor::new(Keyring::new());
    let mut keys = Keyring::new();
    keys.import_age(&KEY.0).expect("the identity is one");
    let decryptor = Decryptor::new(keys).strictness(Strictness::Flux);
    for input in FORMATS {
        decrypt(&keyless, bytes, input, input);
        let content = wrapped(input, bytes);
        for output in FORMATS {
            let Some(printed) = decrypt(&decryptor, &content, input, output) else { continue };
            if output != Format::Json {
                continue;
            }
            let inner = printed.trim_ascii();
            let inner = inner[1..inner.len() - 1].trim_ascii();
            if !inner.is_empty() {
                let again = decrypt(&decryptor, &wrapped(Format::Json, inner), Format::Json, Format::Json);
                assert_eq!(again, Some(printed), "what was printed reads back");
            }
        }
    }
});
