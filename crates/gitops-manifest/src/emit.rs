//! Values as text: YAML as Kubernetes' tools print it, and canonical JSON.

mod json;
mod number;
mod order;
mod scalar;
mod yaml;

pub use self::json::to_canonical_json;
pub(crate) use self::number::{format_g32, integral};
pub(crate) use self::scalar::fits_block;
pub use self::yaml::to_yaml;
