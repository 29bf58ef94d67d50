//! `examples/sandbox`, run as its users run it: with its flags, signals and kubectl.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use gitops_testkit::skip;
use serde_json::Value;

use crate::programs::program;

/// A running sandbox; ended when dropped.
struct Server {
    child: Child,
    lines: BufReader<ChildStdout>,
    said: String,
    kubeconfig: PathBuf,
}

impl Server {
    /// Starts one and reads what it says up to the name of its kubeconfig.
    fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(program("sandbox")).args(flags).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("export KUBECONFIG=") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        let kubeconfig = said.lines().last().unwrap().trim().trim_start_matches("export KUBECONFIG=").into();
        Self { child, lines, said, kubeconfig }
    }

    /// Ends it by a signal; returns everything that it said.
    fn end(mut self, signal: &str) -> String {
        self.signal(signal);
        let mut said = std::mem::take(&mut self.said);
        self.lines.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Runs kubectl; returns whether it went well and what it printed.
    fn try_kubectl(&self, arguments: &[&str]) -> (bool, String) {
        let mut kubectl = Command::new("kubectl");
        // A home of its own: kubectl keeps what a server offers, by address, and ports come again.
        kubectl.env("HOME", self.kubeconfig.parent().unwrap()).env("KUBECONFIG", &self.kubeconfig);
        let output = kubectl.args(arguments).stdin(Stdio::null()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        let (well, text) = self.try_kubectl(arguments);
        assert!(well, "kubectl {arguments:?}: {text}");
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked and not killed, so that it removes its folder.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("-TERM");
            let _ = self.child.wait();
        }
    }
}

/// Runs one that does not start; returns why not.
fn refused(flags: &[&str]) -> String {
    let output = Command::new(program("sandbox")).args(flags).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{flags:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn there_is_kubectl() -> bool {
    let found = Command::new("kubectl").args(["version", "--client"]).output().is_ok();
    if !found {
        skip("there is no kubectl on the PATH");
    }
    found
}

/// Returns the text of a path, as a human would name it.
fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: 'api:1'}]}
";

#[test]
fn everyday_commands_of_kubectl_work() {
    if !there_is_kubectl() {
        return;
    }
    let server = Server::start(&[]);
    assert!(server.said.contains("embedded API server, simulated workloads"), "{}", server.said);
    let check = |command: &str, want: &str| {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let printed = server.kubectl(&arguments);
        assert!(printed.contains(want), "kubectl {command}: {printed}");
    };
    check("get namespaces", "kube-system");
    check("create configmap colors --from-literal=sky=blue", "configmap/colors created");
    check("get configmap colors -o jsonpath={.data.sky}", "blue");
    check("create deployment web --image=web:1 --replicas=2", "deployment.apps/web created");
    check("rollout status deployment web --timeout=60s", "successfully rolled out");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.yaml");
    std::fs::write(&file, DEPLOYMENT).unwrap();
    check(&format!("apply -f {}", text(&file)), "deployment.apps/api created");
    check("wait --for=condition=Available deployment/api --timeout=60s", "condition met");
    std::fs::write(&file, DEPLOYMENT.replace("replicas: 2", "replicas: 3")).unwrap();
    check(&format!("apply -f {}", text(&file)), "deployment.apps/api configured");
    check("rollout status deployment api --timeout=60s", "successfully rolled out");
    check("get deployment api", "3/3");
    check(&format!("apply -f {}", text(&file)), "deployment.apps/api unchanged");
    check(&format!("diff -f {}", text(&file)), "");

    check("create namespace shop", "namespace/shop created");
    check("create secret generic key -n shop --from-literal=a=b", "secret/key created");
    check("delete namespace shop --timeout=60s", "deleted");
    check("get namespaces --no-headers -o name --field-selector metadata.name=shop", "");
    check("delete deployment web api --timeout=60s", "\"api\" deleted");
    assert!(!server.kubectl(&["get", "deployments", "-o", "name"]).contains("deployment"), "all are gone");
}

#[test]
fn flags_choose_the_token_and_the_kubeconfig() {
    if !there_is_kubectl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let server = Server::start(&["--token", "tell-nobody", "--kubeconfig", text(&file)]);
    assert_eq!(server.kubeconfig, file);
    assert!(std::fs::read_to_string(&file).unwrap().contains("tell-nobody"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "a token is in it");
    let groups = server.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}"]);
    assert!(groups.contains("system:masters"), "{groups}");
    let (well, why) = server.try_kubectl(&["--token", "a-guess", "get", "namespaces"]);
    assert!(!well && why.contains("must be logged in"), "{why}");
}

#[test]
fn plain_http_is_for_clients_that_send_their_token_over_it() {
    let server = Server::start(&["--plain-http", "--token", "tell-nobody"]);
    let said = &server.said;
    let address = said.split("http://").nth(1).unwrap().split_whitespace().next().unwrap();
    let status = |token: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!("Host: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close");
        write!(stream, "GET /api/v1/namespaces HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim().to_owned()
    };
    assert_eq!(status("tell-nobody"), "HTTP/1.1 200 OK");
    assert_eq!(status("a-guess"), "HTTP/1.1 401 Unauthorized");

    // The same address twice: the error names it, and what to do.
    let why = refused(&["--listen", address]);
    assert!(why.contains(address) && why.contains("in use") && why.contains("port 0"), "{why}");
}

