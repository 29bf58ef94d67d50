//! Bytes to Kubernetes objects and back, as kubectl and as kustomize read them.
//!
//! - [`parse`] and [`parse_objects`] read YAML and JSON as kubectl or as kustomize does ([`Resolver`]), under
//!   [`Limits`], with the place of every error and on request of every scalar and comment.
//! - [`to_yaml`] prints as kubectl and kustomize do, [`to_canonical_json`] for hashes.
//! - [`Object`] is one object, [`Manifests`] a set of them with the hash of its content.
//! - [`FileTree`] is a read-only tree of files: a folder ([`DirectoryTree`]), memory ([`MemoryTree`]), or
//!   whatever else implements it.
//!
//! - [`usual`] reads the YAML that nearly all manifests are written in, for who builds something else of it.
//!
//! Nothing here talks to anybody: the one side effect is that [`DirectoryTree`] reads files.

mod document;
mod emit;
mod error;
mod limits;
mod manifests;
mod object;
mod parse;
mod resolve;
mod span;
pub mod tree;
pub mod usual;

pub use self::document::Document;
pub use self::emit::{to_canonical_json, to_yaml};
pub use self::error::{ParseError, Position};
pub use self::limits::Limits;
pub use self::manifests::Manifests;
pub use self::object::{NotAnObject, Object, Origin};
pub use self::parse::{ParseOptions, parse, parse_objects};
pub use self::resolve::Resolver;
pub use self::span::{Comment, PathPart, ScalarSpan, ScalarStyle};
pub use self::tree::{DirectoryTree, Entry, EntryKind, FileTree, MemoryTree, TreeError};
