//! kubectl's everyday commands, each with what it prints and its exit code.
//!
//! `tests/kubectl/NAME.txt` holds what happened on a real API server: `$ ` begins a command (of bash), `> ` goes on
//! with it, what follows is what was printed, and a last line `[exit N]` tells of a failure. Where the sandbox is
//! meant to answer otherwise, a line `! sandbox: REASON` and its own lines follow those of the real server.
//! `GITOPS_RECORD=kubectl` plays all on the real server and writes the files anew; `GITOPS_RECORD=differences` writes
//! what the sandbox answers otherwise, for the reason to be filled in.

mod normal;
mod transcript;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use gitops_sandbox::{Sandbox, Security};
use gitops_testkit::{ControlPlane, PodSimulator, require_assets, skip};
use tokio::process::Command;
use tokio::sync::OnceCell;

use normal::normal;
use transcript::{Entry, Transcript};

/// How long one command may take.
const LONG: Duration = Duration::from_secs(60);
/// The version of kubectl that the transcripts were recorded with; others print some things otherwise.
const RECORDED_WITH: &str = "v1.32";

// One of each for all transcripts. Statics are never dropped: the servers end because the process does.
static WITH_CONTROLLERS: OnceCell<ControlPlane> = OnceCell::const_new();
static ALONE: OnceCell<ControlPlane> = OnceCell::const_new();

macro_rules! transcripts {
    ($($name:ident: $file:literal,)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            check($file).await;
        })*

        #[test]
        fn every_transcript_is_played() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubectl");
            let mut there: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            there.sort();
            let mut played = vec![$(concat!($file, ".txt")),*];
            played.sort_unstable();
            assert_eq!(there, played);
        }
    };
}

transcripts! {
    access: "access",
    applying: "apply",
    applying_on_the_server: "server-side",
    changing: "change",
    creating: "create",
    custom_resources: "crd",
    deleting: "delete",
    describing: "describe",
    discovering: "discovery",
    getting: "get",
    kustomizing: "kustomize",
    nodes: "nodes",
    rolling_out: "rollout",
    what_does_not_run: "refused",
}

