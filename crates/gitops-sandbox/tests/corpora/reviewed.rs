//! Scripts that are answered differently, each with what is missing. They still count as failed.

/// What is known to differ; a name that ends in `*` stands for all that begin so.
pub(crate) const REVIEWED: &[(&str, &str)] = &[
    ("defaults-pod-full", "not done yet: a rule of pods that this script breaks"),
    ("openapi-v3-protobuf", "left out: OpenAPI documents are JSON only"),
    ("list-field-selector-kind-node", "not done yet: a field selector of nodes that is refused there"),
    ("gen-00327", "not done yet: one of two causes for a service with two address families"),
    ("gen-01263", "as gen-00327"),
    ("gen-00672", "not done yet: a write that changes only ownership and is stored here"),
    ("gen-01431", "not done yet: a write that changes only ownership and is stored there"),
    ("gen-00743", "not done yet: a remark about services that is made on creation only"),
    ("gen-01233", "as gen-00743"),
];

/// Returns why a script is answered differently, if that is known.
pub(crate) fn reason(id: &str) -> Option<&'static str> {
    let is_it = |reviewed: &str| match reviewed.strip_suffix('*') {
        Some(prefix) => id.starts_with(prefix),
        None => reviewed == id,
    };
    REVIEWED.iter().find(|(reviewed, _)| is_it(reviewed)).map(|(_, why)| *why)
}
