//! A `kube::Client` whose API server is in the same process: no port, no program, no network.
//!
//! ```console
//! $ cargo run -p gitops-sandbox --example in_process
//! ```

use gitops_sandbox::Sandbox;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};

#[tokio::main]
#[allow(clippy::print_stdout)] // a program talks to its user
async fn main() -> Result<(), kube::Error> {
    let sandbox = Sandbox::start();
    let api: Api<ConfigMap> = Api::default_namespaced(Client::new(sandbox.service(), "default"));
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colors"}, "data": {"sky": "blue"},
    });
    api.patch("colors", &PatchParams::apply("in-process"), &Patch::Apply(&config)).await?;
    for object in api.list(&ListParams::default()).await? {
        println!("{} of {} managers", object.name_any(), object.managed_fields().len());
    }
    Ok(())
}
