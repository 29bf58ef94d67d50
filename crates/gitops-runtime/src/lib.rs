//! How a controller behaves, whatever it reconciles: the conventions that Flux's controllers share, one a module.
//!
//! | module | convention |
//! |---|---|
//! | [`conditions`] | setting, ordering and summing up `status.conditions` |
//! | [`status`] | one patch when something changed, none otherwise |
//! | [`finalizer`] | adding and removing `finalizers.fluxcd.io` without a race |
//! | [`informer`] | one watch per kind, a store, and changes that wake others |
//! | [`queue`] | running reconciliations: requeue, backoff, panics, graceful stop |
//! | [`trigger`] | which change of an object asks for a reconciliation |
//! | [`dependency`] | the order of objects that depend on each other |
//! | [`events`] | Kubernetes events and Flux's event payload |
//! | [`metrics`], [`probes`] | what an operator of the controller sees |
//! | [`lease`] | one leader among replicas |
//! | [`logging`] | JSON lines with Flux's keys |
//!
//! The crate knows controllers and no engine: it neither fetches, builds nor applies.

pub mod conditions;
pub mod dependency;
pub mod events;
pub mod finalizer;
pub mod informer;
pub mod jitter;
pub mod lease;
pub mod logging;
pub mod metrics;
pub mod probes;
pub mod queue;
pub mod status;
pub mod trigger;
