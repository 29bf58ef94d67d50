//! Makes objects out of the kustomization file: ConfigMaps and Secrets.

pub(crate) mod data;
pub(crate) mod make;
