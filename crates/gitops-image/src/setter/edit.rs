//! What is to change in which files.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use gitops_api::image_v1::{UpdateStrategy, UpdateStrategyName};
use gitops_manifest::{Document, FileTree, ParseError, ParseOptions, PathPart, parse};

use super::diff;
use super::files::{EditLimits, marked_files};
use super::head::Comments;
use super::marker::Marker;
use super::object::{ObjectName, Objects};
use super::policies::Setters;
use super::record::{Change, Record};
use super::scalar::Speller;
use crate::error::ImageError;

/// All that is to change below a path. Prints as one unified diff.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Edits {
    /// The path that was looked at, in its normal form.
    pub path: String,
    /// The files in which something changes, in the order of the walk.
    pub files: Vec<FileEdit>,
    /// Files with markers that were left alone.
    pub skipped: Vec<Skipped>,
    /// Markers whose policy is not known or found no image, which change nothing.
    pub unknown: Vec<UnknownMarker>,
}

/// What is to change in one file. Prints as a unified diff.
#[derive(Clone, Debug)]
pub struct FileEdit {
    path: String,
    before: Bytes,
    after: Bytes,
    edits: Vec<Edit>,
    /// Where the values of Secrets stand, before and after.
    hidden: [Vec<Range<usize>>; 2],
}

/// One scalar that gets another value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edit {
    /// The bytes of the file that are replaced.
    pub span: Range<usize>,
    /// What they are replaced by.
    pub replacement: String,
    /// The line of the scalar, counted from 1.
    pub line: usize,
    /// The value before.
    pub old: String,
    /// The value after.
    pub new: String,
    /// The marker that asked for it.
    pub marker: Marker,
    /// The object that the scalar belongs to.
    pub object: ObjectName,
    /// The keys and indices that lead to the scalar in its document.
    pub field: Vec<PathPart>,
}

/// A file with markers that was left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// The file.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// A marker whose policy is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownMarker {
    /// The file.
    pub path: String,
    /// The line of the scalar, counted from 1.
    pub line: usize,
    /// The marker.
    pub marker: Marker,
}

impl Setters {
    /// Finds what is to change in the files below a path of a tree, under the default limits.
    ///
    /// # Errors
    /// As [`marked_files`]. A file that is no YAML is no error: it is named among [`Edits::skipped`].
    pub fn edit(&self, tree: &dyn FileTree, path: &str) -> Result<Edits, ImageError> {
        self.edit_within(tree, path, &EditLimits::default())
    }

    /// Finds what is to change as an ImageUpdateAutomation's `spec.update` asks for it.
    ///
    /// # Errors
    /// [`ImageError::Strategy`] when there is no strategy or one that is not known; otherwise as [`Setters::edit`].
    pub fn edit_by(
        &self,
        strategy: Option<&UpdateStrategy>,
        tree: &dyn FileTree,
    ) -> Result<Edits, ImageError> {
        match strategy {
            Some(UpdateStrategy { strategy: UpdateStrategyName::Setters, path }) => {
                self.edit(tree, path.as_deref().unwrap_or_default())
            }
            other => {
                let strategy = other.map_or("", |update| update.strategy.as_str()).to_owned();
                Err(ImageError::Strategy { strategy })
            }
        }
    }

    /// Finds what is to change in the files below a path of a tree, under limits.
    ///
    /// # Errors
    /// As [`Setters::edit`].
    pub fn edit_within(
        &self,
        tree: &dyn FileTree,
        path: &str,
        limits: &EditLimits,
    ) -> Result<Edits, ImageError> {
        let mut edits = Edits {
            path: gitops_manifest::tree::normalise(path.trim_start_matches('/'))?,
            ..Edits::default()
        };
        for (path, content) in marked_files(tree, &edits.path, limits)? {
            self.edit_file(&path, content, &mut edits);
        }
        Ok(edits)
    }

