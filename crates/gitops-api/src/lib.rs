//! The nouns of GitOps: Flux's kinds, revisions, digests, object ids, conditions, events.
