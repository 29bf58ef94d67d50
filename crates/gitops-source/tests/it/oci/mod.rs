//! Registries: Debian's docker-registry, and servers that mean no good.

mod docker_config;
mod hostile;
mod image_name;
mod registry;
mod tokens;
mod trouble;

use gitops_source::oci::{ImageName, OciClient, OciOptions, RegistryCredentials};
use gitops_testkit::{REGISTRY_PASSWORD, REGISTRY_USER, Registry};

fn image(registry: &Registry, repository: &str) -> ImageName {
    ImageName::parse(&registry.image(repository)).unwrap()
}

fn client(options: OciOptions) -> OciClient {
    gitops_testkit::install_crypto();
    OciClient::new(options).unwrap()
}

fn nobody() -> RegistryCredentials {
    RegistryCredentials::anonymous()
}

fn ada() -> RegistryCredentials {
    RegistryCredentials::basic(REGISTRY_USER, REGISTRY_PASSWORD.into())
}
