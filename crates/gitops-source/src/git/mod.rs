//! Git over http and https: which commit a reference means, and the files of that commit.
//!
//! [`resolve`] asks the remote for its references and says which commit is meant; when that is the one already
//! known, there is nothing more to do. [`GitStore::fetch`] gets what is new of that commit into a bare object store
//! on disk, and hands out a [`Checkout`], which is a [`FileTree`](gitops_manifest::FileTree).
//!
//! Everything of gix stays behind this module.

mod call;
mod checkout;
mod client;
mod commit;
mod failure;
mod generation;
mod http;
mod network;
mod reference;
mod remote;
mod resolve;
mod scratch;
mod session;
mod store;
mod submodules;

pub use crate::connection::{ClientCertificate, ProxyOptions};

pub use self::checkout::Checkout;
pub use self::commit::{Actor, CommitInfo};
pub use self::failure::{RemoteAction, RemoteFailure};
pub use self::reference::GitReference;
pub use self::remote::{GitAuth, GitLimits, GitRemote};
pub use self::resolve::{Resolved, resolve};
pub use self::store::GitStore;
pub use self::submodules::Superproject;
