//! A Kubernetes API server inside the process.
//!
//! [`Sandbox::start`] takes milliseconds, needs no programs and no network, and gives the transport of a
//! `kube::Client`; [`Sandbox::listen`] opens a port for kubectl and every other client.
//!
//! What it answers is held against a recorded kube-apiserver 1.35: objects with their managed fields, status
//! codes, reasons and causes, events of watches.
//!
//! # What tests can do
//! Time stands still until it is [moved](Clock::advance), requests [fail](Fault) as asked, watches
//! [break off](Sandbox::drop_watches), everything goes [back](Sandbox::restore) to where it was, and the
//! [log](Sandbox::take_requests) tells what was asked. A sandbox costs so little that each test has its own.
//!
//! # Workloads
//! Deployments make ReplicaSets, those and StatefulSets, DaemonSets and Jobs make pods, and the pods become ready
//! after a settable time on the server's clock, or crash, or stay as they are: for all
//! ([`SandboxBuilder::ready_after`]), for one ([`Sandbox::script`]) or by the annotation
//! `sandbox.gitops.dev/workload` (`10s`, `never`, `crash`) of an object.
//!
//! Around them happens what users of a cluster see: services have EndpointSlices and Endpoints with the addresses of
//! their pods, and controllers write events, counted as on a real cluster. ReplicaSets and revisions have the names
//! that kube-controller-manager gives them. What takes time takes it on the server's clock: a crash ends a rollout at
//! its `progressDeadlineSeconds`, a failed Job is tried again after 10, 20, 40 … seconds, events go after an hour.
//! [`SandboxBuilder::schedule`] decides all turns by a seed, those of the controllers included.
//!
//! # What it is not
//! There is no scheduler, no kubelet and no network: nothing runs. What a request asks for and the sandbox does not
//! [model](UNMODELLED) is logged and counted ([`Sandbox::unmodelled_requests`]), and refused in
//! [strict](SandboxBuilder::strict) mode.
//!
#![doc = include_str!("../FIDELITY.md")]

mod access;
mod apply;
mod clock;
mod crd;
mod error;
mod lifecycle;
mod sandbox;
mod schema;
mod server;
mod signal;
mod simulate;
mod state;
mod store;
mod tables;
mod test_powers;
mod unmodelled;
mod wire;

pub use clock::Clock;
pub use error::SandboxError;
pub use sandbox::{Sandbox, SandboxBuilder};
pub use simulate::{Scripted, Workload, Workloads};
pub use state::Snapshot;
pub use test_powers::{Asked, Fault, Matching};
pub use unmodelled::{UNMODELLED, Unmodelled};
pub use wire::{Body, Listener, SandboxService, Security};
