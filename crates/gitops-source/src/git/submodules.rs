//! Submodules: the files of other repositories at their places in a commit's tree.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use gitops_manifest::{Entry, EntryKind, FileTree, TreeError};
use gix::bstr::ByteSlice as _;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::checkout::Checkout;
use super::failure::{RemoteAction, RemoteFailure};
use super::reference::GitReference;
use super::remote::{GitAuth, GitRemote};
use super::resolve::{Resolved, resolve};
use super::store::GitStore;
use crate::error::SourceError;

/// How deep submodules of submodules are followed. Source: go-git, `DefaultSubmoduleRecursionDepth`.
const DEPTH: usize = 10;
/// How many submodules one repository may have, those of its submodules not counted.
const SUBMODULES: usize = 100;

/// A commit with its submodules, each as a folder at its place.
///
/// Each of those folders also has the file `.git` that a clone would leave there, as in Flux's artifacts.
#[derive(Debug)]
pub struct Superproject {
    checkout: Checkout,
    /// By path.
    modules: BTreeMap<String, Module>,
}

#[derive(Debug)]
struct Module {
    tree: Superproject,
    /// The content of its file `.git`.
    pointer: Bytes,
}

impl Superproject {
    /// Returns the commit itself, without its submodules.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// Returns the submodule that a path leads into, and the path inside it.
    fn inside<'a>(&self, path: &'a str) -> Option<(&Module, &'a str)> {
        self.modules.iter().find_map(|(place, module)| match path.strip_prefix(place.as_str())? {
            "" => Some((module, "")),
            rest => Some((module, rest.strip_prefix('/')?)),
        })
    }
}

impl FileTree for Superproject {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        match self.inside(path) {
            Some((module, ".git")) => Ok(module.pointer.clone()),
            Some((module, "")) => {
                module.tree.read("").map_err(|_| TreeError::NotAFile { path: path.to_owned() })
            }
            Some((module, rest)) => module.tree.read(rest),
            None => self.checkout.read(path),
        }
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        match self.inside(path) {
            Some((_, ".git")) => Ok(Some(EntryKind::File)),
            Some((module, rest)) => module.tree.kind(rest),
            None => self.checkout.kind(path),
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        let mut entries = match self.inside(dir) {
            Some((_, ".git")) => return Err(TreeError::NotADirectory { path: dir.to_owned() }),
            Some((module, rest)) => {
                let mut entries = module.tree.list(rest)?;
                if rest.is_empty() {
                    entries.push(Entry { name: ".git".to_owned(), kind: EntryKind::File });
                }
                entries
            }
            None => {
                let mut entries = self.checkout.list(dir)?;
                let here = self.modules.keys().filter_map(|place| {
                    let (parent, name) = place.rsplit_once('/').unwrap_or(("", place));
                    (parent == dir).then(|| Entry { name: name.to_owned(), kind: EntryKind::Directory })
                });
                entries.extend(here);
                entries
            }
        };
        entries.sort();
        Ok(entries)
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        match self.inside(path) {
            Some((_, ".git")) => Ok(false),
            Some((module, rest)) => module.tree.is_executable(rest),
            None => self.checkout.is_executable(path),
        }
    }
}

impl GitStore {
    /// Fetches a resolved commit as [`fetch`](Self::fetch) does, and all its submodules, and theirs. The remote's
    /// timeout is that of the whole.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch), for any of the repositories; [`SourceError::GitUrl`] for a submodule whose
    /// address is neither http nor https; [`SourceError::Tree`] when `.gitmodules` cannot be read.
    ///
    /// # Difference from Flux
    /// A submodule at another host is asked without our credentials and certificate; Flux sends them to whatever
    /// host a commit names.
    pub async fn fetch_with_submodules(
        &self,
        remote: &GitRemote,
        resolved: &Resolved,
    ) -> Result<Superproject, SourceError> {
        let whole = async {
            let checkout = self.fetch(remote, resolved).await?;
            self.follow(
                remote.clone(),
                checkout,
                Place { up: String::new(), gitdir: ".git".to_owned(), depth: 0 },
            )
            .await
        };
        tokio::time::timeout(remote.timeout, whole).await.unwrap_or_else(|_| {
            let failure = RemoteFailure::Protocol { reason: "context deadline exceeded".to_owned() };
            Err(SourceError::GitRemote { action: RemoteAction::Clone, url: remote.address(), failure })
        })
    }

    fn follow(
        &self,
        remote: GitRemote,
        checkout: Checkout,
        at: Place,
    ) -> Pin<Box<dyn Future<Output = Result<Superproject, SourceError>> + Send + '_>> {
        Box::pin(async move {
            let mut modules = BTreeMap::new();
            for declared in declared(&checkout)? {
                let Some(commit) = checkout.submodule(&declared.path)? else { continue };
                if at.depth == DEPTH {
                    break;
                }
                let remote = remote_of(&remote, &declared.url)?;
                let resolved = resolve(&remote, &GitReference::commit(commit.to_string())).await?;
                let inner = self.fetch(&remote, &resolved).await?;
                let place = at.inside(&declared);
                let pointer = Bytes::from(format!("gitdir: {}{}\n", place.up, place.gitdir));
                let tree = self.follow(remote, inner, place).await?;
                modules.insert(declared.path, Module { tree, pointer });
            }
            Ok(Superproject { checkout, modules })
        })
    }
}

/// Where a submodule would lie in a clone.
struct Place {
    /// From its folder up to the outermost one: `../` for each level.
    up: String,
    /// Its Git folder, seen from the outermost folder.
    gitdir: String,
    depth: usize,
}

