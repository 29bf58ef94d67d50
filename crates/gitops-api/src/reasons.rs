//! Reasons of conditions and events, as Flux's controllers write them.
//!
//! Source: fluxcd/pkg `apis/meta/conditions.go`, source-controller `api/v1/*_types.go`,
//! kustomize-controller `api/v1/condition_types.go`, image-reflector-controller `api/v1/condition_types.go`,
//! image-automation-controller `api/v1/condition_types.go`.

/// The reconciliation succeeded: Ready and most conditions of sources.
pub const SUCCEEDED: &str = "Succeeded";
/// The reconciliation failed, with no better word for it.
pub const FAILED: &str = "Failed";
/// The reconciliation is under way.
pub const PROGRESSING: &str = "Progressing";
/// The reconciliation failed and is tried again.
pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
/// The reconciliation is suspended.
pub const SUSPENDED: &str = "Suspended";
/// The Kustomization's reconciliation succeeded.
pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
/// The Kustomization's reconciliation failed.
pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
/// A dependency is not ready.
pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";
/// A reference leads to a namespace that the object may not use.
pub const ACCESS_DENIED: &str = "AccessDenied";
/// A CEL expression cannot be compiled.
pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";
/// The object uses a feature that a gate switches off.
pub const FEATURE_GATE_DISABLED: &str = "FeatureGateDisabled";

/// A Kustomization pruned objects.
pub const PRUNE_SUCCEEDED: &str = "PruneSucceeded";
/// A Kustomization could not prune objects.
pub const PRUNE_FAILED: &str = "PruneFailed";
/// The source's artifact could not be downloaded, unpacked or found.
pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
/// The manifests could not be built.
pub const BUILD_FAILED: &str = "BuildFailed";
/// Objects that were applied are not healthy.
pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
/// Health checks were given up because the source has a newer revision.
pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";

/// A new artifact is stored.
pub const NEW_ARTIFACT: &str = "NewArtifact";
/// The stored artifact is the source's newest.
pub const ARTIFACT_UP_TO_DATE: &str = "ArtifactUpToDate";
/// The source has a newer revision than the artifact.
pub const NEW_REVISION: &str = "NewRevision";
/// An included artifact changed.
pub const INCLUDE_CHANGE: &str = "IncludeChange";
/// The artifact is missing.
pub const NO_ARTIFACT: &str = "NoArtifact";
/// The referenced source has no artifact.
pub const NO_SOURCE_ARTIFACT: &str = "NoSourceArtifact";
/// Something that is referenced does not exist.
pub const NOT_FOUND: &str = "NotFound";
/// The remote's address is invalid.
pub const URL_INVALID: &str = "URLInvalid";
/// Credentials are incomplete or refused.
pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
/// A Git operation succeeded.
pub const GIT_OPERATION_SUCCEEDED: &str = "GitOperationSucceeded";
/// A Git operation failed.
pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
/// The repository holds no commit.
pub const EMPTY_GIT_REPOSITORY: &str = "EmptyGitRepository";
/// The verification mode does not fit the object.
pub const INVALID_VERIFICATION_MODE: &str = "InvalidVerificationMode";
/// The provider does not fit the object.
pub const INVALID_PROVIDER_CONFIGURATION: &str = "InvalidProviderConfiguration";
/// A signature could not be verified.
pub const VERIFICATION_ERROR: &str = "VerificationError";
/// A tag's signature could not be verified.
pub const INVALID_TAG_SIGNATURE: &str = "InvalidTagSignature";
/// A commit's signature could not be verified.
pub const INVALID_COMMIT_SIGNATURE: &str = "InvalidCommitSignature";
/// A bucket operation failed.
pub const BUCKET_OPERATION_FAILED: &str = "BucketOperationFailed";
/// An OCI artifact could not be pulled.
pub const OCI_ARTIFACT_PULL_FAILED: &str = "OCIArtifactPullFailed";
/// A layer of an OCI artifact could not be used.
pub const OCI_ARTIFACT_LAYER_OPERATION_FAILED: &str = "OCIArtifactLayerOperationFailed";
/// A Helm repository's index could not be read.
pub const INDEXATION_FAILED: &str = "IndexationFailed";
/// A chart's source does not exist.
pub const SOURCE_UNAVAILABLE: &str = "SourceUnavailable";
/// A chart's source is of a kind that cannot hold charts.
pub const UNSUPPORTED_SOURCE_KIND: &str = "UnsupportedSourceKind";

/// A folder could not be made.
pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
/// A file's metadata could not be read.
pub const STAT_OPERATION_FAILED: &str = "StatOperationFailed";
/// A file could not be read.
pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
/// The artifact's lock could not be taken.
pub const ACQUIRE_LOCK_FAILED: &str = "AcquireLockFailed";
/// A path is invalid.
pub const INVALID_PATH: &str = "InvalidPath";
/// A path leads out of its root.
pub const ILLEGAL_PATH: &str = "IllegalPath";
/// The artifact could not be packed.
pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
/// The link to the newest artifact could not be set.
pub const SYMLINK_UPDATE_FAILED: &str = "SymlinkUpdateFailed";
/// The object's status could not be written.
pub const PATCH_OPERATION_FAILED: &str = "PatchOperationFailed";
/// Files could not be copied into the artifact.
pub const COPY_FAILURE: &str = "CopyFailure";
/// A cache operation failed.
pub const CACHE_OPERATION_FAILED: &str = "CacheOperationFailed";
/// A stored artifact is not what its digest says.
pub const ARTIFACT_VERIFICATION_FAILED: &str = "ArtifactVerificationFailed";
/// Old artifacts were removed.
pub const GARBAGE_COLLECTION_SUCCEEDED: &str = "GarbageCollectionSucceeded";
/// Old artifacts could not be removed.
pub const GARBAGE_COLLECTION_FAILED: &str = "GarbageCollectionFailed";

/// The name of an image repository cannot be used.
pub const IMAGE_URL_INVALID: &str = "ImageURLInvalid";
/// An image policy cannot be followed.
pub const INVALID_POLICY: &str = "InvalidPolicy";
/// An image policy found no image; Flux's recorded word, not [`FAILED`].
pub const FAILURE: &str = "Failure";
/// The interval that the object's other fields ask for is missing.
pub const INTERVAL_NOT_CONFIGURED: &str = "IntervalNotConfigured";
/// Files could not be updated to the latest images.
pub const UPDATE_FAILED: &str = "UpdateFailed";
/// An automation's update strategy is missing or not known.
pub const INVALID_UPDATE_STRATEGY: &str = "InvalidUpdateStrategy";
