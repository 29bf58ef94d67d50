//! A client that suits an applier.

use std::time::Duration;

use kube::{Client, Config};

/// Builds a client for an [`Applier`](crate::Applier): without kube's own repetition and with a limit for connecting.
///
/// kube repeats answers 429, 503 and 504 up to 15 times and sleeps as long as the server says, up to 1,000 seconds a
/// time; the applier has its own bounded repetition, and both together would multiply. A client built elsewhere works
/// too: set `Config::default_retry` to false before.
///
/// # Errors
/// When the configuration cannot be used, for example because a certificate cannot be read.
pub fn client_for(mut config: Config) -> Result<Client, kube::Error> {
    config.default_retry = false;
    config.connect_timeout = Some(config.connect_timeout.unwrap_or(CONNECT).min(CONNECT));
    Client::try_from(config)
}

const CONNECT: Duration = Duration::from_secs(10);
