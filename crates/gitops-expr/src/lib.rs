//! The small languages inside manifests, each bounded in cost: version constraints.
