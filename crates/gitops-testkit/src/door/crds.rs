//! Installing kinds.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::wait::{await_condition, conditions};

use super::{ADMIN, Door};
use crate::TestkitError;

/// How long a definition may take to be served.
const ESTABLISHED: Duration = Duration::from_secs(60);

impl Door {
    /// Applies definitions and waits until the API server serves them; several tests may do so at once.
    pub(crate) async fn install(&self, definitions: &[CustomResourceDefinition]) -> Result<(), TestkitError> {
        let api: Api<CustomResourceDefinition> = Api::all(self.client_as(ADMIN)?);
        let parameters = PatchParams::apply("gitops-testkit").force();
        for definition in definitions {
            let name = definition.metadata.name.as_deref().unwrap_or_default();
            api.patch(name, &parameters, &Patch::Apply(definition))
                .await
                .map_err(TestkitError::api("installing a CustomResourceDefinition"))?;
        }
        for definition in definitions {
            let name = definition.metadata.name.as_deref().unwrap_or_default();
            let served = async {
                await_condition(api.clone(), name, conditions::is_crd_established()).await.ok()?;
                self.answers(definition).await
            };
            if !matches!(tokio::time::timeout(ESTABLISHED, served).await, Ok(Some(()))) {
                let what = format!("the establishing of the CustomResourceDefinition {name}");
                return Err(TestkitError::Timeout { what, seconds: ESTABLISHED.as_secs() });
            }
        }
        Ok(())
    }

    /// Waits until the kind can be listed: the part of the server that serves it learns of the condition a little later.
    async fn answers(&self, definition: &CustomResourceDefinition) -> Option<()> {
        let client = self.client_as(ADMIN).ok()?;
        let spec = &definition.spec;
        for version in spec.versions.iter().filter(|version| version.served) {
            let path = format!("/apis/{}/{}/{}?limit=1", spec.group, version.name, spec.names.plural);
            while let Err(kube::Error::Api(_)) =
                client.request_text(http::Request::get(&path).body(Vec::new()).ok()?).await
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Some(())
    }
}
