//! The contract that every error of the SDK keeps towards controllers.

/// An error that can say how a controller reports it and whether trying again helps.
///
/// Controllers write [`reason`](Failure::reason) into a condition, requeue when
/// [`is_retryable`](Failure::is_retryable), and set `Stalled` when [`is_terminal`](Failure::is_terminal):
/// then only a new spec, a new token or a new source can help.
///
/// ```
/// use gitops_api::{Failure, reasons};
///
/// #[derive(Debug)]
/// struct Unreachable;
/// impl std::fmt::Display for Unreachable {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.write_str("remote is unreachable")
///     }
/// }
/// impl std::error::Error for Unreachable {}
/// impl Failure for Unreachable {
///     fn reason(&self) -> &str {
///         reasons::GIT_OPERATION_FAILED
///     }
/// }
///
/// assert!(Unreachable.is_retryable());
/// assert!(!Unreachable.is_terminal());
/// ```
pub trait Failure: std::error::Error {
    /// Returns Flux's condition reason for this failure, one of [`reasons`](crate::reasons).
    fn reason(&self) -> &str;

    /// Returns whether the same input may succeed later. By default everything that is not terminal.
    fn is_retryable(&self) -> bool {
        !self.is_terminal()
    }

    /// Returns whether only a changed input can help. By default nothing is terminal.
    fn is_terminal(&self) -> bool {
        false
    }
}
