//! The story from the first curtain to the last.

use gitops_examples::cluster::Cluster;

use crate::acts;
use crate::chat::{Chat, Message};
use crate::cluster;
use crate::controllers::Running;
use crate::failure::Failure;
use crate::feed::show_events;
use crate::flags::Flags;
use crate::fleet::Fleet;
use crate::registry::Registry;
use crate::setup;
use crate::show::Show;
use crate::world::World;

/// Plays everything. Whatever fails, or Ctrl-C, ends the play; a cluster of the user's is left as it was found.
pub(crate) async fn play(flags: &Flags, show: &Show) -> Result<(), Failure> {
    show.line(
        "One commit on its way: Git → artifact → manifests → plan → cluster → health → prune → status → event → chat\n",
    );
    let cluster = cluster::of_choice(flags, show).await?;
    let fleet = Fleet::start().await?;
    let revision = fleet.begin()?;
    show.line(&format!("  · a Git server with the fleet's repository: {}", fleet.url()));
    let (chat, registry) = (Chat::open().await?, Registry::start().await?);
    show.line("  · a chat with a webhook, a forge that announces pushes, a registry of images");
    let install = setup::install(cluster.client(), fleet.secret()?, chat.url());
    let text = "seven kinds, the namespace flux-system, and in it a Provider, an Alert and a Receiver";
    let kinds = show.step(text, install).await?;
    let controllers = Running::start(cluster.config()).await?;
    let world = World::new(cluster.client(), fleet, chat, registry, controllers.hooks());

    let played = tokio::select! {
        played = all_acts(&world, show, &revision) => played,
        () = show_events(world.events.clone(), show) => Ok(()),
        () = world.chat.show(|message| show_message(message, show)) => Ok(()),
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    };
    if played.is_ok() {
        show.table();
        if flags.keep {
            show.line(&how_to_look_around(&cluster, &world));
            tokio::signal::ctrl_c().await?;
        }
    }
    let cleaned = if cluster.is_own() {
        Ok(())
    } else {
        show.step("what the play made is removed from your cluster", setup::remove(&world, &kinds)).await
    };
    controllers.stop().await?;
    played.and(cleaned)
}

async fn all_acts(world: &World, show: &Show, first: &str) -> Result<(), Failure> {
    let text =
        "Two documents, as users of Flux have them in their clusters, are applied. The rest comes from Git.";
    show.act("First sync", text, acts::first_sync::play(world, show, first)).await?;
    let text = "A commit changes one value.";
    show.act("A new commit", text, acts::new_commit::play(world, show)).await?;
    let text = "Somebody scales the Deployment and deletes the Service by hand. Git says otherwise.";
    show.act("Drift", text, acts::drift::play(world, show)).await?;
    let text = "A commit removes a file. What it described goes too, and nothing else.";
    show.act("Prune", text, acts::prune::play(world, show)).await?;
    let text =
        "A commit changes two files, and one of them is broken. Neither is applied, until both are good.";
    show.act("A broken manifest", text, acts::refusal::play(world, show)).await?;
    let text = "Until now the source was asked to look. Now the forge tells it, with a signature.";
    show.act("A signed webhook", text, acts::webhook::play(world, show)).await?;
    let text = "All along an Alert has told a chat what happened. Now something is to be left out.";
    show.act("A chat", text, acts::chat::play(world, show)).await?;
    let text = "A registry holds images of an app. Which one is the latest is decided, with reasons.";
    show.act("A newer image", text, acts::image::play(world, show)).await
}

fn show_message(message: &Message, show: &Show) {
    let text = message.text.trim_end().replace('\n', ", ");
    show.aside(&format!("      #{}  {}: {text}", message.channel, message.author), message.is_bad);
}

fn how_to_look_around(cluster: &Cluster, world: &World) -> String {
    let kubectl = match cluster.kubeconfig() {
        Some(path) => format!("kubectl --kubeconfig {}", path.display()),
        None => "kubectl".to_owned(),
    };
    let at = "reconcile.fluxcd.io/requestedAt=\"$(date)\" --overwrite";
    format!(
        "\nEverything keeps running until Ctrl-C. Look around:\n\
         \n  {kubectl} get fluxcd -A\
         \n  {kubectl} describe kustomization shop -n flux-system\
         \n  {kubectl} get all,configmaps -n quickstart-shop\n\
         \nand be the ninth act:\n\
         \n  git clone {} && cd fleet-infra      # change, commit, git push\
         \n  {kubectl} annotate gitrepository flux-system -n flux-system {at}   # or wait a minute\
         \n  {kubectl} get events -n flux-system --watch\n",
        world.fleet.url_to_clone()
    )
}
