//! Who vouches for the controller at a registry or bucket.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// Who authenticates to a registry.
    pub enum CloudProvider {
        /// The credentials of the Secret.
        Generic = "generic",
        /// Amazon Web Services by workload identity.
        Aws = "aws",
        /// Microsoft Azure by workload identity.
        Azure = "azure",
        /// Google Cloud by workload identity.
        Gcp = "gcp",
    }
}

/// The provider of an object that names none.
pub(crate) fn generic() -> CloudProvider {
    CloudProvider::Generic
}
