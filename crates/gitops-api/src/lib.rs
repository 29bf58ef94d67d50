//! The nouns of GitOps: Flux's kinds, revisions, digests, object ids, conditions, events.
//!
//! This crate reads and writes what controllers of the Flux family keep in a cluster, and parses what
//! stands in it. It holds no client and does no I/O. Whatever an API server may hand out is read without
//! failing: unknown words are kept, missing fields get defaults, a duration that cannot be read tells so
//! when it is used ([`GoDuration`]). So one bad object does not stop the watch of its kind.
//!
//! ```
//! use gitops_api::source_v1::GitRepository;
//! use gitops_api::kube::Resource;
//!
//! let repository: GitRepository = serde_json::from_str(r#"{
//!     "metadata": {"name": "fleet"},
//!     "spec": {"url": "https://example.com/fleet.git", "interval": "1m", "provider": "of-tomorrow"}
//! }"#)?;
//! assert_eq!(GitRepository::api_version(&()), "source.toolkit.fluxcd.io/v1");
//! assert_eq!(repository.spec.interval.get()?.as_secs(), 60);
//! assert_eq!(repository.spec.provider.map(|p| p.to_string()).as_deref(), Some("of-tomorrow"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod annotations;
pub mod conditions;
pub mod go_json;
pub mod image_v1;
pub mod kustomize_v1;
pub mod notification_v1;
pub mod notification_v1beta3;
pub mod reasons;
pub mod source_v1;

mod artifact;
mod cloud;
mod crd;
mod digest;
mod duration;
mod error;
mod event;
mod failure;
mod history;
mod inventory;
mod object_id;
mod reference;
mod resource;
mod revision;
mod schema;
mod wire_enum;
mod yaml;

pub use artifact::Artifact;
pub use cloud::CloudProvider;
pub use crd::{crd_yaml, crds};
pub use digest::{Digest, DigestAlgorithm};
pub use duration::GoDuration;
pub use error::ParseError;
pub use event::{EVENT_MESSAGE_LIMIT, Event, Severity, event_metadata};
pub use failure::Failure;
pub use history::{HISTORY_LIMIT, Snapshot, record_snapshot};
pub use inventory::{InventoryEntry, ResourceInventory};
pub use object_id::ObjectId;
pub use reference::{
    AccessFrom, KubeConfigReference, LocalObjectReference, NamespaceSelector, NamespacedObjectKindReference,
    NamespacedObjectReference, SecretKeyReference,
};
pub use revision::{Revision, commit_digest};

#[doc(no_inline)]
pub use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
#[doc(no_inline)]
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
#[doc(no_inline)]
pub use {k8s_openapi, kube, schemars};
