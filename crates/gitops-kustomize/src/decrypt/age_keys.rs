//! age identities, and what they open.

use std::io::Read as _;

use secrecy::SecretSlice;

/// A private key that opens age files.
pub(super) enum AgeIdentity {
    Native(age::x25519::Identity),
    Ssh(Box<age::ssh::Identity>),
    /// A key that is known but cannot be read here; the text says which.
    Unreadable(&'static str),
}

/// A file that holds a data key is a few hundred bytes long.
const LARGEST: u64 = 64 << 10;

/// Reads identities, one a line; empty lines and comments are left out.
///
/// # Errors
/// When a line is anything else. The text names the line and nothing of it.
pub(super) fn parse(text: &str) -> Result<Vec<AgeIdentity>, String> {
    let mut identities = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |what: &str| Err(format!("line {}: {what}", index + 1));
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("AGE-SECRET-KEY-PQ-1") {
            identities.push(AgeIdentity::Unreadable("a post-quantum age identity (AGE-SECRET-KEY-PQ-1…)"));
        } else if line.starts_with("AGE-PLUGIN-") {
            identities.push(AgeIdentity::Unreadable("an identity of an age plugin (AGE-PLUGIN-…)"));
        } else if line.starts_with("AGE-SECRET-KEY-1") {
            match line.parse() {
                Ok(identity) => identities.push(AgeIdentity::Native(identity)),
                Err(_) => return wrong("a malformed age identity"),
            }
        } else {
            return wrong("not an age identity");
        }
    }
    Ok(identities)
}

/// Reads an SSH private key without a passphrase.
///
/// # Errors
/// When it is none, or one with a passphrase or on a device.
pub(super) fn parse_ssh(text: &str) -> Result<AgeIdentity, String> {
    match age::ssh::Identity::from_buffer(text.as_bytes(), None) {
        Ok(age::ssh::Identity::Encrypted(_)) => Err("the SSH key has a passphrase".to_owned()),
        Ok(age::ssh::Identity::Unsupported(_)) => {
            Err("the SSH key is of a kind that age does not open files with; use ed25519 or rsa".to_owned())
        }
        Ok(identity) => Ok(AgeIdentity::Ssh(Box::new(identity))),
        Err(_) => Err("not an SSH private key".to_owned()),
    }
}

/// Decrypts a data key.
///
/// # Errors
/// Why not, with the identities that could not be tried.
pub(super) fn decrypt(encrypted: &str, identities: &[AgeIdentity]) -> Result<SecretSlice<u8>, String> {
    if identities.is_empty() {
        return Err("no age identity was given".to_owned());
    }
    let mut unreadable: Vec<&str> = Vec::new();
    let mut usable: Vec<&dyn age::Identity> = Vec::new();
    for identity in identities {
        match identity {
            AgeIdentity::Native(identity) => usable.push(identity),
            AgeIdentity::Ssh(identity) => usable.push(&**identity),
            AgeIdentity::Unreadable(what) => unreadable.push(what),
        }
    }
    open(encrypted, usable).map_err(|reason| match unreadable.as_slice() {
        [] => reason.to_owned(),
        some => format!("{reason}; not tried, because it is not supported: {}", some.join(", ")),
    })
}

fn open(encrypted: &str, identities: Vec<&dyn age::Identity>) -> Result<SecretSlice<u8>, &'static str> {
    let armoured = age::armor::ArmoredReader::new(encrypted.as_bytes());
    let file = age::Decryptor::new_buffered(armoured).map_err(|_| "the data key is not in an age file")?;
    let reader = file.decrypt(identities.into_iter()).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => "no identity matched any of the recipients",
        _ => "the age file cannot be opened",
    })?;
    let mut plain = Vec::with_capacity(64);
    reader.take(LARGEST).read_to_end(&mut plain).map_err(|_| "the age file is damaged")?;
    Ok(plain.into())
}
