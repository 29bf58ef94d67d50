//! Kustomize's transformers, one a file, all of one shape: a struct of what is asked for, and `apply` on the objects.

pub(crate) mod label;
pub(crate) mod namespace;
pub(crate) mod sort_order;
