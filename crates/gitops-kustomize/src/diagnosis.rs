//! Why a build failed, with the place and what to do: for people.

use std::fmt;

use crate::error::BuildError;
use crate::explain::Place;

const CONFLICT: &str = "give one of the objects another name or namespace, or remove it";

/// Why a build failed, where, and what can be done.
///
/// The error's own text is Flux's and kustomize's, which says neither the line nor the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The error.
    #[source]
    pub error: BuildError,
    /// The file, the line and the field that were worked on.
    pub place: Option<Place>,
}

impl Diagnosis {
    /// Returns what can be done.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        let text = self.error.to_string();
        match &self.error {
            BuildError::Missing(_) if text.contains("unable to find one of 'kustomization.yaml'") => {
                "add a kustomization.yaml to the directory, or name one that has it"
            }
            BuildError::Missing(_) if text.contains("already registered id") => CONFLICT,
            BuildError::Missing(_) => "add the file or directory, or correct the path",
            BuildError::Malformed(_) => {
                "correct the file: each document must be YAML with apiVersion, kind and metadata.name"
            }
            BuildError::Invalid(_) if text.contains("unknown field") => {
                "remove the field or correct its name"
            }
            BuildError::Invalid(_) => "correct the field",
            BuildError::NotSupported(_) => "leave the field out",
            BuildError::Refused(_) if text.contains("remote") => "copy what is remote into the repository",
            BuildError::Refused(_) if text.contains("helmCharts") => {
                "render the chart into the repository, or use a HelmRelease"
            }
            BuildError::Refused(_) if text.contains("external plugin") => {
                "use a builtin transformer, generator or validator"
            }
            BuildError::Refused(_) => "keep every path in or below the directory that is built",
            BuildError::Cycle(_) => "remove one of the references of the cycle",
            BuildError::Conflict(_) => CONFLICT,
            BuildError::Limit(_) => "make the input smaller, or raise the limit",
            BuildError::Transform(_) => {
                "check the target: its kind, name, namespace and the path of the field"
            }
            BuildError::Substitution(_) => "set the variable, or give it a default as in ${name:=default}",
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}\n  {}", self.error, self.advice())
    }
}