    /// Finds what is to change in one file, and adds it to the edits.
    pub fn edit_file(&self, path: &str, content: Bytes, edits: &mut Edits) {
        let unknown_before = edits.unknown.len();
        match self.try_edit(path, &content, &mut edits.unknown) {
            Ok(None) => {}
            Ok(Some(file)) => edits.files.push(file),
            Err(reason) => {
                edits.unknown.truncate(unknown_before);
                edits.skipped.push(Skipped { path: path.to_owned(), reason });
            }
        }
    }

    fn try_edit(
        &self,
        path: &str,
        before: &Bytes,
        unknown: &mut Vec<UnknownMarker>,
    ) -> Result<Option<FileEdit>, String> {
        let documents = read(path, before)?;
        let text = std::str::from_utf8(before).map_err(|error| error.to_string())?;
        let is_only = documents.len() == 1;
        let mut edits: Vec<Edit> = Vec::new();
        let mut hidden = Vec::new();
        let mut speller = Speller::default();
        for document in &documents {
            let comments = Comments::new(text, document);
            let objects = Objects::new(document, is_only);
            for scalar in document.scalars() {
                if scalar.span.is_empty() {
                    continue;
                }
                let marker = comments.of(scalar).and_then(Marker::parse);
                let Some(marker) = marker else {
                    if objects.is_secret(&scalar.path) {
                        hidden.push(scalar.span.clone());
                    }
                    continue;
                };
                let Some(value) = self.value(&marker) else {
                    unknown.push(UnknownMarker { path: path.to_owned(), line: scalar.line, marker });
                    continue;
                };
                if value == scalar.text {
                    continue;
                }
                let Some((span, replacement)) = speller.respell(scalar, &value, text, &comments) else {
                    return Err(format!("line {}: the block cannot hold {value:?}", scalar.line));
                };
                edits.push(Edit {
                    span,
                    replacement,
                    line: scalar.line,
                    old: scalar.text.clone(),
                    new: value,
                    marker,
                    object: objects.name(&scalar.path),
                    field: scalar.path.clone(),
                });
            }
        }
        if edits.is_empty() {
            return Ok(None);
        }
        let after = splice(text, &edits).ok_or("two marked values share bytes")?;
        verify(path, &documents, &after, &edits)?;
        let moved = hidden.iter().map(|range| moved(range, &edits)).collect();
        let file = FileEdit {
            path: path.to_owned(),
            before: before.clone(),
            after: after.into(),
            edits,
            hidden: [hidden, moved],
        };
        Ok(Some(file))
    }
}

impl Edits {
    /// Returns whether nothing is to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns each change with its file, relative to the path that was edited, and its object, in order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let relative = |path: &str| {
            let below = path.strip_prefix(self.path.as_str()).unwrap_or(path);
            below.trim_start_matches('/').to_owned()
        };
        let of_file = |file: &FileEdit| {
            let name = relative(&file.path);
            let record = move |edit: &Edit| Record {
                file: name.clone(),
                object: edit.object.clone(),
                change: Change {
                    old: edit.old.clone(),
                    new: edit.new.clone(),
                    setter: edit.marker.to_string(),
                },
            };
            file.edits.iter().map(record).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(of_file).collect()
    }

    /// Returns the unified diff byte for byte, as `git apply` takes it. Unlike the text of the edits it shows the
    /// values of Secrets that stand near a change.
    #[must_use]
    pub fn patch(&self) -> Vec<u8> {
        self.files.iter().flat_map(FileEdit::patch).collect()
    }
}

impl FileEdit {
    /// Returns the file's path in its tree.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the content before.
    #[must_use]
    pub fn before(&self) -> &Bytes {
        &self.before
    }

    /// Returns the content after.
    #[must_use]
    pub fn after(&self) -> &Bytes {
        &self.after
    }

    /// Returns the edits in the order of the file.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Returns the unified diff byte for byte, as [`Edits::patch`].
    #[must_use]
    pub fn patch(&self) -> Vec<u8> {
        diff::unified(&self.path, &self.before, &self.after, &self.edits)
    }
}

