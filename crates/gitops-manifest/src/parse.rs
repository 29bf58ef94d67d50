//! Text to documents and objects.

mod build;
mod check;
mod json;
mod keeper;
mod list;
mod merge;
mod quick;
mod repair;
mod reprint;
mod scalar;
mod split;
mod text;

use std::sync::Arc;

use serde_json::Value;

use crate::document::Document;
use crate::error::ParseError;
use crate::limits::Limits;
use crate::object::Object;
use crate::resolve::Resolver;

use self::text::Text;

/// How a text is read. The default reads as kustomize and Flux do, under the default limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// Whose reading of scalars is followed.
    pub resolver: Resolver,
    /// Whether a key that stands twice in a map is refused. kustomize refuses it always.
    pub strict: bool,
    /// Whether [`Document::scalars`] and [`Document::comments`] are kept.
    pub keep_spans: bool,
    /// Bounds on the text and on what it builds.
    pub limits: Limits,
}

impl ParseOptions {
    /// Returns options that read as kubectl does.
    pub fn kubectl() -> Self {
        Self { resolver: Resolver::Kubectl, ..Self::default() }
    }

    /// Returns options that read as kustomize and Flux do.
    pub fn kustomize() -> Self {
        Self { resolver: Resolver::Kustomize, ..Self::default() }
    }

    /// Returns the options with duplicate keys refused.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Returns the options with spans and comments kept.
    #[must_use]
    pub fn keep_spans(mut self) -> Self {
        self.keep_spans = true;
        self
    }

    /// Returns the options with other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// Reads a text of YAML documents, or of JSON values, into documents. What holds comments alone, or nothing,
/// is none.
///
/// `name` stands in errors and origins; it is not opened.
///
/// ```
/// use gitops_manifest::{ParseOptions, parse};
///
/// let documents = parse("a.yaml", b"on: yes\n---\nmode: 0755\n", &ParseOptions::kubectl())?;
/// assert_eq!(documents[0].value()["true"], true);
/// assert_eq!(documents[1].value()["mode"], 493);
/// # Ok::<(), gitops_manifest::ParseError>(())
/// ```
///
/// # Difference from kubectl and kustomize
/// Both ignore what follows a document's end marker `...` until the next `---`; here it is a document, so
/// that nothing is lost. UTF-16 is refused, and a line ends with a line feed, not with U+0085, U+2028 or
/// U+2029.
///
/// # Errors
/// The first thing in the text that cannot be read, with its file, line and column.
pub fn parse(name: &str, bytes: &[u8], options: &ParseOptions) -> Result<Vec<Document>, ParseError> {
    let text = Text::new(name, bytes, options)?;
    // Only kubectl tries JSON's own grammar first; what is no JSON may still be YAML.
    if options.resolver == Resolver::Kubectl
        && let Some(documents) = json::parse(&text, options)
    {
        return Ok(documents);
    }
    build::documents(split::split(&text, options)?, options)
}

/// Reads a text into objects: empty documents are skipped and lists (a kind that ends in `List`, with
/// `items`) are replaced by their items.
///
/// Items stand where their list stood; with [`Resolver::Kustomize`] they stand after everything else, as
/// kustomize has it, unless the list is the only document and its kind is exactly `List`. Each object's
/// origin is `name` and the line of its document.
///
/// ```
/// use gitops_manifest::{ParseOptions, parse_objects};
///
/// let text = b"kind: ConfigMapList\nitems:\n- {kind: ConfigMap, metadata: {name: a}}\n";
/// let objects = parse_objects("a.yaml", text, &ParseOptions::default())?;
/// assert_eq!(objects[0].name(), "a");
/// assert_eq!(objects[0].origin().unwrap().to_string(), "a.yaml:1");
/// # Ok::<(), gitops_manifest::ParseError>(())
/// ```
///
/// # Errors
/// As [`parse`], and when a document or an item is not a map.
pub fn parse_objects(name: &str, bytes: &[u8], options: &ParseOptions) -> Result<Vec<Object>, ParseError> {
    let documents = parse(name, bytes, options)?;
    let file: Arc<str> = name.into();
    let mut values = Vec::with_capacity(documents.len());
    for document in documents {
        let skipped = match document.value() {
            Value::Null => true,
            Value::Object(map) => map.is_empty() && options.resolver == Resolver::Kustomize,
            _ => false,
        };
        if !skipped {
            let line = document.line();
            values.push((document.into_value(), line));
        }
    }
    list::flatten(&file, values, options.resolver)
}
