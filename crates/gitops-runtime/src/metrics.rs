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

    /// Returns what counts the requests of one HTTP server, `prefix` being `gotk_event` or `gotk_receiver`.
    ///
    /// # Difference from Flux
    /// The label `handler` is empty. Flux has the path there, which for webhooks is a secret.
    pub fn requests(&self, prefix: &str) -> Requests {
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.005, 2.0, 12));
        let durations = Family::new_with_constructor(histogram);
        let name = format!("{prefix}_http_request_duration_seconds");
        self.register(|registry| {
            registry.register(name, "The latency of the HTTP requests", durations.clone())
        });
        Requests { durations }
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

/// Counts the requests of one HTTP server.
#[derive(Clone, Debug)]
pub struct Requests {
    durations: Family<Request, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    service: String,
    handler: String,
    method: String,
    code: u16,
}

impl Requests {
    /// Counts one answer.
    pub fn answered(&self, method: &str, code: u16, took: Duration) {
        // Whoever asks chooses the method; a series for each would fill the memory.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = known.into_iter().find(|known| *known == method).unwrap_or("other").to_owned();
        let request = Request { service: String::new(), handler: String::new(), method, code };
        self.durations.get_or_create(&request).observe(took.as_secs_f64());
    }
}

fn object(kind: &str, namespace: &str, name: &str) -> Object {
    Object { kind: kind.to_owned(), name: name.to_owned(), namespace: namespace.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_method_and_code() {
        let metrics = Metrics::default();
        let requests = metrics.requests("gotk_event");
        requests.answered("POST", 202, Duration::from_millis(3));
        requests.answered("BREW", 202, Duration::from_millis(3));
        let text = metrics.text();
        for method in ["POST", "other"] {
            let labels = format!("{{service=\"\",handler=\"\",method=\"{method}\",code=\"202\"}} 1");
            assert!(
                text.contains(&format!("gotk_event_http_request_duration_seconds_count{labels}")),
                "{text}"
            );
        }
    }

    #[test]
    fn series_come_and_go_with_the_object() {
        let metrics = Metrics::default();
        metrics.reconciled("Kustomization", "flux-system", "apps", Duration::from_millis(20));
        assert!(metrics.text().contains("gotk_reconcile_duration_seconds_count{kind=\"Kustomization\""));
        metrics.forget("Kustomization", "flux-system", "apps");
        assert!(!metrics.text().contains("apps"));
    }
}
