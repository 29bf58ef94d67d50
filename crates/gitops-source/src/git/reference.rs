//! Which commit of a repository is meant, and how a list of references decides it. Pure.

use gitops_expr::constraint::{Constraint, Version};
use gix::ObjectId;

use super::failure::RemoteFailure;
use super::session::RemoteRef;
use crate::error::SourceError;

/// The branch that is meant when nothing is said.
const DEFAULT_BRANCH: &str = "master";

/// What of a Git repository is wanted.
///
/// When several are set, the first of commit, name, tag, semver, branch counts; a commit may be joined by a
/// branch on which it must be, and which stands in the revision. Empty texts count as not set. With nothing set
/// it is the branch `master`.
///
/// Source of the order: fluxcd/pkg `git/gogit/client.go` (Flux's documentation orders them otherwise).
///
/// # Difference from Flux
/// A commit without a branch may be any that the server hands out; Flux finds it only on a branch. That a commit
/// is on its branch is checked when it is fetched, not again while it is the one already known.
///
/// # Examples
/// ```
/// use gitops_source::git::GitReference;
///
/// let main = GitReference::branch("main");
/// let releases = GitReference { semver: Some(">=1.0.0 <2.0.0".into()), ..GitReference::default() };
/// assert_ne!(main, releases);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GitReference {
    /// A branch's short name, such as `main`.
    pub branch: Option<String>,
    /// A tag's short name, such as `v1.2.3`.
    pub tag: Option<String>,
    /// A range of versions in Masterminds' grammar; the highest tag inside is meant.
    pub semver: Option<String>,
    /// A reference's full name, such as `refs/pull/420/head`.
    pub name: Option<String>,
    /// A commit's whole hash.
    pub commit: Option<String>,
}

impl GitReference {
    /// Returns the tip of a branch.
    pub fn branch(name: impl Into<String>) -> Self {
        Self { branch: Some(name.into()), ..Self::default() }
    }

    /// Returns what a tag leads to.
    pub fn tag(name: impl Into<String>) -> Self {
        Self { tag: Some(name.into()), ..Self::default() }
    }

    /// Returns the highest tag inside a range of versions.
    pub fn semver(range: impl Into<String>) -> Self {
        Self { semver: Some(range.into()), ..Self::default() }
    }

    /// Returns what a reference's full name leads to.
    pub fn name(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Returns one commit.
    pub fn commit(hash: impl Into<String>) -> Self {
        Self { commit: Some(hash.into()), ..Self::default() }
    }

    pub(super) fn target(&self) -> Result<Target, SourceError> {
        let set = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        if let Some(commit) = set(&self.commit) {
            let id =
                ObjectId::from_hex(commit.as_bytes()).map_err(|_| SourceError::GitNoCommit { commit })?;
            return Ok(Target::Commit {
                id,
                branch: set(&self.branch).map(|name| format!("refs/heads/{name}")),
            });
        }
        if let Some(name) = set(&self.name) {
            if name.starts_with('/') || name.ends_with('/') {
                return Err(SourceError::GitReferenceName { name });
            }
            return Ok(Target::Name(name));
        }
        if let Some(tag) = set(&self.tag) {
            return Ok(Target::Tag(format!("refs/tags/{tag}")));
        }
        if let Some(range) = set(&self.semver) {
            let constraint = Constraint::parse(&range)
                .map_err(|error| SourceError::GitRange { reason: range_words(&error) })?;
            return Ok(Target::Range { range, constraint });
        }
        let branch = set(&self.branch).unwrap_or_else(|| DEFAULT_BRANCH.to_owned());
        Ok(Target::Branch(format!("refs/heads/{branch}")))
    }
}

/// A reference of which one field counts. Names are full.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Commit { id: ObjectId, branch: Option<String> },
    Name(String),
    Tag(String),
    Range { range: String, constraint: Constraint },
    Branch(String),
}

/// What a list of references says about a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selected {
    /// This commit.
    Commit(Candidate),
    /// One of these: their versions are equal, and the youngest commit decides. At least two.
    Tie(Vec<Candidate>),
    /// Nothing in the list is meant.
    Missing,
}

/// A commit and how one got there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) commit: ObjectId,
    /// The full name of the reference, none for a bare commit.
    pub(super) reference: Option<String>,
    /// The object of the annotated tag, if it was one.
    pub(super) tag: Option<ObjectId>,
    /// The tip of the branch that joins a commit; the commit must be in its history.
    pub(super) tip: Option<ObjectId>,
}

