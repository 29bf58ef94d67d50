//! Starts a sandbox and prints how to reach it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use gitops_sandbox::{Sandbox, Security};

/// A Kubernetes API server without Kubernetes, to try things on.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Speak HTTP without TLS.
    #[arg(long)]
    plain_http: bool,
    /// The administrator's token.
    #[arg(long, default_value = "sandbox-admin")]
    token: String,
    /// Only the API server: no garbage collection, no end of namespaces, no workloads.
    #[arg(long)]
    no_controllers: bool,
    /// Saved at the end, restored at the start.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Where to write the kubeconfig.
    #[arg(long, default_value = "sandbox.kubeconfig")]
    kubeconfig: PathBuf,
}

#[tokio::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let builder = Sandbox::builder().token(&options.token);
    let sandbox = if options.no_controllers { builder.without_controllers() } else { builder }.start();
    if let Some(path) = options.state.as_deref().filter(|path| path.exists()) {
        sandbox.load(path)?;
    }
    let security = if options.plain_http { Security::Plain } else { Security::Tls };
    let listener = sandbox.listen(options.listen, security).await?;
    std::fs::write(&options.kubeconfig, listener.kubeconfig())?;
    println!("sandbox at {}: an API server without nodes, nothing really runs", listener.url());
    println!("  export KUBECONFIG={}", options.kubeconfig.display());
    println!("  kubectl get namespaces");
    println!("  kubectl create configmap try --from-literal=color=blue");
    tokio::signal::ctrl_c().await?;
    if let Some(path) = &options.state {
        sandbox.save(path)?;
    }
    Ok(())
}
