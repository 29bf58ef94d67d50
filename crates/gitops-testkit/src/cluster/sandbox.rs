//! A cluster in this process: the sandbox behind a loopback listener with TLS, as a real API server is reached.

use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use gitops_sandbox::{Listener, Sandbox, SandboxError, Security, Workload};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::requests::RequestLog;
use crate::TestkitError;
use crate::door::{Authority, Door, User};
use crate::supervise::Folder;

/// How long somebody else may have our port while we do not listen.
const PATIENCE: Duration = Duration::from_secs(30);
const NAME: &str = "sandbox";

/// The runtime of all sandboxes of this process; it is nobody's test's, so it outlives them all.
fn runtime() -> Result<&'static Runtime, TestkitError> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if RUNTIME.get().is_none() {
        let made = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name(NAME)
            .enable_all()
            .build()
            .map_err(TestkitError::io("making a runtime for the sandbox"))?;
        // Where two make one, the first counts; the other has no task yet.
        if let Err(second) = RUNTIME.set(made) {
            second.shutdown_background();
        }
    }
    RUNTIME.get().ok_or(TestkitError::NotRunning { server: NAME })
}

#[derive(Debug)]
pub(crate) struct SandboxCluster {
    sandbox: Sandbox,
    door: Door,
    log: RequestLog,
    address: SocketAddr,
    listening: Mutex<Listening>,
    _folder: Folder,
}

#[derive(Debug)]
enum Listening {
    Yes(Listener),
    /// The address is free once the task has ended.
    Ending(JoinHandle<()>),
    No,
}

impl SandboxCluster {
    pub(super) async fn start(users: Vec<User>, controllers: bool) -> Result<Self, TestkitError> {
        let log = RequestLog::default();
        // Nothing runs unless a test plays the kubelets: as on a control plane without nodes.
        let mut builder = Sandbox::builder().workloads(Workload::Never);
        if !controllers {
            builder = builder.without_controllers();
        }
        for user in &users {
            let groups: Vec<&str> = user.groups.iter().map(String::as_str).collect();
            builder = builder.user(&user.name, &groups, &user.token);
        }
        let observed = log.clone();
        let builder = builder.observe(move |asked| observed.take_down(asked));
        let sandbox = {
            let _inside = runtime()?.enter();
            builder.start()
        };
        let listener = listen(&sandbox, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let pem = listener.ca_pem().unwrap_or_default().to_owned();
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
            TestkitError::Certificate { stage: "the certificate of the sandbox", source: Box::new(error) }
        })?;
        let authority = Authority { der: der.to_vec(), pem };
        let folder =
            Folder::create("gitops-sandbox-").map_err(TestkitError::io("making a temporary folder"))?;
        let address = listener.address();
        let door = Door::new(address.port(), authority, users, folder.path())?;
        let listening = Mutex::new(Listening::Yes(listener));
        Ok(Self { sandbox, door, log, address, listening, _folder: folder })
    }

    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    pub(super) fn log(&self) -> &RequestLog {
        &self.log
    }

    pub(super) fn is_listening(&self) -> bool {
        matches!(*self.listening.lock().unwrap_or_else(PoisonError::into_inner), Listening::Yes(_))
    }

    pub(super) fn stop_listening(&self) -> Result<(), TestkitError> {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *listening, Listening::No) {
            Listening::Yes(listener) => {
                *listening = Listening::Ending(runtime()?.spawn(listener.close()));
                Ok(())
            }
            other => {
                *listening = other;
                Err(TestkitError::NotRunning { server: NAME })
            }
        }
    }

    pub(super) async fn listen_again(&self) -> Result<(), TestkitError> {
        let before = {
            let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*listening, Listening::Yes(_)) {
                return Ok(());
            }
            std::mem::replace(&mut *listening, Listening::No)
        };
        if let Listening::Ending(task) = before {
            // It ends, or was ended with its runtime; either way nobody listens any more.
            let _ = task.await;
        }
        let deadline = Instant::now() + PATIENCE;
        let listener = loop {
            match listen(&self.sandbox, self.address).await {
                // Somebody else was given the port for a moment.
                Err(_) if Instant::now() < deadline => sleep(Duration::from_millis(100)).await,
                result => break result?,
            }
        };
        *self.listening.lock().unwrap_or_else(PoisonError::into_inner) = Listening::Yes(listener);
        Ok(())
    }
}

async fn listen(sandbox: &Sandbox, address: SocketAddr) -> Result<Listener, TestkitError> {
    let sandbox = sandbox.clone();
    let task = runtime()?.spawn(async move { sandbox.listen(address, Security::Tls).await });
    let listening = task
        .await
        .unwrap_or_else(|error| Err(SandboxError::Listen { address, source: std::io::Error::other(error) }));
    listening.map_err(|error| TestkitError::io("starting the sandbox")(std::io::Error::other(error)))
}