impl Target {
    /// Returns the beginnings of the names that decide it, none when no list is needed.
    pub(super) fn prefixes(&self) -> Option<Vec<String>> {
        Some(match self {
            Self::Commit { branch: None, .. } => return None,
            Self::Commit { branch: Some(name), .. } | Self::Tag(name) | Self::Branch(name) => {
                vec![name.clone()]
            }
            Self::Name(name) => vec![plain(name).to_owned()],
            Self::Range { .. } => vec!["refs/tags/".to_owned()],
        })
    }

    /// Returns what a list of references decides.
    pub(super) fn select(&self, refs: &[RemoteRef]) -> Selected {
        match self {
            Self::Commit { id, branch } => {
                let tip = branch.as_ref().map(|name| refs.iter().find(|listed| listed.name == *name));
                match tip {
                    Some(None) => Selected::Missing,
                    tip => Selected::Commit(Candidate {
                        commit: *id,
                        reference: branch.clone(),
                        tag: None,
                        tip: tip.flatten().map(|listed| listed.target),
                    }),
                }
            }
            Self::Name(name) => exact(refs, plain(name)),
            Self::Tag(name) | Self::Branch(name) => exact(refs, name),
            Self::Range { constraint, .. } => highest(refs, constraint),
        }
    }

    /// Returns the error for a target that a repository with other references does not have.
    pub(super) fn missing(&self) -> Missing {
        match self {
            Self::Commit { branch: Some(name), .. } | Self::Tag(name) | Self::Branch(name) => {
                Missing::Remote(RemoteFailure::NoReference { name: name.clone() })
            }
            Self::Commit { id, branch: None } => {
                Missing::Other(SourceError::GitNoCommit { commit: id.to_string() })
            }
            Self::Name(name) => Missing::Other(SourceError::GitNoReference { name: name.clone() }),
            Self::Range { range, .. } => Missing::Other(SourceError::GitNoMatch { range: range.clone() }),
        }
    }
}

pub(super) enum Missing {
    Remote(RemoteFailure),
    Other(SourceError),
}

/// Returns the name without the mark that asks for a tag's commit, which is what we give anyway.
fn plain(name: &str) -> &str {
    name.strip_suffix("^{}").unwrap_or(name)
}

fn candidate(listed: &RemoteRef) -> Candidate {
    Candidate { commit: listed.target, reference: Some(listed.name.clone()), tag: listed.tag, tip: None }
}

fn exact(refs: &[RemoteRef], name: &str) -> Selected {
    refs.iter()
        .find(|listed| listed.name == name)
        .map_or(Selected::Missing, |l| Selected::Commit(candidate(l)))
}

fn highest(refs: &[RemoteRef], constraint: &Constraint) -> Selected {
    let mut best: Option<Version> = None;
    let mut equal: Vec<&RemoteRef> = Vec::new();
    for listed in refs {
        let Some(tag) = listed.name.strip_prefix("refs/tags/") else { continue };
        let Ok(version) = Version::parse_strict_flux(tag) else { continue };
        if !constraint.check(&version) {
            continue;
        }
        match best.as_ref().map(|best| version.cmp(best)) {
            Some(std::cmp::Ordering::Less) => {}
            Some(std::cmp::Ordering::Equal) => equal.push(listed),
            _ => {
                best = Some(version);
                equal = vec![listed];
            }
        }
    }
    // One commit under several names needs no dates; the last name in the order of bytes stands for it.
    equal.sort_by(|a, b| a.name.cmp(&b.name));
    match equal.split_last() {
        None => Selected::Missing,
        Some((last, others)) if others.iter().all(|other| other.target == last.target) => {
            Selected::Commit(candidate(last))
        }
        Some(_) => Selected::Tie(equal.into_iter().map(candidate).collect()),
    }
}

