//! Objects that are encrypted as a whole, and Secrets with encrypted files in their data.

use gitops_api::annotations;
use gitops_manifest::{Manifests, Object};
use serde_json::Value;

use super::decryptor::Decryptor;
use super::error::DecryptError;
use super::format::Format;

impl Decryptor {
    /// Decrypts the objects of a build, as Flux does: one with the field `sops` and a MAC in it as a whole, without its
    /// field `sops` afterwards; in any other Secret every value of `data` that is an encrypted file. Objects with the
    /// annotation `kustomize.toolkit.fluxcd.io/decrypt: disabled` are left alone.
    ///
    /// The MAC of an object that was built cannot be checked: name, namespace and labels are part of it, and the build may
    /// have changed them. That of a file inside `data` is checked with [`Strictness::Safe`](super::Strictness::Safe).
    ///
    /// # Errors
    /// A [`DecryptError`] that names the object, for the first object that does not decrypt.
    pub async fn objects(&self, manifests: Manifests) -> Result<Manifests, DecryptError> {
        let mut objects = manifests.into_objects();
        for object in &mut objects {
            if let Some(decrypted) = self.object(object).await? {
                *object = decrypted;
            }
        }
        Ok(Manifests::from(objects))
    }

    /// Decrypts one object; returns nothing for one that is not encrypted.
    ///
    /// # Errors
    /// As [`Decryptor::objects`].
    pub async fn object(&self, object: &Object) -> Result<Option<Object>, DecryptError> {
        if object
            .annotation(annotations::DECRYPT)
            .is_some_and(|v| v.eq_ignore_ascii_case(annotations::DISABLED))
        {
            return Ok(None);
        }
        let decrypted = if is_encrypted(object) {
            self.whole(object).await.map(Some)
        } else if object.kind() == "Secret" {
            self.data(object).await
        } else {
            Ok(None)
        };
        decrypted.map_err(|error| error.within(format!("decryption failed for '{}'", described(object))))
    }

    async fn whole(&self, object: &Object) -> Result<Object, DecryptError> {
        let context = || format!("failed to decrypt and format '{}' {} data", named(object), object.kind());
        let Value::Object(map) = object.value() else { return Ok(object.clone()) };
        let map = self.json(map).await.map_err(|error| error.within(context()))?;
        let decrypted = Object::new(Value::Object(map));
        let decrypted = decrypted.map_err(|_| {
            let reason = "what was decrypted is no Kubernetes object".to_owned();
            DecryptError::Emit { input: Format::Json, output: Format::Json, reason }.within(context())
        })?;
        Ok(match object.origin() {
            Some(origin) => decrypted.with_origin(origin.clone()),
            None => decrypted,
        })
    }

    async fn data(&self, object: &Object) -> Result<Option<Object>, DecryptError> {
        let Some(Value::Object(data)) = object.value().get("data") else { return Ok(None) };
        let mut decrypted = Vec::new();
        for (key, value) in data {
            // What is not base64 is the API server's to refuse.
            let Some(content) = value.as_str().and_then(crate::base64::decode) else { continue };
            let Some(input) = Format::of_content(&content) else { continue };
            let plain = self.file(&content, input, Format::of_name(key)).await.map_err(|error| {
                error.within(format!("failed to decrypt and format '{}' Secret field '{key}'", named(object)))
            })?;
            decrypted.push((key.clone(), crate::base64::encode(&plain)));
        }
        if decrypted.is_empty() {
            return Ok(None);
        }
        let mut object = object.clone();
        if let Some(Value::Object(data)) = object.value_mut().get_mut("data") {
            data.extend(decrypted.into_iter().map(|(key, value)| (key, Value::String(value))));
        }
        Ok(Some(object))
    }
}

/// Tells whether the object is encrypted as a whole: it has the field `sops` with a MAC.
fn is_encrypted(object: &Object) -> bool {
    let mac = object.value().get("sops").and_then(|sops| sops.get("mac"));
    mac.is_some_and(|mac| !mac.is_null() && mac.as_str() != Some(""))
}

fn named(object: &Object) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name())
}

/// The object as kustomize names it: `Secret.v1.[noGrp]/name.namespace`.
fn described(object: &Object) -> String {
    let group = if object.group().is_empty() { "[noGrp]" } else { object.group() };
    format!("{}.{}.{group}/{}", object.kind(), object.version(), object.name())
}