/// Plays a transcript on the sandbox and on the real server: both must do as it is written.
async fn check(name: &str) {
    let Some(version) = kubectl_version().await else { return skip("there is no kubectl on the PATH") };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/kubectl/{name}.txt"));
    let mut transcript = Transcript::parse(&std::fs::read_to_string(&path).unwrap());
    let record = |what: &str| std::env::var("GITOPS_RECORD").is_ok_and(|wanted| wanted == what);
    let same_version = version.starts_with(RECORDED_WITH);
    // Another kubectl says the same things in other words: then the words of today's real server count.
    let real =
        if require_assets().is_some() { Some(on_the_real_server(name, &transcript).await) } else { None };
    if record("kubectl") {
        let real = real.expect("because recording needs a real server");
        for (entry, real) in transcript.entries.iter_mut().zip(real) {
            entry.want = real;
        }
        return std::fs::write(path, transcript.to_string()).unwrap();
    }
    let mut differences = Vec::new();
    match (&real, same_version) {
        (Some(real), true) => {
            differences.extend(compare("the real server", &transcript, real, |entry| &entry.want))
        }
        (None, false) => {
            return skip(&format!("kubectl is {version}, the transcripts are of {RECORDED_WITH}"));
        }
        (Some(real), false) => {
            for (entry, real) in transcript.entries.iter_mut().zip(real) {
                entry.want.clone_from(real);
            }
        }
        (None, true) => {}
    }
    let sandbox = on_the_sandbox(name, &transcript).await;
    if record("differences") {
        for (entry, got) in transcript.entries.iter_mut().zip(sandbox) {
            let reason = entry.differs.take().map_or_else(|| "not reviewed".to_owned(), |(reason, _)| reason);
            entry.differs = (got != entry.want).then_some((reason, got));
        }
        return std::fs::write(path, transcript.to_string()).unwrap();
    }
    assert!(!transcript.to_string().contains("! sandbox: not reviewed"), "{name}: say why it differs");
    // Who mends something need not know of this file: as the real server is always right.
    let wanted = |(entry, got): (&Entry, &String)| match &entry.differs {
        Some((_, other)) if *got != entry.want => other.clone(),
        _ => entry.want.clone(),
    };
    let wanted: Vec<String> = transcript.entries.iter().zip(&sandbox).map(wanted).collect();
    differences.extend(compare_all("the sandbox", &transcript, &sandbox, &wanted));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn compare(
    who: &str,
    transcript: &Transcript,
    got: &[String],
    want: impl Fn(&Entry) -> &String,
) -> Vec<String> {
    let want: Vec<String> = transcript.entries.iter().map(|entry| want(entry).clone()).collect();
    compare_all(who, transcript, got, &want)
}

fn compare_all(who: &str, transcript: &Transcript, got: &[String], want: &[String]) -> Vec<String> {
    let rows = transcript.entries.iter().zip(got).zip(want);
    rows.filter(|((_, got), want)| got != want)
        .map(|((entry, got), want)| format!("$ {}\n{who} answers\n{got}and not\n{want}", entry.command))
        .collect()
}

async fn on_the_sandbox(name: &str, transcript: &Transcript) -> Vec<String> {
    let builder = Sandbox::builder().ready_after(Duration::from_millis(20));
    let builder = if transcript.needs_controllers { builder } else { builder.without_controllers() };
    let sandbox = builder.start();
    let listener = sandbox.listen("127.0.0.1:0".parse().unwrap(), Security::Tls).await.unwrap();
    play(name, transcript, &listener.kubeconfig()).await
}

async fn on_the_real_server(name: &str, transcript: &Transcript) -> Vec<String> {
    let shared = if transcript.needs_controllers { &WITH_CONTROLLERS } else { &ALONE };
    let start = async || {
        let builder = ControlPlane::builder();
        if transcript.needs_controllers { builder.with_controller_manager() } else { builder }.start().await
    };
    let cluster = shared.get_or_try_init(start).await.unwrap();
    let kubeconfig = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let _pods = transcript
        .needs_controllers
        .then(|| PodSimulator::start(cluster.client().unwrap(), &namespace(name)));
    play(name, transcript, &kubeconfig).await
}

fn namespace(name: &str) -> String {
    format!("play-{name}")
}

/// Plays all commands in a folder and a namespace of their own.
async fn play(name: &str, transcript: &Transcript, kubeconfig: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kubeconfig"), kubeconfig).unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let namespace = namespace(name);
    let run = async |command: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(&work).kill_on_drop(true);
        bash.env("KUBECONFIG", folder.path().join("kubeconfig"))
            .env("HOME", folder.path())
            .env("NS", &namespace);
        bash.env("TZ", "UTC").env("LC_ALL", "C").env("TMPDIR", folder.path());
        bash.stdin(Stdio::null());
        let output = tokio::time::timeout(LONG, bash.output()).await;
        let Ok(output) = output else { return "[does not end]\n".to_owned() };
        let output = output.unwrap();
        let mut text = normal(&String::from_utf8_lossy(&output.stdout), folder.path());
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        match output.status.code() {
            Some(0) => text,
            code => format!("{text}[exit {}]\n", code.unwrap_or(-1)),
        }
    };
    let ready = run(
        "kubectl create namespace $NS >out && kubectl config set-context --current --namespace=$NS >out && rm out",
    )
    .await;
    assert_eq!(ready, "");
    let mut outputs = Vec::new();
    for entry in &transcript.entries {
        outputs.push(run(&entry.command).await);
    }
    outputs
}

async fn kubectl_version() -> Option<String> {
    let output = Command::new("kubectl").args(["version", "--client", "-o", "json"]).output().await.ok()?;
    let version: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    version["clientVersion"]["gitVersion"].as_str().map(str::to_owned)
}
