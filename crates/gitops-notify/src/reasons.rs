//! Reasons that stand in the events and conditions of this crate's kinds, beside those of [`gitops_api::reasons`].
//!
//! Source: notification-controller `api/v1/condition_types.go`, `internal/server/event_handlers.go`.

/// A notification could not be sent: a Warning on the Alert.
pub const NOTIFICATION_DISPATCH_FAILED: &str = "NotificationDispatchFailed";
/// Two origins of metadata have the same key: a Warning on the Alert.
pub const METADATA_APPEND_FAILED: &str = "MetadataAppendFailed";
/// An alert's pattern cannot be read: a Warning on the Alert.
pub const INVALID_CONFIG: &str = "InvalidConfig";
/// A receiver's Secret or its token is missing.
pub const TOKEN_NOT_FOUND: &str = "TokenNotFound";
/// A receiver's spec contradicts itself.
pub const VALIDATION_FAILED: &str = "ValidationFailed";
