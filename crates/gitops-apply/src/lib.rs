//! Objects become cluster state: plan by dry-run, staged apply, health, inventory, prune.
//!
//! ```no_run
//! use std::time::Duration;
//! use gitops_apply::{Applier, ConfigMapInventory, FieldManager, client_for};
//! use gitops_manifest::Manifests;
//!
//! # async fn example(manifests: Manifests) -> Result<(), Box<dyn std::error::Error>> {
//! let client = client_for(kube::Config::infer().await?)?;
//! let applier = Applier::new(client, FieldManager::new("my-operator")).inventory(ConfigMapInventory::new("prod"));
//! let plan = applier.plan(&manifests).await?;
//! println!("{plan}"); // what would change, secrets masked
//! let report = applier.apply(plan).wait(Duration::from_secs(120)).await?;
//! println!("{report}"); // ConfigMap/prod/settings configured
//! # Ok(())
//! # }
//! ```
//!
//! | step | takes → hands on |
//! |---|---|
//! | [`Applier::plan`] | `Manifests` and the inventory → [`Plan`]; nothing has been written |
//! | [`Applier::claim`] | the inventory and what is planned, kept before the first write |
//! | [`Applier::execute`] | `Plan` → [`ChangeSet`], told on failure too |
//! | [`Applier::health`] | ids → [`HealthReport`], driven by watches |
//! | [`Applier::prune`] | what left the set → [`PruneReport`] |
//! | [`Applier::commit`] | what is there now, kept as the new inventory |

mod applier;
mod apply;
mod ca_bundle;
mod calls;
mod client;
mod cluster;
mod compare;
mod diff;
mod discovery;
mod drift;
mod dry_run;
mod error;
mod execute;
mod failure;
mod fields;
mod go_form;
pub mod health;
mod ignore;
mod immutable;
mod inventory;
mod live;
mod managers;
mod mask;
mod normalize;
mod options;
mod order;
mod plan;
mod prepare;
mod progress;
mod prune;
mod report;
mod selector;
mod switches;
mod unknown_fields;

pub use applier::Applier;
pub use apply::{Apply, PruneOrder, Update};
pub use ca_bundle::remove_invalid_ca_bundle;
pub use calls::CallOptions;
pub use client::client_for;
pub use compare::{DiffKind, DiffOptions, DiffSet, ObjectDiff, drifted_beyond};
pub use diff::{Diff, Difference, Op};
pub use discovery::Discovery;
pub use drift::{drifted, without_repeated_metrics};
pub use error::{ApplyError, Failures, ObjectFailure, Operation};
pub use failure::{CallFailure, Refusal};
pub use go_form::Form;
pub use health::{HealthCheck, HealthOptions, HealthRules};
pub use ignore::{IgnoreRule, IgnoreRules};
pub use immutable::is_immutable_error;
pub use inventory::{ConfigMapInventory, Inventory, InventoryEntry, InventoryError, InventoryStore};
pub use managers::Takeover;
pub use mask::{MASK, MASK_AFTER, MASK_BEFORE, Secrets, mask_pair};
pub use normalize::normalize;
pub use options::{ApplyOptions, EmptySet, FieldManager, OwnerLabels, UnknownFields};
pub use order::{
    GroupKind, GroupKinds, SortKey, Stage, compare, defined_kind, is_cluster_role, is_definition,
    is_namespace, is_secret, stage_of,
};
pub use plan::{Intent, Plan, PlannedObject};
pub use progress::Progress;
pub use report::{
    Action, ApplyReport, Change, ChangeSet, HealthOutcome, HealthReport, ObjectHealth, PruneFailure,
    PruneReport, Spared, subject_of,
};
pub use selector::{Selector, SelectorError};
pub use switches::{FLUX_SWITCHES, Strategy, Switches, is_set};
