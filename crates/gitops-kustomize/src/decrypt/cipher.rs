//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use std::sync::LazyLock;

use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;
use secrecy::{ExposeSecret, SecretSlice};

use super::number;
use super::time::Time;
use super::tree::{Comment, Value};

/// As sops has it: greedy, and what follows the bracket does not matter.
static FORM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]").expect("the form is an expression")
});

/// Go's decoder does not look at the bits that are left over at the end.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Decrypts a value. An empty text stands for an empty text.
///
/// # Errors
/// When it has not the form, or another key or other additional data made it. The reason repeats nothing of the value.
pub(super) fn decrypt(text: &str, key: &SecretSlice<u8>, additional: &str) -> Result<Value, &'static str> {
    if text.is_empty() {
        return Ok(Value::Text(String::new()));
    }
    let form = FORM.captures(text).ok_or("it is not encrypted: it has not the form ENC[AES256_GCM,…]")?;
    let part = |at: usize, what: &'static str| {
        let text: String = form[at].chars().filter(|c| *c != '\r').collect();
        BASE64.decode(text).map_err(|_| what)
    };
    let mut data = part(1, "its data is not base64")?;
    let nonce = part(2, "its iv is not base64")?;
    data.extend(part(3, "its tag is not base64")?);
    let plain = open(key.expose_secret(), &nonce, &data, additional.as_bytes())?;
    value(plain, &form[4])
}

/// AES-256 in GCM, the nonce as long as the one given; sops writes 32 bytes.
fn open(key: &[u8], nonce: &[u8], data: &[u8], additional: &[u8]) -> Result<Vec<u8>, &'static str> {
    let payload = Payload { msg: data, aad: additional };
    let opened = match nonce.len() {
        12 => aes::<U12>(key)?.decrypt(Nonce::from_slice(nonce), payload),
        16 => aes::<U16>(key)?.decrypt(Nonce::from_slice(nonce), payload),
        32 => aes::<U32>(key)?.decrypt(Nonce::from_slice(nonce), payload),
        _ => return Err("its iv is not 12, 16 or 32 bytes long"),
    };
    opened.map_err(|_| "it was changed, moved, or encrypted with another key")
}

fn aes<N>(key: &[u8]) -> Result<AesGcm<Aes256, N>, &'static str>
where
    N: aes_gcm::aead::generic_array::ArrayLength<u8>,
{
    AesGcm::new_from_slice(key).map_err(|_| "the data key is not 32 bytes long")
}

/// Gives the bytes their type. The type is not authenticated.
fn value(plain: Vec<u8>, kind: &str) -> Result<Value, &'static str> {
    let text = match String::from_utf8(plain) {
        Ok(text) => text,
        Err(error) if kind == "str" => return Ok(Value::Bytes(error.into_bytes())),
        Err(_) => return Err("it is not UTF-8"),
    };
    match kind {
        "str" => Ok(Value::Text(text)),
        "int" => number::parse_int(&text).map(Value::Int).ok_or("it is no int, as its type says"),
        "float" => number::parse_float(&text).map(Value::Float).ok_or("it is no float, as its type says"),
        "bool" => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err("it is no bool, as its type says"),
        },
        "time" => Time::parse(&text).map(Value::Time).ok_or("it is no time, as its type says"),
        "comment" => Ok(Value::Comment(Comment { text, inline: false })),
        "bytes" => Err("its type bytes is one that sops itself cannot decrypt"),
        _ => Err("its type is not known"),
    }
}
