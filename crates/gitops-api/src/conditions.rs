//! Type names of conditions.
//!
//! Source: fluxcd/pkg `apis/meta`, source-controller `api/v1/condition_types.go`, kustomize-controller
//! `api/v1/condition_types.go`. The polarity of a type says whether True is good (positive) or bad
//! (negative); a negative condition stands on an object only while it is True.

/// Positive: the object is reconciled as its spec says.
pub const READY: &str = "Ready";
/// Negative: the object is being reconciled.
pub const RECONCILING: &str = "Reconciling";
/// Negative: the object cannot be reconciled before something changes.
pub const STALLED: &str = "Stalled";
/// Positive: what a Kustomization applied is healthy.
pub const HEALTHY: &str = "Healthy";
/// Negative: the source cannot be fetched.
pub const FETCH_FAILED: &str = "FetchFailed";
/// Negative: the source's artifact cannot be built.
pub const BUILD_FAILED: &str = "BuildFailed";
/// Negative: the artifact storage fails.
pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
/// Negative: a source that shall be included is not available.
pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
/// Positive: the artifact is in the storage.
pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
/// Negative: the source has a newer state than the artifact.
pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
/// Both: the source's signature is valid (True) or not (False); absent when none is asked for.
pub const SOURCE_VERIFIED: &str = "SourceVerified";
