//! When the digest of the latest tag is looked up.

use gitops_api::image_v1::{DigestReflectionPolicy, ImageRef};

/// What is to be done about the digest of the latest image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestAction {
    /// The image has no digest.
    Omit,
    /// The digest that is known is kept.
    Keep(String),
    /// The registry is asked for the tag's digest.
    Fetch,
}

/// Says what is to be done about the digest of the image `name:tag`, which a policy chose after `previous`.
///
/// `Always` asks at each reconciliation, `IfNotPresent` when the image is another than before or its digest is not
/// known; anything else is `Never`, the default.
#[must_use]
pub fn reflect_digest(
    policy: &DigestReflectionPolicy,
    previous: Option<&ImageRef>,
    name: &str,
    tag: &str,
) -> DigestAction {
    let known = previous
        .filter(|previous| previous.name == name && previous.tag == tag)
        .and_then(|previous| previous.digest.as_deref())
        .filter(|digest| !digest.is_empty());
    match (policy, known) {
        (DigestReflectionPolicy::Always, _) | (DigestReflectionPolicy::IfNotPresent, None) => {
            DigestAction::Fetch
        }
        (DigestReflectionPolicy::IfNotPresent, Some(digest)) => DigestAction::Keep(digest.to_owned()),
        _ => DigestAction::Omit,
    }
}

#[cfg(test)]
mod tests {
    use gitops_api::image_v1::{DigestReflectionPolicy as Policy, ImageRef};

    use super::{DigestAction, reflect_digest};

    #[test]
    fn a_digest_is_fetched_when_the_policy_and_the_past_say_so() {
        let image = |tag: &str, digest: Option<&str>| ImageRef {
            name: "app".to_owned(),
            tag: tag.to_owned(),
            digest: digest.map(str::to_owned),
        };
        let check = |policy: Policy, previous: Option<ImageRef>, want: DigestAction| {
            assert_eq!(
                reflect_digest(&policy, previous.as_ref(), "app", "1"),
                want,
                "{policy:?} {previous:?}"
            );
        };
        let same = || Some(image("1", Some("sha256:a")));
        check(Policy::Never, same(), DigestAction::Omit);
        check(Policy::Other(String::new()), same(), DigestAction::Omit);
        check(Policy::IfNotPresent, same(), DigestAction::Keep("sha256:a".to_owned()));
        check(Policy::IfNotPresent, Some(image("2", Some("sha256:a"))), DigestAction::Fetch);
        check(
            Policy::IfNotPresent,
            Some(ImageRef { name: "b".to_owned(), ..image("1", Some("d")) }),
            DigestAction::Fetch,
        );
        check(Policy::IfNotPresent, Some(image("1", Some(""))), DigestAction::Fetch);
        check(Policy::IfNotPresent, Some(image("1", None)), DigestAction::Fetch);
        check(Policy::IfNotPresent, None, DigestAction::Fetch);
        check(Policy::Always, same(), DigestAction::Fetch);
    }
}
