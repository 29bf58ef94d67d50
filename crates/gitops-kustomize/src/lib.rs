//! A directory becomes objects: kustomize's overlays as Flux builds them, natively.
//!
//! [`Kustomize`] reads a [`gitops_manifest::FileTree`] and returns [`gitops_manifest::Manifests`]. The build is pure:
//! it reads the tree it is given and nothing else, under [`Limits`], and what would leave the tree, fetch from
//! elsewhere or run a program is refused by name.

mod base64;
mod build;
mod cache;
mod config;
mod crds;
pub mod decrypt;
mod defaults;
mod diagnosis;
mod error;
mod exclude;
mod explain;
mod field_spec;
mod flux;
mod generate;
mod generator;
mod id;
mod kustomization;
mod mask;
mod objects;
mod origin;
mod overlay;
mod patch;
mod plugin;
mod regex;
mod resmap;
mod resource;
mod root;
mod schema;
mod scope;
mod selector;
pub mod single;
mod substitute;
mod target;
mod transform;
mod yaml;

pub use self::build::{Kustomize, Order};
pub use self::cache::BuildCache;
pub use self::diagnosis::Diagnosis;
pub use self::error::BuildError;
pub use self::explain::{Explanation, FieldTrail, Place, Step};
pub use self::flux::find_kustomization;
pub use self::mask::mask_sops;
pub use self::overlay::{Overlay, OverlayImage, OverlayPatch, OverlaySelector, is_local};
pub use self::root::{Limits, LoadRestrictions};
pub use self::substitute::{ExpandError, Substitute, expand};

/// The version of kustomize whose behaviour this is, for the label of `managedByLabel`.
const VERSION_LABEL: &str = "v5.8.1";
