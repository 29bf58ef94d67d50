//! Whether the API server refused a change because the field can never change.

/// The wordings of Kubernetes and of common admission webhooks.
const WORDINGS: [&str; 8] = [
    "is immutable",
    "immutable field",
    "may not change once set",
    "cannot change roleref",
    "updates to statefulset spec for fields other than",
    "updates to parameters are forbidden",
    "updates to provisioner are forbidden",
    "may not be changed",
];

/// Returns whether an answer of the API server says that an immutable field would change.
///
/// The code must be one with which a change is refused (409, 422, or 403 of an admission webhook), and when the answer
/// lists causes, every cause must be about an immutable field: otherwise a new object would be refused as well.
///
/// # Difference from Flux
/// Flux takes every 409 and 422 for an immutable field (fluxcd/pkg `ssa/errors`), and with force deletes a healthy
/// object that merely became invalid.
#[must_use]
pub fn is_immutable_error(code: u16, message: &str, causes: &[String]) -> bool {
    if !matches!(code, 0 | 400 | 403 | 409 | 422) {
        return false;
    }
    if causes.is_empty() { says_immutable(message) } else { causes.iter().all(|cause| says_immutable(cause)) }
}

fn says_immutable(text: &str) -> bool {
    let text = text.to_lowercase();
    WORDINGS.iter().any(|wording| text.contains(wording))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_immutable_fields_count() {
        #[track_caller]
        fn check(code: u16, message: &str, causes: &[&str], want: bool) {
            let causes: Vec<String> = causes.iter().map(|cause| (*cause).to_owned()).collect();
            assert_eq!(is_immutable_error(code, message, &causes), want, "{code} {message} {causes:?}");
        }
        check(422, "Deployment is invalid", &["Invalid value: {}: field is immutable"], true);
        check(422, "Service is invalid", &["Invalid value: 70000: must be between 1 and 65535"], false);
        check(422, "x", &["field is immutable", "must be between 1 and 65535"], false);
        check(422, "spec.clusterIPs[0]: Invalid value: [\"1.2.3.4\"]: may not change once set", &[], true);
        check(409, "the object has been modified", &[], false);
        check(403, "admission webhook denied the request: spec.class is immutable", &[], true);
        check(500, "is immutable", &[], false);
    }
}
