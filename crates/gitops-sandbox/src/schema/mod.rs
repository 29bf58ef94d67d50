//! What kinds there are, and how objects of the built-in ones are read.

pub(crate) mod decode;
pub(crate) mod discovery;
pub(crate) mod go_dump;
pub(crate) mod go_types;
pub(crate) mod kinds;
pub(crate) mod openapi;
mod openapi_custom;
mod openapi_messages;
mod openapi_messages_v2;
mod openapi_protobuf;
pub(crate) mod openapi_v2;
pub(crate) mod protobuf;
mod times;

pub(crate) use kinds::{Derived, Kind, Kinds, Verb};
