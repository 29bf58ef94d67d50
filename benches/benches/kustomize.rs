//! Builds beside kustomize's Go API as Flux calls it: one object, and overlays of 2,000 and 4,000 over twenty bases.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement may fail loudly")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use benches::{Cost, GoPeer, median, print_bound, print_ratio, print_times, thread_time};
use gitops_kustomize::{BuildCache, Kustomize, Overlay, OverlayImage};
use gitops_manifest::DirectoryTree;
use serde_json::{Value, json};

/// What this program is called with to build once and tell its peak memory.
const ONCE: &str = "--build-once";

/// The folder below the root that is built.
const PATH: &str = "clusters/prod";

struct Case {
    name: &'static str,
    objects: usize,
    rounds: usize,
    want: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == ONCE) {
        black_box(build(Path::new(&arguments[at + 1])));
        println!("{}", peak_memory());
        return;
    }
    let cases = [
        Case { name: "build-1", objects: 1, rounds: 7, want: 100.0 },
        Case { name: "build-2000", objects: 2000, rounds: 3, want: 50.0 },
        Case { name: "build-4000", objects: 4000, rounds: 1, want: 200.0 },
    ];
    let peer = GoPeer::build("kustomize");
    if let Err(error) = &peer {
        println!("bench kustomize: no peer to measure beside: {error}");
    }
    let only = std::env::var("BENCH_CASE").ok();
    for case in cases.iter().filter(|case| only.as_deref().is_none_or(|only| only == case.name)) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        write(&root, case.objects);
        measure(case, &root, folder.path(), peer.as_ref().ok());
    }
}

fn measure(case: &Case, root: &Path, folder: &Path, peer: Option<&GoPeer>) {
    let ours = ours(root);
    let memory = once(root);
    unchanged(case, root);
    let Some(peer) = peer else {
        println!("bench {}: ours {:.1?} of processor, {memory} kB at most", case.name, ours.cpu);
        return;
    };
    let (spec, output) = (folder.join("spec.json"), folder.join("output.yaml"));
    std::fs::write(&spec, spec_of_overlay().to_string()).unwrap();
    let run = |rounds: usize| -> Value {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let arguments = [text(root), PATH.to_owned(), text(&spec), rounds.to_string(), text(&output)];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        serde_json::from_str(&peer.run(&arguments).unwrap()).unwrap()
    };
    // Memory is that of a process which builds once; what only takes long is built once for both.
    let first = run(1);
    let measured = if case.rounds > 1 { run(case.rounds) } else { first.clone() };
    let rounds = measured["rounds"].as_array().unwrap();
    let rounds: Vec<Cost> = rounds.iter().map(|round| Cost::read(round).unwrap()).collect();
    let theirs = median(&rounds);
    assert_eq!(build(root), std::fs::read_to_string(&output).unwrap(), "both build the same");
    print_ratio(&format!("{}-processor", case.name), ours.cpu, theirs.cpu, case.want);
    print_times(case.name, ours.wall, theirs.wall);
    print_bound(&format!("{}-memory", case.name), "kB", memory, first["memory"].as_u64().unwrap(), 20.0);
}

fn kustomize() -> Kustomize {
    let image = OverlayImage {
        name: "registry.example.com/team/app".to_owned(),
        new_tag: "2.0.0".to_owned(),
        ..OverlayImage::default()
    };
    let overlay = Overlay { namespace: Some("prod".to_owned()), images: vec![image], ..Overlay::default() };
    Kustomize::new(PATH).overlay(overlay)
}

fn spec_of_overlay() -> Value {
    json!({"targetNamespace": "prod", "images": [{"name": "registry.example.com/team/app", "newTag": "2.0.0"}]})
}

/// Builds and prints, as the peer does.
fn build(root: &Path) -> String {
    kustomize().build(&DirectoryTree::open(root).unwrap()).unwrap().to_yaml()
}

