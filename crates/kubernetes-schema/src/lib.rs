//! Kubernetes' types as a compact table of fields, list types, merge keys and defaults.
