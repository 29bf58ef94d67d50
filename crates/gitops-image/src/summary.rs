//! What is said of a commit that was pushed.

use crate::error::ImageError;

/// How many characters of a commit's id are shown.
const SHORT: usize = 7;

/// Returns the message of the event about a commit (image-automation-controller `PushResult.Summary`).
///
/// ```
/// use gitops_image::push_summary;
///
/// let refspecs = ["refs/heads/auto:refs/heads/next"];
/// assert_eq!(
///     push_summary("auto", "a47b32f4814810acac804df5054ec37cbfdbfb53", "Update images", &refspecs)?,
///     "pushed commit 'a47b32f' to branch 'auto' and refspecs 'refs/heads/auto:refs/heads/next'\nUpdate images"
/// );
/// # Ok::<(), gitops_image::ImageError>(())
/// ```
///
/// # Errors
/// [`ImageError::Push`] when there is no revision.
pub fn push_summary(
    branch: &str,
    revision: &str,
    message: &str,
    refspecs: &[impl AsRef<str>],
) -> Result<String, ImageError> {
    if revision.is_empty() {
        return Err(ImageError::Push { branch: branch.to_owned() });
    }
    let short: String = revision.chars().take(SHORT).collect();
    let mut summary = format!("pushed commit '{short}' to branch '{branch}'");
    if !refspecs.is_empty() {
        let quoted: Vec<String> = refspecs.iter().map(|refspec| format!("'{}'", refspec.as_ref())).collect();
        summary.push_str(&format!(" and refspecs {}", quoted.join(", ")));
    }
    if !message.is_empty() {
        summary.push('\n');
        summary.push_str(message);
    }
    Ok(summary)
}
