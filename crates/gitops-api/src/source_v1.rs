//! Flux's sources, `source.toolkit.fluxcd.io/v1`.

mod bucket;
mod external_artifact;
mod git_repository;
mod helm_chart;
mod helm_repository;
mod oci_repository;
mod oci_verification;

pub use bucket::{Bucket, BucketProvider, BucketSpec, BucketStatus, BucketStsSpec, StsProvider};
pub use external_artifact::{ExternalArtifact, ExternalArtifactSpec, ExternalArtifactStatus};
pub use git_repository::{
    GitProvider, GitRepository, GitRepositoryInclude, GitRepositoryRef, GitRepositorySpec,
    GitRepositoryStatus, GitRepositoryVerification, GitVerificationMode,
};
pub use helm_chart::{
    ChartSourceKind, ChartSourceReference, HelmChart, HelmChartSpec, HelmChartStatus, ReconcileStrategy,
};
pub use helm_repository::{HelmRepository, HelmRepositoryKind, HelmRepositorySpec, HelmRepositoryStatus};
pub use oci_repository::{
    OciLayerOperation, OciLayerSelector, OciRepository, OciRepositoryRef, OciRepositorySpec,
    OciRepositoryStatus,
};
pub use oci_verification::{ChartVerification, OciVerification, OidcIdentityMatch, VerificationProvider};

/// The API group of the sources.
pub const GROUP: &str = "source.toolkit.fluxcd.io";
