//! One control plane for all tests of a process, and the rule for tests on machines that have none.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::ControlPlane;
use crate::TestkitError;

// Statics are never dropped: the servers end because the process does, and the pipe to their supervisors with it.
static WITH_CONTROLLER_MANAGER: OnceCell<Arc<ControlPlane>> = OnceCell::const_new();
static BARE: OnceCell<Arc<ControlPlane>> = OnceCell::const_new();

pub(crate) async fn with_controller_manager() -> Result<Arc<ControlPlane>, TestkitError> {
    let start = async || ControlPlane::builder().with_controller_manager().start().await.map(Arc::new);
    WITH_CONTROLLER_MANAGER.get_or_try_init(start).await.cloned()
}

pub(crate) async fn bare() -> Result<Arc<ControlPlane>, TestkitError> {
    BARE.get_or_try_init(async || ControlPlane::builder().start().await.map(Arc::new)).await.cloned()
}