#[test]
fn what_cannot_be_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (broken, other) = (folder.path().join("broken.json"), folder.path().join("other.json"));
    std::fs::write(&broken, "{\"sandbox\": 1, \"objects\": [").unwrap();
    std::fs::write(&other, "{\"objects\": []}").unwrap();
    let nowhere = folder.path().join("no/such/folder/state.json");
    let check = |flags: &[&str], want: &[&str]| {
        let why = refused(flags);
        assert!(want.iter().all(|part| why.contains(part)), "{flags:?}: {why}");
    };
    check(&["--state", text(&broken)], &[text(&broken), "cannot be read", "EOF"]);
    check(&["--state", text(&other)], &[text(&other), "it is no saved state of a sandbox"]);
    check(&["--state", text(&nowhere)], &[text(&nowhere), "cannot be written"]);
    check(&["--listen", "nonsense"], &["--listen nonsense is no HOST:PORT"]);
    check(&["--kubeconfig", text(&nowhere)], &[text(&nowhere), "cannot be written"]);
    assert_eq!(std::fs::read_to_string(&broken).unwrap().len(), 27, "what cannot be read is left alone");
}

#[test]
fn the_state_is_saved_at_either_signal_and_restored() {
    if !there_is_kubectl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let identity = |server: &Server| {
        let object: Value =
            serde_json::from_str(&server.kubectl(&["get", "configmap", "colors", "-o", "json"])).unwrap();
        (object["metadata"]["uid"].clone(), object["metadata"]["resourceVersion"].clone())
    };

    let server = Server::start(&["--state", text(&state)]);
    server.kubectl(&["create", "configmap", "colors", "--from-literal=sky=blue"]);
    server.kubectl(&["create", "deployment", "web", "--image=web:1"]);
    server.kubectl(&["rollout", "status", "deployment", "web", "--timeout=60s"]);
    let before = identity(&server);
    let said = server.end("-TERM");
    assert!(said.contains(&format!("in {}", text(&state))), "{said}");

    let server = Server::start(&["--state", text(&state)]);
    assert!(server.said.contains("restored"), "{}", server.said);
    assert_eq!(identity(&server), before);
    // What was restored lives on: its workloads roll out, and it has its owners.
    server.kubectl(&["set", "image", "deployment/web", "web=web:2"]);
    server.kubectl(&["rollout", "status", "deployment", "web", "--timeout=60s"]);
    server.kubectl(&["delete", "configmap", "colors"]);
    server.end("-INT");

    let server = Server::start(&["--state", text(&state)]);
    let (well, why) = server.try_kubectl(&["get", "configmap", "colors"]);
    assert!(!well && why.contains("not found"), "{why}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["state.json"], "nothing half written is left");
}

#[test]
fn workloads_crash_or_wait_for_somebody_if_that_is_asked() {
    if !there_is_kubectl() {
        return;
    }
    let server = Server::start(&["--workloads", "crash"]);
    server.kubectl(&["create", "deployment", "web", "--image=web:1"]);
    // A crash ends a rollout at its deadline, which is ten minutes unless told otherwise.
    server.kubectl(&["patch", "deployment", "web", "-p", r#"{"spec": {"progressDeadlineSeconds": 1}}"#]);
    let (well, why) = server.try_kubectl(&["rollout", "status", "deployment", "web", "--timeout=60s"]);
    assert!(!well && why.contains("exceeded its progress deadline"), "{why}");
    server.end("-TERM");

    // What was begun goes on where it was restored, now that workloads become ready.
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let server = Server::start(&["--workloads", "none", "--state", text(&state)]);
    server.kubectl(&["create", "deployment", "web", "--image=web:1"]);
    server.end("-TERM");
    let server = Server::start(&["--state", text(&state)]);
    server.kubectl(&["rollout", "status", "deployment", "web", "--timeout=60s"]);
}

#[test]
fn without_controllers_nobody_but_clients_writes() {
    if !there_is_kubectl() {
        return;
    }
    // A cluster's controllers make an account in every namespace.
    let whole = Server::start(&[]);
    whole.kubectl(&["create", "namespace", "shop"]);
    whole.kubectl(&["wait", "--for=create", "serviceaccount/default", "-n", "shop", "--timeout=60s"]);

    let alone = Server::start(&["--no-controllers"]);
    alone.kubectl(&["create", "namespace", "shop"]);
    alone.kubectl(&["create", "deployment", "web", "--image=web:1", "-n", "shop"]);
    alone.kubectl(&["delete", "namespace", "shop", "--wait=false"]);
    assert_eq!(alone.kubectl(&["get", "serviceaccounts", "-A", "-o", "name"]), "");
    assert_eq!(alone.kubectl(&["get", "namespace", "shop", "-o", "jsonpath={.status.phase}"]), "Terminating");
    let status = alone.kubectl(&["get", "deployment", "web", "-n", "shop", "-o", "jsonpath={.status}"]);
    assert_eq!(status, "{}");
}
