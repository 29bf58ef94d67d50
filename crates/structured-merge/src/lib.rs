//! Kubernetes' structured merge and diff: field sets, ownership, server-side apply.
//!
//! An object in Kubernetes has many authors: a person applies a Deployment, an autoscaler changes its
//! replicas, a controller writes its status. `metadata.managedFields` records who owns which field, and
//! server-side apply uses it to merge what one author wants without undoing what the others did. This crate
//! is that machinery, as values and functions: no server, no client, no I/O. Objects are
//! [`serde_json::Value`]s.
//!
//! # Ownership, by example
//!
//! The examples are those of [Server-Side Apply] in Kubernetes' documentation. Whoever applies a
//! configuration owns the fields that stand in it:
//!
//! ```
//! use serde_json::json;
//! use structured_merge::schema::deduced;
//! use structured_merge::{Force, ManagedFields, ObjectUpdater, OneVersion, Path, Request};
//!
//! let versions = OneVersion(deduced());
//! let updater = ObjectUpdater::new(&versions);
//! let kubectl = Request {
//!     manager: "kubectl",
//!     version: "v1",
//!     subresource: "",
//!     time: "2026-01-02T03:04:05Z".parse()?,
//! };
//! let config = json!({
//!     "apiVersion": "v1", "kind": "ConfigMap",
//!     "metadata": {"name": "test-cm", "namespace": "default", "labels": {"test-label": "test"}},
//!     "data": {"key": "some value"},
//! });
//! let live = updater.apply(&json!(null), &config, kubectl, Force::No)?.object;
//! assert_eq!(
//!     live["metadata"]["managedFields"],
//!     json!([{
//!         "manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "time": "2026-01-02T03:04:05Z",
//!         "fieldsType": "FieldsV1",
//!         "fieldsV1": {
//!             "f:data": {".": {}, "f:key": {}},
//!             "f:metadata": {"f:labels": {".": {}, "f:test-label": {}}},
//!         },
//!     }]),
//! );
//!
//! // A controller updates the value, and with it takes the field over.
//! let mut new = live.clone();
//! new["data"]["key"] = json!("new value");
//! # let mut live = live; live["metadata"]["uid"] = json!("1"); new["metadata"]["uid"] = json!("1");
//! let controller = Request { manager: "kube-controller-manager", ..kubectl };
//! let live = updater.update(&live, &new, controller);
//! let managed = ManagedFields::of(&live)?;
//! let owners: Vec<String> =
//!     managed.owners(&Path::fields(["data", "key"])).map(|entry| entry.manager.name().to_owned()).collect();
//! assert_eq!(owners, ["kube-controller-manager"]);
//!
//! // To apply the old value again is a conflict now …
//! let error = updater.apply(&live, &config, kubectl, Force::No).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     r#"Apply failed with 1 conflict: conflict with "kube-controller-manager" using v1: .data.key"#,
//! );
//! // … with three ways out. Take the field over:
//! let forced = updater.apply(&live, &config, kubectl, Force::Yes)?.object;
//! assert_eq!(forced["data"]["key"], "some value");
//! // Give it up, by leaving it out of the configuration; its value stays, for it has another owner:
//! let mut without = config.clone();
//! without["data"] = json!({});
//! let given_up = updater.apply(&live, &without, kubectl, Force::No)?.object;
//! assert_eq!(given_up["data"]["key"], "new value");
//! // Or agree, and own it together:
//! let mut agreed = config.clone();
//! agreed["data"]["key"] = json!("new value");
//! let shared = updater.apply(&live, &agreed, kubectl, Force::No)?.object;
//! assert_eq!(ManagedFields::of(&shared)?.owners(&Path::fields(["data", "key"])).count(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Handing a field over
//!
//! A Deployment is applied with three replicas; then an autoscaler shall own them. If the applier just
//! left them out, they would be reset before the autoscaler could own them. So the autoscaler takes them
//! first, and the applier leaves them out then:
//!
//! ```
//! use serde_json::{Value, json};
//! use structured_merge::schema::deduced;
//! use structured_merge::{Force, Managers, OneVersion, Updater};
//!
//! let versions = OneVersion(deduced());
//! let updater = Updater::new(&versions);
//! let [applier, autoscaler] = ["applier", "autoscaler"].map(str::to_owned);
//! let config = json!({"spec": {"replicas": 3, "paused": false}});
//! let first = updater.apply(&Value::Null, &config, "v1", Managers::new(), &applier, Force::No)?;
//!
//! let replicas = json!({"spec": {"replicas": 3}});
//! let taken = updater.apply(&first.object, &replicas, "v1", first.managers, &autoscaler, Force::No)?;
//! let without = json!({"spec": {"paused": false}});
//! let handed = updater.apply(&taken.object, &without, "v1", taken.managers, &applier, Force::No)?;
//! assert_eq!(handed.object, json!({"spec": {"replicas": 3, "paused": false}}));
//!
//! // A field that nobody else owns goes when its owner leaves it out.
//! let gone = updater.apply(&handed.object, &json!({"spec": {}}), "v1", handed.managers, &applier, Force::No)?;
//! assert_eq!(gone.object, json!({"spec": {"replicas": 3}}));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Lists and maps
//!
//! What is merged and what is one thing is said by the type's schema:
//!
//! | in OpenAPI | merged | owned as |
//! |---|---|---|
//! | `x-kubernetes-list-type: atomic`, or nothing | replaced as a whole | the list |
//! | `x-kubernetes-list-type: set` | item by item | `v:"value"` |
//! | `x-kubernetes-list-type: map` | by the key fields | `k:{"name":"app"}` and the fields below |
//! | `x-kubernetes-map-type: granular`, or nothing | field by field | `f:name` |
//! | `x-kubernetes-map-type: atomic` | replaced as a whole | the map |
//!
//! ```
//! use serde_json::json;
//! use structured_merge::schema::Table;
//! let table = Table::from_openapi(&json!({"Pod": {"type": "object", "properties": {
//!     "containers": {
//!         "type": "array",
//!         "x-kubernetes-list-type": "map",
//!         "x-kubernetes-list-map-keys": ["name"],
//!         "items": {"type": "object", "properties": {
//!             "name": {"type": "string"},
//!             "image": {"type": "string"},
//!             "args": {"type": "array", "items": {"type": "string"}},
//!         }},
//!     },
//! }}}))?;
//! let pod = table.named("Pod").expect("it was just read");
//! let live = json!({"containers": [{"name": "app", "image": "app:1", "args": ["-v"]}, {"name": "proxy"}]});
//! let merged = pod.merge(&live, &json!({"containers": [{"name": "app", "image": "app:2"}]}))?;
//! assert_eq!(
//!     merged,
//!     json!({"containers": [{"name": "app", "image": "app:2", "args": ["-v"]}, {"name": "proxy"}]}),
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Schemas are read from OpenAPI v3 documents and CRDs into a [`schema::Table`], or come from another
//! crate that implements [`schema::Schema`] (`kubernetes-schema` has the built-in types); for objects
//! without one there is [`schema::deduced()`].
//!
//! # The parts
//!
//! - [`Path`], [`Set`] and FieldsV1 ([`Set::from_fields_v1`], [`Set::to_fields_v1_text`]): what is owned.
//! - [`schema::TypeRef`]: values of a type can be validated, turned into sets, compared, merged, cut, and
//!   extracted: the object as one manager owns it.
//! - [`Updater`]: apply and update with [`Managers`] by name, with conversion between versions.
//! - [`ObjectUpdater`]: the same on whole objects with their [`ManagedFields`], as an API server does it.
//!
//! # Guarantees
//!
//! No function panics, whatever it is given: values deeper than [`MAX_DEPTH`] are errors. Outcomes are
//! those of the API server's own library; where the two are known to differ, the item says so.
//!
//! [Server-Side Apply]: https://kubernetes.io/docs/reference/using-api/server-side-apply/

mod fields_v1;
mod guess;
mod managers;
mod path;
mod pattern;
pub mod schema;
mod set;
mod typed;
mod value;

pub use fields_v1::FieldsV1Error;
pub use managers::{
    Applied, ApplyError, Conflict, Conflicts, ConvertError, EntryError, Force, ManagedFields,
    ManagedFieldsEntry, Manager, Managers, Merged, ObjectUpdater, OneVersion, Operation, Owned, Request,
    ResetFields, ScaleFields, UpdateError, Updater, Versions,
};
pub use path::{KeyFields, Path, PathElement};
pub use pattern::{Filter, Pattern, PatternElement};
pub use set::Set;
pub use typed::{Comparison, Duplicates, ListKeys, Problem, TypedError};
pub use value::{MAX_DEPTH, compare_values, equal_values};
