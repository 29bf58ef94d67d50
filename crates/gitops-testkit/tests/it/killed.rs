//! Nothing outlives a test process, not even one that is killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gitops_testkit::{ControlPlane, require_assets};

/// Set for the process that is to be killed: this very program, running this very test.
const CHILD: &str = "GITOPS_TESTKIT_TO_BE_KILLED";

/// The child's half: starts a control plane and waits to be killed.
async fn wait_to_be_killed() {
    let cluster = ControlPlane::builder().with_controller_manager().start().await.unwrap();
    let servers = [Some(cluster.etcd()), Some(cluster.api_server()), cluster.controller_manager()];
    let ids: Vec<String> = servers
        .into_iter()
        .flatten()
        .filter_map(|server| server.process_id())
        .map(|id| id.to_string())
        .collect();
    // A paused server must be ended too.
    cluster.etcd().pause().unwrap();
    println!("started {} {}", cluster.folder().display(), ids.join(" "));
    std::future::pending::<()>().await;
}

#[test]
fn servers_end_and_their_folder_vanishes_when_the_test_process_is_killed() {
    let Some(_) = require_assets() else { return };
    if std::env::var_os(CHILD).is_some() {
        return tokio::runtime::Runtime::new().unwrap().block_on(wait_to_be_killed());
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "killed::servers_end_and_their_folder_vanishes_when_the_test_process_is_killed",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find_map(|line| line.split_once("started ").map(|(_, rest)| rest.to_owned()));
    let line = line.expect("the child starts a control plane");
    let mut words = line.split(' ');
    let folder = words.next().unwrap().to_owned();
    let servers: Vec<String> = words.map(str::to_owned).collect();
    assert_eq!(servers.len(), 3, "{line}");
    assert!(servers.iter().all(|id| is_alive(id)), "{line}");

    // SIGKILL: no destructor, no handler.
    child.kill().unwrap();
    child.wait().unwrap();

    let deadline = Instant::now() + Duration::from_secs(20);
    let left = || servers.iter().filter(|id| is_alive(id)).count() + usize::from(Path::new(&folder).exists());
    while left() > 0 {
        assert!(Instant::now() < deadline, "{} of {line} are left", left());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns whether a process runs. One that has ended and that nobody reaps, as in a container without an init, does not.
fn is_alive(id: &str) -> bool {
    if let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) {
        return !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z');
    }
    let answer = Command::new("sh").args(["-c", "kill -0 \"$1\" 2>/dev/null", "sh", id]).status();
    answer.is_ok_and(|status| status.success())
}
