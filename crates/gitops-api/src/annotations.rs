//! Names of annotations, labels and finalizers, and the values that Flux gives a meaning.
//!
//! Source: fluxcd/pkg `apis/meta/annotations.go`, `apis/event/v1beta1`, kustomize-controller `api/v1`.

/// Asks for a reconciliation; the value is an opaque token, each new one asks again.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// Asks a HelmRelease for one upgrade by force, when its value is also that of [`REQUESTED_AT`].
pub const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
/// Switches the reconciliation of one applied object with the value [`DISABLED`].
pub const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
/// Keeps one object from being pruned with the value [`DISABLED`].
pub const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
/// Lets one object be deleted and made again with the value [`ENABLED`].
pub const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
/// How one object is applied: `Override`, `Merge`, `IfNotPresent` or `Ignore`.
pub const SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
/// Keeps one object from variable substitution with the value [`DISABLED`].
pub const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";
/// Keeps one object from being decrypted with the value [`DISABLED`], in any case.
pub const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";
/// Asks for the checks that Flux does not make, on a Kustomization, with the value [`ENABLED`]. Not Flux's.
pub const STRICT: &str = "kustomize.toolkit.fluxcd.io/strict";
/// Checksum of the ConfigMap that kustomize generated an object from, as Flux once wrote it.
pub const CHECKSUM: &str = "kustomize.toolkit.fluxcd.io/checksum";
/// Label: the Kustomization that applied the object.
pub const OWNER_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
/// Label: the namespace of the Kustomization that applied the object.
pub const OWNER_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
/// Label: the key of the shard whose controllers serve the object.
pub const SHARD: &str = "sharding.fluxcd.io/shard";
/// Prefix of an object's annotations that its events carry in their metadata.
pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// The finalizer of Flux's sources and Kustomizations.
pub const FINALIZER: &str = "finalizers.fluxcd.io";

/// The value that switches something on.
pub const ENABLED: &str = "enabled";
/// The value that switches something off.
pub const DISABLED: &str = "disabled";
