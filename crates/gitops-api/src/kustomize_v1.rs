//! Flux's Kustomization, `kustomize.toolkit.fluxcd.io/v1`.

mod build;
mod condition;
mod kustomization;
mod selector;

pub use build::{
    BuildMetadataOption, CommonMetadata, Decryption, DecryptionProvider, Image, Patch, PostBuild,
    SubstituteKind, SubstituteReference, SubstituteStrategy,
};
pub use condition::{CustomHealthCheck, DependencyReference};
pub use kustomization::{
    CrossNamespaceSourceReference, DeletionPolicy, Kustomization, KustomizationSpec, KustomizationStatus,
    SourceKind,
};
pub use selector::{IgnoreRule, Selector};

/// The API group of Kustomizations.
pub const GROUP: &str = "kustomize.toolkit.fluxcd.io";
