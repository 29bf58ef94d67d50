//! Artifacts: archives of trees that are named by their digest, stored, served, fetched and unpacked.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use gitops_manifest::MemoryTree;
//! use gitops_source::artifact::{
//!     ArtifactOwner, ArtifactStore, Draft, FetchOptions, Fetcher, LocalStore, StoreOptions, serve,
//! };
//! use gitops_source::ignore::IgnoreRules;
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:9090").await?;
//! let store = LocalStore::new("/data", "127.0.0.1:9090", StoreOptions::default())?;
//! tokio::spawn(serve(listener, store.root().to_owned(), std::future::pending()));
//!
//! let mut tree = MemoryTree::new();
//! tree.insert("deploy/app.yaml", "kind: Namespace")?;
//! let draft = Draft {
//!     owner: ArtifactOwner::new("GitRepository", "flux-system", "fleet")?,
//!     file_name: "5394cb7.tar.gz".to_owned(),
//!     revision: "main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738".parse()?,
//!     metadata: Default::default(),
//! };
//! let artifact = store.publish(&draft, &tree, &IgnoreRules::for_tree(&tree, None)?)?;
//! let unpacked = Fetcher::new(FetchOptions::default())?.fetch(&artifact).await?;
//! # Ok(())
//! # }
//! ```

#[cfg(any(feature = "conformance", test))]
pub mod conformance;
mod extract;
mod fault;
mod fetch;
mod folder;
mod gzip;
mod hash;
mod limits;
mod local_store;
mod name;
mod pack;
mod resolve_links;
mod retention;
mod serve;
mod store;
mod tar_reader;
mod tar_writer;
mod unpack;

pub use extract::{DEFAULT_EXTRACT_BYTES, ExtractOptions, extract};
pub use fault::ArchiveFault;
pub use fetch::{FetchOptions, Fetcher};
pub use folder::LinklessFolder;
pub use limits::Limits;
pub use local_store::{LocalStore, StoreOptions};
pub use pack::{DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, PackOptions, Packed, pack};
pub use resolve_links::{Confinement, resolve_links};
pub use retention::{Retention, StoredFile};
pub use serve::serve;
pub use store::{ArtifactOwner, ArtifactStore, Draft, Verification};
pub use unpack::{Links, Unpacked, unpack};
