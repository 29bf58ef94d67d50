//! What a policy that found an image says.

use gitops_api::image_v1::ImageRef;

/// Returns the message of the condition Ready (image-reflector-controller `composeImagePolicyReadyMessage`).
///
/// ```
/// use gitops_api::image_v1::ImageRef;
/// use gitops_image::ready_message;
///
/// let image = |tag: &str| ImageRef { name: "app".into(), tag: tag.into(), digest: None };
/// assert_eq!(
///     ready_message(&image("1.1.0"), Some(&image("1.0.0"))),
///     "Latest image tag for app resolved to 1.1.0 (previously app:1.0.0)"
/// );
/// ```
#[must_use]
pub fn ready_message(latest: &ImageRef, previous: Option<&ImageRef>) -> String {
    let mut message = format!("Latest image tag for {} resolved to {}", latest.name, latest.tag);
    if let Some(digest) = latest.digest.as_deref().filter(|digest| !digest.is_empty()) {
        message.push_str(&format!(" with digest {digest}"));
    }
    match previous {
        // No digest may be written as none or as an empty one.
        Some(previous) if previous.to_string() != latest.to_string() => {
            message.push_str(&format!(" (previously {previous})"));
        }
        _ => {}
    }
    message
}
