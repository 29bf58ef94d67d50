//! Kubernetes' types as a compact table of fields, list types, merge keys and defaults.
//!
//! [`builtin`] has the types of Kubernetes' own objects, read from a real server's OpenAPI v3 into a small
//! file that is checked in; [`Table::from_crd`] reads those of custom resources. A [`TypeRef`] answers
//! what a field is, how its items are told apart, what its default is and how a strategic merge patch
//! treats it; [`TypeRef::merge_type`] hands it to [`structured_merge`].
//!
//! ```
//! use serde_json::json;
//! let service = kubernetes_schema::builtin().of("v1", "Service").expect("it is built in");
//! let merged = service.merge_type().merge(
//!     &json!({"spec": {"ports": [{"port": 80, "protocol": "TCP", "name": "web"}]}}),
//!     &json!({"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}),
//! )?;
//! // One port, for its protocol is TCP unless it says otherwise.
//! assert_eq!(merged["spec"]["ports"], json!([
//!     {"port": 80, "protocol": "TCP", "name": "web", "targetPort": 8080},
//! ]));
//! # Ok::<(), structured_merge::TypedError>(())
//! ```
//!
//! Data only: nothing here talks to a server. The command that writes the file is
//! `cargo run -p kubernetes-schema --example extract -- <folder of OpenAPI documents>`.

mod builtin;
mod crd;
mod error;
mod lookup;
mod openapi;
mod table;
mod text;

pub use builtin::builtin;
pub use error::TableError;
pub use lookup::{Field, TypeKind, TypeRef};
pub use table::{ListType, MapType, ScalarType, Table};
