//! Plays recorded requests against the sandbox and holds its answers to those of a real API server. The scripts
//! are read in place from `GITOPS_CORPORA`, the player is found by `GITOPS_TOOLS`.
//!
//! Where a real server can be started, a sample is played on it too, so that the recording stays true, and fresh
//! random scripts are played on both.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "corpora/fidelity.rs"]
mod fidelity;
#[path = "corpora/player.rs"]
mod player;
#[path = "corpora/real.rs"]
mod real;
#[path = "corpora/reviewed.rs"]
mod reviewed;
#[path = "corpora/sample.rs"]
mod sample;

use std::path::Path;

use gitops_sandbox::{Listener, Sandbox, Security};
use gitops_testkit::require_assets;

use player::{Outcome, Player, Target};

const TOKEN: &str = "t";
/// Fresh scripts that both servers play.
const FRESH: usize = 60;
const FRESH_SEED: &str = "both-servers-1";

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_answers_as_recorded() {
    let Some(player) = Player::find() else { return };
    let corpus = player.corpus.clone();
    let (alone, with_controllers) = tokio::join!(
        on_a_sandbox(&player, &corpus, "apiserver"),
        on_a_sandbox(&player, &corpus, "controller-manager"),
    );
    let mut outcome = alone;
    outcome.areas.extend(with_controllers.areas);
    outcome.failed.extend(with_controllers.failed);
    for (area, tally) in &outcome.areas {
        println!("corpus apiserver/{area}: {}/{}", tally.equal, tally.scripts);
    }
    for id in &outcome.failed {
        println!("failed {id}: {}", reviewed::reason(id).unwrap_or("NOT REVIEWED"));
    }
    fidelity::check(&outcome);
    let unexpected: Vec<_> = outcome.failed.iter().filter(|id| reviewed::reason(id).is_none()).collect();
    assert!(unexpected.is_empty(), "{} scripts failed: {unexpected:?}", unexpected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_still_answers_as_recorded() {
    let Some(player) = Player::find() else { return };
    if require_assets().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let play = async |needs: &str| {
        let file = folder.path().join(format!("{needs}.jsonl"));
        let count = sample::write(&player.corpus, needs, &file);
        let server = real::start(needs == "controller-manager").await;
        let target = Target::Kubeconfig(server.kubeconfig());
        let outcome = player.check(&file, &target, needs).await;
        // A server under load may, very rarely, warn twice; what differs once is played again on a server of its own.
        if outcome.failed.is_empty() {
            return (count, outcome);
        }
        println!("played again, because of\n{}", outcome.differences);
        let server = real::start(needs == "controller-manager").await;
        (count, player.check(&file, &Target::Kubeconfig(server.kubeconfig()), needs).await)
    };
    let ((some, alone), (more, with_controllers)) =
        tokio::join!(play("apiserver"), play("controller-manager"));
    let failed: Vec<_> = alone.failed.iter().chain(&with_controllers.failed).collect();
    println!("corpus apiserver/recording: {}/{}", some + more - failed.len(), some + more);
    assert!(
        failed.is_empty(),
        "the recording is no longer true:\n{}{}",
        alone.differences,
        with_controllers.differences
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_scripts_come_out_alike_on_both() {
    let Some(player) = Player::find() else { return };
    if require_assets().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (fresh, recorded) = (folder.path().join("fresh.jsonl"), folder.path().join("recorded.jsonl"));
    player.generate(FRESH_SEED, FRESH, &fresh).await;
    let server = real::start(false).await;
    player.record(&fresh, &Target::Kubeconfig(server.kubeconfig()), &recorded).await;
    let outcome = on_a_sandbox(&player, &recorded, "apiserver").await;
    println!("corpus apiserver/fresh: {}/{FRESH}", FRESH - outcome.failed.len());
    assert!(outcome.failed.is_empty(), "{}", outcome.differences);
}

/// Plays scripts on a new sandbox that has or lacks controllers, as they need.
async fn on_a_sandbox(player: &Player, scripts: &Path, needs: &str) -> Outcome {
    let builder = Sandbox::builder().token(TOKEN).seed(7);
    let builder = if needs == "apiserver" { builder.without_controllers() } else { builder };
    let sandbox = builder.start();
    let listener: Listener = sandbox.listen("127.0.0.1:0".parse().unwrap(), Security::Plain).await.unwrap();
    player.check(scripts, &Target::Plain { url: &listener.url(), token: TOKEN }, needs).await
}