/// Returns what a build costs, on the clock and on a processor: the median of several batches, each long enough for the
/// system to count its time.
fn ours(root: &Path) -> Cost {
    let start = Instant::now();
    black_box(build(root));
    let batch = (Duration::from_millis(200).as_nanos() / start.elapsed().as_nanos().max(1)).clamp(1, 1000);
    let batch = u32::try_from(batch).unwrap();
    let costs: Vec<Cost> = (0..7)
        .map(|_| {
            let (wall, cpu) = (Instant::now(), thread_time());
            (0..batch).for_each(|_| drop(black_box(build(root))));
            Cost { wall: wall.elapsed() / batch, cpu: thread_time().saturating_sub(cpu) / batch }
        })
        .collect();
    median(&costs)
}

/// Returns the peak memory in kB of a process that builds once.
fn once(root: &Path) -> u64 {
    let program: PathBuf = std::env::current_exe().unwrap();
    let run = Command::new(program).arg(ONCE).arg(root).output().unwrap();
    String::from_utf8(run.stdout).unwrap().trim().parse().unwrap()
}

/// Prints how long it takes to find that nothing has changed.
fn unchanged(case: &Case, root: &Path) {
    let (kustomize, mut cache) = (kustomize(), BuildCache::default());
    let built = cache.build(&kustomize, &DirectoryTree::open(root).unwrap()).unwrap();
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        let again = cache.build(&kustomize, &DirectoryTree::open(root).unwrap()).unwrap();
        best = best.min(start.elapsed());
        assert_eq!(built.digest(), again.digest());
    }
    let verdict = if best < Duration::from_millis(10) { "" } else { " MISSED" };
    println!("bench {}-unchanged: ours {best:.1?} (want <10ms){verdict}", case.name);
}

/// Returns the most memory that this process has held at once, in kB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Writes a tree with that many objects: one alone, which Flux writes a kustomization file for, or an overlay over
/// twenty bases.
fn write(root: &Path, objects: usize) {
    let put = |path: String, text: String| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    if objects == 1 {
        put(format!("{PATH}/config.yaml"), config_map("app"));
        return;
    }
    let bases = 20;
    let mut resources = String::new();
    for base in 0..bases {
        resources += &format!("- ../../bases/{base:02}\n");
        let text: Vec<String> = (0..objects / bases / 4)
            .flat_map(|number| {
                let name = format!("app-{base:02}-{number:03}");
                [deployment(&name), service(&name), service_account(&name), config_map(&name)]
            })
            .collect();
        put(format!("bases/{base:02}/apps.yaml"), text.join("---\n"));
        put(
            format!("bases/{base:02}/kustomization.yaml"),
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- apps.yaml\n"
                .to_owned(),
        );
    }
    let patches = "\
patches:
- target:
    kind: Deployment
  patch: |
    - op: add
      path: /spec/template/metadata/annotations
      value: {example.com/patched: 'true'}
- target:
    kind: Service
  patch: |
    apiVersion: v1
    kind: Service
    metadata:
      name: any
    spec:
      ports:
      - name: http
        port: 8080
";
    put(
        format!("{PATH}/kustomization.yaml"),
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamePrefix: prod-\nlabels:\n- pairs:\n    env: prod\n  includeSelectors: true\nresources:\n{resources}{patches}"
        ),
    );
}

fn deployment(name: &str) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/part-of: bench
  annotations:
    example.com/description: what the people of the team wrote about it
spec:
  replicas: 2
  selector:
    matchLabels:
      app: {name}
  template:
    metadata:
      labels:
        app: {name}
    spec:
      serviceAccountName: {name}
      containers:
      - name: main
        image: registry.example.com/team/app:1.2.3
        args:
        - --port=8080
        - --verbose
        env:
        - name: MODE
          value: production
        envFrom:
        - configMapRef:
            name: {name}
        ports:
        - name: http
          containerPort: 8080
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
          limits:
            memory: 128Mi
        readinessProbe:
          httpGet:
            path: /ready
            port: http
"
    )
}

fn service(name: &str) -> String {
    format!(
        "\
apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
spec:
  selector:
    app: {name}
  ports:
  - name: http
    port: 80
    targetPort: http
  - name: metrics
    port: 9090
    targetPort: 9090
"
    )
}

fn service_account(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n  labels:\n    app.kubernetes.io/name: {name}\n"
    )
}

fn config_map(name: &str) -> String {
    let mut text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n");
    for line in 0..8 {
        text +=
            &format!("  setting-{line}: what the people of the team wrote about it; all of line {line}\n");
    }
    text
}
