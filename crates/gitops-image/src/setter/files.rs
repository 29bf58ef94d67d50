//! Which files may hold markers.

use bytes::Bytes;
use gitops_manifest::{EntryKind, FileTree, TreeError, tree};

use crate::error::ImageError;

/// What a file must hold to be read at all, with the quotes.
pub const MARKER_TOKEN: &str = "\"$imagepolicy\"";

/// How much of a tree is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EditLimits {
    /// Files and directories that are visited. Default 1,000,000.
    pub entries: usize,
    /// Directories inside of each other. Default 100: links can make a tree that has no end.
    pub depth: usize,
    /// Bytes of all files with markers. Default 256 MiB.
    pub bytes: usize,
}

impl Default for EditLimits {
    fn default() -> Self {
        Self { entries: 1_000_000, depth: 100, bytes: 256 << 20 }
    }
}

/// Returns the files below a path that may hold markers, with their content, in the order in which Flux walks: named
/// `*.yaml`, `*.yml` or `Kustomization`, and with [`MARKER_TOKEN`] in them.
///
/// A file that cannot be found when it is read, as a link that leads nowhere, is passed over. Folders named `.git` are
/// not entered.
///
/// # Errors
/// [`ImageError::Tree`] when the path is not there or something cannot be read, [`ImageError::Limit`] when there is
/// more than the limits allow.
pub fn marked_files(
    tree: &dyn FileTree,
    path: &str,
    limits: &EditLimits,
) -> Result<Vec<(String, Bytes)>, ImageError> {
    let root = tree::normalise(path.trim_start_matches('/'))?;
    let mut found = Vec::new();
    let (mut entries, mut bytes) = (0, 0);
    let kind = tree.kind(&root)?.ok_or_else(|| TreeError::NotFound { path: root.clone() })?;
    // A stack, whose top is the next in the order of the walk.
    let mut pending = vec![(root, kind, 0)];
    while let Some((path, kind, depth)) = pending.pop() {
        entries += 1;
        within("files and directories", entries, limits.entries)?;
        if kind == EntryKind::Directory {
            within("directories inside of each other", depth, limits.depth)?;
            for entry in tree.list(&path)?.into_iter().rev() {
                let is_git = entry.kind == EntryKind::Directory && entry.name == ".git";
                if !is_git {
                    let below = if path.is_empty() { entry.name } else { format!("{path}/{}", entry.name) };
                    pending.push((below, entry.kind, depth + 1));
                }
            }
            continue;
        }
        if !may_hold_markers(&path) {
            continue;
        }
        let content = match tree.read(&path) {
            Err(error) if error.is_not_found() => continue,
            content => content?,
        };
        if contains(&content, MARKER_TOKEN.as_bytes()) {
            bytes += content.len();
            within("bytes of files with markers", bytes, limits.bytes)?;
            found.push((path, content));
        }
    }
    Ok(found)
}

fn within(what: &'static str, amount: usize, limit: usize) -> Result<(), ImageError> {
    if amount > limit { Err(ImageError::Limit { what, amount, limit }) } else { Ok(()) }
}

fn may_hold_markers(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "Kustomization" || name.ends_with(".yaml") || name.ends_with(".yml")
}

/// Returns whether the bytes hold the token, which begins with a rare byte or so.
fn contains(bytes: &[u8], token: &[u8]) -> bool {
    // `$` is rarer in manifests than `"`.
    let rare = token.get(1).copied().unwrap_or_default();
    let mut rest = bytes;
    let mut at = 0;
    while let Some(found) = rest.iter().position(|b| *b == rare) {
        let start = (at + found).wrapping_sub(1);
        if bytes.get(start..).is_some_and(|tail| tail.starts_with(token)) {
            return true;
        }
        at += found + 1;
        rest = bytes.get(at..).unwrap_or_default();
    }
    false
}
