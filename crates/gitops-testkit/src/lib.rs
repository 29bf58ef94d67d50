//! Real counterparts for tests: a Kubernetes control plane, Git servers, faults.
