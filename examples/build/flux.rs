//! What a Flux Kustomization adds to a build.

use std::fs;

use gitops_api::kustomize_v1::{GROUP, Kustomization};
use gitops_kustomize::{find_kustomization, mask_sops};
use gitops_manifest::{EntryKind, FileTree, Manifests, ParseOptions, parse_objects};
use gitops_source::ignore::{Defaults, IGNORE_FILE, IgnoreRules};

use super::Flags;

/// Returns the Flux Kustomization that the flags name, if any.
pub(crate) fn kustomization(flags: &Flags) -> Result<Option<Kustomization>, String> {
    let Some(file) = &flags.kustomization_file else { return Ok(None) };
    let shown = file.display().to_string();
    let stream = fs::read(file).map_err(|error| format!("{shown}: {error}"))?;
    let name = match &flags.name {
        Some(name) => name.clone(),
        None => only_name(&shown, &stream)?,
    };
    find_kustomization(&shown, &stream, &name, &flags.namespace).map(Some).map_err(|error| error.to_string())
}

fn only_name(file: &str, stream: &[u8]) -> Result<String, String> {
    let objects = parse_objects(file, stream, &ParseOptions::kubectl()).map_err(|error| error.to_string())?;
    let found = objects.iter().filter(|object| object.group() == GROUP && object.kind() == "Kustomization");
    match found.collect::<Vec<_>>().as_slice() {
        [one] => Ok(one.name().to_owned()),
        [] => Err(format!(
            "{file}: holds no Flux Kustomization; --kustomization-file must name a file with one"
        )),
        _ => Err(format!("{file}: holds several Flux Kustomizations; choose one with --name")),
    }
}

/// Returns the ignore rules of the folder, and the given patterns after them; nothing when there are none.
pub(crate) fn rules(
    tree: &dyn FileTree,
    folder: &str,
    given: &[String],
) -> Result<Option<IgnoreRules>, String> {
    let mut rules = IgnoreRules::defaults(Defaults::All, folder);
    let mut found = !given.is_empty();
    let mut folders = vec![folder.to_owned()];
    while let Some(dir) = folders.pop() {
        let below = |name: &str| if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
        for entry in tree.list(&dir).map_err(|error| error.to_string())? {
            let path = below(&entry.name);
            match entry.kind {
                EntryKind::Directory if entry.name != ".git" => folders.push(path),
                EntryKind::File if entry.name == IGNORE_FILE => {
                    let text = tree.read(&path).map_err(|error| error.to_string())?;
                    rules.push_text(&String::from_utf8_lossy(&text), &dir);
                    found = true;
                }
                _ => {}
            }
        }
    }
    rules.push_text(&given.join("\n"), folder);
    Ok(found.then_some(rules))
}

/// Sets the labels by which Flux knows whose an object is.
pub(crate) fn owned(manifests: Manifests, name: &str, namespace: &str) -> Manifests {
    let mut objects = manifests.into_objects();
    for object in &mut objects {
        object.set_label(format!("{GROUP}/name"), name);
        object.set_label(format!("{GROUP}/namespace"), namespace);
    }
    objects.into()
}

/// Hides what SOPS has encrypted.
pub(crate) fn masked(manifests: Manifests) -> Manifests {
    let mut objects = manifests.into_objects();
    objects.iter_mut().for_each(mask_sops);
    objects.into()
}
