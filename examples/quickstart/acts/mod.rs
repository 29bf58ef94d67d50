//! The eight acts. Each does something, waits on watches for what follows, asserts it from the API, and says in a few words
//! what happened.

pub(crate) mod chat;
pub(crate) mod drift;
pub(crate) mod first_sync;
pub(crate) mod image;
pub(crate) mod new_commit;
pub(crate) mod prune;
pub(crate) mod refusal;
pub(crate) mod webhook;
