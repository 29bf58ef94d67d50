//! Registries of container images: which tags a repository has, and which content a tag stands for.
//!
//! ```no_run
//! use gitops_source::oci::{ImageName, OciClient, OciOptions, RegistryCredentials};
//!
//! # async fn f() -> Result<(), gitops_source::oci::OciError> {
//! let client = OciClient::new(OciOptions::default())?;
//! let image = ImageName::parse("ghcr.io/stefanprodan/podinfo")?;
//! let tags = client.list_tags(&image, &RegistryCredentials::anonymous()).await?;
//! let digest = client.digest(&image, &tags[0], &RegistryCredentials::anonymous()).await?;
//! # Ok(()) }
//! ```
//!
//! # Flow
//! The first request to a registry asks who may ask (`GET /v2/`): nobody in particular, a user with a password, or
//! whoever has a token of the registry's token server. What was learnt, connections and tokens are shared by all
//! clones of a client, apart for each credential. All pages of tags are read.
//!
//! # Guarantees
//! - Credentials go to the registry, and to a token server of its own domain over the same or a better transport.
//!   An authenticated request follows no redirect to another host.
//! - An operation ends within [`OciOptions::with_timeout`], and reads no more than [`OciLimits`] say.
//! - No text holds a credential or token.
//!
//! # Difference from Flux
//! - A certificate that is not trusted never leads to a second try over plain http.
//! - Links to a next page stay at the registry; pages, bytes and tags are limited; a page that repeats is an error.
//! - A tag that the specification does not allow is an error.

mod challenge;
mod client;
mod credentials;
mod diagnostic;
mod docker_config;
mod error;
mod exchange;
#[cfg(feature = "fuzz")]
pub mod fuzzed;
mod image_name;
mod link;
mod manifest;
mod options;
mod realm;
mod session;
mod tags;
mod token;

pub use self::client::{OciClient, OciClients};
pub use self::credentials::RegistryCredentials;
pub use self::docker_config::DockerConfig;
pub use self::error::OciError;
pub use self::image_name::ImageName;
pub use self::options::{OciLimits, OciOptions, TokenServers};
pub use self::tags::Tags;
pub use crate::connection::{ClientCertificate, ProxyOptions};
