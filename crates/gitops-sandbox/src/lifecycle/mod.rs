//! The life of objects: how they are created, read, changed and removed.

mod call;
mod connect;
mod create;
mod defaults;
mod delete;
mod metadata;
mod patch;
mod present;
mod read;
mod repeats;
mod reply;
mod selectors;
mod storing;
mod strategy;
mod update;
mod validate;
mod watch;

pub(crate) use call::Call;
pub(crate) use gitops_expr::names;

pub(crate) use create::{Tracked, fill_namespace};
pub(crate) use defaults::Taken;
pub(crate) use delete::delete as delete_now;
pub(crate) use metadata::validate_embedded as validate_embedded_metadata;
pub(crate) use patch::{Form, read_patch};
pub(crate) use present::{load, loaded, to_storage};
pub(crate) use repeats::Repeats;
pub(crate) use reply::{Reply, partial};
pub(crate) use selectors::fits_selector;
pub(crate) use strategy::{Part, convert};
pub(crate) use update::{Rules, check_uid, write};
pub(crate) use validate::{decode, read_body, read_config};