impl Edit {
    /// Returns the field as people write it, for example `spec.containers[0].image`.
    #[must_use]
    pub fn field(&self) -> String {
        let mut out = String::new();
        for part in &self.field {
            match part {
                PathPart::Key(key) if out.is_empty() => out.push_str(key),
                PathPart::Key(key) => out.extend([".", key]),
                PathPart::Index(index) => out.push_str(&format!("[{index}]")),
            }
        }
        out
    }
}

impl fmt::Display for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| file.fmt(f))
    }
}

/// Prints the unified diff with `***` for the values of Secrets.
impl fmt::Display for FileEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, after] = &self.hidden;
        let diff = diff::masked(&self.path, (&self.before, before), (&self.after, after), &self.edits);
        f.write_str(&String::from_utf8_lossy(&diff))
    }
}

/// Reads a file as Flux does: every document must be a map, or nothing.
fn read(path: &str, content: &[u8]) -> Result<Vec<Document>, String> {
    let documents = match parse(path, content, &ParseOptions::kustomize().keep_spans()) {
        // Flux's reader of setters takes a key that stands twice.
        Err(ParseError::DuplicateKey { .. }) => parse(path, content, &ParseOptions::kubectl().keep_spans()),
        other => other,
    };
    let documents = documents.map_err(|error| error.to_string())?;
    match documents.iter().find(|document| !document.value().is_object() && !document.value().is_null()) {
        Some(document) => Err(format!("{path}:{}: the document is no map", document.line())),
        None => Ok(documents),
    }
}

/// Returns the text with the edits made, or none when two of them overlap.
fn splice(text: &str, edits: &[Edit]) -> Option<String> {
    let mut after = String::with_capacity(text.len() + edits.len() * 16);
    let mut copied = 0;
    for edit in edits {
        after.push_str(text.get(copied..edit.span.start)?);
        after.push_str(&edit.replacement);
        copied = edit.span.end;
    }
    after.push_str(text.get(copied..)?);
    Some(after)
}

/// Returns where a stretch of the text stands after the edits.
fn moved(range: &Range<usize>, edits: &[Edit]) -> Range<usize> {
    let shift = |at: usize| {
        edits
            .iter()
            .take_while(|edit| edit.span.end <= at)
            .fold(at, |at, edit| (at + edit.replacement.len()).saturating_sub(edit.span.len()))
    };
    shift(range.start)..shift(range.end)
}

/// Checks that the edited file reads as the one before, but for the marked values.
fn verify(path: &str, before: &[Document], after: &str, edits: &[Edit]) -> Result<(), String> {
    let refuse =
        || "the edit would change more than the marked values; write the value on one line".to_owned();
    let after = read(path, after.as_bytes()).map_err(|_| refuse())?;
    let scalars = |documents: &[Document]| -> Vec<(Vec<PathPart>, String, Range<usize>)> {
        documents
            .iter()
            .flat_map(Document::scalars)
            .map(|scalar| (scalar.path.clone(), scalar.text.clone(), scalar.span.clone()))
            .collect()
    };
    let (old, new) = (scalars(before), scalars(&after));
    let comments = |documents: &[Document]| documents.iter().map(|d| d.comments().len()).sum::<usize>();
    if before.len() != after.len() || old.len() != new.len() || comments(before) != comments(&after) {
        return Err(refuse());
    }
    let mut pending = edits.iter().peekable();
    for ((old_path, old_text, old_span), (new_path, new_text, _)) in old.iter().zip(&new) {
        // A block's edit may begin at its header, before the scalar.
        let edit = pending.next_if(|edit| edit.field == *old_path && edit.span.end <= old_span.end);
        let wanted = edit.map_or(old_text, |edit| &edit.new);
        if old_path != new_path || wanted != new_text {
            return Err(refuse());
        }
    }
    if pending.peek().is_some() { Err(refuse()) } else { Ok(()) }
}