/// Returns the fault of a range as Flux prints it, with the faulty part in quotes.
fn range_words(error: &gitops_expr::Error) -> String {
    match error {
        gitops_expr::Error::Constraint { part } => format!("improper constraint: {part:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    fn refs(names: &[(&str, char)]) -> Vec<RemoteRef> {
        names
            .iter()
            .map(|(name, digit)| RemoteRef { name: (*name).to_owned(), target: id(*digit), tag: None })
            .collect()
    }

    fn check(reference: GitReference, listed: &[(&str, char)], want: Option<(&str, char)>) {
        let selected = reference.target().unwrap().select(&refs(listed));
        let want = want.map_or(Selected::Missing, |(name, digit)| {
            let reference = (!name.is_empty()).then(|| name.to_owned());
            Selected::Commit(Candidate { commit: id(digit), reference, tag: None, tip: None })
        });
        let selected = match selected {
            Selected::Commit(candidate) => Selected::Commit(Candidate { tip: None, ..candidate }),
            other => other,
        };
        assert_eq!(selected, want);
    }

    #[test]
    fn names_are_matched_whole() {
        let listed = [("refs/heads/main", '1'), ("refs/heads/main2", '2'), ("refs/tags/main", '3')];
        check(GitReference::branch("main"), &listed, Some(("refs/heads/main", '1')));
        check(GitReference::tag("main"), &listed, Some(("refs/tags/main", '3')));
        check(GitReference::branch("mai"), &listed, None);
        check(GitReference::name("refs/heads/main2"), &listed, Some(("refs/heads/main2", '2')));
        check(GitReference::name("refs/tags/main^{}"), &listed, Some(("refs/tags/main", '3')));
    }

    #[test]
    fn commit_goes_before_name_before_tag_before_range_before_branch() {
        let listed = [
            ("refs/heads/b", '1'),
            ("refs/tags/v1.0.0", '2'),
            ("refs/tags/v2.0.0", '3'),
            ("refs/pull/1/head", '4'),
        ];
        let mut reference = GitReference {
            branch: Some("b".into()),
            tag: Some("v1.0.0".into()),
            semver: Some(">=1.0.0".into()),
            name: Some("refs/pull/1/head".into()),
            commit: Some("5".repeat(40)),
        };
        check(reference.clone(), &listed, Some(("refs/heads/b", '5')));
        reference.commit = Some(String::new());
        check(reference.clone(), &listed, Some(("refs/pull/1/head", '4')));
        reference.name = None;
        check(reference.clone(), &listed, Some(("refs/tags/v1.0.0", '2')));
        reference.tag = None;
        check(reference.clone(), &listed, Some(("refs/tags/v2.0.0", '3')));
        reference.semver = None;
        check(reference, &listed, Some(("refs/heads/b", '1')));
        check(GitReference::default(), &[("refs/heads/master", '6')], Some(("refs/heads/master", '6')));
    }

    #[test]
    fn the_highest_version_of_three_numbers_inside_the_range_wins() {
        let listed = [
            ("refs/tags/1.0.0", '1'),
            ("refs/tags/v1.2.3", '2'),
            ("refs/tags/1.9", '3'),
            ("refs/tags/latest", '4'),
            ("refs/tags/1.10.0-rc.1", '5'),
            ("refs/tags/2.0.0", '6'),
            ("refs/heads/1.11.0", '7'),
        ];
        check(GitReference::semver(">=1.0.0 <2.0.0"), &listed, Some(("refs/tags/v1.2.3", '2')));
        check(GitReference::semver(">=1.0.0-0 <2.0.0"), &listed, Some(("refs/tags/1.10.0-rc.1", '5')));
        check(GitReference::semver("^3.0.0"), &listed, None);
    }

    #[test]
    fn equal_versions_at_different_commits_are_a_tie() {
        let listed =
            refs(&[("refs/tags/1.0.0+b", '1'), ("refs/tags/1.0.0+a", '2'), ("refs/tags/0.9.0", '3')]);
        let target = GitReference::semver("*").target().unwrap();
        let Selected::Tie(candidates) = target.select(&listed) else { panic!("no tie") };
        assert_eq!(candidates.iter().map(|c| c.commit).collect::<Vec<_>>(), [id('2'), id('1')]);
        let same = refs(&[("refs/tags/1.0.0+b", '1'), ("refs/tags/v1.0.0", '1')]);
        assert!(
            matches!(target.select(&same), Selected::Commit(c) if c.reference.as_deref() == Some("refs/tags/v1.0.0"))
        );
    }

    #[test]
    fn what_cannot_be_a_range_a_commit_or_a_name_is_refused_in_flux_words() {
        let text = |reference: GitReference| reference.target().unwrap_err().to_string();
        assert_eq!(
            text(GitReference::semver("not a range")),
            "semver parse error: improper constraint: \"not a range\""
        );
        assert_eq!(
            text(GitReference::commit("abc")),
            "unable to resolve commit object for 'abc': object not found"
        );
        assert_eq!(
            text(GitReference::name("refs/heads/")),
            "ref refs/heads/ is invalid; Git refs cannot begin or end with a slash '/'"
        );
    }
}
