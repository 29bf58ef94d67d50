//! Bytes to Kubernetes objects and back, as kubectl and as kustomize read them.
