//! What is counted, under Flux's names, for Prometheus.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    durations: Family<Object, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Object {
    kind: String,
    name: String,
    namespace: String,
}

impl Default for Metrics {
    fn default() -> Self {
        // Flux: ten exponential buckets from 10 ms to 1800 s.
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.01, 3.836, 10));
        let durations = Family::new_with_constructor(histogram);
        let mut registry = Registry::default();
        registry.register(
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a GitOps Toolkit resource reconciliation",
            durations.clone(),
        );
        Self { registry: Mutex::new(registry), durations }
    }
}

impl Metrics {
    /// Counts one reconciliation.
    pub fn reconciled(&self, kind: &str, namespace: &str, name: &str, took: Duration) {
        self.durations.get_or_create(&object(kind, namespace, name)).observe(took.as_secs_f64());
    }

    /// Drops the series of an object that is gone.
    pub fn forget(&self, kind: &str, namespace: &str, name: &str) {
        self.durations.remove(&object(kind, namespace, name));
    }

    /// Registers more metrics, for example those of an engine.
    pub fn register(&self, with: impl FnOnce(&mut Registry)) {
        with(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns all metrics in the text format that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        match prometheus_client::encoding::text::encode(&mut text, &registry) {
            Ok(()) => text,
            Err(error) => format!("# not encoded: {error}\n"),
        }
    }
}

fn object(kind: &str, namespace: &str, name: &str) -> Object {
    Object { kind: kind.to_owned(), name: name.to_owned(), namespace: namespace.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_come_and_go_with_the_object() {
        let metrics = Metrics::default();
        metrics.reconciled("Kustomization", "flux-system", "apps", Duration::from_millis(20));
        assert!(metrics.text().contains("gotk_reconcile_duration_seconds_count{kind=\"Kustomization\""));
        metrics.forget("Kustomization", "flux-system", "apps");
        assert!(!metrics.text().contains("apps"));
    }
}
