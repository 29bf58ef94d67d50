//! What can go wrong around the server; what clients do wrong is answered on the wire.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a sandbox could not be started, saved or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The address cannot be listened on.
    #[error("the sandbox cannot listen on {address}; choose another, port 0 takes any that is free")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A fault cut the connection. What was asked for may have been done.
    #[error("the connection was cut before the answer came; what was asked for may have been done")]
    Cut,
    /// No certificate could be made.
    #[error("the certificate of the sandbox could not be made")]
    Certificate {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The saved state cannot be read or written.
    #[error("the state of the sandbox in {path} cannot be {action}")]
    State {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
