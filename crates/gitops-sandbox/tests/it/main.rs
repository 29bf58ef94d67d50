//! The sandbox as its users drive it: with kube's client, watchers and finalizers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod client;
mod controllers;
mod crowd;
mod custom;
mod kubectl;
mod model;
mod openapi;
mod openapi_custom;
mod powers;
mod rules;
mod runtime;
mod turns;
mod unmodelled;
mod workloads;
