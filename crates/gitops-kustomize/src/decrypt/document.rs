//! One encrypted file or object: read, decrypted, printed.

use secrecy::SecretSlice;
use serde_json::{Map, Value as Json};

use super::cipher;
use super::error::DecryptError;
use super::format::{Format, json};
use super::metadata::{self, Metadata, Missing};
use super::tree::{Branch, Value};
use super::walk::Walk;

/// What SOPS has encrypted, taken apart, and still encrypted.
pub(super) struct Encrypted {
    format: Format,
    branches: Vec<Branch>,
    pub(super) metadata: Metadata,
}

/// What was in it.
pub(super) struct Plain {
    format: Format,
    branches: Vec<Branch>,
}

/// Whether a file that was changed is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MacCheck {
    On,
    Off,
}

impl Encrypted {
    pub(super) fn read(content: &[u8], format: Format) -> Result<Self, DecryptError> {
        let branches = format.read(content).map_err(|reason| DecryptError::Load { format, reason })?;
        Self::of_branches(branches, format)
    }

    /// Takes an object that was read as JSON.
    pub(super) fn of_json(map: &Map<String, Json>) -> Result<Self, DecryptError> {
        Self::of_branches(vec![json::branch_of(map)], Format::Json)
    }

    fn of_branches(mut branches: Vec<Branch>, format: Format) -> Result<Self, DecryptError> {
        let metadata = metadata::extract(&mut branches, format.shape()).map_err(|missing| match missing {
            Missing::NotEncrypted => DecryptError::NotEncrypted { format },
            Missing::Malformed(reason) => DecryptError::Load { format, reason },
        })?;
        Ok(Self { format, branches, metadata })
    }

    /// Decrypts every value with the data key.
    pub(super) fn decrypt(mut self, key: &SecretSlice<u8>, check: MacCheck) -> Result<Plain, DecryptError> {
        let mut walk = Walk::new(key, &self.metadata.rule, self.metadata.only_encrypted);
        for branch in &mut self.branches {
            walk.branch(branch)?;
        }
        let computed = walk.mac();
        if check == MacCheck::On {
            self.check_mac(key, &computed)?;
        }
        Ok(Plain { format: self.format, branches: self.branches })
    }

    fn check_mac(&self, key: &SecretSlice<u8>, computed: &str) -> Result<(), DecryptError> {
        let Metadata { mac, last_modified, .. } = &self.metadata;
        let additional = last_modified.to_seconds();
        match cipher::decrypt(mac, key, &additional) {
            // What is compared is no secret to whoever can make us compare: it is a hash of the file's content.
            Ok(Value::Text(stored)) if stored == computed => Ok(()),
            Ok(Value::Text(stored)) if stored.is_empty() => Err(DecryptError::Mac("the file has no MAC")),
            Ok(_) => Err(DecryptError::Mac("the file was changed after it was encrypted: its MAC differs")),
            Err(_) => Err(DecryptError::Mac(
                "the MAC does not decrypt: it, or the time of the last change, was changed",
            )),
        }
    }
}

impl Plain {
    /// Prints the content.
    pub(super) fn print(&self, output: Format) -> Result<Vec<u8>, DecryptError> {
        output.print(&self.branches).map_err(|reason| self.unprintable(output, reason))
    }

    /// Returns the content of a JSON object.
    pub(super) fn into_json(self) -> Result<Map<String, Json>, DecryptError> {
        json::json_of(self.branches.first().map_or(&[], Vec::as_slice))
            .map_err(|reason| self.unprintable(Format::Json, reason))
    }

    fn unprintable(&self, output: Format, reason: String) -> DecryptError {
        DecryptError::Emit { input: self.format, output, reason }
    }
}
