//! Reset fields: what a write to an endpoint never changes.

use std::collections::BTreeMap;

use crate::path::Path;
use crate::pattern::Filter;
use crate::set::Set;

/// What a write to one endpoint never changes, whatever the client sends, by version: nobody comes to own
/// it there.
///
/// ```
/// use structured_merge::ResetFields;
/// // What the main endpoint of a resource with a status resets, and what its /status does.
/// let main = ResetFields::none().with("example.com/v1", [["status"].as_slice()]);
/// let status = ResetFields::none().with("example.com/v1", [["spec"].as_slice(), &["metadata"]]);
/// # let _ = (main, status);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ResetFields(BTreeMap<String, Filter>);

impl ResetFields {
    /// Returns that nothing is reset.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds the paths that are reset in a version, with everything below them.
    #[must_use]
    pub fn with<'a>(
        self,
        version: impl Into<String>,
        paths: impl IntoIterator<Item = &'a [&'a str]>,
    ) -> Self {
        let paths: Set = paths.into_iter().map(|names| Path::fields(names.iter().copied())).collect();
        self.with_filter(version, Filter::exclude(paths))
    }

    /// Adds a filter that drops what is reset in a version.
    #[must_use]
    pub fn with_filter(mut self, version: impl Into<String>, filter: Filter) -> Self {
        self.0.insert(version.into(), filter);
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Filter)> {
        self.0.iter()
    }
}
