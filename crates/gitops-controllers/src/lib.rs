//! The Flux-compatible reconcilers, each a short composition of the other crates.
