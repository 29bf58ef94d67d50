//! PGP private keys, and what they open.

use std::io::Read as _;

use pgp::composed::{Message, SignedSecretKey};
use pgp::types::Password;
use secrecy::SecretSlice;

/// A message that holds a data key is a few hundred bytes long.
const LARGEST: u64 = 64 << 10;

/// Reads the private keys of a file, armoured or not, as `gpg --import` takes it. Public keys are left out.
///
/// # Errors
/// When it holds no PGP key at all.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<SignedSecretKey>, String> {
    let (keys, _) = pgp::composed::PublicOrSecret::from_reader_many(bytes)
        .map_err(|_| "not a PGP key, armoured or binary".to_owned())?;
    let mut found = false;
    let mut secret = Vec::new();
    // A key that cannot be read does not keep the others from being read.
    for key in keys.take(1_000).flatten() {
        found = true;
        secret.extend(SignedSecretKey::try_from(key).ok());
    }
    if found { Ok(secret) } else { Err("not a PGP key, armoured or binary".to_owned()) }
}

/// Decrypts a data key.
///
/// # Errors
/// Why not.
pub(super) fn decrypt(encrypted: &str, keys: &[SignedSecretKey]) -> Result<SecretSlice<u8>, &'static str> {
    if keys.is_empty() {
        return Err("no PGP private key was given");
    }
    let mut reason = "the data key is not in a PGP message";
    for key in keys {
        let Ok((message, _)) = Message::from_armor(encrypted.as_bytes()) else { return Err(reason) };
        match open(message, key) {
            Ok(plain) => return Ok(plain),
            Err(why) => reason = why,
        }
    }
    Err(reason)
}

fn open(message: Message<'_>, key: &SignedSecretKey) -> Result<SecretSlice<u8>, &'static str> {
    let unopened = "no PGP private key without a passphrase opens the message";
    let mut message = message.decrypt(&Password::empty(), key).map_err(|_| unopened)?;
    if message.is_compressed() {
        message = message.decompress().map_err(|_| "the PGP message is damaged")?;
    }
    let mut plain = Vec::with_capacity(64);
    message.take(LARGEST).read_to_end(&mut plain).map_err(|_| "the PGP message is damaged")?;
    Ok(plain.into())
}
