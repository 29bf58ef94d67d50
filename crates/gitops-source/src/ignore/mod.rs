//! Which files of a source stay out of its artifact.
//!
//! ```
//! use gitops_manifest::MemoryTree;
//! use gitops_source::ignore::IgnoreRules;
//!
//! let mut tree = MemoryTree::new();
//! tree.insert(".sourceignore", "/*\n!/deploy\n")?;
//! let rules = IgnoreRules::for_tree(&tree, None)?;
//! assert!(rules.ignores("README.md", false));
//! assert!(!rules.ignores("deploy/app.yaml", false));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Differences from git
//! The rules look like `.gitignore`, but they are those of Flux, which are go-git's:
//! - the last pattern that says anything about a path wins, for each path alone: a file in an excluded directory can be
//!   taken in again, so an excluded directory is still walked;
//! - `**` is special only as a whole path element; another element that holds `**` matches nothing;
//! - an element is a glob of Go's `path/filepath.Match`; a malformed one matches nothing;
//! - a pattern without a slash matches any element of a path;
//! - a line is a comment only where `#` is its first character.
//!
//! Source: fluxcd/pkg `sourceignore` and `sourceignore/gitignore`.

mod glob;
mod pattern;

use gitops_manifest::{EntryKind, FileTree, TreeError};

pub use pattern::{Pattern, Verdict};

/// The name of the files that hold patterns, anywhere in a source.
pub const IGNORE_FILE: &str = ".sourceignore";

/// What version control keeps beside the content; always excluded, unless a pattern takes it in again.
const VCS: &[&str] = &[".git/", ".gitignore", ".gitmodules", ".gitattributes"];

/// Excluded only while a source has no pattern of its own.
const WITHOUT_OWN_PATTERNS: &[&str] = &[
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// The longest line of an ignore file. Flux stops to read a file at a longer one.
const MAX_LINE: usize = 64 * 1024;

/// The patterns that are there before a source's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defaults {
    /// None.
    None,
    /// The files of version control.
    Vcs,
    /// The files of version control, pictures and archives, and the files of continuous integration.
    All,
}

/// An ordered list of patterns; later ones win.
#[derive(Debug, Clone)]
pub struct IgnoreRules {
    patterns: Vec<Pattern>,
}

impl IgnoreRules {
    /// Returns rules that ignore nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { patterns: Vec::new() }
    }

    /// Returns rules made of default patterns, bound to a directory (`""` is the root).
    #[must_use]
    pub fn defaults(defaults: Defaults, domain: &str) -> Self {
        let lists: &[&[&str]] = match defaults {
            Defaults::None => &[],
            Defaults::Vcs => &[VCS],
            Defaults::All => &[VCS, WITHOUT_OWN_PATTERNS],
        };
        let lines = lists.iter().flat_map(|list| list.iter());
        Self { patterns: lines.map(|line| Pattern::parse(line, domain)).collect() }
    }

    /// Returns the rules of a source: all its [`IGNORE_FILE`]s, each bound to its directory, then the patterns of
    /// `spec.ignore`, which win.
    ///
    /// Where these yield no pattern at all, all default patterns apply; where they yield one, only those of version
    /// control remain, with the lowest priority.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn for_tree(tree: &dyn FileTree, spec_ignore: Option<&str>) -> Result<Self, TreeError> {
        let mut own = Self::none();
        own.push_tree(tree)?;
        own.push_text(spec_ignore.unwrap_or_default(), "");
        let defaults = if own.patterns.is_empty() { Defaults::All } else { Defaults::Vcs };
        let mut rules = Self::defaults(defaults, "");
        rules.patterns.append(&mut own.patterns);
        Ok(rules)
    }

    /// Appends the patterns of a text, one a line, bound to a directory (`""` is the root).
    pub fn push_text(&mut self, text: &str, domain: &str) {
        for line in text.split('\n').take_while(|line| line.len() < MAX_LINE) {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if !line.starts_with('#') && !line.trim().is_empty() {
                self.patterns.push(Pattern::parse(line, domain));
            }
        }
    }

    /// Appends the patterns of all [`IGNORE_FILE`]s of a tree: a directory's own before those of its subdirectories.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn push_tree(&mut self, tree: &dyn FileTree) -> Result<(), TreeError> {
        self.push_directory(tree, "")
    }

    fn push_directory(&mut self, tree: &dyn FileTree, dir: &str) -> Result<(), TreeError> {
        let below = |name: &str| if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
        let entries = tree.list(dir)?;
        if entries.iter().any(|e| e.name == IGNORE_FILE && e.kind == EntryKind::File) {
            let content = tree.read(&below(IGNORE_FILE))?;
            self.push_text(&String::from_utf8_lossy(&content), dir);
        }
        for entry in entries {
            if entry.kind == EntryKind::Directory && entry.name != ".git" {
                self.push_directory(tree, &below(&entry.name))?;
            }
        }
        Ok(())
    }

    /// Returns the patterns, later ones win.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Returns whether a path stays out. The path is relative to the root and separated by slashes.
    #[must_use]
    pub fn ignores(&self, path: &str, is_directory: bool) -> bool {
        self.verdict(path, is_directory) == Verdict::Exclude
    }

    /// Returns what the last pattern that says anything says about a path.
    #[must_use]
    pub fn verdict(&self, path: &str, is_directory: bool) -> Verdict {
        let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let told = self.patterns.iter().rev().map(|p| p.verdict_of(&path, is_directory));
        told.into_iter().find(|v| *v != Verdict::None).unwrap_or(Verdict::None)
    }
}
