//! `examples/image-update`, run as its users run it, against a real registry.

use std::path::Path;

use clap::Parser;
use gitops_testkit::{REGISTRY_PASSWORD, Registry, require_registry};

#[path = "../../image-update/main.rs"]
#[allow(dead_code)] // its `main`
mod program;

const IMAGES: &str = r"apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: test-app, namespace: flux-system}
spec: {image: ghcr.io/example/test-app, interval: 1m0s}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: test-app, namespace: flux-system}
spec:
  imageRepositoryRef: {name: test-app}
  filterTags: {pattern: '^main-[a-fA-F0-9]+-(?P<ts>.*)', extract: '$ts'}
  policy: {numerical: {order: asc}}
";

const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: app

spec:
  template:
    spec:
      containers:
      - name: app
        image: 'ghcr.io/example/test-app:main-0c1f-1606334201'   # {"$imagepolicy": "flux-system:test-app"}
        # the end
"#;

async fn run(registry: &Registry, repo: &Path, more: &[&str]) -> Result<String, String> {
    let repo = repo.display().to_string();
    let mut arguments = vec!["image-update", "--registry", registry.host(), "--repo", &repo, "--quiet"];
    arguments.extend(more);
    let flags = program::flags::Flags::parse_from(arguments);
    program::run(flags).await.map_err(|error| error.to_string())
}

fn fleet() -> tempfile::TempDir {
    let repo = tempfile::tempdir().unwrap();
    std::fs::write(repo.path().join("images.yaml"), IMAGES).unwrap();
    std::fs::write(repo.path().join("app.yaml"), DEPLOYMENT).unwrap();
    repo
}

const TAGS: [&str; 4] = ["main-0c1f-1606334201", "main-aaaa-1606364286", "dev-0c1f-1606999999", "latest"];

#[tokio::test]
async fn a_newer_image_is_found_explained_and_shown_as_a_diff() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::builder().start(&program).await.unwrap();
    for tag in TAGS {
        registry.push("example/test-app", tag).await.unwrap();
    }
    let repo = fleet();
    let out = run(&registry, repo.path(), &["--plain-http"]).await.unwrap();
    let want = r#"flux-system:test-app ghcr.io/example/test-app: main-aaaa-1606364286 is the latest of 4 tags by numerical order, ascending of "$ts" in tags that match "^main-[a-fA-F0-9]+-(?P<ts>.*)" (1 beaten, 2 filtered out)
  main-aaaa-1606364286: the latest
  main-0c1f-1606334201: beaten
  latest: filtered out, the pattern does not match
  dev-0c1f-1606999999: filtered out, the pattern does not match
1 values change in 1 files
--- a/app.yaml
+++ b/app.yaml
@@ -8,5 +8,5 @@
     spec:
       containers:
       - name: app
-        image: 'ghcr.io/example/test-app:main-0c1f-1606334201'   # {"$imagepolicy": "flux-system:test-app"}
+        image: 'ghcr.io/example/test-app:main-aaaa-1606364286'   # {"$imagepolicy": "flux-system:test-app"}
         # the end
"#;
    assert_eq!(out, want);
    let unchanged = std::fs::read_to_string(repo.path().join("app.yaml")).unwrap();
    assert_eq!(unchanged, DEPLOYMENT, "nothing is written");
}

#[tokio::test]
async fn a_registry_with_tls_and_passwords_is_scanned_with_a_docker_config() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::builder().with_tls().with_basic().start(&program).await.unwrap();
    for tag in TAGS {
        registry.push("example/test-app", tag).await.unwrap();
    }
    let repo = fleet();
    let (ca, config) = (repo.path().join("ca.pem"), repo.path().join("config.json"));
    std::fs::write(&ca, registry.ca_pem().unwrap()).unwrap();
    std::fs::write(&config, registry.docker_config()).unwrap();
    let (ca, config) = (ca.display().to_string(), config.display().to_string());

    let out = run(&registry, repo.path(), &["--ca-file", &ca, "--docker-config", &config]).await.unwrap();
    assert!(out.contains("main-aaaa-1606364286 is the latest of 4 tags"), "{out}");

    let refused = run(&registry, repo.path(), &["--ca-file", &ca]).await.unwrap_err();
    assert!(refused.starts_with("scan failed: "), "{refused}");
    assert!(!refused.contains(REGISTRY_PASSWORD));
    let untrusted = run(&registry, repo.path(), &["--docker-config", &config]).await.unwrap_err();
    assert!(untrusted.starts_with("scan failed: "), "{untrusted}");
}
