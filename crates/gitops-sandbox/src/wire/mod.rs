//! The wire: paths, queries, media types, bodies and Status objects.

pub(crate) mod body;
pub(crate) mod json;
mod kubeconfig;
mod listen;
pub(crate) mod media;
pub(crate) mod query;
pub(crate) mod route;
mod service;
pub(crate) mod status;

pub(crate) use listen::Authority;

pub use body::Body;
pub use listen::{Listener, Security};
pub use service::SandboxService;
