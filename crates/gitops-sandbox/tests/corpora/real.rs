//! Real servers as those were that the scripts were recorded on.

use gitops_testkit::{AuditLevel, ControlPlane};

/// Starts one, with controllers or without.
pub(crate) async fn start(controllers: bool) -> ControlPlane {
    let mut builder = ControlPlane::builder().audit(AuditLevel::None);
    for flag in [
        "--service-cluster-ip-range=10.0.0.0/16",
        "--enable-priority-and-fairness=false",
        "--max-requests-inflight=0",
        "--max-mutating-requests-inflight=0",
    ] {
        builder = builder.api_server_flag(flag);
    }
    if controllers {
        builder = builder.with_controller_manager();
    }
    builder.start().await.unwrap()
}
