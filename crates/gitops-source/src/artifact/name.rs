//! The name of an archive's entry → a path inside of the tree.

use super::fault::ArchiveFault;
use super::limits::Limits;

/// Returns the normal form of an entry's name, `""` for the root itself.
///
/// A leading `./` and a trailing `/` are how archives of other tools look; everything else that is not normal is
/// refused: empty, absolute, `..`, `.` or nothing between two slashes, a backslash, NUL and `../` even inside of a name,
/// as Flux does.
pub(super) fn normal(name: &str, limits: &Limits) -> Result<String, ArchiveFault> {
    let refused = || ArchiveFault::Name { name: name.to_owned() };
    if name.is_empty() || name.starts_with('/') || name.contains("../") || name.contains(['\\', '\0']) {
        return Err(refused());
    }
    let mut path = name;
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() || path == "." {
        return Ok(String::new());
    }
    let mut depth = 0;
    for part in path.split('/') {
        if matches!(part, "" | "." | "..") {
            return Err(refused());
        }
        depth += 1;
    }
    if depth > limits.depth {
        return Err(ArchiveFault::TooDeep { name: name.to_owned(), limit: limits.depth });
    }
    Ok(path.to_owned())
}
