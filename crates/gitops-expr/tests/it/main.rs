//! The languages by tables and properties.
#![allow(clippy::unwrap_used, clippy::panic)]

mod cel;
mod cel_go;
mod cel_kubernetes;
mod constraint;
mod regexp;
mod regexp_go;
