//! Kubernetes' structured merge and diff: field sets, ownership, server-side apply.
