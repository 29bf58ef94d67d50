//! From the flags to a server, and from a signal to a saved state.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use gitops_examples::ending::asked_to_end;
use gitops_sandbox::{Sandbox, Security, Workload};
use tempfile::TempDir;

use crate::flags::{Becoming, Flags, TOKEN};

type Failure = Box<dyn Error + Send + Sync>;

/// Serves until a signal asks for the end.
pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    // From now on, so that a signal that comes early is not lost.
    let end = tokio::spawn(asked_to_end());
    let started = Instant::now();
    let sandbox = start(flags)?;
    let address = resolve(&flags.listen).await?;
    let security = if flags.plain_http { Security::Plain } else { Security::Tls };
    let listener = sandbox.listen(address, security).await?;
    let took = started.elapsed();
    let (kubeconfig, _folder) = place(flags.kubeconfig.as_deref())?;
    write_for_owner(&kubeconfig, &listener.kubeconfig())?;

    say(&format!(
        "embedded API server, simulated workloads: ready after {} ms at {}",
        took.as_millis(),
        listener.url()
    ));
    if !listener.address().ip().is_loopback() && flags.token == TOKEN {
        say("  others reach this address, and everybody knows the token; choose one with --token");
    }
    say(&what_to_try(&kubeconfig, &listener.url(), flags));

    end.await?;
    drop(listener);
    if let Some(path) = &flags.state {
        sandbox.save(path)?;
        say(&format!("saved {} objects in {}", sandbox.object_count(), path.display()));
    }
    Ok(())
}

/// Starts the sandbox with what was saved.
fn start(flags: &Flags) -> Result<Sandbox, Failure> {
    let builder = Sandbox::builder().token(&flags.token);
    let builder = match flags.workloads {
        _ if flags.no_controllers => builder.without_controllers(),
        Becoming::Ready => builder,
        Becoming::Crash => builder.workloads(Workload::Crash),
        Becoming::None => builder.workloads(Workload::Never),
    };
    let sandbox = builder.start();
    if let Some(path) = &flags.state {
        if path
            .try_exists()
            .map_err(|error| format!("the state in {} cannot be read: {error}", path.display()))?
        {
            sandbox.load(path)?;
            say(&format!("restored {} objects from {}", sandbox.object_count(), path.display()));
        }
        // Who cannot save at the end learns it now.
        sandbox.save(path)?;
    }
    Ok(sandbox)
}

async fn resolve(listen: &str) -> Result<SocketAddr, Failure> {
    let found = tokio::net::lookup_host(listen).await;
    let mut addresses = found.map_err(|error| format!("--listen {listen} is no HOST:PORT: {error}"))?;
    Ok(addresses.next().ok_or_else(|| format!("--listen {listen}: the host has no address"))?)
}

/// Returns where the kubeconfig goes, absolute so that it can be copied; the folder, if it is our own, ends with the program.
fn place(wanted: Option<&Path>) -> Result<(PathBuf, Option<TempDir>), Failure> {
    if let Some(path) = wanted {
        return Ok((std::path::absolute(path)?, None));
    }
    let folder = tempfile::Builder::new().prefix("sandbox-").tempdir()?;
    Ok((folder.path().join("kubeconfig"), Some(folder)))
}

/// Writes a file that only its owner reads: there is a token in it.
fn write_for_owner(path: &Path, text: &str) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let open = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path);
    open.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("the kubeconfig {} cannot be written: {error}", path.display()).into())
}

/// Prints a line. Whoever read the first ones may have gone; what is to be saved at the end is saved none the less.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn what_to_try(kubeconfig: &Path, url: &str, flags: &Flags) -> String {
    let mut text = format!("\n  export KUBECONFIG={}\n", kubeconfig.display());
    text.push_str(&if flags.plain_http {
        // What client-go does; there is no flag for it.
        let header = format!("Authorization: Bearer {}", flags.token);
        format!("\n  curl -H '{header}' {url}/api/v1/namespaces\n\nkubectl sends no token over plain HTTP, and is nobody here.\n")
    } else {
        "\n  kubectl get namespaces\
         \n  kubectl create configmap colors --from-literal=sky=blue\
         \n  kubectl create deployment web --image=web --replicas=2\
         \n  kubectl rollout status deployment web\
         \n  kubectl get all\n"
            .to_owned()
    });
    text.push_str(if flags.no_controllers {
        "\nThe API server alone: nothing is collected, no namespace ends, no workload starts. Ctrl-C ends it.\n"
    } else {
        "\nNo scheduler, no kubelet: nothing really runs. Ctrl-C ends it.\n"
    });
    text
}
