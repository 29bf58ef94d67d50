//! A directory becomes objects: kustomize's overlays as Flux builds them, natively.
