//! The paths of a tree.

use super::TreeError;

/// Checks that a path is normal: relative, no empty part, no `.`, no `..`, no NUL. `""` is the root.
pub(super) fn check(path: &str) -> Result<(), TreeError> {
    if path.is_empty() {
        return Ok(());
    }
    let refuse = |reason| Err(TreeError::Path { path: path.to_owned(), reason });
    if path.contains('\0') {
        return refuse("a path cannot hold a NUL character");
    }
    if path.starts_with('/') {
        return refuse("the path must be relative to the root");
    }
    for part in path.split('/') {
        match part {
            "" => return refuse("the path has an empty part"),
            "." | ".." => return refuse("the path must not hold . or .."),
            _ => {}
        }
    }
    Ok(())
}

/// Returns a path as people write it (`./apps//web/`, `apps/../base`) in the normal form of a tree.
///
/// `.` and empty parts vanish and `..` takes the part before it away, by the text alone: links are not
/// followed.
///
/// ```
/// use gitops_manifest::tree::normalise;
/// assert_eq!(normalise("./apps//web/").unwrap(), "apps/web");
/// assert_eq!(normalise("apps/../base").unwrap(), "base");
/// assert!(normalise("../secret").is_err());
/// ```
///
/// # Errors
/// [`TreeError::Path`] when the path is absolute, climbs above the root or holds NUL.
pub fn normalise(path: &str) -> Result<String, TreeError> {
    join("", path)
}

/// Returns the normal form of a path that is written relative to a directory of the tree.
///
/// ```
/// use gitops_manifest::tree::join;
/// assert_eq!(join("overlays/prod", "../../base").unwrap(), "base");
/// ```
///
/// # Errors
/// [`TreeError::Path`] when the path is absolute, climbs above the root or holds NUL.
pub fn join(dir: &str, path: &str) -> Result<String, TreeError> {
    let refuse = |reason| Err(TreeError::Path { path: path.to_owned(), reason });
    if path.contains('\0') {
        return refuse("a path cannot hold a NUL character");
    }
    if path.starts_with('/') {
        return refuse("the path must be relative to the root");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return refuse("the path leads out of the root");
                }
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}
