//! What a test does when its counterpart is not on this machine: locally one clear line, with `CI=true` a failure.

use std::sync::Arc;

use crate::{Assets, ControlPlane, RegistryProgram, TestkitError};

/// Returns the shared control plane with its controller-manager, or `None` when this machine has none.
///
/// ```no_run
/// # async fn a_test() {
/// use gitops_testkit::require_control_plane;
/// let Some(cluster) = require_control_plane().await else { return };
/// # }
/// ```
///
/// # Panics
/// When it is missing and `CI=true`; and wherever it is there, but does not start: that is a failed test.
pub async fn require_control_plane() -> Option<Arc<ControlPlane>> {
    require_assets()?;
    started(ControlPlane::shared().await)
}

/// Returns the shared control plane without a controller-manager, or `None` when this machine has none.
///
/// # Panics
/// As [`require_control_plane`].
pub async fn require_bare_control_plane() -> Option<Arc<ControlPlane>> {
    require_assets()?;
    started(ControlPlane::shared_bare().await)
}

/// Returns the programs of a control plane, for a test that starts one of its own; `None` when there are none,
/// or when `GITOPS_CONTROL_PLANE=off` asks for a quick run.
///
/// # Panics
/// When they are missing and `CI=true`.
pub fn require_assets() -> Option<Assets> {
    if std::env::var("GITOPS_CONTROL_PLANE").is_ok_and(|wanted| wanted == "off") {
        skip("GITOPS_CONTROL_PLANE=off");
        return None;
    }
    match Assets::find() {
        Ok(assets) => Some(assets),
        Err(error) => {
            skip(&error.to_string());
            None
        }
    }
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
fn started(result: Result<Arc<ControlPlane>, TestkitError>) -> Option<Arc<ControlPlane>> {
    match result {
        Ok(cluster) => Some(cluster),
        Err(error) => {
            let source =
                std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            panic!("the control plane does not start: {error}{source}")
        }
    }
}
