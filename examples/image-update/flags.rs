//! Where to look.

use std::path::PathBuf;

use clap::Parser;
use gitops_source::oci::{DockerConfig, ImageName, OciError, OciOptions, RegistryCredentials};

/// Shows which newer images a registry has for the manifests of a folder.
#[derive(Clone, Debug, Parser)]
#[command(name = "image-update")]
pub(crate) struct Flags {
    /// The registry that is asked, for example localhost:5000; images of other registries are looked for here too, under
    /// the same path. Without it each image is looked for where its name says.
    #[arg(long)]
    pub(crate) registry: Option<String>,

    /// The folder: a checkout of a GitOps repository.
    #[arg(long)]
    pub(crate) repo: PathBuf,

    /// The path below it whose files are edited.
    #[arg(long, default_value = "./")]
    pub(crate) path: String,

    /// The registry speaks http without TLS.
    #[arg(long)]
    pub(crate) plain_http: bool,

    /// A file with the certificates of the CA that the registry's certificate is checked with, beside the system's.
    #[arg(long)]
    pub(crate) ca_file: Option<PathBuf>,

    /// A docker config (config.json) with credentials for the registry.
    #[arg(long)]
    pub(crate) docker_config: Option<PathBuf>,

    /// How many tags are listed with the reason why they are not the latest.
    #[arg(long, default_value_t = 10)]
    pub(crate) list: usize,

    /// No progress bar.
    #[arg(long)]
    pub(crate) quiet: bool,
}

impl Flags {
    /// Returns how to reach the registry.
    pub(crate) fn options(&self) -> std::io::Result<OciOptions> {
        let mut options = OciOptions::default();
        if self.plain_http {
            options = options.allow_plain_http();
        }
        if let Some(path) = &self.ca_file {
            options = options.with_ca(std::fs::read(path)?);
        }
        Ok(options)
    }

    /// Returns the name under which an image is asked for.
    pub(crate) fn asked(&self, image: &str) -> Result<ImageName, OciError> {
        let name = ImageName::parse(image)?;
        match &self.registry {
            Some(registry) => ImageName::parse(&format!("{registry}/{}", name.repository())),
            None => Ok(name),
        }
    }

    /// Returns what the docker config holds for an image.
    pub(crate) fn credentials(
        &self,
        image: &ImageName,
    ) -> Result<RegistryCredentials, Box<dyn std::error::Error>> {
        match &self.docker_config {
            Some(path) => Ok(DockerConfig::parse(&std::fs::read(path)?)?.credentials(image)),
            None => Ok(RegistryCredentials::anonymous()),
        }
    }
}
