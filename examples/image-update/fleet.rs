//! What a folder says of images: which repositories are scanned, and which policies choose.

use std::error::Error;
use std::fmt;

use gitops_api::image_v1::{ImagePolicySpec, ImageRepositorySpec};
use gitops_manifest::{EntryKind, FileTree, Object, ParseOptions, parse_objects};

/// The image objects of a folder.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    pub(crate) repositories: Vec<(Name, ImageRepositorySpec)>,
    pub(crate) policies: Vec<NamedPolicy>,
}

/// A policy, and the repository that it refers to.
#[derive(Debug)]
pub(crate) struct NamedPolicy {
    pub(crate) name: Name,
    pub(crate) repository: Name,
    pub(crate) spec: ImagePolicySpec,
}

/// Namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.name)
    }
}

/// Reads the image objects of all YAML files; files that hold something else are passed over.
pub(crate) fn read(tree: &dyn FileTree) -> Result<Fleet, Box<dyn Error>> {
    let mut fleet = Fleet::default();
    let mut pending = vec![String::new()];
    while let Some(folder) = pending.pop() {
        for entry in tree.list(&folder)? {
            let path =
                if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
            if entry.kind == EntryKind::Directory {
                if entry.name != ".git" {
                    pending.push(path);
                }
            } else if path.ends_with(".yaml") || path.ends_with(".yml") {
                for object in
                    parse_objects(&path, &tree.read(&path)?, &ParseOptions::default()).unwrap_or_default()
                {
                    fleet.add(&object)?;
                }
            }
        }
    }
    fleet.policies.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(fleet)
}

impl Fleet {
    fn add(&mut self, object: &Object) -> Result<(), serde_json::Error> {
        if object.group() != gitops_api::image_v1::GROUP {
            return Ok(());
        }
        let namespace = object.namespace().unwrap_or("default").to_owned();
        let name = Name { namespace: namespace.clone(), name: object.name().to_owned() };
        let spec = object.value()["spec"].clone();
        match object.kind() {
            "ImageRepository" => self.repositories.push((name, serde_json::from_value(spec)?)),
            "ImagePolicy" => {
                let spec: ImagePolicySpec = serde_json::from_value(spec)?;
                let reference = &spec.image_repository_ref;
                let repository = Name {
                    namespace: reference.namespace.clone().unwrap_or(namespace),
                    name: reference.name.clone(),
                };
                self.policies.push(NamedPolicy { name, repository, spec });
            }
            _ => {}
        }
        Ok(())
    }
}
