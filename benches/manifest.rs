//! How fast manifests are read and printed, on a file of 10 MB with some 12,700 documents.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use gitops_manifest::{Manifests, ParseOptions, parse, parse_objects};

/// A Deployment and a ConfigMap of the common kind, told apart by a number.
fn documents(number: usize) -> String {
    format!(
        "\
---
# Application {number}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  namespace: team-{team}
  labels: {{app: app-{number}, tier: \"backend\"}}
  annotations:
    example.com/description: >-
      Serves what the team with the number
      {team} wants to have served.
spec:
  replicas: 3
  selector:
    matchLabels: {{app: app-{number}}}
  template:
    metadata:
      labels: {{app: app-{number}}}
    spec:
      containers:
      - name: main
        image: registry.example.com/app-{number}:1.{team}.0 # {{\"$imagepolicy\": \"flux-system:app\"}}
        args: ['--port', \"8080\", --verbose]
        ports:
        - containerPort: 8080
        resources:
          requests: {{cpu: 100m, memory: 128Mi}}
          limits:
            memory: 256Mi
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: app-{number}
  namespace: team-{team}
data:
  MODE: production
  config.yaml: |
    server:
      port: 8080
      name: app-{number}
    features: [a, b, c]
  retries: \"5\"
",
        team = number % 50
    )
}

/// Returns the shortest of several runs.
fn shortest<T>(mut work: impl FnMut() -> T) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        black_box(work());
        best = best.min(start.elapsed());
    }
    best
}

fn report(name: &str, bytes: usize, time: Duration, want: Option<f64>) {
    #[allow(clippy::cast_precision_loss)] // Some millions of bytes.
    let rate = bytes as f64 / 1e6 / time.as_secs_f64();
    match want {
        Some(want) => {
            let verdict = if rate >= want { "" } else { " MISSED" };
            println!("bench {name}: ours {rate:.1} MB/s, {time:.0?} (want {want:.0} MB/s){verdict}");
        }
        None => println!("bench {name}: ours {rate:.1} MB/s, {time:.0?}"),
    }
}

fn main() {
    let mut text = String::new();
    for number in 0.. {
        text += &documents(number);
        if text.len() >= 10_000_000 {
            break;
        }
    }
    let bytes = text.as_bytes();
    let (kubectl, kustomize) = (ParseOptions::kubectl(), ParseOptions::kustomize());
    let objects = parse_objects("bench.yaml", bytes, &kustomize).unwrap();
    println!("bench manifest: {} bytes, {} objects", bytes.len(), objects.len());
    let read = |options: &ParseOptions| shortest(|| parse_objects("bench.yaml", bytes, options).unwrap());
    report("manifest-read-kubectl", bytes.len(), read(&kubectl), Some(15.0));
    report("manifest-read-kustomize", bytes.len(), read(&kustomize), Some(15.0));
    let spans = kustomize.keep_spans();
    report(
        "manifest-read-spans",
        bytes.len(),
        shortest(|| parse("bench.yaml", bytes, &spans).unwrap()),
        None,
    );
    let manifests = Manifests::from(objects);
    report("manifest-print", bytes.len(), shortest(|| manifests.to_yaml()), None);
    let clone = || Manifests::from(manifests.objects().to_vec());
    report("manifest-digest", bytes.len(), shortest(clone), None);
}
