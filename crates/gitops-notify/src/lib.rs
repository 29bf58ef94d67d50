//! Events become messages to people; webhooks become triggers.
//!
//! - **Events in**: [`EventEndpoint`] takes what Flux's controllers post, [`Dispatcher::accept`] what a program says.
//! - **Route**: [`Routes`] knows the Alerts and finds those that an event belongs to.
//! - **Deliver**: the [`Dispatcher`] brings each event to the Alerts' Providers ([`provider`]), tries again while that may help,
//!   and writes a [`Receipt`] for each delivery.
//! - **Webhooks in**: [`ReceiverEndpoint`](receiver::ReceiverEndpoint) takes what forges and registries send ([`receiver`]), checks
//!   where it comes from, and asks the right objects to reconcile.
//!
//! The crate has no client of Kubernetes: what it needs to know it asks a [`Directory`] and
//! [`Resources`](receiver::Resources), which the caller implements over a cache, a file, or nothing.

pub mod provider;
pub mod reasons;
pub mod receiver;

mod body;
mod dispatch;
mod encode;
mod error;
mod event;
mod key;
mod redact;
mod route;
mod secret;
mod signature;

pub use body::BodyLimits;
pub use dispatch::{
    Accepted, AlertWarning, Directory, DispatchOptions, Dispatcher, Failed, GiveUp, Observation, Observer,
    Outcome, ProviderFactory, ProviderRecord, Receipt, RetryPolicy, StaticDirectory,
};
pub use error::{Cause, NotifyError};
pub use event::{
    EventEndpoint, EventOptions, KeyConflicts, MergedMetadata, RateLimiter, clean_metadata, decode_event,
    drop_token, encode_event, event_key, merge_metadata,
};
pub use key::ObjectKey;
pub use redact::{Redactor, mask};
pub use route::{InvalidPattern, Route, RouteOptions, Routes, Skip, Verdict, commit_status, gate};
pub use secret::SecretData;

pub(crate) use key::describe;