impl Place {
    fn inside(&self, module: &Declared) -> Self {
        Self {
            up: self.up.clone() + &"../".repeat(module.path.split('/').count()),
            gitdir: format!("{}/modules/{}", self.gitdir, module.name),
            depth: self.depth + 1,
        }
    }
}

/// A submodule as `.gitmodules` declares it.
#[derive(Debug, PartialEq, Eq)]
struct Declared {
    name: String,
    path: String,
    url: String,
}

fn declared(checkout: &Checkout) -> Result<Vec<Declared>, SourceError> {
    const FILE: &str = ".gitmodules";
    match checkout.read(FILE) {
        Ok(content) => Ok(parse(&content).map_err(|reason| TreeError::io(FILE, reason))?),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn parse(content: &[u8]) -> Result<Vec<Declared>, String> {
    let text = content.to_str().map_err(|_| "it is not UTF-8".to_owned())?;
    let file = gix::config::File::try_from(text).map_err(|e| e.to_string())?;
    let mut declared = Vec::new();
    for section in file.sections_by_name("submodule").into_iter().flatten() {
        let value = |key: &str| section.value(key).map(|value| value.to_str_lossy().into_owned());
        let name = section.header().subsection_name().map(|name| name.to_str_lossy().into_owned());
        let (Some(name), Some(path), Some(url)) = (name, value("path"), value("url")) else { continue };
        // The name becomes a part of a path, in the text of `.git` alone; even there nothing leads elsewhere.
        if name.is_empty()
            || name.split('/').any(|part| matches!(part, "" | "." | ".."))
            || name.contains('\n')
        {
            return Err(format!("the submodule's name {name:?} is not one that Git allows"));
        }
        declared.push(Declared { name, path: path.trim_end_matches('/').to_owned(), url });
    }
    if declared.len() > SUBMODULES {
        return Err(format!("it declares {} submodules, more than {SUBMODULES}", declared.len()));
    }
    Ok(declared)
}

/// Returns the remote of a submodule, with our credentials only when it is at the same host.
fn remote_of(parent: &GitRemote, url: &str) -> Result<GitRemote, SourceError> {
    let base = parent.endpoint()?;
    let address =
        if url.starts_with("./") || url.starts_with("../") { relative(&base, url) } else { url.to_owned() };
    let mut remote = parent.clone();
    remote.url = SecretString::from(address);
    let endpoint = remote.endpoint()?;
    if endpoint.origin() != base.origin() {
        remote.auth = GitAuth::Anonymous;
        remote.client_certificate = None;
    } else if matches!(parent.auth, GitAuth::Anonymous)
        && let Ok(ours) = Url::parse(parent.url.expose_secret())
    {
        // Credentials that stand in the parent's address.
        let mut endpoint = endpoint;
        let _ = endpoint.set_username(ours.username());
        let _ = endpoint.set_password(ours.password());
        remote.url = SecretString::from(String::from(endpoint));
    }
    Ok(remote)
}

/// Returns the address that a relative one means; it never leads above the host.
fn relative(base: &Url, url: &str) -> String {
    let mut segments: Vec<&str> = base.path().split('/').filter(|segment| !segment.is_empty()).collect();
    for part in url.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            part => segments.push(part),
        }
    }
    let mut address = base.clone();
    address.set_path(&segments.join("/"));
    address.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_are_seen_from_the_repository() {
        let check = |url: &str, want: &str| {
            let base = Url::parse("https://example.com/git/team/app.git").unwrap();
            assert_eq!(relative(&base, url), want);
        };
        check("../lib.git", "https://example.com/git/team/lib.git");
        check("../../other/lib.git", "https://example.com/git/other/lib.git");
        check("./nested.git", "https://example.com/git/team/app.git/nested.git");
        check("../../../../../lib.git", "https://example.com/lib.git");
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let check = |parent: &str, url: &str, want: bool| {
            let remote = remote_of(&GitRemote::new(parent), url).unwrap();
            assert_eq!(remote.authorization().unwrap().is_some(), want, "{url}");
        };
        let parent = "https://ada:secret@example.com/app.git";
        check(parent, "../lib.git", true);
        check(parent, "https://example.com/lib.git", true);
        check(parent, "https://example.com:8443/lib.git", false);
        check(parent, "http://example.com/lib.git", false);
        check(parent, "https://example.org/lib.git", false);
        let token = GitRemote::new("https://example.com/app.git").with_auth(GitAuth::Bearer("token".into()));
        assert!(remote_of(&token, "../lib.git").unwrap().authorization().unwrap().is_some());
        assert!(remote_of(&token, "https://example.org/lib.git").unwrap().authorization().unwrap().is_none());
        assert!(remote_of(&token, "ssh://git@example.com/lib.git").is_err());
        assert!(remote_of(&token, "/etc").is_err());
    }

    #[test]
    fn declarations_are_read_and_names_that_lead_elsewhere_refused() {
        let text =
            b"[submodule \"lib\"]\n\tpath = deps/lib\n\turl = ../lib.git\n[submodule \"half\"]\n\tpath = x\n";
        let want = Declared { name: "lib".into(), path: "deps/lib".into(), url: "../lib.git".into() };
        assert_eq!(parse(text).unwrap(), [want]);
        assert!(parse(b"[submodule \"../x\"]\n\tpath = x\n\turl = y\n").is_err());
        assert!(parse(b"[submodule").is_err());
    }
}
