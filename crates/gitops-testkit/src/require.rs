//! What a test does when its counterpart is not on this machine: locally one clear line, with `CI=true` a failure.

use std::sync::Arc;

use crate::cluster::choice::Choice;
use crate::{Assets, Cluster, ClusterBuilder, Lacks, RegistryProgram, TestkitError};

/// Returns the shared cluster with its controllers, or `None` when this machine has none of the kind that is asked for.
///
/// ```no_run
/// # async fn a_test() {
/// use gitops_testkit::require_cluster;
/// let Some(cluster) = require_cluster().await else { return };
/// # }
/// ```
///
/// # Panics
/// When it is missing and `CI=true`; and wherever it is there, but does not start: that is a failed test.
pub async fn require_cluster() -> Option<Arc<Cluster>> {
    started(Cluster::shared().await)
}

/// Returns the shared cluster without controllers, or `None` when this machine has none of the kind that is asked for.
///
/// # Panics
/// As [`require_cluster`].
pub async fn require_bare_cluster() -> Option<Arc<Cluster>> {
    started(Cluster::shared_bare().await)
}

/// Starts a cluster for one test alone, which may let its API server go away; `None` as with [`require_cluster`].
///
/// # Panics
/// As [`require_cluster`].
pub async fn require_own_cluster(builder: ClusterBuilder) -> Option<Arc<Cluster>> {
    started(builder.start().await.map(Arc::new))
}

/// Returns the programs of a control plane, for a test of these programs; `None` when there are none, or when the run
/// is the sandbox's.
///
/// # Panics
/// When they are missing and `CI=true`.
pub fn require_assets() -> Option<Assets> {
    if Choice::named().is_ok_and(|choice| choice == Some(Choice::Sandbox)) {
        Lacks::Processes.tell();
        return None;
    }
    Assets::find().map_err(|error| skip(&error.to_string())).ok()
}

/// Returns the program of a registry, or `None` when this machine has none.
///
/// # Panics
/// When it is missing and `CI=true`.
pub fn require_registry() -> Option<RegistryProgram> {
    RegistryProgram::find().map_err(|error| skip(&error.to_string())).ok()
}

/// Prints one line that the test is skipped and why.
///
/// # Panics
/// When `CI=true`: there nothing may be skipped.
pub fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    #[expect(clippy::panic, reason = "a failed test is what this is for")]
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        panic!("{test} would be skipped, and with CI=true nothing may be: {reason}");
    }
    // Written past the harness, which would keep the line of a test that passes to itself.
    let _ =
        std::io::Write::write_all(&mut std::io::stderr(), format!("skipped {test}: {reason}\n").as_bytes());
}

#[expect(clippy::panic, reason = "a failed test is what this is for")]
fn started(result: Result<Arc<Cluster>, TestkitError>) -> Option<Arc<Cluster>> {
    match result {
        Ok(cluster) => Some(cluster),
        Err(error @ TestkitError::AssetsMissing { .. }) => {
            skip(&error.to_string());
            None
        }
        Err(error) => {
            let source =
                std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            panic!("the cluster does not start: {error}{source}")
        }
    }
}
