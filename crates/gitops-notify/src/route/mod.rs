//! Which alerts an event belongs to, and which events a provider takes. Pure: no client, no clock.

mod alert;
mod commit_status;
mod gate;
mod index;

pub use alert::{InvalidPattern, Route, Verdict};
pub use commit_status::commit_status;
pub use gate::{Skip, gate};
pub use index::{RouteOptions, Routes};
