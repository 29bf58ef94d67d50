//! The API versions of an object, and conversion between them.

use serde_json::Value;

use crate::schema::TypeRef;

/// The versions of one kind of object.
///
/// Managers own paths as they are called in the version that they wrote. Whoever serves several
/// versions of a kind implements this trait; for one version there is [`OneVersion`].
pub trait Versions {
    /// Returns the type of the objects of a version (`apps/v1`); `None` when there is no such version
    /// any more.
    fn type_of(&self, version: &str) -> Option<TypeRef<'_>>;

    /// Returns an object as it looks in another version.
    ///
    /// # Errors
    /// [`ConvertError::UnknownVersion`] when there is no such version any more: managers that wrote in
    /// it are forgotten.
    fn convert(&self, object: &Value, from: &str, to: &str) -> Result<Value, ConvertError>;
}

/// Why an object could not be converted to another version.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// There is no such version (any more).
    #[error("version {0} is not known")]
    UnknownVersion(String),
    /// The conversion failed.
    #[error("converting an object from version {from} to {to} failed")]
    Failed {
        /// The version it was in.
        from: String,
        /// The version it should be in.
        to: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A kind whose objects look the same in all versions.
#[derive(Clone, Copy, Debug)]
pub struct OneVersion<'s>(pub TypeRef<'s>);

impl Versions for OneVersion<'_> {
    fn type_of(&self, _version: &str) -> Option<TypeRef<'_>> {
        Some(self.0)
    }

    fn convert(&self, object: &Value, _from: &str, _to: &str) -> Result<Value, ConvertError> {
        Ok(object.clone())
    }
}
