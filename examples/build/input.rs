//! Opens the directory or the archive.

use std::fs;
use std::path::{Path, PathBuf};

use gitops_manifest::tree::{join, normalise};
use gitops_manifest::{DirectoryTree, FileTree};
use gitops_source::artifact::{Limits, Links, unpack};

use super::Flags;

/// A tree and the folder of it that is built.
pub(crate) struct Input {
    pub(crate) tree: Box<dyn FileTree>,
    /// The folder, relative to the tree's root.
    pub(crate) folder: String,
    /// What texts call the root.
    pub(crate) mount: String,
}

/// Opens what the flags name.
pub(crate) fn open(flags: &Flags) -> Result<Input, String> {
    let source = &flags.source;
    let shown = source.display();
    let failed =
        |error: &dyn std::fmt::Display| format!("{shown}: {error}; name a directory or a tar.gz archive");
    let real = fs::canonicalize(source).map_err(|error| failed(&error))?;
    let below = normalise(flags.path.as_deref().unwrap_or_default()).map_err(|error| failed(&error))?;
    if real.is_file() {
        let file = fs::File::open(&real).map_err(|error| failed(&error))?;
        // Unpacked into memory: nothing is written.
        let unpacked =
            unpack(file, &Limits::default(), Links::Skip).map_err(|error| failed(&told(&error)))?;
        return Ok(Input { tree: Box::new(unpacked.into_tree()), folder: below, mount: "/".to_owned() });
    }
    let root = match (&flags.root, &flags.path) {
        (Some(root), _) => fs::canonicalize(root).map_err(|error| format!("{}: {error}", root.display()))?,
        (None, Some(_)) => real.clone(),
        (None, None) => repository(&real),
    };
    let inside =
        real.strip_prefix(&root).map_err(|_| failed(&format!("is not below --root {}", root.display())))?;
    let inside = inside.to_str().ok_or_else(|| failed(&"the path is not UTF-8"))?;
    let folder =
        if below.is_empty() { inside.to_owned() } else { join(inside, &below).map_err(|e| failed(&e))? };
    let tree = DirectoryTree::open(&root).map_err(|error| failed(&error))?;
    Ok(Input { tree: Box::new(tree), folder, mount: root.display().to_string() })
}

/// Returns the Git repository around a directory, or else the root of the file system.
fn repository(dir: &Path) -> PathBuf {
    let found = dir.ancestors().find(|above| above.join(".git").exists());
    found.unwrap_or(Path::new("/")).to_owned()
}

/// Returns an error's text with the texts of its causes.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
