//! Which change of an object asks for a reconciliation.

use gitops_api::annotations::{FORCE_AT, REQUESTED_AT};
use kube::Resource;

/// Tells whether the change from `before` to `after` asks for a reconciliation of the object itself: it is new, its
/// specification changed, it is being deleted, or `reconcile.fluxcd.io/requestedAt` got another value.
///
/// A change of status, of labels or of other annotations does not; nor does the removal of the annotation.
pub fn asks_for_work<K: Resource>(before: Option<&K>, after: &K) -> bool {
    let Some(before) = before else { return true };
    let (old, new) = (before.meta(), after.meta());
    old.uid != new.uid
        || old.generation != new.generation
        || old.deletion_timestamp.is_some() != new.deletion_timestamp.is_some()
        || requested_at(after).is_some_and(|token| requested_at(before) != Some(token))
}

/// Returns the token that asks for a reconciliation, whatever its text.
pub fn requested_at<K: Resource>(object: &K) -> Option<&str> {
    annotation(object, REQUESTED_AT)
}

/// Returns the token that asks for a forced reconciliation; it counts only when it equals [`requested_at`].
pub fn forced_at<K: Resource>(object: &K) -> Option<&str> {
    annotation(object, FORCE_AT).filter(|token| requested_at(object) == Some(token))
}

fn annotation<'a, K: Resource>(object: &'a K, key: &str) -> Option<&'a str> {
    object.meta().annotations.as_ref()?.get(key).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn object(generation: i64, token: Option<&str>) -> ConfigMap {
        let mut object = ConfigMap::default();
        object.metadata.generation = Some(generation);
        object.metadata.annotations = token.map(|t| [(REQUESTED_AT.to_owned(), t.to_owned())].into());
        object
    }

    #[test]
    fn generation_and_token_ask_for_work_and_nothing_else_does() {
        let base = object(1, Some("a"));
        for (after, want) in [
            (object(1, Some("a")), false),
            (object(2, Some("a")), true),
            (object(1, Some("b")), true),
            (object(1, None), false),
        ] {
            assert_eq!(asks_for_work(Some(&base), &after), want, "{after:?}");
        }
        assert!(asks_for_work(None, &base));
    }
}
