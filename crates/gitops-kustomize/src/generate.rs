//! Makes a kustomization where there is none, as Flux does: every YAML file below, and directories that have one.

use gitops_manifest::EntryKind;

use crate::error::BuildError;
use crate::exclude::Exclude;
use crate::kustomization::Kustomization;
use crate::objects;
use crate::root::{KUSTOMIZATION_FILES, Place, Root, join};
use crate::yaml::{Nodes, ReadLimits};

/// Returns a kustomization of everything below the directory.
pub(crate) fn generate(
    root: &mut Root<'_>,
    place: &Place,
    exclude: Option<&Exclude>,
) -> Result<Kustomization, BuildError> {
    let resources = scan(root, &place.dir, exclude)?;
    let namespace = if resources.is_empty() { "_placeholder".to_owned() } else { String::new() };
    let resources = resources.iter().map(|path| format!("./{path}")).collect();
    let mut generated = Kustomization { namespace, resources, ..Kustomization::default() };
    "Kustomization".clone_into(&mut generated.kind);
    crate::kustomization::VERSION.clone_into(&mut generated.api_version);
    Ok(generated)
}

/// Returns the files and directories that become resources, relative to the directory, in the order of their names.
///
/// # Errors
/// When a file cannot be read as Kubernetes objects.
fn scan(root: &mut Root<'_>, dir: &str, exclude: Option<&Exclude>) -> Result<Vec<String>, BuildError> {
    let mut found = Vec::new();
    walk(root, dir, "", exclude, &mut found)?;
    Ok(found)
}

fn walk(
    root: &mut Root<'_>,
    base: &str,
    below: &str,
    exclude: Option<&Exclude>,
    found: &mut Vec<String>,
) -> Result<(), BuildError> {
    let dir = if below.is_empty() { base.to_owned() } else { join(base, below) };
    if below.split('/').count() > root.limits.depth {
        let shown = root.shown(&dir);
        return Err(BuildError::Limit(format!(
            "directories nest deeper than {} levels: {shown}",
            root.limits.depth
        )));
    }
    let entries = root.tree().list(&dir).map_err(|error| BuildError::tree(&error, &root.shown(&dir)))?;
    for entry in entries {
        let relative = join(below, &entry.name);
        let full = join(base, &relative);
        match entry.kind {
            EntryKind::Directory => {
                let mut own = false;
                for name in KUSTOMIZATION_FILES {
                    own |= root.kind(&join(&full, name))? == Some(EntryKind::File);
                }
                if own {
                    found.push(relative);
                } else {
                    walk(root, base, &relative, exclude, found)?;
                }
            }
            EntryKind::File if exclude.is_some_and(|exclude| exclude.takes(&full, EntryKind::File)) => {}
            EntryKind::File if entry.name.ends_with(".yaml") || entry.name.ends_with(".yml") => {
                let bytes = root.read(&full)?;
                let mut nodes = Nodes::default();
                let limits = ReadLimits { nodes: root.limits.nodes, ..ReadLimits::default() };
                objects::read(&mut nodes, &bytes, &limits).map_err(|error| {
                    error.within(format!("failed to decode Kubernetes YAML from {}", root.shown(&full)))
                })?;
                found.push(relative);
            }
            EntryKind::File => {}
        }
    }
    Ok(())
}
