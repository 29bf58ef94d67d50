//! One line of an ignore file.

use super::glob::Glob;

/// What a pattern says about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    None,
    /// The path stays out.
    Exclude,
    /// The path is taken in, whatever earlier patterns say.
    Include,
}

/// A pattern that is bound to a directory.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    domain: Vec<String>,
    includes: bool,
    directories_only: bool,
    shape: Shape,
}

#[derive(Debug, Clone)]
enum Shape {
    /// No slash: any element of the path.
    Name(Glob),
    /// With a slash: element by element from the domain on.
    Path(Vec<Element>),
    /// Malformed: matches nothing.
    Never,
}

#[derive(Debug, Clone)]
enum Element {
    /// Nothing, where two slashes meet and before a leading one.
    Empty,
    /// `**`.
    AnyDepth,
    Glob(Glob),
}

impl Pattern {
    /// Returns the pattern of a line that is neither blank nor a comment, bound to a directory (`""` is the root).
    #[must_use]
    pub fn parse(line: &str, domain: &str) -> Self {
        let mut rest = line;
        let includes = rest.starts_with('!');
        rest = rest.strip_prefix('!').unwrap_or(rest);
        if !rest.ends_with("\\ ") {
            rest = rest.trim_end_matches(' ');
        }
        let directories_only = rest.ends_with('/');
        rest = rest.strip_suffix('/').unwrap_or(rest);
        Self {
            text: line.to_owned(),
            domain: domain.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            includes,
            directories_only,
            shape: shape(rest),
        }
    }

    /// Returns the line as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the elements of the directory that the pattern is bound to; none for the root.
    #[must_use]
    pub fn domain(&self) -> &[String] {
        &self.domain
    }

    /// Returns what the pattern says about a path, given by its elements.
    #[must_use]
    pub fn verdict_of(&self, path: &[&str], is_directory: bool) -> Verdict {
        if path.len() <= self.domain.len() || !self.domain.iter().zip(path).all(|(d, p)| d == p) {
            return Verdict::None;
        }
        let path = path.get(self.domain.len()..).unwrap_or_default();
        let matches = match &self.shape {
            Shape::Name(glob) => self.matches_name(glob, path, is_directory),
            Shape::Path(elements) => self.matches_path(elements, path, is_directory),
            Shape::Never => false,
        };
        match (matches, self.includes) {
            (false, _) => Verdict::None,
            (true, false) => Verdict::Exclude,
            (true, true) => Verdict::Include,
        }
    }

    fn matches_name(&self, glob: &Glob, path: &[&str], is_directory: bool) -> bool {
        let at = path.iter().position(|name| glob.matches(name));
        at.is_some_and(|at| !self.directories_only || is_directory || at + 1 < path.len())
    }

    fn matches_path(&self, elements: &[Element], mut path: &[&str], is_directory: bool) -> bool {
        let mut matched = false;
        let mut any_depth = false;
        for (at, element) in elements.iter().enumerate() {
            let glob = match element {
                Element::Empty => {
                    any_depth = false;
                    continue;
                }
                Element::AnyDepth if at + 1 == elements.len() => break,
                Element::AnyDepth => {
                    any_depth = true;
                    continue;
                }
                Element::Glob(glob) => glob,
            };
            // Where any depth may lie between, the first element that matches is taken for good, as go-git does.
            let reach = if any_depth { path.len() } else { path.len().min(1) };
            any_depth = false;
            let Some(skipped) = path.iter().take(reach).position(|name| glob.matches(name)) else {
                return false;
            };
            matched = true;
            path = path.get(skipped + 1..).unwrap_or_default();
        }
        matched && (!self.directories_only || is_directory || !path.is_empty())
    }
}

fn shape(text: &str) -> Shape {
    if !text.contains('/') {
        return Glob::parse(text).map_or(Shape::Never, Shape::Name);
    }
    let elements = text.split('/').map(|element| match element {
        "" => Some(Element::Empty),
        "**" => Some(Element::AnyDepth),
        element if element.contains("**") => None,
        element => Glob::parse(element).map(Element::Glob),
    });
    elements.collect::<Option<_>>().map_or(Shape::Never, Shape::Path)
}
