//! How much a text may make of itself.

/// Bounds on what one call of the parser takes in and builds.
///
/// Each default is far above what manifests need and stops hostile input within a fraction of a second; over
/// a limit the answer is [`ParseError::Limit`](crate::ParseError::Limit) with the place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the text. Default 64 MiB.
    pub bytes: usize,
    /// Documents in the text. Default 100,000.
    pub documents: usize,
    /// Nodes (maps, lists, keys and scalars) in the text. Default 4,000,000.
    pub nodes: usize,
    /// Nested collections. Default 120: readers of JSON, serde_json among them, stop at 128.
    pub depth: usize,
    /// Nodes that aliases and merge keys add. Default 100,000.
    pub alias_nodes: usize,
    /// Bytes of text that aliases and merge keys add. Default 16 MiB.
    pub alias_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            documents: 100_000,
            nodes: 4_000_000,
            depth: 120,
            alias_nodes: 100_000,
            alias_bytes: 16 << 20,
        }
    }
}
