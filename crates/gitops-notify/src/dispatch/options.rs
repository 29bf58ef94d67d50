//! How the dispatcher behaves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::outbox::Bounds;
use super::retry::RetryPolicy;
use crate::provider::{self, AddressPolicy, Provider, Settings, SettingsOptions};
use crate::{NotifyError, Redactor};

/// Makes a provider of its settings.
pub type ProviderFactory = Arc<dyn Fn(&Settings) -> Result<Arc<dyn Provider>, NotifyError> + Send + Sync>;

/// How the dispatcher behaves.
///
/// # The queue's rule
/// Deliveries wait in memory. Each provider may have [`queue`](Self::queue) of them, in at most
/// [`queue_bytes`](Self::queue_bytes); one more is given up at once with a receipt, so a service that is away costs its own
/// events only, the newest first. All providers together may have 16 times that; then no event is accepted at all, its sender
/// is told so and sends it again.
#[derive(Clone)]
#[non_exhaustive]
pub struct DispatchOptions {
    /// How long the same event is taken only once; 5 minutes, as Flux's `--rate-limit-interval`.
    pub interval: Duration,
    /// When deliveries are tried again.
    pub retry: RetryPolicy,
    /// How many deliveries may wait for one provider, those under way included; 1,024.
    pub queue: usize,
    /// How many bytes of events may wait for one provider; 16 MiB.
    pub queue_bytes: usize,
    /// How many requests to one provider may be under way at a time; 8.
    pub concurrency: usize,
    /// Which addresses messages may go to.
    pub addresses: AddressPolicy,
    /// What providers' settings may hold.
    pub settings: SettingsOptions,
    /// Takes secrets out of events before they are kept.
    pub redactor: Redactor,
    /// Makes the providers; those of this crate, unless others are given.
    pub factory: ProviderFactory,
    /// How many observations are kept for a slow subscriber; 4,096.
    pub backlog: usize,
}

impl Default for DispatchOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(300),
            retry: RetryPolicy::default(),
            queue: 1024,
            queue_bytes: 16 << 20,
            concurrency: 8,
            addresses: AddressPolicy::default(),
            settings: SettingsOptions::default(),
            redactor: Redactor::default(),
            factory: Arc::new(provider::provider),
            backlog: 4096,
        }
    }
}

impl DispatchOptions {
    /// Returns the options under which everything that Flux delivers is delivered: to any address.
    #[must_use]
    pub fn flux() -> Self {
        Self { addresses: AddressPolicy::Any, ..Self::default() }
    }

    /// Returns the options with another interval in which the same event is taken once; zero takes it always.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Returns the options with another policy of trying again.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Returns the options with other bounds of a provider's queue: deliveries and bytes.
    #[must_use]
    pub fn queue(mut self, deliveries: usize, bytes: usize) -> Self {
        self.queue = deliveries;
        self.queue_bytes = bytes;
        self
    }

    /// Returns the options with another number of requests that may be under way to one provider, at least one.
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// Returns the options with other addresses that messages may go to.
    #[must_use]
    pub fn addresses(mut self, addresses: AddressPolicy) -> Self {
        self.addresses = addresses;
        self
    }

    /// Returns the options with other rules for providers' settings.
    #[must_use]
    pub fn settings(mut self, settings: SettingsOptions) -> Self {
        self.settings = settings;
        self
    }

    /// Returns the options with secrets to take out of events.
    #[must_use]
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Returns the options with providers of somebody's own; [`provider::provider`] makes those of this crate.
    #[must_use]
    pub fn factory(
        mut self,
        factory: impl Fn(&Settings) -> Result<Arc<dyn Provider>, NotifyError> + Send + Sync + 'static,
    ) -> Self {
        self.factory = Arc::new(factory);
        self
    }

    pub(super) fn bounds(&self) -> Bounds {
        const PROVIDERS: usize = 16;
        Bounds {
            per_provider: self.queue,
            bytes_per_provider: self.queue_bytes,
            total: self.queue.saturating_mul(PROVIDERS),
            total_bytes: self.queue_bytes.saturating_mul(PROVIDERS),
        }
    }
}

impl fmt::Debug for DispatchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchOptions")
            .field("interval", &self.interval)
            .field("retry", &self.retry)
            .field("queue", &self.queue)
            .field("queue_bytes", &self.queue_bytes)
            .field("concurrency", &self.concurrency)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
