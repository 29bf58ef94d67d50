//! What to render, and how.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Renders a directory or an archive, offline.
#[derive(Clone, Debug, Parser)]
#[command(name = "build")]
pub(crate) struct Flags {
    /// The directory with the kustomization, or a tar.gz archive.
    #[arg(default_value = ".")]
    pub(crate) source: PathBuf,

    /// The folder to build inside SOURCE, which then is the root: nothing outside of it is read.
    #[arg(long)]
    pub(crate) path: Option<String>,

    /// The root of a directory: nothing outside of it is read. By default the Git repository around it, or else /.
    #[arg(long)]
    pub(crate) root: Option<PathBuf>,

    /// Whose rules to follow.
    #[arg(long = "as", value_enum, default_value_t = Style::Kustomize)]
    pub(crate) style: Style,

    /// Which files a kustomization may name, by default as --as has it: those below its directory (root-only), as
    /// kustomize, or any of the root (none), as Flux.
    #[arg(long, value_enum)]
    pub(crate) load_restrictor: Option<Restrictor>,

    /// A file with the Flux Kustomization, whose specification is added (with --as flux).
    #[arg(long)]
    pub(crate) kustomization_file: Option<PathBuf>,

    /// The name of the Flux Kustomization, when the file has several.
    #[arg(long)]
    pub(crate) name: Option<String>,

    /// The namespace of the Flux Kustomization, when it says none itself.
    #[arg(long, default_value = "flux-system")]
    pub(crate) namespace: String,

    /// A variable of the substitution after the build, NAME=VALUE; wins over all others (with --as flux).
    #[arg(long = "var")]
    pub(crate) vars: Vec<String>,

    /// A file with variables: lines of NAME=VALUE, or YAML, a map or ConfigMaps and Secrets (with --as flux).
    #[arg(long = "var-file")]
    pub(crate) var_files: Vec<PathBuf>,

    /// Takes variables that are not set as empty instead of refusing them.
    #[arg(long)]
    pub(crate) lenient: bool,

    /// Keeps numbers, booleans and texts what they were when variables are substituted.
    #[arg(long)]
    pub(crate) typed: bool,

    /// Patterns as in .sourceignore of what is left out, after those of the files (with --as flux).
    #[arg(long, value_delimiter = ',')]
    pub(crate) ignore_paths: Vec<String>,

    /// Prints which file and which transformer set each field, instead of the manifests.
    #[arg(long)]
    pub(crate) explain: bool,

    /// The form of the manifests.
    #[arg(long, short, value_enum, default_value_t = Output::Yaml)]
    pub(crate) output: Output,
}

/// Whose rules are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// kustomize build.
    Kustomize,
    /// flux build kustomization.
    Flux,
}

/// Which files a kustomization may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Restrictor {
    /// Those in or below its directory.
    #[value(alias = "LoadRestrictionsRootOnly")]
    RootOnly,
    /// Any file of the root.
    #[value(alias = "LoadRestrictionsNone")]
    None,
}

/// The form of the manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// As kustomize prints.
    Yaml,
    /// Canonical JSON, one object a line.
    Json,
}
