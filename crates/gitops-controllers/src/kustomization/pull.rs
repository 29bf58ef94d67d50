//! Step 5: artifacts are pulled, each content once however many Kustomizations use it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use gitops_api::Artifact;
use gitops_manifest::MemoryTree;
use gitops_source::SourceError;
use gitops_source::artifact::Fetcher;
use tokio::sync::OnceCell;

/// How many unpacked artifacts are kept: one for each source that changes at the same time, and a few more.
const KEPT: usize = 8;

/// How large an artifact may be to be kept, in bytes of its archive.
const LARGEST: i64 = 16 << 20;

/// Pulls artifacts and keeps the ones used last. The key is the digest, so what is kept can never be stale.
#[derive(Debug)]
pub(super) struct Puller {
    fetcher: Fetcher,
    kept: Mutex<VecDeque<(String, Pull)>>,
}

type Pull = Arc<OnceCell<Arc<MemoryTree>>>;

impl Puller {
    pub(super) fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, kept: Mutex::default() }
    }

    /// Returns the files of an artifact. Concurrent calls for the same content share one download.
    pub(super) async fn pull(&self, artifact: &Artifact) -> Result<Arc<MemoryTree>, SourceError> {
        let pull = self.place(artifact);
        let fetch = || async { self.fetcher.fetch(artifact).await.map(|u| Arc::new(u.into_tree())) };
        let tree = pull.get_or_try_init(fetch).await?.clone();
        Ok(tree)
    }

    fn place(&self, artifact: &Artifact) -> Pull {
        if artifact.size.is_none_or(|size| size > LARGEST) {
            return Pull::default();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|(digest, _)| *digest == artifact.digest)
            && let Some(found) = kept.remove(at)
        {
            let pull = found.1.clone();
            kept.push_front(found);
            return pull;
        }
        let pull = Pull::default();
        kept.push_front((artifact.digest.clone(), pull.clone()));
        kept.truncate(KEPT);
        pull
    }
}
