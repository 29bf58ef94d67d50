//! The text of a kubeconfig.

use serde_json::json;

/// Returns a kubeconfig for a server, with its CA's certificate (PEM) if it speaks TLS.
pub(crate) fn kubeconfig(url: &str, ca: Option<&str>, token: &str) -> String {
    use base64::Engine as _;
    let mut cluster = json!({"server": url});
    if let Some(ca) = ca {
        cluster["certificate-authority-data"] = json!(base64::engine::general_purpose::STANDARD.encode(ca));
    }
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "admin", "namespace": "default"}}],
        "current-context": "sandbox",
    });
    gitops_manifest::to_yaml(&config)
}
